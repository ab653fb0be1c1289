"""Draw the cards of `card_words.py`. The same text gives the same bytes.

1200 x 675 pixels: every platform shows 16:9 uncropped. Draws everything at double size and halves
it at the end, because Pillow does not smooth rounded corners and circles.
"""

import io
from dataclasses import replace
from functools import lru_cache

from PIL import Image, ImageDraw

from notifier.domain.messages.message import Picture
from notifier.rendering.cards.card_words import CardWords, Step
from notifier.rendering.cards.typeface import Block, can_write, fit, font, plain
from notifier.rendering.incident_view import Part

WIDTH, HEIGHT = 1200, 675
_SCALE = 2
_KEPT = 16  # cards, of some 40 kB each
_COLOURS = 128  # of the palette; a card has about thirty, and their blends
_MARGIN = 64
_BAND = 278
_ROOM = 168  # for components, between the band and the timeline

Colour = str

# The same as in templates/_base/email.css, so that mail and card match.
_BANDS: dict[str, tuple[Colour, Colour]] = {
    "trouble": ("#b42318", "#8f1a12"),
    "news": ("#175cd3", "#1149ab"),
    "solved": ("#067647", "#055d38"),
    "planned": ("#5925dc", "#4619b3"),
    "review": ("#344054", "#263041"),
}
_HEALTH: dict[str, Colour] = {
    "operational": "#067647",
    "degraded_performance": "#a15c07",
    "partial_outage": "#c4320a",
    "major_outage": "#b42318",
    "under_maintenance": "#5925dc",
}
_WHITE, _INK, _QUIET, _RULE = "#ffffff", "#1d2733", "#4a5665", "#dfe4ea"


@lru_cache(maxsize=_KEPT)
def paint(words: CardWords) -> Picture | None:
    """Draw a card; None if the typeface lacks a character, because a card with boxes helps no one.

    Caches the last ones: all accounts of a language post the same card.
    """
    drawn = _drawable(words)
    if drawn is None:
        return None
    sheet = _Sheet(drawn)
    sheet.draw()
    return Picture(data=sheet.png(), media_type="image/png", alt=words.alt)


def _drawable(words: CardWords) -> CardWords | None:
    drawn = replace(
        words,
        brand=plain(words.brand),
        status=plain(words.status),
        impact=plain(words.impact),
        moved=plain(words.moved),
        title=plain(words.title),
        parts=tuple(Part(plain(part.name), plain(part.status), part.key) for part in words.parts),
        more_parts=plain(words.more_parts),
        essence=plain(words.essence),
        steps=tuple(Step(plain(step.when), plain(step.word)) for step in words.steps),
        date=plain(words.date),
        address=plain(words.address),
    )
    shown = [
        drawn.brand,
        drawn.status,
        drawn.impact,
        drawn.moved,
        drawn.title,
        drawn.more_parts,
        drawn.essence,
        drawn.date,
    ]
    shown += [drawn.address, *(text for part in drawn.parts for text in (part.name, part.status))]
    shown += [text for step in drawn.steps for text in (step.when, step.word)]
    return drawn if drawn.title and all(map(can_write, shown)) else None


class _Sheet:
    """A card being drawn. Coordinates are pixels of the finished picture; `_px` scales them up."""

    def __init__(self, words: CardWords) -> None:
        self._words = words
        self._image = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), _WHITE)
        self._pen = ImageDraw.Draw(self._image)
        self._band, self._shade = _BANDS[words.mood]

    def draw(self) -> None:
        """Draw everything."""
        self._draw_band()
        if self._words.parts:
            self._draw_parts()
        else:
            self._block(self._fit(self._words.essence, (32, 29), 4), _MARGIN, _BAND + 26, _INK)
        self._draw_steps()
        self._draw_foot()

    def png(self) -> bytes:
        """Return the finished picture."""
        small = self._image.reduce(_SCALE).quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        small.save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    def _draw_band(self) -> None:
        words = self._words
        self._box(0, 0, WIDTH, _BAND, self._band)
        self._box(0, 0, 12, _BAND, self._shade)
        self._text(words.brand, _MARGIN, 56, 30, _WHITE, strong=True)
        self._pill(words.status, WIDTH - _MARGIN, 56)
        impact = 0
        for line in filter(None, (words.impact, words.moved)):
            self._text(line, _MARGIN, 112 + impact, 26, "#f2f4f7")
            impact += 34
        sizes = (42, 38) if words.moved else (60, 54, 48, 42, 38)  # two title lines must fit
        title = self._fit(words.title, sizes, 2, strong=True)
        height = self._line_height(title) * len(title.lines)
        above = 92 + impact
        self._block(title, _MARGIN, above + (_BAND - above - 22 - height) // 2 + 6, _WHITE)

    def _pill(self, text: str, right: int, middle: int) -> None:
        """Draw the status in a white pill on the band, with a dot in front."""
        block = fit(text, (28 * _SCALE, 24 * _SCALE), width=420 * _SCALE, lines=1, strong=True)
        wide = int(block.font.getlength(block.lines[0])) // _SCALE
        left = right - wide - 72
        self._box(left, middle - 28, right, middle + 28, _WHITE, radius=28)
        self._dot(left + 30, middle, 9, self._band)
        self._pen.text(
            (self._px(left + 50), self._px(middle)), block.lines[0], font=block.font, fill=self._band, anchor="lm"
        )

    def _draw_parts(self) -> None:
        words = self._words
        rows = len(words.parts) + bool(words.more_parts)
        step = min(52, _ROOM // rows)
        middle = _BAND + 14 + (_ROOM - step * rows) // 2 + step // 2
        for part in words.parts:
            colour = _HEALTH.get(part.key, _QUIET)
            self._dot(_MARGIN + 9, middle, 9, colour)
            name = self._fit(part.name, (30,), 1, width=560)
            self._text(name.lines[0], _MARGIN + 36, middle, 30, _INK)
            status = self._fit(part.status, (28,), 1, width=430, strong=True)
            self._text(status.lines[0], WIDTH - _MARGIN, middle, 28, colour, strong=True, anchor="rm")
            middle += step
        if words.more_parts:
            self._text(words.more_parts, _MARGIN + 36, middle, 26, _QUIET)

    def _draw_steps(self) -> None:
        """Draw the timeline: a dot for each update, the last one filled."""
        words = self._words
        line, count = HEIGHT - 128, len(words.steps)
        self._box(_MARGIN, line - 1, WIDTH - _MARGIN, line + 2, _RULE)
        room = (WIDTH - 2 * _MARGIN) // max(count, 3)
        if words.more_steps:
            for place in range(3):
                self._dot(_MARGIN - 40 + 12 * place, line, 3, _QUIET)
        size = min(self._fit(step.word, (26, 23, 20), 1, width=room - 16).font.size for step in words.steps)
        for place, step in enumerate(words.steps):
            left, last = _MARGIN + place * room, place == count - 1
            if last:
                self._dot(left + 13, line, 19, _WHITE)
                self._dot(left + 13, line, 13, self._band)
            else:
                self._dot(left + 13, line, 13, _QUIET)
                self._dot(left + 13, line, 9, _WHITE)
            when = self._fit(step.when, (24, 21), 1, width=room - 16)
            self._block(when, left, line - 58, self._band if last else _QUIET)
            word = self._fit(step.word, (int(size) // _SCALE,), 1, width=room - 10, strong=last)
            self._block(word, left, line + 24, _INK if last else _QUIET)

    def _draw_foot(self) -> None:
        self._text(self._words.date, _MARGIN, HEIGHT - 34, 23, _QUIET)
        address = self._fit(self._words.address, (23,), 1, width=560)
        self._text(address.lines[0], WIDTH - _MARGIN, HEIGHT - 34, 23, _QUIET, anchor="rm")

    # --- the pen -------------------------------------------------------------------------------------------------

    @staticmethod
    def _px(length: int) -> int:
        return length * _SCALE

    def _fit(
        self, text: str, sizes: tuple[int, ...], lines: int, *, width: int = WIDTH - 2 * _MARGIN, strong: bool = False
    ) -> Block:
        scaled = tuple(map(self._px, sizes))
        return fit(text, scaled, width=self._px(width), lines=lines, strong=strong)

    @staticmethod
    def _line_height(block: Block) -> int:
        return int(block.font.size * 1.22) // _SCALE

    def _block(self, block: Block, left: int, top: int, colour: Colour) -> None:
        for number, line in enumerate(block.lines):
            place = (self._px(left), self._px(top + number * self._line_height(block)))
            self._pen.text(place, line, font=block.font, fill=colour, anchor="la")

    def _text(
        self, text: str, x: int, middle: int, size: int, colour: Colour, *, strong: bool = False, anchor: str = "lm"
    ) -> None:
        place = (self._px(x), self._px(middle))
        self._pen.text(place, text, font=font(self._px(size), strong=strong), fill=colour, anchor=anchor)

    def _box(self, left: int, top: int, right: int, bottom: int, colour: Colour, *, radius: int = 0) -> None:
        box = (self._px(left), self._px(top), self._px(right) - 1, self._px(bottom) - 1)
        self._pen.rounded_rectangle(box, radius=self._px(radius), fill=colour)

    def _dot(self, x: int, y: int, radius: int, colour: Colour) -> None:
        box = (self._px(x - radius), self._px(y - radius), self._px(x + radius), self._px(y + radius))
        self._pen.ellipse(box, fill=colour)
