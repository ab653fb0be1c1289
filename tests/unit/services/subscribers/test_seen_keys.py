import random

from notifier.services.subscribers.seen_keys import SeenKeys


def test_a_name_is_known_from_its_second_time_on_however_many_there_are() -> None:
    seen = SeenKeys()
    names = [f"shop-{number}" for number in range(50_000)]
    assert not any(seen.add(name) for name in names)
    random.Random(1).shuffle(names)
    assert all(seen.add(name) for name in names)
    assert len(seen) == 50_000


def test_it_agrees_with_a_set() -> None:
    generator = random.Random(2)
    seen, known = SeenKeys(), set[str]()
    for _ in range(20_000):
        name = str(generator.randrange(9_000))
        assert seen.add(name) == (name in known)
        known.add(name)
    assert len(seen) == len(known)
