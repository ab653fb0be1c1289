import pytest
from sqlalchemy import select, update

from notifier.services.isolation import Isolation
from notifier.services.security.signed_tokens import ExpiredTokenError
from notifier.services.subscribers.expire_sign_ups import ExpireSignUps
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.operations import alerts
from tests.integration.services.subscribers.test_sign_up import ask, link, only, sign_ups
from tests.integration.subscriber_lists import SUPPORT, Clock


def test_a_sign_up_that_nobody_confirms_is_forgotten(database: Database) -> None:
    clock = Clock()
    ups = sign_ups(database, clock)
    token = link(ups, ask(ups))
    confirmed = link(ups, ask(ups, "other@shop.example"))
    ups.confirm(confirmed, SUPPORT)
    forget = ExpireSignUps(database, clock, ups.addresses)
    assert forget.run() == 0
    clock.advance(hours=48)
    assert (forget.run(), forget.run()) == (1, 0)
    assert only(database)["email"] == "other@shop.example"
    with pytest.raises(ExpiredTokenError):
        ups.confirm(token, SUPPORT)


def test_a_sign_up_that_cannot_be_forgotten_does_not_stop_the_others(database: Database) -> None:
    clock = Clock()
    ups = sign_ups(database, clock)
    poisoned = ask(ups).subscriber_id
    ask(ups, "other@shop.example")
    with database.write() as connection:
        connection.execute(update(t.subscriber).where(t.subscriber.c.id == poisoned).values(kind="telex"))
    clock.advance(hours=48)
    assert ExpireSignUps(database, clock, ups.addresses, Isolation(database, clock)).run() == 1
    with database.read() as connection:
        left = connection.execute(select(t.subscriber.c.id)).scalars().all()
        alert_keys = [row.key for row in alerts.current(connection)]
    assert (left, alert_keys) == ([poisoned], [f"sign-up:{poisoned}"])
