"""Manage webhook endpoints: add, show, change, test, rotate, enable, remove. Shows secrets once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from notifier.domain.errors import FieldError, InvalidInputError, NotFoundError
from notifier.domain.ids import new_ulid
from notifier.domain.recipients.changes import EndpointChanges, changed_endpoint
from notifier.domain.recipients.endpoint import Endpoint, EndpointMode, EndpointState, SignatureKind, StoredEndpoint
from notifier.domain.recipients.subscriber import Vocabulary
from notifier.domain.values import WebhookFormat
from notifier.services.endpoints.secrets import DEFAULT_OVERLAP, EndpointSecrets, fresh, public_key, secret_alert_key
from notifier.services.endpoints.serialize import endpoint_to_json
from notifier.services.ports import Clock
from notifier.services.security.audit import CHANGED, Actor, Subject, difference, record
from notifier.storage.database import Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import endpoint_backlog
from notifier.storage.operations import alerts
from notifier.storage.recipients import endpoints
from notifier.storage.recipients.endpoint_health import CLEAN

Json = dict[str, Any]
KIND = "endpoint"
MASKED = "********"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointTarget:
    """What a test post needs, whatever the endpoint's state."""

    id: int
    public_id: str
    url: str
    format: WebhookFormat
    secrets: Sequence[str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Endpoints:
    """Operations on endpoints for the API, the command line and the console.

    `vet` rejects forbidden URLs and `check_headers` forbidden headers, with InvalidInputError. With
    `verify_first`, an endpoint is `pending` until a test succeeds.
    """

    database: Database
    clock: Clock
    vocabulary: Vocabulary
    secrets: EndpointSecrets
    vet: Callable[[str], object]
    check_headers: Callable[[Mapping[str, str]], Mapping[str, str]]
    verify_first: bool = False
    overlap: timedelta = DEFAULT_OVERLAP

    def create(self, endpoint: Endpoint, actor: Actor) -> Json:
        """Store a new endpoint; returns it with its `secret`, shown only now.

        Raises:
            InvalidInputError: lists every invalid field.
        """
        if self.verify_first and endpoint.state is EndpointState.ACTIVE:
            endpoint = replace(endpoint, state=EndpointState.PENDING)
        self._judge(endpoint.url, endpoint.headers)
        now, made = self.clock(), fresh(endpoint.signature)
        public_id = f"end_{new_ulid(now)}"
        kept = replace(endpoint, headers=self.secrets.seal_headers(endpoint.headers))
        with self.database.write() as connection:
            column = self.secrets.first(made.secret, made.public)
            endpoints.add(connection, kept, public_id=public_id, secrets=column, now=now)
            record(connection, actor, "endpoint.created", _subject(public_id), at=now, detail=_audited(endpoint))
            return _view(_existing(connection, public_id)) | {"secret": made.shown}

    def get(self, public_id: str) -> Json:
        """Return one endpoint, without its secret.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        with self.database.read() as connection:
            return _view(_existing(connection, public_id))

    def list(self, *, limit: int, after: int = 0, state: EndpointState | None = None) -> tuple[list[Json], int | None]:
        """Return a page of endpoints, oldest first, and the next `after`, None at the end."""
        with self.database.read() as connection:
            found = endpoints.page(connection, after=after, limit=limit + 1, state=state)
        shown = found[:limit]
        return [_view(item) for item in shown], shown[-1].id if len(found) > limit else None

    def patch(self, public_id: str, changes: EndpointChanges, actor: Actor) -> Json:
        """Change the given fields. `state: active` is `enable`.

        Raises:
            NotFoundError: there is no such endpoint.
            InvalidInputError: lists every invalid field.
            ConflictError: no listed key decrypts its secret, or a header that is to be kept.
        """
        now = self.clock()
        with self.database.write() as connection:
            stored = _existing(connection, public_id, lock=True)
            self.secrets.signing(stored.secrets, now)
            headers = self.secrets.kept_headers(stored.endpoint.headers, changes.get("headers", {}))
            before = replace(stored.endpoint, headers=headers)
            after = self._changed(before, changes)
            moved = after.url != before.url
            if moved and self.verify_first and after.state is EndpointState.ACTIVE:
                after = replace(after, state=EndpointState.PENDING)
            kept = replace(after, headers=self.secrets.seal_headers(after.headers))
            values = endpoints.to_row(connection, kept) | _state_columns(before, after, now, moved=moved)
            endpoints.change(connection, stored.id, values, now)
            if after.state is EndpointState.ACTIVE:
                _catch_up(connection, stored, now)
            detail = _changes(before, after)
            if detail:
                record(connection, actor, "endpoint.changed", _subject(public_id), at=now, detail=detail)
            return _view(_existing(connection, public_id))

    def _changed(self, before: Endpoint, changes: EndpointChanges) -> Endpoint:
        """Return the endpoint after validated changes."""
        after = changed_endpoint(before, changes, self.vocabulary)
        self._judge(
            None if after.url == before.url else after.url,
            None if after.headers == before.headers else after.headers,
        )
        return after

    def _judge(self, url: str | None, headers: Mapping[str, str] | None) -> None:
        """Run both checks before rejecting, so that all errors are reported."""
        faults: list[FieldError] = []
        try:
            if url is not None:
                self.vet(url)
        except InvalidInputError as error:
            faults += error.errors
        try:
            if headers is not None:
                self.check_headers(headers)
        except InvalidInputError as error:
            faults += error.errors
        if faults:
            raise InvalidInputError(faults)

    def rotate(self, public_id: str, actor: Actor, *, overlap: timedelta | None = None) -> Json:
        """Give an endpoint a new secret, shown only now; the old one keeps signing for `overlap`.

        A key pair is replaced by a key pair. `overlap` None means the configured one.

        Raises:
            NotFoundError: there is no such endpoint.
            InvalidInputError: the overlap is negative or longer than 30 days.
        """
        now = self.clock()
        overlap = self.overlap if overlap is None else overlap
        with self.database.write() as connection:
            stored = _existing(connection, public_id, lock=True)
            has_pair = public_key(stored.secrets) is not None
            made = fresh(SignatureKind.ED25519 if has_pair else SignatureKind.HMAC)
            column = self.secrets.rotated(stored.secrets, made, now, overlap)
            endpoints.change(connection, stored.id, {"secrets": column}, now)
            alerts.clear(connection, secret_alert_key(public_id))
            endpoint_backlog.sign_again(connection, stored.id, now)
            detail = {"overlap_seconds": overlap // timedelta(seconds=1)}
            record(connection, actor, "endpoint.rotated", _subject(public_id), at=now, detail=detail)
            return _view(_existing(connection, public_id)) | {"secret": made.shown}

    def enable(self, public_id: str, actor: Actor) -> Json:
        """Activate an endpoint with reset health; messages missed while failing become due.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        return self._set_state(public_id, EndpointState.ACTIVE, "", actor)

    def disable(self, public_id: str, actor: Actor, *, reason: str) -> Json:
        """Stop posting to an endpoint; `reason` is a sentence shown to users.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        return self._set_state(public_id, EndpointState.DISABLED, reason, actor)

    def _set_state(self, public_id: str, state: EndpointState, reason: str, actor: Actor) -> Json:
        now = self.clock()
        with self.database.write() as connection:
            stored = _existing(connection, public_id, lock=True)
            after = replace(stored.endpoint, state=state)
            values = {"state": state.value, **_state_columns(stored.endpoint, after, now, reason=reason)}
            endpoints.change(connection, stored.id, values, now)
            if state is EndpointState.ACTIVE:
                _catch_up(connection, stored, now)
            detail = {"state": [stored.endpoint.state.value, state.value], "reason": reason}
            action = "endpoint.enabled" if state is EndpointState.ACTIVE else "endpoint.disabled"
            record(connection, actor, action, _subject(public_id), at=now, detail=detail)
            return _view(_existing(connection, public_id))

    def target(self, public_id: str) -> EndpointTarget:
        """Return what a test post needs; the caller posts, then calls `record_test`.

        Raises:
            NotFoundError: there is no such endpoint.
            ConflictError: no listed key decrypts its secret or a header.
        """
        with self.database.read() as connection:
            stored = _existing(connection, public_id)
        return EndpointTarget(
            id=stored.id,
            public_id=stored.public_id,
            url=stored.endpoint.url,
            format=stored.endpoint.format,
            secrets=self.secrets.signing(stored.secrets, self.clock()),
            headers=self.secrets.kept_headers(stored.endpoint.headers, {}),
        )

    def record_test(self, public_id: str, actor: Actor, *, succeeded: bool, status: int | None) -> Json:
        """Record a test's outcome; a success makes a `pending` endpoint `active`.

        Raises:
            NotFoundError: the endpoint does not exist, or no longer.
        """
        now = self.clock()
        with self.database.write() as connection:
            stored = _existing(connection, public_id, lock=True)
            values: Json = {"last_success_at": now} if succeeded else {}
            if succeeded and stored.endpoint.state is EndpointState.PENDING:
                values |= {"state": EndpointState.ACTIVE.value, **CLEAN}
            if values:
                endpoints.change(connection, stored.id, values, now)
            detail = {"succeeded": succeeded, "status": status}
            record(connection, actor, "endpoint.tested", _subject(public_id), at=now, detail=detail)
            return _view(_existing(connection, public_id))

    def remove(self, public_id: str, actor: Actor) -> None:
        """Delete an endpoint with its secrets.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        now = self.clock()
        with self.database.write() as connection:
            stored = _existing(connection, public_id, lock=True)
            endpoints.remove(connection, stored.id)
            alerts.clear(connection, secret_alert_key(public_id))
            record(connection, actor, "endpoint.removed", _subject(public_id), at=now)


def _catch_up(connection: Connection, stored: StoredEndpoint, now: datetime) -> None:
    """Make due what an endpoint missed while disabled: manually, by a 410, or for failing."""
    since = min(filter(None, (stored.failing_since, stored.disabled_at)), default=None)
    if since is not None and stored.endpoint.state is EndpointState.DISABLED:
        latest_only = stored.endpoint.mode is EndpointMode.LATEST
        endpoint_backlog.catch_up(connection, stored.id, since, now, latest_only=latest_only)


def _subject(public_id: str) -> Subject:
    return Subject(KIND, public_id)


def _existing(connection: Connection, public_id: str, *, lock: bool = False) -> StoredEndpoint:
    stored = endpoints.get(connection, public_id, lock=lock)
    if stored is None:
        raise NotFoundError("endpoint", public_id[:100])
    return stored


def _state_columns(
    before: Endpoint, after: Endpoint, now: datetime, *, moved: bool = False, reason: str = "by hand"
) -> Json:
    """Return the columns that a change of state sets; activating resets the health."""
    if after.state is EndpointState.DISABLED:
        unasked: Json = {"probe_at": None}  # set by the owner, so no recovery probe
        return unasked if before.state is after.state else unasked | {"state_reason": reason, "disabled_at": now}
    return dict(CLEAN) if moved or before.state is not after.state else {}


def _view(stored: StoredEndpoint) -> Json:
    endpoint = stored.endpoint
    return (
        {"id": stored.public_id}
        | endpoint_to_json(endpoint, dict.fromkeys(endpoint.headers, MASKED))
        | {
            "signature": (SignatureKind.ED25519 if public_key(stored.secrets) else SignatureKind.HMAC).value,
            "public_key": public_key(stored.secrets),
            "state_reason": stored.state_reason,
            "failing_since": instant_to_json(stored.failing_since),
            "last_success_at": instant_to_json(stored.last_success_at),
            "disabled_at": instant_to_json(stored.disabled_at),
            "created_at": instant_to_json(stored.created_at),
            "updated_at": instant_to_json(stored.updated_at),
        }
    )


def _audited(endpoint: Endpoint) -> Json:
    """Return what the audit trail may store: URL origins and header names.

    Paths, queries and header values may contain passwords.
    """
    parts = urlsplit(endpoint.url)
    shown = endpoint_to_json(endpoint, {})
    del shown["owner_email"]
    return shown | {"url": f"{parts.scheme}://{parts.netloc}", "headers": sorted(endpoint.headers)}


def _changes(before: Endpoint, after: Endpoint) -> Json:
    """Return the audited changes, noting changes in the parts that must not be stored."""
    hidden: Json = {
        "url": before.url != after.url,
        "headers": before.headers != after.headers,
        "owner_email": before.owner_email != after.owner_email,
    }
    return {name: CHANGED for name, changed in hidden.items() if changed} | difference(
        _audited(before), _audited(after), hidden=frozenset()
    )
