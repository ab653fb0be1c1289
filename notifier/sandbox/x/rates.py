"""X's rate limits: windows per account and endpoint, reported in headers of every response."""

from notifier.sandbox.config import XRules
from notifier.sandbox.limits import Window
from notifier.sandbox.x.errors import Refused, problem
from notifier.sandbox.x.timeline import Timeline

_QUARTER = 900.0
_THREE_HOURS = 3 * 3600.0
_DAY = 86_400.0


def take(timeline: Timeline, name: str, limit: int, now: float) -> dict[str, str]:
    """Count one call to an endpoint with `limit` calls per 15 minutes; return the rate headers.

    Raises:
        Refused: 429.
    """
    window = _window(timeline, name, limit, _QUARTER)
    if not window.take(now):
        raise Refused(429, problem(429), _headers(window))
    return _headers(window)


def take_post(timeline: Timeline, rules: XRules, now: float) -> dict[str, str]:
    """Count one post against all windows of posts; return the rate headers.

    A daily limit adds its own headers. As at X, `x-rate-limit-reset` still refers to the short
    window, which is the wrong time to wait for once the daily limit is exhausted.

    Raises:
        Refused: 429.
    """
    windows = [
        _window(timeline, "post", rules.posts_per_15_minutes, _QUARTER).look(now),
        _window(timeline, "post3h", rules.posts_per_3_hours, _THREE_HOURS).look(now),
    ]
    day = [] if rules.posts_per_day is None else [_window(timeline, "post24h", rules.posts_per_day, _DAY).look(now)]
    if any(window.remaining == 0 for window in windows + day):
        raise Refused(429, problem(429), _post_headers(windows, day))
    for window in windows + day:
        window.take(now)
    return _post_headers(windows, day)


def _window(timeline: Timeline, name: str, limit: int, seconds: float) -> Window:
    window = timeline.windows.setdefault(name, Window(limit, seconds))
    window.limit = limit  # the rules may have changed
    return window


def _post_headers(windows: list[Window], day: list[Window]) -> dict[str, str]:
    headers = _headers(min(windows, key=lambda window: window.remaining))
    for window in day:
        headers |= {
            "x-user-limit-24hour-limit": str(window.limit),
            "x-user-limit-24hour-remaining": str(window.remaining),
            "x-user-limit-24hour-reset": str(window.reset),
        }
    return headers


def _headers(window: Window) -> dict[str, str]:
    return {
        "x-rate-limit-limit": str(window.limit),
        "x-rate-limit-remaining": str(window.remaining),
        "x-rate-limit-reset": str(window.reset),
    }
