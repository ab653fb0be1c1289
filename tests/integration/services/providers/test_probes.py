from notifier.domain.errors import TransientDeliveryError
from notifier.domain.messages.message import MailRequest
from notifier.domain.values import Status
from notifier.storage.database.engine import Database
from tests.integration.services.providers.test_circuits import DOWN, second_by_second
from tests.support.email_harness import Provider, build_harness, subscribe


def test_the_probe_is_the_smallest_batch_that_waits_and_now_and_then_another_one(ledger: Database) -> None:
    sizes: list[int] = []

    def down(request: MailRequest) -> TransientDeliveryError:
        sizes.append(len(request.recipients))
        return DOWN

    provider = Provider(name="sendgrid", faults=[down] * 1000)
    harness = build_harness(ledger, provider, batch_size=5)
    subscribe(harness, 22)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    opened = len(sizes)
    second_by_second(harness, 40)
    probes = sizes[opened:]
    assert len(probes) >= 15
    assert probes.count(2) >= 0.7 * len(probes)
    assert 5 in probes


def test_workers_of_two_processes_make_one_probe_every_two_seconds_together(database: Database) -> None:
    provider = Provider(name="sendgrid", down=DOWN)
    harness = build_harness(database, provider, batch_size=1)
    other = build_harness(database, provider, clock=harness.pipeline.clock, tasks=harness.pipeline.tasks)
    subscribe(harness, 10)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    before = provider.calls
    for _ in range(20):
        harness.pipeline.later(1)
        enqueued, harness.pipeline.tasks.attempts = harness.pipeline.tasks.attempts, []
        for place, (_, number) in enumerate(enqueued * 2):
            (harness, other)[place % 2].attempt.run(number)
    assert 8 <= provider.calls - before <= 11
