import json
from typing import Any

import pytest

from notifier.domain.errors import InvalidInputError
from notifier.domain.recipients.subscriber import QuietHours, Vocabulary
from notifier.domain.values import Channel
from notifier.inbound.subscribers import parse_patch, parse_subscriber

VOCABULARY = Vocabulary(
    components=frozenset({"storefront", "api"}),
    locales=frozenset({"nl", "en"}),
    default_locale="en",
    default_timezone="Europe/Amsterdam",
)


def faults(**members: Any) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as refused:
        parse_subscriber(json.dumps({"external_id": "s", "email": "a@b.example"} | members), VOCABULARY)
    return {fault.field: fault.message for fault in refused.value.errors}


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": " padded "}, "external_id"),
        ({"external_id": "line\nbreak"}, "external_id"),
        ({"external_id": 7}, "external_id"),
        ({"kind": "boss"}, "kind"),
        ({"email": "a@b.example\r\nBcc: x@y.example"}, "email"),
        ({"email": None}, "email"),
        ({"name": 7}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"locale": "xx"}, "locale"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"state": "asleep"}, "state"),
        ({"preferences": {"channels": ["fax"]}}, "preferences.channels.0"),
        ({"preferences": {"components": ["telex"]}}, "preferences.components"),
        ({"preferences": {"components": ["Storefront!"]}}, "preferences.components.0"),
        ({"preferences": {"components": "storefront"}}, "preferences.components"),
        ({"preferences": {"min_impact": "huge"}}, "preferences.min_impact"),
        ({"preferences": {"min_impact": "maintenance"}}, "preferences.min_impact"),
        ({"preferences": {"updates": "some"}}, "preferences.updates"),
        ({"preferences": {"maintenance": "yes"}}, "preferences.maintenance"),
        ({"preferences": {"quiet_hours": {"from": "22:00"}}}, "preferences.quiet_hours.to"),
        ({"preferences": {"quiet_hours": {"from": "24:00", "to": "07:00"}}}, "preferences.quiet_hours"),
        ({"preferences": {"quiet_hours": {"from": "07:00", "to": "07:00"}}}, "preferences.quiet_hours"),
        ({"preferences": {"max_per_hour": 0}}, "preferences.max_per_hour"),
        ({"preferences": {"max_per_hour": "3"}}, "preferences.max_per_hour"),
        ({"preferences": {"volume": 11}}, "preferences.volume"),
    ],
)
def test_every_fault_is_named_by_its_dotted_path(members: dict[str, Any], field: str) -> None:
    assert list(faults(**members)) == [field]


def test_all_faults_are_named_at_once_and_the_address_is_not_repeated() -> None:
    found = faults(email="hans@@shop", kind="boss", preferences={"min_impact": "huge", "volume": 11})
    assert found.keys() == {"email", "kind", "preferences.min_impact", "preferences.volume"}
    assert "hans@" not in str(found)
    found = faults(locale="xx", timezone="Mars", preferences={"components": ["telex"]})
    assert found.keys() == {"locale", "timezone", "preferences.components"}


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"external_id": "\xff"}'])
def test_what_is_no_object_of_json_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse_subscriber(data, VOCABULARY)
    assert refused.value.errors[0].field == "body"


def test_a_subscriber_is_read_into_domain_values() -> None:
    found = parse_subscriber(
        json.dumps(
            {
                "external_id": "partner-7",
                "kind": "partner",
                "preferences": {
                    "channels": ["webhook"],
                    "quiet_hours": {"from": "22:00", "to": "07:30"},
                    "max_per_hour": 3,
                },
            }
        ),
        VOCABULARY,
    )
    assert found.email is None
    assert found.preferences.channels == frozenset({Channel.WEBHOOK})
    assert (found.quiet_hours, found.max_per_hour) == (QuietHours(start=1320, end=450), 3)
    assert (found.locale, found.timezone) == ("en", "Europe/Amsterdam")


def test_a_house_without_components_takes_any_key() -> None:
    open_harness = Vocabulary(
        components=frozenset(), locales=frozenset({"en"}), default_locale="en", default_timezone="UTC"
    )
    body = {"external_id": "s", "email": "a@b.example", "preferences": {"components": ["anything"]}}
    assert parse_subscriber(json.dumps(body), open_harness).preferences.components == frozenset({"anything"})


def test_a_patch_holds_what_was_named_and_nothing_else() -> None:
    assert parse_patch('{"locale": "nl", "name": null, "preferences": {"quiet_hours": null}}') == {
        "locale": "nl",
        "name": None,
        "preferences": {"quiet_hours": None},
    }
    assert parse_patch('{"preferences": {"quiet_hours": {"from": "22:00", "to": "07:00"}}}') == {
        "preferences": {"quiet_hours": QuietHours.parse("22:00", "07:00")}
    }
    assert parse_patch("{}") == {}
