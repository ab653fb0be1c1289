"""Reminders to the people who operate the installation."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TeamSubject(StrEnum):
    """What a reminder is about."""

    MAINTENANCE_OVER = "maintenance_over"  # the window of planned work has ended, the work has not
    DRAFT_WAITING = "draft_waiting"  # a draft waits to be published or discarded
    PROVIDER_FAILING = "provider_failing"  # a mail provider or social account has failed for minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMessage:
    """One reminder. `id`: of the incident, the draft or the provider.

    `title` is shown as it is. `url` is the page to act on. `since` is aware UTC.
    """

    about: TeamSubject
    id: str
    title: str
    url: str
    since: datetime
