"""What the API and the command line need beyond subscribers: endpoints, keys, history, pages."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from notifier.bootstrap.cached_property import cached_property
from notifier.bootstrap.hooks import build_endpoint_secrets, build_engine
from notifier.bootstrap.proposals import build_proposals
from notifier.bootstrap.subscriber_container import SubscriberContainer
from notifier.bootstrap.words import build_renderer
from notifier.channels.webhook import WebhookEngine, validate_headers
from notifier.domain.incidents.incident import Event
from notifier.domain.values import Channel
from notifier.inbound.drafts import DraftReader
from notifier.inbound.events import check_known
from notifier.queueing.quota import RedisQuota
from notifier.rendering.renderer import Renderer
from notifier.services.dispatch.replay import Replay
from notifier.services.dispatch.retry import Retry
from notifier.services.drafts.manage import Drafts
from notifier.services.drafts.placeholders import Placeholders
from notifier.services.drafts.preview import DraftPreview
from notifier.services.drafts.publish import PublishDraft
from notifier.services.drafts.reach import DraftReach
from notifier.services.drafts.templates import Templates
from notifier.services.endpoints.manage import Endpoints
from notifier.services.endpoints.request_log import HookRequests
from notifier.services.endpoints.secrets import EndpointSecrets
from notifier.services.endpoints.send_test import EndpointTests
from notifier.services.events.approvals import Release
from notifier.services.events.ingest import Receipt
from notifier.services.inspection.closure import Closure
from notifier.services.inspection.explain import Explain
from notifier.services.inspection.history import History
from notifier.services.inspection.progress import Progress
from notifier.services.operations.metrics_snapshot import TakeMetricsSnapshot
from notifier.services.ports import StoreCheck
from notifier.services.preview.render import Preview
from notifier.services.security.api_keys import ApiKeys
from notifier.services.security.audit import SYSTEM, Actor
from notifier.services.security.console_sessions import ConsoleSessions
from notifier.services.security.key_throttle import KeyThrottle
from notifier.services.security.signed_tokens import Tokens
from notifier.services.social.posts import PostManager
from notifier.services.subscribers.data_export import DataExport
from notifier.services.subscribers.opt_out import Lifecycle
from notifier.services.subscribers.public_sign_up import PublicSignUp
from notifier.services.subscribers.self_service import SelfService
from notifier.services.subscribers.sign_up import SignUps
from notifier.services.subscribers.sign_up_limit import SignUpLimit
from notifier.services.upstreams.watch import page_name
from notifier.storage.notifications import removed_components
from notifier.storage.schema.readiness import DatabaseCheck


class ApiContainer(SubscriberContainer):
    """One installation, for the API and the command line."""

    @cached_property
    def history(self) -> History:
        """History of incidents, notifications and deliveries."""
        return History(self.database, HookRequests(self.renderer), self.settings.maintenance)

    @cached_property
    def metrics_snapshot(self) -> TakeMetricsSnapshot:
        """Metrics and console figures from the database and the broker."""
        pages = [page_name(rules) for rules in self.settings.upstreams()]
        return TakeMetricsSnapshot(self.database, self.clock, self.producer, self.providers, pages)

    @cached_property
    def explain(self) -> Explain:
        """Explains why a recipient was, or was not, notified."""
        return Explain(self.database, self.clock, self.addresses, self.settings.brand().timezone)

    @cached_property
    def closure(self) -> Closure:
        """Checks whether everyone notified of a start was notified of the end."""
        return Closure(self.database)

    @cached_property
    def replay(self) -> Replay:
        """Resends deliveries."""
        return Replay(self.database, self.clock, self.regroup, self.settings.guard_policy())

    @cached_property
    def retry(self) -> Retry:
        """Retries waiting deliveries now."""
        return Retry(self.database, self.clock, self.regroup, self.circuits, self.provider_names, self._doubts)

    def _doubts(self) -> frozenset[Channel]:
        """Channels that retry an unknown outcome: receivers deduplicate, or no report will come."""
        mail = () if self.settings.mail_evidence() else (Channel.EMAIL,)
        return frozenset({Channel.WEBHOOK, Channel.SOCIAL, *mail})

    @cached_property
    def progress(self) -> Progress:
        """Progress of an incident's notifications."""
        return Progress(self.database, self.providers, self.guard)

    @cached_property
    def posts(self) -> PostManager:
        """Lists, edits and withdraws social posts."""
        from notifier.bootstrap.posts import build_post_manager  # noqa: PLC0415 - loads what posts need

        return build_post_manager(self)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """API keys."""
        return ApiKeys(self.database, self.clock, self.settings.admin_token().get_secret_value())

    @cached_property
    def tokens(self) -> Tokens:
        """Signed links."""
        return Tokens(self.secret_keys, self.clock)

    @cached_property
    def renderer(self) -> Renderer:
        """Renders every message."""
        return build_renderer(self)

    @cached_property
    def lifecycle(self) -> Lifecycle:
        """Actions of subscribers by the links in their mails."""
        return Lifecycle(self.database, self.clock, self.addresses)

    @cached_property
    def sign_ups(self) -> SignUps:
        """Sign-ups and address changes that await confirmation."""
        return SignUps(self.database, self.clock, self.vocabulary, self.addresses, self.tokens, self.producer)

    @cached_property
    def self_service(self) -> SelfService:
        """Changes that subscribers make to themselves by the link in their mails."""
        return SelfService(self.database, self.subscribers, self.tokens, self.clock)

    @cached_property
    def data_export(self) -> DataExport:
        """A subscriber's copy of their stored data."""
        return DataExport(self.database, self.clock)

    @cached_property
    def public_sign_up(self) -> PublicSignUp:
        """Public sign-up."""
        ceiling = SignUpLimit(self.database, self.clock, self.quota, self.settings.limits.sign_ups_per_hour)
        return PublicSignUp(self.sign_ups, self.quota, ceiling)

    @cached_property
    def quota(self) -> RedisQuota:
        """Shared limits of how often something may be done."""
        namespace = hashlib.sha256(b"quota" + self.addresses.load()).hexdigest()[:16]
        found = RedisQuota(self.settings.queue_addresses().redis, namespace)
        self._opened.callback(found.close)
        return found

    @cached_property
    def key_throttle(self) -> KeyThrottle:
        """Pauses networks that present wrong keys."""
        return KeyThrottle(self.quota, self.clock)

    @cached_property
    def console_sessions(self) -> ConsoleSessions:
        """Sessions of the console."""
        return ConsoleSessions(self.database, self.api_keys, self.key_throttle, self.metrics_buffer, self.clock)

    @cached_property
    def endpoint_secrets(self) -> EndpointSecrets:
        """Decrypts endpoints' stored secrets."""
        return build_endpoint_secrets(self)

    @cached_property
    def endpoints(self) -> Endpoints:
        """Partners' webhook endpoints."""
        return Endpoints(
            self.database,
            self.clock,
            self.vocabulary,
            self.endpoint_secrets,
            vet=self.engine.check_url,
            check_headers=validate_headers,
            verify_first=self.settings.webhooks.verify,
            overlap=timedelta(seconds=self.settings.webhooks.rotation_overlap),
        )

    @cached_property
    def endpoint_tests(self) -> EndpointTests:
        """Tests of endpoints on request."""
        return EndpointTests(self.endpoints, self.renderer, self.engine, self.clock)

    @cached_property
    def engine(self) -> WebhookEngine:
        """The webhook engine, for tests of endpoints; opens nothing before first use."""
        found = build_engine(self)
        self._opened.callback(found.close)
        return found

    @cached_property
    def release(self) -> Release:
        """Releases or cancels held notifications."""
        return Release(self.database, self.policies, self.clock, self.tasks, self.translations)

    @cached_property
    def draft_reader(self) -> DraftReader:
        """Reads the parts of drafts."""
        return DraftReader(self, self.vocabulary.default_locale)

    @cached_property
    def templates(self) -> Templates:
        """Incident templates."""
        placeholders = Placeholders(self.settings.brand(), self.settings.components())
        return Templates(self.database, self.clock, self.settings.templates(), placeholders)

    @cached_property
    def drafts(self) -> Drafts:
        """Drafts."""
        return Drafts(self.database, self.clock, self.draft_reader, self.templates)

    @cached_property
    def publish_draft(self) -> PublishDraft:
        """Publishes drafts."""
        return PublishDraft(self.database, self.clock, self.draft_reader, self.ingest, build_proposals(self))

    @cached_property
    def draft_reach(self) -> DraftReach:
        """Counts whom a draft would reach."""
        return DraftReach(self.database, self.clock)

    @cached_property
    def draft_preview(self) -> DraftPreview:
        """Renders drafts."""
        brand = self.settings.brand()
        preview = Preview(self.renderer, brand, self.settings.deployment.public_url)
        return DraftPreview(self.database, self.clock, self.draft_reader, preview, brand.locales)

    def check(self, event: Event) -> None:
        """Refuse an event with components or locales that this installation does not have.

        A running incident may keep a component removed from the configuration; otherwise recipients
        notified of its start would not be notified of its end.

        Raises:
            InvalidInputError: Names every unknown component and locale.
            UnavailableError: The database does not answer.
        """
        known = self.component_keys
        if known and not event.incident.component_keys <= known:
            with self.database.read() as connection:
                known |= removed_components.named_by(connection, event.incident.id)
        check_known(event, known, self.locales)

    def publish(self, event: Event, actor: Actor = SYSTEM, *, guarded: bool = False) -> Receipt:
        """Check and ingest one event; `guarded`: the caller lacks the scope announce.

        Raises:
            InvalidInputError: Names every unknown component and locale.
            OutdatedError: The incident has an update later than the event's `after`; nothing was
                stored.
            UnavailableError: The database does not answer; nothing was stored.
        """
        self.check(event)
        return self.ingest.take(actor.signed(replace(event, guarded=guarded)))

    @cached_property
    def stores(self) -> Mapping[str, StoreCheck]:
        """The readiness checks, by store."""
        return {"database": DatabaseCheck(self.database, self.schema_fitness, self.clock), "broker": self.producer}
