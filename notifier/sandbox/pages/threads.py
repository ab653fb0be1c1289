"""Group posts into threads."""

from typing import Any

Post = dict[str, Any]


def threads_of(posts: list[Post]) -> list[list[Post]]:
    """Group posts (oldest first) into threads; the last active thread comes first."""
    threads: dict[tuple[str, str], list[Post]] = {}
    for post in posts:
        threads.setdefault((post["platform"], post["thread"]), []).append(post)
    return sorted(threads.values(), key=lambda thread: thread[-1]["created_at"], reverse=True)


def pieces(post: Post) -> list[tuple[str, str | None]]:
    """Split a post's text into (text, link target or None); only http(s) URLs become links."""
    cut: list[tuple[str, str | None]] = []
    at = 0
    for start, end, target in sorted(post["links"]):
        if target.startswith(("http://", "https://")):
            cut += [(post["text"][at:start], None), (post["text"][start:end], target)]
            at = end
    return [*cut, (post["text"][at:], None)]
