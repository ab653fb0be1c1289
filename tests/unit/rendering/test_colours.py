"""Text can be read: WCAG 2.2 AA asks for a contrast of 4.5 to 1."""

import re
from itertools import product

import pytest

from notifier.resources import templates_dir

AA = 4.5
MOODS = ("trouble", "news", "solved", "planned", "review")
HEALTH = ("operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance")


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = ((c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4) for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def colours(sheet: str, property_: str) -> dict[str, str]:
    """Colour of each selector of a style sheet in the templates; later rules win."""
    text = (templates_dir() / sheet).read_text(encoding="utf-8")
    found = {}
    for selectors, rules in re.findall(r"([^{}]+)\{([^{}]*)\}", text):
        match = re.search(rf"(?<![\w-]){property_}: (#[0-9a-f]{{6}})", rules)
        if match:
            found.update({selector.strip(): match[1] for selector in selectors.split(",")})
    return found


@pytest.mark.parametrize("mood", MOODS)
def test_a_headline_can_be_read_on_its_band(mood: str) -> None:
    ground = colours("_base/email.css", "background-color")[f".{mood}"]
    text = colours("_base/email.css", "color")
    assert contrast(text["h1"], ground) >= AA
    assert contrast(text[".label"], ground) >= AA


@pytest.mark.parametrize("sheet", ["_base/email.css", "_base/email.dark.css"])
def test_the_text_of_a_mail_can_be_read_by_day_and_by_night(sheet: str) -> None:
    text, grounds = colours(sheet, "color"), colours(sheet, "background-color")
    card, page = grounds[".card"], grounds[".page"]
    for selector in (
        "h2",
        ".meta",
        ".meta strong",
        ".note",
        ".facts th",
        ".facts td",
        "a",
        *(f".{key}" for key in HEALTH),
    ):
        assert contrast(text[selector], card) >= AA, selector
    for selector in (".brand", ".foot", ".foot a"):
        assert contrast(text[selector], page) >= AA, selector
    assert contrast(text[".button a"], grounds[".button"]) >= AA


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_the_text_of_a_page_can_be_read_in_both_schemes(scheme: int) -> None:
    text = (templates_dir() / "web" / "_style.css").read_text(encoding="utf-8")
    block = re.findall(r":root \{([^}]*)\}", text)[scheme]
    colour = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for ink, ground in product(("ink", "soft", "link", *MOODS, "warn"), ("surface", "ground", "tint")):
        assert contrast(colour[ink], colour[ground]) >= AA, (ink, ground)
    assert contrast(colour["on-accent"], colour["accent"]) >= AA
    assert contrast(colour["field"], colour["surface"]) >= 3.0  # borders of controls (WCAG 1.4.11)
    assert contrast(colour["focus"], colour["ground"]) >= 3.0
