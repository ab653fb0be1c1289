"""Posts gathered into threads for reading."""

from typing import Any

Post = dict[str, Any]


def threads_of(posts: list[Post]) -> list[list[Post]]:
    """Gather posts (oldest first) into threads, oldest post first; the thread that spoke last comes first."""
    threads: dict[tuple[str, str], list[Post]] = {}
    for post in posts:
        threads.setdefault((post["platform"], post["thread"]), []).append(post)
    return sorted(threads.values(), key=lambda thread: thread[-1]["created_at"], reverse=True)


def pieces(post: Post) -> list[tuple[str, str | None]]:
    """Cut a post's text into words and links: (text, where it leads or None). Only web addresses are made links."""
    cut: list[tuple[str, str | None]] = []
    at = 0
    for start, end, target in sorted(post["links"]):
        if target.startswith(("http://", "https://")):
            cut += [(post["text"][at:start], None), (post["text"][start:end], target)]
            at = end
    return [*cut, (post["text"][at:], None)]
