import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.channels.email.mime import MailForm, dot_stuffed
from notifier.domain.messages.message import Mailbox, MailContent, MailRecipient, MailRequest

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
NASTY = st.text(alphabet=st.sampled_from(list('ab .-=é障😀\r\n\t"<>:;,\\\x00\u2028')), max_size=120)


def mail_of(*, eight_bit: bool = True, values: dict[str, str] | None = None, name: str = "N", **changes: Any) -> bytes:
    content = {
        "sender": Mailbox(email="status@shop.example", name="Shop"),
        "subject": "Subject",
        "text": "text\n",
        "html": "<p>html</p>\n",
        "locale": "nl",
        "headers": {},
    }
    recipient = MailRecipient(
        delivery_id="d1", address="a@b.example", name=name, substitutions=values or {}, headers=changes.pop("own", {})
    )
    whole = MailContent(**{**content, **changes})
    request = MailRequest(content=whole, recipients=[recipient], notification_id="n", batch_id=1, attempt=1)
    return MailForm(request, NOON, "=_boundary").mail(recipient, recipient.address, eight_bit=eight_bit)


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, EmailMessage, policy=policy.default)


def parts(raw: bytes) -> list[str]:
    return [str(part.get_content()).replace("\r\n", "\n") for part in read(raw).iter_parts()]


@settings(max_examples=150)
@given(text=NASTY, subject=NASTY, name=NASTY, value=NASTY, eight_bit=st.booleans())
def test_whatever_is_put_in_the_message_stays_one_well_formed_message(
    *, text: str, subject: str, name: str, value: str, eight_bit: bool
) -> None:
    raw = mail_of(
        eight_bit=eight_bit,
        text=f"{text}-tag-",
        subject=subject,
        name=name,
        values={"-tag-": value},
        headers={"X-Ours": value},
    )
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert eight_bit or raw.isascii()
    message = read(raw)
    assert {key.lower() for key in message} == {
        "date", "from", "to", "subject", "message-id", "x-ours", "mime-version", "content-type",
    }  # fmt: skip
    assert len(list(message.iter_parts())) == 2
    # Each by itself: a CR that ends the text and an LF that begins the value are two line ends.
    expected = "".join(re.sub(r"\r\n|\r|\n", "\n", piece) for piece in (text, value))
    assert parts(raw)[0] == expected


@pytest.mark.parametrize("text", ["x" * 5_000, "ü" * 998 + "\n" + "ü" * 10, "kurz\n" + "y" * 999])
def test_long_lines_are_quoted_and_read_back_as_they_were(text: str) -> None:
    raw = mail_of(text=text)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert parts(raw)[0] == text


def test_the_plainest_encoding_that_serves_is_used() -> None:
    def encodings(raw: bytes) -> list[str]:
        return [part["Content-Transfer-Encoding"] for part in read(raw).iter_parts()]

    assert encodings(mail_of(text="ascii", html="ü")) == ["7bit", "8bit"]
    assert encodings(mail_of(text="ascii", html="ü", eight_bit=False)) == ["7bit", "quoted-printable"]


def test_tags_are_filled_in_one_pass_the_longest_first() -> None:
    values = {"-a-": "-b-", "-b-": "B", "-a-x-": "longer"}
    assert parts(mail_of(text="-a- -b- -a-x- -c-", values=values))[0] == "-b- B longer -c-"


def test_subject_and_both_parts_are_filled_in() -> None:
    raw = mail_of(subject="Hi -n-", text="t -n-", html="h -n-", values={"-n-": "Noor"})
    assert read(raw)["Subject"] == "Hi Noor"
    assert parts(raw) == ["t Noor", "h Noor"]


def test_the_message_id_is_the_same_on_every_attempt() -> None:
    assert read(mail_of())["Message-ID"] == "<d1@shop.example>"
    assert read(mail_of(own={"Message-ID": "<given@shop.example>"}))["Message-ID"] == "<given@shop.example>"


def test_a_recipients_header_goes_before_the_same_one_of_all() -> None:
    raw = mail_of(headers={"List-Unsubscribe": "<https://all>"}, own={"list-unsubscribe": "<https://one>"})
    assert read(raw).get_all("List-Unsubscribe") == ["<https://one>"]


@pytest.mark.parametrize(
    ("mail", "wire"),
    [
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".a\r\n", b"..a\r\n.\r\n"),
        (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n.\r\n"),
        (b"a\r\n..b\r\n", b"a\r\n...b\r\n.\r\n"),
    ],
)
def test_leading_dots_are_doubled_and_a_lone_dot_ends_the_message(mail: bytes, wire: bytes) -> None:
    assert dot_stuffed(mail) == wire
