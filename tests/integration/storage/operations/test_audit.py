from notifier.storage.database.engine import Database
from tests.integration.subscriber_lists import (
    SUPPORT,
    a_subscriber,
    audit_of,
    subscribers_of,
)


def test_the_audit_trail_is_paged_from_the_newest_backwards(database: Database) -> None:
    people = subscribers_of(database)
    for number in range(5):
        people.create(a_subscriber(f"shop-{number}"), SUPPORT)
    trail = audit_of(database)
    first = trail.entries(limit=3)
    rest = trail.entries(limit=3, before=first[-1]["id"])
    assert [item["object_id"] for item in (*first, *rest)] == [f"shop-{number}" for number in (4, 3, 2, 1, 0)]
