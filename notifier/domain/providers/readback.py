"""What it means when the look for a post of unknown outcome found nothing: a pure rule.

A platform without idempotency keys (X) shows a new post in its own timeline only after a while. So one empty look
proves nothing: look as often as the platform needs, `APART` from each other, before the identical text is sent again.
"""

from datetime import timedelta

APART = timedelta(seconds=30)


def proves_absence(looks: int, needed: int) -> bool:
    """Whether `looks` empty looks, one after the other, are enough to say that the post was not made."""
    return looks >= needed
