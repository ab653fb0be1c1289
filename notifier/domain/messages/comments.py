"""HTML comments: notes between authors of a text. They are never shown."""

import re

OPENING = "<!--"
_CLOSING = "-->"
_EDGE = re.compile("<!--|-->")
_DEEPEST = 8  # limit for nested comments; nobody nests deeper, and counting costs time


def comment_end(text: str, start: int) -> int:
    """Return the end of the comment that opens at `start`, or of the text if it is not closed.

    HTML has no nested comments, but people write them: if the marks are balanced, the outer one
    counts.
    """
    depth, first = 0, len(text)
    for edge in _EDGE.finditer(text, start):
        depth += 1 if edge[0] == OPENING else -1
        first = min(first, edge.end()) if edge[0] == _CLOSING else first
        if depth == 0:
            return edge.end()
        if depth > _DEEPEST and first < len(text):
            break
    return first


def without_comments(text: str) -> str:
    """Return a text without comments, including any formed by removing another."""
    while (start := text.find(OPENING)) >= 0:
        text = text[:start] + text[comment_end(text, start) :]
    return text
