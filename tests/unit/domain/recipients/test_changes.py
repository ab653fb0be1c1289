import pytest

from notifier.domain.errors import InvalidInputError
from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.changes import changed_endpoint, changed_subscriber
from notifier.domain.recipients.endpoint import Endpoint, EndpointState
from notifier.domain.recipients.subscriber import QuietHours, Subscriber, Vocabulary
from notifier.domain.values import Channel, Impact, SubscriberKind

WORDS = Vocabulary(
    components=frozenset({"api"}),
    locales=frozenset({"en", "nl"}),
    default_locale="en",
    default_timezone="Europe/Amsterdam",
)
SHOP = Subscriber(
    external_id="shop-1",
    kind=SubscriberKind.PARTNER,
    email="a@b.example",
    name="Shop",
    locale="nl",
    timezone="Europe/Paris",
    preferences=Preferences(components=frozenset({"gone"}), min_impact=Impact.MAJOR),
    quiet_hours=QuietHours.parse("22:00", "07:00"),
    max_per_hour=3,
)
HOOK = Endpoint(url="https://a.example/", headers={"X-One": "1", "X-Two": "2"}, state=EndpointState.DISABLED)


def test_none_means_the_default_and_what_is_not_named_stays() -> None:
    after = changed_subscriber(SHOP, {"kind": None, "name": None, "locale": None, "timezone": None}, WORDS)
    assert (after.kind, after.name) == (SubscriberKind.MERCHANT, "")
    assert (after.locale, after.timezone) == ("en", "Europe/Amsterdam")
    assert (after.email, after.preferences, after.max_per_hour) == (SHOP.email, SHOP.preferences, 3)


def test_preferences_change_one_by_one_or_all_at_once() -> None:
    after = changed_subscriber(SHOP, {"preferences": {"min_impact": Impact.MINOR, "quiet_hours": None}}, WORDS)
    assert after.preferences == Preferences(components=frozenset({"gone"}), min_impact=Impact.MINOR)
    assert (after.quiet_hours, after.max_per_hour) == (None, 3)
    after = changed_subscriber(SHOP, {"preferences": None}, WORDS)
    assert (after.preferences, after.quiet_hours, after.max_per_hour) == (Preferences(), None, None)


def test_two_good_halves_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidInputError) as refused:
        changed_subscriber(SHOP, {"email": None}, WORDS)
    assert [fault.field for fault in refused.value.errors] == ["email"]
    silent = frozenset[Channel]()
    assert changed_subscriber(SHOP, {"email": None, "preferences": {"channels": silent}}, WORDS).email is None


def test_headers_are_laid_over_the_present_ones() -> None:
    after = changed_endpoint(HOOK, {"headers": {"X-One": None, "X-Three": "3"}}, WORDS)
    assert after.headers == {"X-Two": "2", "X-Three": "3"}
    assert changed_endpoint(HOOK, {"headers": None, "state": None}, WORDS).headers == {}
    assert changed_endpoint(HOOK, {"state": None}, WORDS).state is EndpointState.DISABLED


def test_an_endpoint_keeps_a_url_and_gets_no_unknown_component() -> None:
    with pytest.raises(InvalidInputError) as refused:
        changed_endpoint(HOOK, {"url": None, "components": frozenset({"fax"})}, WORDS)
    assert [fault.field for fault in refused.value.errors] == ["url", "components"]
