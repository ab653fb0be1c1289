from notifier.domain.errors import TransientDeliveryError
from notifier.domain.messages.message import MailRequest
from notifier.domain.values import Status
from notifier.storage.database.engine import Database
from tests.integration.services.providers.test_circuits import DOWN, second_by_second
from tests.support.email_harness import Provider, a_house, subscribe


def test_the_probe_is_the_smallest_batch_that_waits_and_now_and_then_another_one(ledger: Database) -> None:
    sizes: list[int] = []

    def down(request: MailRequest) -> TransientDeliveryError:
        sizes.append(len(request.recipients))
        return DOWN

    provider = Provider(name="sendgrid", faults=[down] * 1000)
    house = a_house(ledger, provider, batch_size=5)
    subscribe(house, 22)
    house.pipeline.post(Status.INVESTIGATING)
    house.work()
    opened = len(sizes)
    second_by_second(house, 40)
    probes = sizes[opened:]
    assert len(probes) >= 15
    assert probes.count(2) >= 0.7 * len(probes)
    assert 5 in probes


def test_workers_of_two_processes_make_one_probe_every_two_seconds_together(database: Database) -> None:
    provider = Provider(name="sendgrid", down=DOWN)
    house = a_house(database, provider, batch_size=1)
    other = a_house(database, provider, clock=house.pipeline.clock, nudges=house.pipeline.nudges)
    subscribe(house, 10)
    house.pipeline.post(Status.INVESTIGATING)
    house.work()
    before = provider.calls
    for _ in range(20):
        house.pipeline.later(1)
        nudged, house.pipeline.nudges.attempts = house.pipeline.nudges.attempts, []
        for place, (_, number) in enumerate(nudged * 2):
            (house, other)[place % 2].attempt.run(number)
    assert 8 <= provider.calls - before <= 11
