"""Subjects of mail, as first sent: what a mail program threads by must not change with the incident's title."""

from sqlalchemy import Connection, select

from notifier.storage import tables as t
from notifier.storage.database.dialect import insert


def get(connection: Connection, incident_id: str, locale: str) -> str | None:
    """Return the subject of an incident's mails in a locale; None before the first."""
    m = t.mail_subject.c
    statement = select(m.subject).where(m.incident_id == incident_id, m.locale == locale)
    return connection.execute(statement).scalar_one_or_none()


def freeze(connection: Connection, incident_id: str, locale: str, subject: str) -> str:
    """Keep a subject for the incident's life unless somebody was faster; returns the one that counts."""
    row = {"incident_id": incident_id, "locale": locale, "subject": subject}
    connection.execute(insert(connection, t.mail_subject).values(row).on_conflict_do_nothing())
    return get(connection, incident_id, locale) or subject
