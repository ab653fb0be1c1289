import io
import json

from notifier.domain.recipients.subscriber import Vocabulary
from notifier.domain.values import SubscriberState
from notifier.inbound.list_lines import BadRow, GoodRow
from notifier.inbound.subscriber_ndjson import SubscriberNdjson

VOCABULARY = Vocabulary(
    components=frozenset({"api"}), locales=frozenset({"en"}), default_locale="en", default_timezone="UTC"
)

PLAIN = {"external_id": "s", "email": "a@b.example"}


def read(*lines: bytes, default_state: SubscriberState = SubscriberState.ACTIVE) -> list[GoodRow | BadRow]:
    return list(SubscriberNdjson(io.BytesIO(b"\n".join(lines)), VOCABULARY, default_state=default_state))


def test_a_line_of_megabytes_is_one_bad_row() -> None:
    good = json.dumps(PLAIN).encode()
    rows = read(good, b'{"name": "' + b"x" * 10_000_000 + b'"}', good)
    assert [(row.line, isinstance(row, GoodRow)) for row in rows] == [(1, True), (2, False), (3, True)]
    assert isinstance(rows[1], BadRow)
    assert [(fault.field, fault.message) for fault in rows[1].errors] == [("row", "is longer than 1048576 bytes")]
