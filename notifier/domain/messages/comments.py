"""HTML comments: notes that people leave for each other in a text. None of them is ever shown."""

import re

OPENING = "<!--"
_CLOSING = "-->"
_EDGE = re.compile("<!--|-->")
_DEEPEST = 8  # comments in comments; deeper is nobody's note, and would have to be counted to its end


def comment_end(text: str, start: int) -> int:
    """Return where the comment ends that opens at `start`: behind its own closing mark, else at the end of the text.

    HTML knows no comments in comments, people write them: the outer one counts where the marks are balanced.
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
    """Return a text without its comments, also where what stood around one makes another."""
    while (start := text.find(OPENING)) >= 0:
        text = text[:start] + text[comment_end(text, start) :]
    return text
