"""The audience of one range in SQL: verdicts, prior notifications and batch of each recipient."""

from collections.abc import Iterable, Sequence

from notifier.domain.recipients.audience import MEANT, STILL_MEANT, reached_when_sent
from notifier.domain.values import Channel
from notifier.storage.notifications.channel_history import Earlier
from notifier.storage.notifications.late_translations import Followers
from notifier.storage.planning.quiet_hours import Deferred


def _sql_list(values: Iterable[object]) -> str:
    return ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in values)


def _reached_sql(channel: Channel, prior: Sequence[Earlier]) -> str:
    """SQL: what each recipient of the range received before. Inlines only numbers and constants.

    `since`, `meant`: the last notification that reached them, and the last meant for them. `ended`:
    the last that announced the end of an earlier episode. `start`: the start of the first episode
    whose end they have not received.
    """
    if not prior:
        return "SELECT -1 AS recipient_key, 0 AS since, 0 AS meant, 0 AS ended, 0 AS start WHERE 1 = 0"
    sequence = f"CASE d.notification_id {' '.join(f'WHEN {each.id} THEN {each.sequence}' for each in prior)} END"
    start = f"CASE d.notification_id {' '.join(f'WHEN {each.id} THEN {each.episode_start}' for each in prior)} END"
    reached = f"COALESCE(d.state, b.state) IN ({_sql_list(reached_when_sent(channel))})"
    meant = f"(COALESCE(d.state, b.state) IN ({_sql_list(MEANT)}) OR d.reason IN ({_sql_list(STILL_MEANT)}))"
    ends = _sql_list(each.id for each in prior if each.ends)
    told_end = f"CASE WHEN {reached} AND d.notification_id IN ({ends}) THEN {sequence} ELSE 0 END"
    ended = f"MAX({told_end}) OVER (PARTITION BY d.recipient_key)"
    return f"""
        SELECT recipient_key, MAX(CASE WHEN reached = 1 THEN sequence ELSE 0 END) AS since,
               MAX(sequence) AS meant, MAX(ended) AS ended,
               MIN(CASE WHEN sequence > ended THEN start END) AS start
        FROM (SELECT d.recipient_key, {sequence} AS sequence, {start} AS start,
                     CASE WHEN {reached} THEN 1 ELSE 0 END AS reached,
                     {ended if ends else "0"} AS ended
              FROM delivery d JOIN batch b ON b.id = d.batch_id
              WHERE d.notification_id IN ({_sql_list(each.id for each in prior)})
                AND d.recipient_key BETWEEN :key_from AND :key_to AND {meant}) heard
        GROUP BY recipient_key"""  # noqa: S608 - integers and our own constants


# The SQL equivalent of `audience.exposure_of`.
_STANDING = """CASE WHEN COALESCE(told.since, 0) > COALESCE(told.ended, 0) THEN 'told'
                    WHEN COALESCE(told.meant, 0) > COALESCE(told.ended, 0) THEN 'in_line' ELSE 'new' END"""
_SINCE = """CASE WHEN told.since >= COALESCE(told.start, :episode_start) THEN told.since
                 ELSE COALESCE(told.start, :episode_start) - 1 END AS since"""

_MAIL_AUDIENCE = """
    SELECT s.address_key AS recipient_key, s.id AS recipient_id, s.locale AS variant, s.locale,
           {since},
           ROW_NUMBER() OVER (PARTITION BY s.address_key ORDER BY s.id) AS place
    FROM subscriber s
    LEFT JOIN told ON told.recipient_key = s.address_key
    JOIN verdict v ON v.notification_id = :notification_id AND v.preference_id = s.preference_id
                  AND v.standing = {standing}
    WHERE s.address_key BETWEEN :key_from AND :key_to AND s.state = 'active'
      AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.address_key = s.address_key AND x.channel = 'email')
      AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.incident_id = :incident_id AND o.address_key = s.address_key)
"""

# A disabled endpoint is planned for too: what it misses is delivered once it is enabled.
_HOOK_AUDIENCE = """
    SELECT e.id AS recipient_key, e.id AS recipient_id, '' AS variant, '' AS locale, {since}, 1 AS place
    FROM endpoint e
    LEFT JOIN told ON told.recipient_key = e.id
    JOIN verdict v ON v.notification_id = :notification_id AND v.preference_id = e.preference_id
                  AND v.standing = {standing}
    WHERE e.id BETWEEN :key_from AND :key_to
      AND (e.state = 'active' OR (e.state = 'disabled' AND e.disabled_at >= :disabled_since))
"""

_ACCOUNT_AUDIENCE = """
    SELECT a.id AS recipient_key, a.id AS recipient_id, a.name AS variant, a.locale, {since}, 1 AS place
    FROM account a
    LEFT JOIN told ON told.recipient_key = a.id
    JOIN verdict v ON v.notification_id = :notification_id AND v.preference_id = 0 AND v.standing = {standing}
    WHERE a.id BETWEEN :key_from AND :key_to AND a.active
"""

_AUDIENCES = {Channel.EMAIL: _MAIL_AUDIENCE, Channel.WEBHOOK: _HOOK_AUDIENCE, Channel.SOCIAL: _ACCOUNT_AUDIENCE}

# One address is one delivery (`place`). Batches alternate between variants, so that no language
# waits for another.
_PLACED = """
    WITH told AS ({told}), audience AS ({audience}){held.cte}, placed AS (
        SELECT a.recipient_key, recipient_id, variant, locale, since{held.column},
               (ROW_NUMBER() OVER (PARTITION BY variant, since{held.rank} ORDER BY a.recipient_key) - 1)
               / :batch_size AS bucket
        FROM audience a {join} WHERE place = 1
    ), numbered AS (
        SELECT recipient_key, recipient_id, locale, since{held.rank},
               :first_batch + DENSE_RANK() OVER (ORDER BY bucket, variant, since{held.rank}) - 1 AS batch_id
        FROM placed)"""
DELIVERIES = """
    INSERT INTO delivery (notification_id, recipient_key, recipient_id, batch_id, since)
    SELECT :notification_id, recipient_key, recipient_id, batch_id, since FROM numbered WHERE TRUE
    ON CONFLICT DO NOTHING"""
PLANNED_NOW = """
    (SELECT * FROM delivery
     WHERE notification_id = :notification_id AND recipient_key BETWEEN :key_from AND :key_to
       AND batch_id BETWEEN :first_batch AND :last_batch) d"""

BATCH_LOCALE = {
    Channel.EMAIL: ("r.locale", "JOIN subscriber r ON r.id = d.recipient_id"),
    Channel.WEBHOOK: ("''", ""),
    Channel.SOCIAL: ("r.locale", "JOIN account r ON r.id = d.recipient_id"),
}


def placed(channel: Channel, prior: Sequence[Earlier], held: Deferred, followers: Followers | None = None) -> str:
    """Return the CTEs up to `numbered`: each recipient with a batch.

    `followers` replace the channel's audience. Parameters: :notification_id, :incident_id,
    :key_from, :key_to, :episode_start, :first_batch, :batch_size; for webhooks :disabled_since
    (microseconds).
    """
    usual = _AUDIENCES[channel].format(standing=_STANDING if prior else "'new'", since=_SINCE)
    audience = followers.audience if followers else usual
    join = held.join.format(table="a")
    return _PLACED.format(told=_reached_sql(channel, prior), audience=audience, held=held, join=join)
