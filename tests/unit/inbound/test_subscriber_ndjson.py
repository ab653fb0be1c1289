import io
import json

from notifier.domain.recipients.subscriber import SuppressionReason, Vocabulary
from notifier.domain.values import SubscriberState
from notifier.inbound.list_lines import BadRow, GoodRow
from notifier.inbound.subscriber_ndjson import SubscriberNdjson

VOCABULARY = Vocabulary(
    components=frozenset({"api"}), locales=frozenset({"en"}), default_locale="en", default_timezone="UTC"
)

PLAIN = {"external_id": "s", "email": "a@b.example"}


def read(*lines: bytes, default_state: SubscriberState = SubscriberState.ACTIVE) -> list[GoodRow | BadRow]:
    return list(SubscriberNdjson(io.BytesIO(b"\n".join(lines)), VOCABULARY, default_state=default_state))


def one(record: dict[str, object]) -> GoodRow | BadRow:
    (row,) = read(json.dumps(record).encode())
    return row


def test_history_comes_along() -> None:
    suppressed = {"channel": "email", "reason": "bounced", "since": "2026-01-01T01:00:00+01:00", "detail": "550"}
    row = one(PLAIN | {"suppressions": [suppressed], "legal_basis": "consent", "consent": {"wording": "1"}})
    assert isinstance(row, GoodRow)
    (found,) = row.suppressions
    assert (found.reason, found.since.isoformat(), found.detail) == (
        SuppressionReason.BOUNCED,
        "2026-01-01T00:00:00+00:00",
        "550",
    )
    assert (row.legal_basis, row.consent) == ("consent", {"wording": "1"})


def test_a_history_that_cannot_be_is_refused_by_its_path() -> None:
    for since in ("0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00", "yesterday"):
        suppressed = {"channel": "email", "reason": "bounced", "since": since}
        row = one(PLAIN | {"suppressions": [suppressed]})
        assert isinstance(row, BadRow)
        assert [fault.field for fault in row.errors] == ["suppressions.0.since"]


def test_only_rows_that_name_no_state_take_the_default_one() -> None:
    named = json.dumps(PLAIN | {"state": "active"}).encode()
    rows = read(json.dumps(PLAIN).encode(), named, default_state=SubscriberState.PENDING)
    assert [row.subscriber.state.value for row in rows if isinstance(row, GoodRow)] == ["pending", "active"]
