import re
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.channels.email.addresses import (
    display_name,
    folded,
    header_value,
    mailbox_header,
    one_line,
    sendable_address,
)


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example",
        "first.last+tag@sub.shop.example",
        "o'neil@shop.example",
        f"{'a' * 64}@shop.example",
        "x@xn--hndler-bua.example",
    ],
)
def test_ordinary_addresses_are_sent_to_as_they_are(address: str) -> None:
    assert sendable_address(f" {address} ") == address


def test_a_domain_in_another_script_becomes_its_ascii_form_by_the_newer_rules() -> None:
    assert sendable_address("kasse@händler.example") == "kasse@xn--hndler-bua.example"
    assert sendable_address("kasse@straße.example") == "kasse@xn--strae-oqa.example"  # another domain than strasse


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "@shop.example",
        "a@",
        "a@localhost",
        "a b@shop.example",
        "a@b@shop.example",
        "a@shop..example",
        "a@-shop.example",
        "käse@shop.example",
        f"{'a' * 65}@shop.example",
        f"a@{'b.' * 130}example",
        "a@shop.example>\r\nRCPT TO:<b@shop.example",
        "<a@shop.example>",
        "a,b@shop.example",
        "a@shop.example\nBcc: b@shop.example",
        "a@\ud800.example",
    ],
)
def test_what_no_provider_could_take_is_no_address(address: str) -> None:
    assert sendable_address(address) is None


@given(st.text(max_size=80))
def test_an_address_that_passes_cannot_break_out_of_a_command(text: str) -> None:
    found = sendable_address(text)
    assert found is None or re.fullmatch(r"[!-~]+", found)
    assert found is None or not set('<>,;"\\') & set(found)


def test_display_names_lose_what_providers_forbid() -> None:
    assert display_name(" Jansen; Bloemen,\tZn.\r\nBcc: x ") == "Jansen Bloemen Zn. Bcc: x"
    assert len(display_name("x" * 400)) == 150


@given(st.text(max_size=60), st.emails())
def test_a_mailbox_header_is_one_line_of_ascii_whatever_the_name(name: str, address: str) -> None:
    found = mailbox_header(name, address)
    assert found.isascii()
    assert found.isprintable()
    assert found.endswith((address, f"<{address}>"))


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=120))
def test_an_encoded_header_reads_as_it_was_written(text: str) -> None:
    encoded = header_value(text)
    assert encoded.isascii()
    if not one_line(text).isascii():
        assert " ".join(str(make_header(decode_header(encoded))).split()) == " ".join(one_line(text).split())


def test_only_the_readable_part_of_a_list_id_is_encoded() -> None:
    found = header_value("Störungen <incidents.status.shop.example>")
    assert found.endswith(" <incidents.status.shop.example>")
    assert found.startswith("=?utf-8?")


@given(st.lists(st.text(alphabet="abc<>@", min_size=1, max_size=60), min_size=1, max_size=30))
def test_folding_only_adds_line_breaks_before_blanks(words: list[str]) -> None:
    value = " ".join(words)
    found = folded("References", value)
    assert found.endswith("\r\n")
    assert found.replace("\r\n", "") == f"References: {value}"
    lines = found.removesuffix("\r\n").split("\r\n")
    assert all(line.startswith(" ") for line in lines[1:])
    assert all(len(line) <= 78 or " " not in line.strip() or line.startswith("References:") for line in lines)
