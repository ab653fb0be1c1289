import asyncio
import time
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from notifier.channels.webhook.egress.resolver import Lookup, Resolver, SystemLookup
from notifier.channels.webhook.egress.url_policy import TargetPolicy, VettedUrl, vet_url
from notifier.domain.errors import TransientDeliveryError
from notifier.domain.values import Reason


def a_url(host: str = "partner.example") -> VettedUrl:
    return vet_url(f"https://{host}/hook", TargetPolicy())


class FakeDns:
    """Answers by name; counts the questions; `hang` makes it silent."""

    def __init__(self, **answers: Sequence[str]) -> None:
        self.answers = {name.replace("_", "."): answer for name, answer in answers.items()}
        self.asked: list[str] = []
        self.hang = asyncio.Event()
        self.hang.set()

    async def __call__(self, name: str, port: int) -> Sequence[str]:
        self.asked.append(name)
        await self.hang.wait()
        if name not in self.answers:
            raise OSError(-2, "Name or service not known")
        return self.answers[name]


def a_resolver(
    lookup: Lookup, clock: SimpleNamespace | None = None, *, timeout: float = 5, names: int = 100
) -> Resolver:
    now = clock or SimpleNamespace(now=0.0)
    return Resolver(lookup, timeout=timeout, ttl=30, failure_ttl=2, names=names, clock=lambda: float(now.now))


def test_an_address_needs_no_look_up() -> None:
    async def scenario() -> None:
        dns = FakeDns()
        resolver = a_resolver(dns)
        assert await resolver.addresses(a_url("8.8.8.8")) == ("8.8.8.8",)
        assert await resolver.addresses(a_url("[2606:4700::1]")) == ("2606:4700::1",)
        assert dns.asked == []

    asyncio.run(scenario())


def test_an_answer_is_kept_for_its_time_and_then_asked_for_again() -> None:
    async def scenario() -> None:
        dns, clock = FakeDns(partner_example=["8.8.8.8"]), SimpleNamespace(now=0.0)
        resolver = a_resolver(dns, clock)
        assert await resolver.addresses(a_url()) == ("8.8.8.8",)
        dns.answers["partner.example"] = ["9.9.9.9"]
        clock.now = 29.0
        assert await resolver.addresses(a_url()) == ("8.8.8.8",)
        clock.now = 30.0
        assert await resolver.addresses(a_url()) == ("9.9.9.9",)
        assert len(dns.asked) == 2

    asyncio.run(scenario())


def test_a_failure_is_kept_for_a_shorter_time() -> None:
    async def scenario() -> None:
        dns, clock = FakeDns(), SimpleNamespace(now=0.0)
        resolver = a_resolver(dns, clock)
        for now, asked in ((0.0, 1), (1.9, 1), (2.0, 2)):
            clock.now = now
            with pytest.raises(TransientDeliveryError) as caught:
                await resolver.addresses(a_url())
            assert caught.value.reason is Reason.UNREACHABLE
            assert len(dns.asked) == asked

    asyncio.run(scenario())


def test_attempts_at_the_same_moment_share_one_look_up() -> None:
    async def scenario() -> None:
        dns = FakeDns(partner_example=["8.8.8.8"])
        dns.hang.clear()
        resolver = a_resolver(dns)
        waiting = [asyncio.create_task(resolver.addresses(a_url())) for _ in range(20)]
        await asyncio.sleep(0.01)
        dns.hang.set()
        assert set(await asyncio.gather(*waiting)) == {("8.8.8.8",)}
        assert dns.asked == ["partner.example"]

    asyncio.run(scenario())


def test_a_silent_name_server_costs_no_more_than_the_time_out() -> None:
    async def scenario() -> None:
        dns = FakeDns(partner_example=["8.8.8.8"])
        dns.hang.clear()
        resolver = a_resolver(dns, timeout=0.05)
        with pytest.raises(TransientDeliveryError) as caught:
            await resolver.addresses(a_url())
        assert caught.value.reason is Reason.TIMED_OUT
        dns.hang.set()  # the answer comes after all and serves the next attempt
        assert await resolver.addresses(a_url()) == ("8.8.8.8",)
        assert len(dns.asked) == 1

    asyncio.run(scenario())


def test_a_zone_whose_server_hangs_does_not_hold_up_the_others() -> None:
    async def scenario() -> None:
        silent, loud = FakeDns(), FakeDns(good_example=["8.8.8.8"])
        silent.hang.clear()
        places = asyncio.Semaphore(32)  # as many as the system look-up has threads

        async def lookup(name: str, port: int) -> Sequence[str]:
            async with places:
                return await (silent if name.endswith("evil.co.uk") else loud)(name, port)

        resolver = a_resolver(lookup, timeout=0.2)
        evil = [asyncio.create_task(resolver.addresses(a_url(f"n{number}.evil.co.uk"))) for number in range(100)]
        await asyncio.sleep(0)
        assert await resolver.addresses(a_url("good.example")) == ("8.8.8.8",)
        outcomes = await asyncio.gather(*evil, return_exceptions=True)
        assert all(isinstance(outcome, TransientDeliveryError) for outcome in outcomes)
        silent.hang.set()
        await asyncio.sleep(0.05)

    asyncio.run(scenario())


def test_the_memory_for_names_is_bounded() -> None:
    async def scenario() -> None:
        dns = FakeDns(**{f"n{number}_example": ["8.8.8.8"] for number in range(5)})
        resolver = a_resolver(dns, names=2)
        for number in (0, 1, 2, 3, 4, 4, 0):
            await resolver.addresses(a_url(f"n{number}.example"))
        assert dns.asked == [f"n{number}.example" for number in (0, 1, 2, 3, 4, 0)]

    asyncio.run(scenario())


def test_the_system_look_up_answers_and_fails_as_the_system_does() -> None:
    async def scenario() -> None:
        lookup = SystemLookup(threads=2)
        answers = await asyncio.gather(*[lookup("localhost", 80) for _ in range(10)])
        assert all("127.0.0.1" in answer or "::1" in answer for answer in answers)
        with pytest.raises(OSError, match=r".+"):
            await lookup("a" * 70 + ".invalid", 80)

    asyncio.run(scenario())


def test_a_look_up_that_outlives_its_loop_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = []

    def slow_getaddrinfo(*args: object, **kwargs: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        time.sleep(0.2)
        answered.append(args)
        return []

    monkeypatch.setattr("socket.getaddrinfo", slow_getaddrinfo)
    lookup = SystemLookup(threads=1)

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lookup("partner.example", 80), 0.01)

    for questions in (1, 2):  # the thread lives on and takes the next one
        asyncio.run(scenario())
        deadline = time.monotonic() + 60
        while len(answered) < questions and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(answered) == questions
