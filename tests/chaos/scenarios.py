"""The scenarios, one function each. Each returns how many duplicates it may cost, and why."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from notifier.domain.errors import NotifierError
from notifier.supervise.installation import SystemFailedError
from tests.chaos.crowd import crowd
from tests.chaos.story import Story
from tests.chaos.world import BATCH, LEASE_SECONDS, World


@dataclass(frozen=True, slots=True)
class Bound:
    """What a scenario may cost, with nothing lost: duplicates where a provider cannot deduplicate.

    `last`: seconds from the fault (or its end) to the last recipient, if timed; `within`: the
    limit.
    """

    duplicates: int = 0
    why: str = ""
    last: float | None = None
    within: float = float("inf")


class BrokenError(NotifierError):
    """The installation did something wrong that needs no counting."""


Do = Callable[[World, Story], Bound]
NOTHING = Bound()
# Seconds to the last recipient, for 1,000 mails in 20 requests of 0.12 s each, in series.
KILLED_WITHIN, PAUSED_WITHIN, CROWDED_WITHIN = 10.0, 15.0, 10.0
TAKEN_WITHIN = 2.0  # publishing an event, then a probe, each on its own connection
# The provider's outage: duration, time after it to the last recipient, requests during it.
DOWN_SECONDS, BACK_WITHIN, MOST_ASKED = 45.0, 15.0, 60


def unordered_and_twice(world: World, story: Story) -> Bound:
    """Eight producers publish twelve updates in any order, each three times; one resolves."""
    del world
    orders = [number for number in range(1, 13) for _ in range(3)]
    random.Random(20220621).shuffle(orders)
    _at_once(story.publish_update, orders, producers=8)
    story.publish_update(13, "resolved")
    return NOTHING


def _at_once(publish_update: Callable[[int], None], numbers: Sequence[int], *, producers: int) -> None:
    """Publish updates from several threads at once."""
    left: Iterator[int] = iter(numbers)
    lock = threading.Lock()
    failed: list[NotifierError] = []

    def work() -> None:
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            try:
                publish_update(number)
            except NotifierError as error:
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(producers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def workers_killed(world: World, story: Story) -> Bound:
    """Kill the mail worker (`kill -9`) during a fan-out, then all other workers during the next."""
    before, arrived = world.mails(), world.arrived()
    story.publish_update(1)
    story.mid(before)
    world.machine.kill("worker", "email")
    last = story.wait_for_everyone(arrived)
    before = world.mails()
    story.publish_update(2)
    story.mid(before, 0.1)
    for queue in ("control", "webhook", "social", "retry,bulk"):
        world.machine.kill("worker", queue)
    story.publish_update(3, "resolved")
    return Bound(BATCH, "one batch in hand of the killed mail worker", last, KILLED_WITHIN)


def worker_paused(world: World, story: Story) -> Bound:
    """Suspend the mail worker in a fan-out until others have notified everyone; resume it."""
    second = world.second("beside")
    before, arrived = world.mails(), world.arrived()
    story.publish_update(1)
    story.mid(before)
    world.machine.pause("worker", "email")
    try:
        last = story.wait_for_everyone(arrived)
        story.settle()  # its batch was taken over, whether or not its request was sent
    finally:
        world.machine.resume("worker", "email")
    story.publish_update(2)
    _drained(second.drain())
    story.publish_update(3, "resolved")
    return Bound(BATCH, "one batch in hand of the suspended mail worker", last, PAUSED_WITHIN)


def api_and_scheduler_killed(world: World, story: Story) -> Bound:
    """Kill API and scheduler three times, once they are back, while four producers publish."""
    ended = threading.Event()

    def kill() -> None:
        for _ in range(3):
            while not world.is_ready() and not ended.is_set():
                ended.wait(0.1)
            world.machine.kill("api")
            world.machine.kill("scheduler")

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        _at_once(story.publish_update, range(1, 25), producers=4)
    finally:
        ended.set()
        killer.join()
    story.publish_update(25, "resolved")
    return NOTHING


def redis_emptied(world: World, story: Story) -> Bound:
    """Kill Redis with a fan-out in its queues; it stays down for updates, comes back empty."""
    before = world.mails()
    story.publish_update(1)
    story.mid(before, 0.2)
    world.redis.kill()
    story.publish_update(2)
    if story.refusals:
        raise BrokenError(f"an event was refused while Redis was away: {dict(story.refusals)}")
    time.sleep(1.0)  # part of the fault: how long it is down
    world.redis.start_empty()
    story.publish_update(3, "resolved")
    return NOTHING


def redis_paused(world: World, story: Story) -> Bound:
    """Redis accepts connections and answers nothing for three seconds."""
    before = world.mails()
    story.publish_update(1)
    story.mid(before, 0.2)
    world.redis.pause()
    try:
        story.publish_update(2)
        time.sleep(3.0)  # part of the fault
    finally:
        world.redis.resume()
    story.publish_update(3, "resolved")
    return NOTHING


def database_away(world: World, story: Story) -> Bound:
    """PostgreSQL crashes and restarts after two seconds; a SQLite file is locked for as long."""
    before = world.mails()
    story.publish_update(1)
    story.mid(before, 0.2)
    with world.database.outage(2.0):
        story.publish_update(2)
    story.publish_update(3, "resolved")
    # The journal covers an outage longer than workers wait: outcomes are then stored later.
    return NOTHING


def disk_full(world: World, story: Story) -> Bound:
    """No database file can grow for three seconds, during a fan-out."""
    before = world.mails()
    story.publish_update(1)
    story.mid(before, 0.2)
    pids = world.machine.pids()
    world.database.fill_disk(pids)
    refused = False
    try:
        deadline = time.monotonic() + 3.0
        while time.monotonic() < deadline:
            try:
                world.call("POST", "/v1/events", story.event(99))
            except SystemFailedError as error:
                refused = True
                if ": 503 " not in str(error):
                    raise BrokenError(f"with its disk full the API says {error}") from error
            else:
                raise BrokenError("an event was acknowledged that nobody could store")
            time.sleep(0.3)
    finally:
        world.database.free_disk(pids)
    if not refused:
        raise BrokenError("the full disk was not noticed")
    story.publish_update(2, "resolved")
    return Bound(BATCH, "one batch whose answer could not be written down")


def provider_storm(world: World, story: Story) -> Bound:
    """Mail answers 429 and 503 in turn, social 503, every endpoint 500; then all recover."""
    world.ask("DELETE", "/faults")
    world.fault("sendgrid", "status", status=429, every=2, headers={"retry-after": "1"})
    world.fault("sendgrid", "status", status=503)
    world.fault("mastodon", "status", status=503)
    world.fault("hooks", "status", status=500, count=world.size.endpoints)
    story.publish_update(1)
    time.sleep(4.0)  # part of the fault: how long it lasts
    world.fix_providers()
    story.publish_update(2, "resolved")
    return NOTHING


def provider_down_and_back(world: World, story: Story) -> Bound:
    """Mail answers 503 for 45 seconds while a fan-out waits, then recovers."""
    world.ask("DELETE", "/faults")
    world.fault("sendgrid", "status", status=503)
    wanted = world.mails() + world.size.subscribers
    story.publish_update(1)
    time.sleep(DOWN_SECONDS)  # part of the fault: how long it lasts
    asked = world.hits("sendgrid")
    world.ask("DELETE", "/faults")
    back = time.monotonic()
    world.until(lambda: world.mails() >= wanted, "everybody has their mail", 4 * BACK_WITHIN)
    last = time.monotonic() - back
    if asked >= MOST_ASKED:
        raise BrokenError(f"{asked} requests were made while the provider was down")
    story.publish_update(2, "resolved")
    return Bound(last=last, within=BACK_WITHIN)


def hangs_and_dropped_answers(world: World, story: Story) -> Bound:
    """One mail request hangs; a mail, half of the webhooks and a post lose their answers."""
    world.ask("DELETE", "/faults")
    world.fault("sendgrid", "delay", delay=LEASE_SECONDS * 2, count=1)
    world.fault("sendgrid", "drop_after_accept", count=1)
    world.fault("hooks", "drop_after_accept", every=2, count=world.size.endpoints // 2)
    world.fault("mastodon", "drop_after_accept", count=1, match={"method": "POST"})
    story.publish_update(1)
    story.settle()
    world.fix_providers()
    story.publish_update(2, "resolved")
    return Bound(2 * BATCH, "the batch that hung, and the batch whose answer was dropped")


def clock_jumps(world: World, story: Story) -> Bound:
    """The clock jumps two minutes forward during a fan-out, and back during the next."""
    before = world.mails()
    story.publish_update(1)
    story.mid(before)
    world.set_clock(120)
    before = world.mails()
    story.publish_update(2, "resolved")
    story.mid(before, 0.1)
    world.set_clock(0)
    return NOTHING


def deployed_in_mid_fan_out(world: World, story: Story) -> Bound:
    """Start a second set of processes; drain the first by SIGTERM, replace it; then the second."""
    second = world.second("deployed")
    before = world.mails()
    story.publish_update(1)
    story.mid(before)
    _drained(world.machine.drain())
    world.up()
    before = world.mails()
    story.publish_update(2)
    story.mid(before)
    _drained(second.drain())
    story.publish_update(3, "resolved")
    return NOTHING


def _drained(codes: Sequence[int]) -> None:
    if any(codes):
        raise BrokenError(f"drained processes ended with {codes}, not with 0")


def machine_lost(world: World, story: Story) -> Bound:
    """Two machines share the work; one loses power in the middle."""
    second = world.second("lost")
    before = world.mails()
    story.publish_update(1)
    story.mid(before)
    second.kill()
    second.gone(5)
    story.publish_update(2, "resolved")
    return Bound(BATCH, "one batch in hand of the lost machine's mail worker")


def crowd_of_readers(world: World, story: Story) -> Bound:
    """1,100 readers and 1,100 silent sockets stay connected while events and probes arrive."""
    with crowd(world.port):
        arrived = world.arrived()
        slowest = _taken(world, story, 1)
        last = story.wait_for_everyone(arrived)
        slowest = max(slowest, *(_taken(world, story, number) for number in (2, 3)))
        if story.refusals:
            raise BrokenError(f"an event was refused for the sake of readers: {dict(story.refusals)}")
        if slowest > TAKEN_WITHIN:
            raise BrokenError(f"an event and a probe took {slowest:.1f} s beside the crowd")
    story.publish_update(4, "resolved")
    return Bound(last=last, within=CROWDED_WITHIN)


def _taken(world: World, story: Story, number: int) -> float:
    """Publish an update and probe; returns the seconds both took."""
    began = time.monotonic()
    story.publish_update(number)
    if not world.is_ready():
        raise BrokenError("a probe was not answered beside the crowd")
    return time.monotonic() - began


SCENARIOS: tuple[Do, ...] = (
    unordered_and_twice,
    workers_killed,
    worker_paused,
    api_and_scheduler_killed,
    redis_emptied,
    redis_paused,
    database_away,
    disk_full,
    provider_storm,
    provider_down_and_back,
    hangs_and_dropped_answers,
    clock_jumps,
    deployed_in_mid_fan_out,
    machine_lost,
    crowd_of_readers,
)
SHORT: tuple[Do, ...] = (workers_killed, redis_emptied)
# Scenarios with a larger audience: subscribers notified by mail.
AUDIENCES: Mapping[Do, int] = {provider_down_and_back: 5_000}
