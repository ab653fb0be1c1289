"""The installation's secret keys: a wrong one is noticed, an old one can be dropped."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from notifier.domain.errors import ConfigError
from notifier.services.endpoints.secrets import EndpointSecrets
from notifier.services.security.secret_keys import KeyRing, ResealSecrets
from notifier.services.security.secretbox import SecretBox, fingerprint
from notifier.services.social.sessions import AccountSessions
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.operations import installation

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OLD, NEW, OTHER = "old-" + "o" * 32, "new-" + "n" * 32, "other-" + "x" * 32
SECRET = "whsec_c2VjcmV0IG9mIHRoZSBwYXJ0bmVyIG51bWJlciAx"


def ring(database: Database, *keys: str) -> KeyRing:
    return KeyRing(database, keys, lambda: NOW)


def secrets_of(*keys: str) -> EndpointSecrets:
    return EndpointSecrets(SecretBox(keys, "endpoint"))


def sessions_of(database: Database, *keys: str) -> AccountSessions:
    return AccountSessions(database, SecretBox(keys, "account session"), lambda: NOW)


def add_endpoint(database: Database, name: str, *keys: str) -> None:
    sealing = secrets_of(*keys)
    row = {
        "public_id": name, "url": "https://partner.example/hook", "description": "", "preference_id": 1, "types": [],
        "format": "standard", "mode": "every", "headers": sealing.seal_headers({"X-Key": "hunter2"}),
        "secrets": sealing.first(SECRET), "state": "active", "state_reason": "", "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    with database.write() as connection:
        connection.execute(t.endpoint.insert().values(row))


def opened(database: Database, *keys: str) -> list[tuple[list[str], dict[str, str]]]:
    opening = secrets_of(*keys)
    with database.read() as connection:
        rows = connection.execute(t.endpoint.select()).all()
    return [(opening.open(row.secrets, NOW), opening.open_headers(row.headers)) for row in rows]


def test_after_sealing_anew_the_old_key_can_be_dropped(database: Database) -> None:
    for number in range(3):
        add_endpoint(database, f"end_{number}", OLD)
    sessions_of(database, OLD).save("bluesky-nl", "the login")
    both = ring(database, NEW, OLD)
    both.check()
    assert both.use().texts == (0, 7)
    assert (both.reseal().rows, both.reseal().rows) == (4, 0)
    assert both.use().texts == (7, 0)
    ring(database, NEW).check()
    assert opened(database, NEW) == [([SECRET], {"X-Key": "hunter2"})] * 3
    assert sessions_of(database, NEW).load("bluesky-nl") == "the login"


def test_sealing_anew_is_no_change_of_the_endpoint(database: Database) -> None:
    add_endpoint(database, "end_1", OLD)
    KeyRing(database, (NEW, OLD), lambda: NOW + timedelta(days=1)).reseal()
    with database.read() as connection:
        assert connection.execute(t.endpoint.select()).one().updated_at == NOW


def test_the_chore_seals_anew_by_itself_and_looks_again_after_an_hour(database: Database) -> None:
    now = NOW
    chore = ResealSecrets(ring(database, NEW, OLD), lambda: now)
    add_endpoint(database, "end_1", OLD)
    assert (chore.run(), chore.run()) == (1, 0)
    add_endpoint(database, "end_2", OLD)  # by a process that does not know the new key yet
    assert chore.run() == 0
    now += timedelta(hours=1)
    assert chore.run() == 1


def test_one_secret_that_no_key_opens_keeps_none_of_the_others_back(database: Database) -> None:
    for name, key in (("end_1", OLD), ("end_lost", OTHER), ("end_3", OLD)):
        add_endpoint(database, name, key)
    found = ring(database, NEW, OLD).reseal()
    assert (found.rows, found.unreadable) == (2, ["end_lost"])
    assert ring(database, NEW, OLD).use().unreadable == 2
    assert ResealSecrets(ring(database, NEW, OLD), lambda: NOW).run() == 0


def test_keys_that_open_nothing_are_refused_by_name_before_they_are_used(database: Database) -> None:
    add_endpoint(database, "end_1", OLD)
    with pytest.raises(ConfigError, match=r"NOTIFIER_SECRET_KEYS: none of the keys .* 2 stored secrets"):
        ring(database, NEW).check()
    ring(database, OLD).check()
    with pytest.raises(ConfigError, match="none of the keys"):
        ring(database, NEW).check()
    ring(database, NEW, OLD).check()


def test_a_new_key_is_refused_where_links_that_were_sent_would_die(database: Database) -> None:
    ring(database, OLD).check()
    ring(database, NEW).check()  # nothing depends on either yet
    row = {"public_id": "ntf_1", "incident_id": "inc-1", "channel": "email", "sequence": 1, "round": 1}
    rest = {"urgency": "news", "content": {}, "update_ids": [], "lane": "email", "state": "planned", "created_at": NOW}
    with database.write() as connection:
        connection.execute(t.notification.insert().values(row | rest))
    with pytest.raises(ConfigError, match="links in mails already sent"):
        ring(database, OTHER).check()


def test_a_loss_can_be_accepted(database: Database) -> None:
    add_endpoint(database, "end_1", OLD)
    ring(database, NEW).accept()
    ring(database, NEW).check()
    assert ring(database, NEW).reseal().unreadable == ["end_1"]


def test_what_is_kept_of_a_key_does_not_tell_it(database: Database) -> None:
    ring(database, OLD).check()
    with database.read() as connection:
        kept = connection.execute(text("SELECT value FROM meta WHERE key = 'secret_keys'")).scalar_one()
    assert OLD.encode() not in bytes(kept)
    assert fingerprint(OLD).encode() in bytes(kept)
    assert fingerprint(OLD) != fingerprint(NEW)
    assert installation.PEPPER.encode() not in bytes(kept)


def test_a_login_that_no_key_opens_is_no_login(database: Database) -> None:
    sessions_of(database, OLD).save("bluesky-nl", "the login")
    assert sessions_of(database, NEW).load("bluesky-nl") is None
    sessions_of(database, NEW).save("bluesky-nl", "another")
    assert sessions_of(database, NEW).load("bluesky-nl") == "another"
