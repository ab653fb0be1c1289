"""The sweep and its chores: what the scheduler does once a second."""

from zoneinfo import ZoneInfo

from notifier.bootstrap.container import Container
from notifier.inbound.sources.alert_texts import neutral_texts
from notifier.services.drafts.watch import WatchDrafts
from notifier.services.endpoints.watch import WatchEndpoints, write_mail
from notifier.services.events.auto_resolve import AutoResolve
from notifier.services.isolation import Revive
from notifier.services.mail.transactional_sweep import SweepTransactionalMail
from notifier.services.operations.broker_watch import WatchBroker
from notifier.services.operations.clock_jump import ClockJumpDetector
from notifier.services.operations.sweep import Sweep
from notifier.services.planned_work.run import RunPlannedWork
from notifier.services.planned_work.series import Series
from notifier.services.providers.probes import CallProbes
from notifier.services.security.secret_keys import ResealSecrets
from notifier.services.subscribers.expire_sign_ups import ExpireSignUps
from notifier.services.subscribers.sign_up_limit import ClearSignUpAlert
from notifier.services.team.failing_providers import RemindOfFailingProviders


def build_sweep(container: Container) -> Sweep:
    """Build the sweep with every chore; opens nothing."""
    texts, alone = neutral_texts(container.settings.brand().locales), container.isolation
    auto_resolve = AutoResolve(container.database, container.clock, container.ingest, texts, isolate=alone)
    mail_sweep = SweepTransactionalMail(container.database, container.clock, container.tasks, container.producer)
    expired_sign_ups = ExpireSignUps(container.database, container.clock, container.addresses, alone)
    watch = WatchEndpoints(
        container.database, container.clock, write_mail, container.producer, container.health_policy, isolate=alone
    )
    probes = CallProbes(container.database, container.circuits, container.provider_names)
    reseal = ResealSecrets(container.key_ring, container.clock)
    broker = WatchBroker(container.database, container.clock, container.producer)
    sign_ups = ClearSignUpAlert(container.database, container.clock)
    revive = Revive(container.database, container.clock)
    failing = RemindOfFailingProviders(
        container.database, container.clock, container.providers, container.team, container.settings.url("/console")
    )
    waiting = WatchDrafts(
        container.database,
        container.clock,
        container.settings.draft_rules(),
        container.team,
        container.settings.url("/console"),
        container.settings.brand().default_locale,
        isolate=alone,
    )
    chores = (
        revive,
        probes,
        auto_resolve,
        mail_sweep,
        expired_sign_ups,
        watch,
        broker,
        sign_ups,
        failing,
        waiting,
        _planned_work(container),
        reseal,
        container.prune,
    )
    return Sweep(
        container.database,
        container.clock,
        container.tasks,
        container.announce,
        container.regroup,
        chores=chores,
        clock_jumps=ClockJumpDetector(container.clock, container.settings.lease),
        dead_workers=container.dead_workers,
        metrics_sink=container.metrics_buffer,
        mail_waits=container.mail_waits,
        isolate=alone,
    )


def _planned_work(container: Container) -> RunPlannedWork:
    brand = container.settings.brand()
    series = Series(container.database, container.ingest, ZoneInfo(brand.timezone), brand.locales)
    return RunPlannedWork(
        container.database,
        container.clock,
        container.ingest,
        container.team,
        series,
        container.settings.maintenance,
        brand,
        container.settings.url("console"),
        container.isolation,
    )
