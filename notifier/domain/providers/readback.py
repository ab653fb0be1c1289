"""When a fruitless search for a post of unknown outcome proves that it was not published.

A platform without idempotency keys (X) shows a new post in its timeline only after a while, so one
empty search proves nothing. Search as often as the platform needs, `APART` from each other, before
sending the identical text again.
"""

from datetime import timedelta

APART = timedelta(seconds=30)


def proves_absence(looks: int, needed: int) -> bool:
    """Whether `looks` consecutive empty searches are enough to conclude the post was not made."""
    return looks >= needed
