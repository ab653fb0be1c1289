"""Bluesky's rate limits: write points and logins per account, requests per network address."""

from notifier.sandbox.bluesky.errors import Refused
from notifier.sandbox.config import BlueskyRules
from notifier.sandbox.limits import Window

CREATE, UPDATE, DELETE = 3, 2, 1  # points per write

_FIVE_MINUTES, _HOUR, _DAY = 300.0, 3_600.0, 86_400.0


def take_points(windows: dict[str, Window], cost: int, rules: BlueskyRules, now: float) -> dict[str, str]:
    """Count a write; return the rate headers.

    Raises:
        Refused: 429 `RateLimitExceeded`.
    """
    wanted = (("hour", rules.points_per_hour, _HOUR), ("day", rules.points_per_day, _DAY))
    return _take(windows, wanted, cost, now)


def take_login(windows: dict[str, Window], rules: BlueskyRules, now: float) -> dict[str, str]:
    """Count a login; return the rate headers.

    Raises:
        Refused: 429 `RateLimitExceeded`.
    """
    wanted = (("login", rules.logins_per_5_minutes, _FIVE_MINUTES), ("login day", rules.logins_per_day, _DAY))
    return _take(windows, wanted, 1, now)


def take_request(windows: dict[str, Window], rules: BlueskyRules, now: float) -> dict[str, str]:
    """Count a request from a network address; return the rate headers.

    Raises:
        Refused: 429 `RateLimitExceeded`.
    """
    return _take(windows, (("requests", rules.requests_per_5_minutes, _FIVE_MINUTES),), 1, now)


def _take(
    windows: dict[str, Window], wanted: tuple[tuple[str, int, float], ...], cost: int, now: float
) -> dict[str, str]:
    concerned = [windows.setdefault(name, Window(limit, seconds)).look(now) for name, limit, seconds in wanted]
    for window, (_, limit, _) in zip(concerned, wanted, strict=True):
        window.limit = limit
    full = next((window for window in concerned if window.remaining < cost), None)
    if full is not None:
        raise Refused(429, headers=_headers(full))
    for window in concerned:
        window.take(now, cost)
    return _headers(min(concerned, key=lambda window: window.remaining))


def _headers(window: Window) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(window.limit),
        "RateLimit-Remaining": str(window.remaining),
        "RateLimit-Reset": str(window.reset),
        "RateLimit-Policy": f"{window.limit};w={int(window.seconds)}",
    }
