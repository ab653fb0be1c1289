"""Events and policies for simulations."""

from datetime import timedelta

from notifier.domain.incidents.coalesce_values import CoalescePolicy
from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update
from notifier.domain.messages.brand import Account
from notifier.domain.values import Channel, Impact, Platform, Status
from tests.unit.domain.incidents.coalesce_worlds import START

POLICIES = {
    Channel.EMAIL: CoalescePolicy(),
    Channel.SOCIAL: CoalescePolicy(),
    Channel.WEBHOOK: CoalescePolicy(window=0),
}
X_NL = Account(name="x-nl", platform=Platform.X, locale="nl")


def an_event(
    number: int,
    seconds: float,
    status: Status = Status.INVESTIGATING,
    *,
    incident: str = "inc",
    impact: Impact = Impact.MAJOR,
    text: str | None = None,
    update_id: str | None = None,
    notify: bool = True,
    automatic: bool = False,
) -> Event:
    return Event(
        id=f"e{number}",
        incident=Incident(
            id=incident, title={"en": "Trouble"}, impact=impact, components=(AffectedComponent(key="api"),)
        ),
        update=Update(
            id=update_id or f"u{number}",
            status=status,
            body={"en": text or f"News {number}"},
            posted_at=START + timedelta(seconds=seconds),
        ),
        notify=notify,
        automatic=automatic,
    )
