"""The team's webhook is posted to until it takes the reminder, for three days at most."""

from notifier.domain.errors import TransientDeliveryError
from notifier.domain.values import Reason
from notifier.storage.database.engine import Database
from tests.integration.services.team.test_reminders import TeamDesk


def test_a_post_that_fails_comes_again_after_its_wait(database: Database) -> None:
    desk = TeamDesk(database)
    desk.hook.faults = [TransientDeliveryError(Reason.SERVER_ERROR, "HTTP 503", status=503)]
    desk.remind()
    assert (desk.posts.run(), desk.posts.run()) == (1, 0)
    desk.clock.advance(seconds=5)
    assert desk.posts.run() == 1
    assert len(desk.hook.bodies) == 1


def test_a_post_that_keeps_failing_is_given_up_after_three_days(database: Database) -> None:
    desk = TeamDesk(database)
    desk.hook.faults = [TransientDeliveryError(Reason.UNREACHABLE)] * 20
    desk.remind()
    for _ in range(80):
        desk.posts.run()
        desk.clock.advance(hours=1)
    assert desk.hook.bodies == []
    left = len(desk.hook.faults)
    desk.clock.advance(hours=48)
    desk.posts.run()
    assert len(desk.hook.faults) == left
