"""Texts of a status page -> Markdown: their HTML is converted, their Markdown stays, plain text is escaped."""

import html
import re
from typing import Any

from markdownify import MarkdownConverter

from notifier.domain.messages.characters import cleaned
from notifier.domain.messages.comments import without_comments
from notifier.inbound.integrations import CUT, escaped_line, web_link

# Elements that are more than a pair of words in angle brackets; all other brackets are text.
_BLOCKS = (
    "address|article|aside|blockquote|br|center|dd|details|div|dl|dt|figcaption|figure|footer|form|h[1-6]|header|hr|li"
    "|main|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul"
)
_INLINES = (
    "a|abbr|acronym|b|big|button|cite|code|del|em|font|i|img|input|ins|kbd|label|mark|q|s|samp|small|span|strike|strong"
    "|sub|sup|time|tt|u|var|wbr|body|html"
)
_SILENT = (
    "applet|audio|canvas|embed|head|iframe|math|noscript|object|script|select|style|svg|template|textarea|title|video"
)
_TAG = re.compile(rf"</?(?P<name>{_BLOCKS}|{_INLINES}|{_SILENT})(?=[\s/>])[^<>]*>", re.IGNORECASE)
_BLOCK = re.compile(_BLOCKS, re.IGNORECASE)
_UNNESTED = frozenset({"br", "hr", "img", "input", "wbr", "embed", "p", "li", "dt", "dd", "td", "th", "tr"})
_DEEPEST = 60  # elements within elements; nobody writes more, and the converter is recursive
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>", re.IGNORECASE)
_SILENT_ELEMENT = re.compile(rf"<({_SILENT})(?=[\s/>]).*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_ENTITY, _BARE_AMPERSAND = re.compile(r"&#?\w+;"), re.compile(r"&(?!#?\w+;)")
_NEWLINE, _SPACE = "\ue002", "\ue003"  # stand for what HTML would collapse
_SIGNS_OF_MARKDOWN = re.compile(
    r"""\[[^\]\n]{1,300}\]\((?:https?:|mailto:|tel:|/)[^)\s]*\)      # link
    | \*\*\S(?:[^*\n]{0,300}\S)?\*\* | (?<!\w)__\S(?:[^_\n]{0,300}\S)?__(?!\w)   # bold
    | (?<![\w*])\*[^\s*](?:[^*\n]{0,300}[^\s*])?\*(?![\w*])           # emphasis
    | (?<![\w_])_[^\s_](?:[^_\n]{0,300}[^\s_])?_(?![\w_])
    | `[^`\n]+` | ^```                                          # code
    | ^\#{1,6}[ ]+\S | ^>[ ]*\S | ^[ ]*[-*+][ ]+\S              # heading, quote, list
    | ^[ ]*\d{1,3}[.)][ ]+\S[^\n]*\n+[ ]*\d{1,3}[.)][ ]+\S      # numbered list
    | ^[ ]*\|[^\n]+\|[ ]*$                                      # table
    """,
    re.MULTILINE | re.VERBOSE,
)
_FENCE = re.compile(r"\s*(```|~~~)")
_RULE = re.compile(r"\s*([-*_=])(?:\s*\1){2,}\s*")
_STARTS_BLOCK = re.compile(r"\s*(?:[-*+]\s|\d{1,9}[.)]\s|#{1,6}\s|>|\||```|~~~)")
_ENDS_ITSELF = re.compile(r"\s*(?:#{1,6}\s|\||```|~~~)")


class _Converter(MarkdownConverter):
    """Writes Markdown as our renderer reads it: links only to the web, mail and telephones, pictures as words."""

    def __init__(self, *, is_markdown: bool) -> None:
        super().__init__(heading_style="ATX", bullets="-", strong_em_symbol="*")
        self._is_markdown = is_markdown

    def escape(self, text: str, parent_tags: Any) -> str:  # noqa: ARG002
        if self._is_markdown:
            return text.replace("<", r"\<")
        return _NEWLINE.join(escaped_line(line) for line in text.split(_NEWLINE))

    def convert_a(self, el: Any, text: str, parent_tags: Any) -> str:  # noqa: ARG002
        address = str(el.get("href") or "").strip()
        known = web_link(address) or (address if re.fullmatch(r"(mailto|tel):[^\s<>]+", address) else None)
        if known is None or not text.strip() or html.unescape(text.replace("\\", "").strip()) == known:
            return known if known and text.strip() else text
        target = known.replace("(", "%28").replace(")", "%29")
        return f"[{text.strip()}]({target})"

    def convert_img(self, el: Any, text: str, parent_tags: Any) -> str:  # noqa: ARG002
        return str(el.get("alt") or "")


def page_line(text: str) -> str:
    """Return a title or a name as plain text: without tags, entities as their characters."""
    words = _TAG.sub(" ", _SILENT_ELEMENT.sub("", without_comments(cleaned(text))))
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), words).strip()


def page_markdown(text: str, *, is_markdown: bool | None = None) -> str:
    """Return a body as Markdown, still with soft line ends: `with_hard_breaks` finishes it.

    Known HTML elements become Markdown; scripts, comments and the like are left out with what they
    hold. What is left is Markdown if the page says so, or if it bears signs of it; else it is
    plain text, and escaped.
    """
    plain = _AUTOLINK.sub(r"\1", _SILENT_ELEMENT.sub("", without_comments(cleaned(text))))
    if _is_too_deep(plain):
        plain = _TAG.sub("\n", plain)
    if is_markdown is None:
        is_markdown = bool(_SIGNS_OF_MARKDOWN.search(_TAG.sub("\n", plain)))
    written = (
        _Converter(is_markdown=is_markdown)
        .convert(_without_loose_ends(plain))
        .replace(_NEWLINE, "\n")
        .replace(_SPACE, " ")
    )
    lines = (line.rstrip() if is_markdown else line.strip(" \t") for line in written.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def with_hard_breaks(text: str) -> str:
    """End each line as a line: whoever typed a line end meant it. Rules become rules, not headings."""
    lines, written, fenced = text.split("\n"), list[str](), False
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        is_fence = bool(_FENCE.match(line))
        fenced = fenced != is_fence
        if not fenced and _RULE.fullmatch(line) and written and written[-1].strip():
            written.append("")
        breaks = line.strip() and following.strip() and not fenced and not is_fence
        if breaks and not (_ENDS_ITSELF.match(line) or _STARTS_BLOCK.match(following) or _is_rule(line, following)):
            written.append(f"{line}\\")
        else:
            written.append(line)
    return "\n".join(written)


def bounded(text: str, limit: int, more: str | None) -> str:
    """Return a Markdown text of at most `limit` characters; a shortened one ends with an ellipsis and a link."""
    if len(text) <= limit:
        return text
    tail = CUT + (f"\n\n{more}" if more else "")
    kept = text[: limit - len(tail) - len("\n```")]
    edge = max(kept.rfind("\n\n"), kept.rfind("\n"), kept.rfind(" "))
    kept = kept[: edge if edge > len(kept) // 2 else len(kept)].rstrip("\\ \t\n")
    open_fence = "\n```\n" if len(re.findall(r"^\s*```", kept, re.MULTILINE)) % 2 else ""
    return kept + open_fence + tail


def _is_rule(*lines: str) -> bool:
    return any(_RULE.fullmatch(line) for line in lines)


def _is_too_deep(text: str) -> bool:
    depth = deepest = 0
    for tag in _TAG.finditer(text):
        if tag["name"].lower() not in _UNNESTED:
            depth = max(0, depth - 1) if tag[0].startswith("</") else depth + 1
            deepest = max(deepest, depth)
    return deepest > _DEEPEST


def _without_loose_ends(text: str) -> str:
    """Escape what is no element, and keep the line ends that stand between words, not beside blocks."""
    pieces, at, after_block = list[str](), 0, True
    for tag in _TAG.finditer(text):
        is_block = bool(_BLOCK.fullmatch(tag["name"]))
        pieces += [_as_text(text[at : tag.start()], after_block=after_block, before_block=is_block), tag[0]]
        at, after_block = tag.end(), is_block
    return "".join((*pieces, _as_text(text[at:], after_block=after_block, before_block=True)))


def _as_text(text: str, *, after_block: bool, before_block: bool) -> str:
    if after_block and "\n" in text[: len(text) - len(begun := text.lstrip())]:
        text = begun
    if before_block and "\n" in text[len(ended := text.rstrip()) :]:
        text = ended
    indented = r"(?:\A|\n) *" if after_block else r"\n *"
    text = re.sub(indented, lambda found: found[0].replace("\n", _NEWLINE).replace(" ", _SPACE), text)
    return _BARE_AMPERSAND.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")
