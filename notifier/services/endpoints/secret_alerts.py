"""Clear alerts about undecryptable endpoint secrets once their key is listed again."""

from notifier.domain.errors import ConflictError
from notifier.domain.values import Reason
from notifier.services.endpoints.secrets import EndpointSecrets, secret_alert_key
from notifier.services.ports import Clock
from notifier.storage.database.engine import Database
from notifier.storage.operations import alerts
from notifier.storage.recipients import endpoints


def look_again(database: Database, secrets: EndpointSecrets, clock: Clock) -> None:
    """Clear alerts whose cause is gone; runs once per start, because keys only change then."""
    with database.read() as connection:
        current = alerts.current(connection)
        standing = [row.key for row in current if row.reason == Reason.SECRET.value]
        faults = [row.key for row in current if row.key.startswith("webhook:") and row.reason == Reason.FAULT.value]
    with database.write() as connection:
        for key in faults:  # this may be a fixed version; if not, the fault raises its alert again
            alerts.clear(connection, key)
    for public_id in (key.split(":")[1] for key in standing):
        with database.write() as connection:
            stored = endpoints.get(connection, public_id)
            try:
                if stored is not None:
                    secrets.signing(stored.secrets, clock())
                    secrets.kept_headers(stored.endpoint.headers, {})
            except ConflictError:
                continue
            alerts.clear(connection, secret_alert_key(public_id))
