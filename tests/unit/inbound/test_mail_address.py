import re

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from notifier.inbound.mail_address import mail_address, plain_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("owner@bloemenhuis.example", "owner@bloemenhuis.example"),
        (" Owner@Bloemenhuis.EXAMPLE\t", "Owner@bloemenhuis.example"),
        ("info@münchen.de", "info@xn--mnchen-3ya.de"),
        ("info@xn--mnchen-3ya.de", "info@xn--mnchen-3ya.de"),
        ("o'neil+shop=7@sub.shop.co.uk", "o'neil+shop=7@sub.shop.co.uk"),
        ("staging@shop.test", "staging@shop.test"),
        ("a@b.nl", "a@b.nl"),
    ],
)
def test_an_address_gets_the_form_that_providers_take(text: str, expected: str) -> None:
    assert mail_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "owner",
        "owner@",
        "@shop.example",
        "owner@localhost",
        "owner@shop.invalid",
        "owner@shop.local",
        "owner @shop.example",
        "owner@shop .example",
        "owner@shop.example\r\nBcc: all@shop.example",
        "owner@shop.example\n",
        "owner\x00@shop.example",
        "own..er@shop.example",
        ".owner@shop.example",
        "owner@-shop.example",
        "owner@shop-.example",
        "owner@sh_op.example",
        "owner@ab--c.example",
        "owner@192.0.2.1",
        "owner@[192.0.2.1]",
        '"o w"@shop.example',
        "bücher@shop.example",
        "Owner <owner@shop.example>",
        "owner@shop.example,other@shop.example",
        "owner\u200b@shop.example",
        "x" * 65 + "@shop.example",
        "owner@" + "x" * 64 + ".example",
        "owner@" + ".".join(["x" * 60] * 5) + ".example",
        "x" * 1_000_000,
    ],
)
def test_what_could_not_arrive_or_would_break_a_header_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is no e-mail address: .+|must have .+)$"):
        mail_address(text)


_LABEL = st.text("abcXYZ019-_äж", min_size=1, max_size=8)
_LOCAL = st.text("abcXYZ019.!#$%&'*+/=?^_`{|}~-\"(), äж", min_size=1, max_size=12)


@given(_LOCAL, st.lists(_LABEL, min_size=1, max_size=4), st.sampled_from(["nl", "example", "com", "local", "1", "x"]))
def test_the_short_way_lets_nothing_through_that_the_library_refuses(local: str, labels: list[str], top: str) -> None:
    text = f"{local}@{'.'.join([*labels, top])}"
    try:
        expected = validate_email(
            text.strip(" \t"), check_deliverability=False, allow_smtputf8=False, strict=True
        ).ascii_email
    except EmailNotValidError:
        expected = None
    try:
        found = mail_address(text)
    except ValueError:
        found = None
    assert found == expected


@given(st.text(max_size=60))
def test_no_text_whatever_gets_blanks_or_control_characters_out(text: str) -> None:
    try:
        found = mail_address(f"{text}@shop.example")
    except ValueError:
        return
    assert re.fullmatch(r"[\x21-\x7e]{3,254}", found)


def test_plain_addresses_never_trouble_the_library() -> None:
    assert plain_address("piet.jansen+shop@Bloemen-Huis.co.nl") == "piet.jansen+shop@bloemen-huis.co.nl"
