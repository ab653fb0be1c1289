"""A notification is judged by what its channel announced before, in this episode and in earlier ones."""

import pytest

from notifier.domain.values import Channel, Status
from notifier.storage.database.engine import Database
from notifier.storage.notifications import channel_history, notifications
from notifier.storage.notifications.notifications import StoredNotification
from tests.support.pipeline_harness import Pipeline


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database)


def announced(pipeline: Pipeline) -> list[StoredNotification]:
    """Return the webhook channel's notifications, in order: it coalesces nothing."""
    with pipeline.database.read() as connection:
        rows = notifications.of_incident(connection, "inc-1")
        found = [notifications.get(connection, row.id) for row in rows if row.channel == Channel.WEBHOOK.value]
    return [stored for stored in found if stored is not None]


def test_only_the_last_notification_of_a_channel_is_its_newest(pipeline: Pipeline) -> None:
    with pipeline.database.read() as connection:
        assert channel_history.newest_sequence(connection, "inc-1", Channel.WEBHOOK) == 0
        assert channel_history.newest(connection, "inc-1", Channel.WEBHOOK) is None
    pipeline.post(Status.INVESTIGATING)
    pipeline.post(Status.IDENTIFIED)
    first, second = announced(pipeline)
    with pipeline.database.read() as connection:
        assert channel_history.newest_sequence(connection, "inc-1", Channel.WEBHOOK) == 2
        assert channel_history.newest(connection, "inc-1", Channel.WEBHOOK) == second
        assert channel_history.is_newest(connection, second.id)
        assert not channel_history.is_newest(connection, first.id)
        assert channel_history.older_ids(connection, "inc-1", Channel.WEBHOOK, 2) == [first.id]


def test_earlier_notifications_name_the_end_of_an_earlier_episode(pipeline: Pipeline) -> None:
    for status in (Status.INVESTIGATING, Status.RESOLVED, Status.INVESTIGATING):
        pipeline.post(status)
    began, ended, again = announced(pipeline)
    with pipeline.database.read() as connection:
        earlier = channel_history.earlier(connection, again)
        first = channel_history.first_of_episode(connection, "inc-1", Channel.WEBHOOK, again.episode)
        scopes = channel_history.scopes_of_episode(connection, again)
    assert [(each.id, each.episode_start, each.ends) for each in earlier] == [(began.id, 1, False), (ended.id, 1, True)]
    assert first == again.notice.sequence == 3
    assert [scope.components for scope in scopes] == [frozenset({"checkout"})]
