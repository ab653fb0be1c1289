"""An example incident, never sent to anyone."""

from datetime import datetime

from notifier.domain.incidents.incident import Incident
from notifier.domain.incidents.notice import Notice, NoticeUpdate
from notifier.domain.values import Channel, Impact, Status


def an_example(now: datetime) -> Notice:
    """Return the first email notification of an incident started `now`, without a language."""
    incident = Incident(id="example", title={"und": "Example"}, impact=Impact.MAJOR, started_at=now)
    update = NoticeUpdate(
        id="example",
        status=Status.INVESTIGATING,
        impact=Impact.MAJOR,
        body={"und": "An *example* with a [link](https://example.com/)."},
        posted_at=now,
        sequence=1,
    )
    return Notice(
        id="ntf_example",
        channel=Channel.EMAIL,
        sequence=1,
        incident=incident,
        updates=(update,),
        opens=True,
        closes=False,
        created_at=now,
    )
