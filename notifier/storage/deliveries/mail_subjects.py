"""Subjects of mail as first sent: mail clients thread by them, so they never change."""

from sqlalchemy import Connection, select

from notifier.storage import tables as t
from notifier.storage.database.dialect import insert


def get(connection: Connection, incident_id: str, locale: str) -> str | None:
    """Return the subject of an incident's mail in a locale; None before the first mail."""
    m = t.mail_subject.c
    statement = select(m.subject).where(m.incident_id == incident_id, m.locale == locale)
    return connection.execute(statement).scalar_one_or_none()


def freeze(connection: Connection, incident_id: str, locale: str, subject: str) -> str:
    """Store a subject for the incident's lifetime, unless one exists; returns the one in force."""
    row = {"incident_id": incident_id, "locale": locale, "subject": subject}
    connection.execute(insert(connection, t.mail_subject).values(row).on_conflict_do_nothing())
    return get(connection, incident_id, locale) or subject
