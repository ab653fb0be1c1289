"""Format dates and times in the reader's locale and time zone (CLDR, through Babel)."""

from datetime import datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.core import get_global
from babel.dates import format_date, format_datetime, format_skeleton, format_time, get_timezone_gmt

from notifier.domain.incidents.incident import Window
from notifier.rendering.language import parse_locale

_NARROW_SPACE, _NO_BREAK_SPACE = "\u202f", "\u00a0"  # old mail programs lack U+202F; X counts it double


@lru_cache(maxsize=1024)
def zone(name: str, fallback: str) -> ZoneInfo:
    """Return the zone of an IANA name; if it is unknown, that of `fallback`, else UTC."""
    for candidate in (name, fallback):
        try:
            return ZoneInfo(candidate)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a directory (`Europe`)
            continue
    return ZoneInfo("UTC")


def moment(instant: datetime, cldr: Locale, where: ZoneInfo) -> str:
    """Format an aware time in full: `21 juni 2022 08:36 CEST`."""
    local = instant.astimezone(where)
    return f"{day(instant, cldr, where)} {clock(instant, cldr, where)} {zone_name(local, cldr, where)}"


def span(window: Window, cldr: Locale, where: ZoneInfo) -> str:
    """Format a window: `8 maart 2026 03:00 - 05:00 CET`, with the end date if it differs."""
    start, end = window.start, window.end
    if end is None:
        return moment(start, cldr, where)
    begins, ends = start.astimezone(where), end.astimezone(where)
    named, last = zone_name(begins, cldr, where), zone_name(ends, cldr, where)
    first = f"{day(start, cldr, where)} {clock(start, cldr, where)}"
    first += f" {named}" if named != last else ""
    second = (
        clock(end, cldr, where)
        if begins.date() == ends.date()
        else f"{day(end, cldr, where)} {clock(end, cldr, where)}"
    )
    return f"{first} \N{EN DASH} {second} {last}"


def day(instant: datetime, cldr: Locale, where: ZoneInfo) -> str:
    """Format the date: `21 juni 2022`."""
    return format_date(instant.astimezone(where), "long", locale=regional(cldr, where.key))


def short_day(instant: datetime, cldr: Locale, where: ZoneInfo) -> str:
    """Format day and month: `21 jun`."""
    return format_skeleton("MMMd", instant, tzinfo=where, locale=regional(cldr, where.key))


def clock(instant: datetime, cldr: Locale, where: ZoneInfo) -> str:
    """Format the time of day: `08:36`, or `8:36 AM` in locales with a 12-hour clock."""
    spoken = format_time(instant, "short", tzinfo=where, locale=regional(cldr, where.key))
    return spoken.replace(_NARROW_SPACE, _NO_BREAK_SPACE)


def zone_name(local: datetime, cldr: Locale, where: tzinfo) -> str:
    """Return the short zone name: localized (`MESZ`), else IANA's (`CEST`), else `GMT+05:30`."""
    spoken = format_datetime(local, "zzz", tzinfo=where, locale=cldr)
    if spoken[:1] not in "+-":
        return spoken
    known = local.tzname() or ""
    return known if known.isalpha() else get_timezone_gmt(local, "long", locale=cldr)


@lru_cache(maxsize=4096)
def regional(cldr: Locale, zone_key: str) -> Locale:
    """Add the zone's territory to a bare language: English in New York is `June 21` and `8:36 AM`.

    A locale with a territory keeps it. English falls back to `en_150` for Europe and `en_001` for
    the rest of the world; plain `en` would be American everywhere.
    """
    if cldr.territory:
        return cldr
    territory = get_global("zone_territories").get(zone_key, "001")
    candidates = [f"{cldr}_{territory}"]
    if cldr.language == "en":
        candidates += ["en_150"] if zone_key.startswith("Europe/") else ["en_001"]
    for candidate in candidates:
        refined = parse_locale(candidate)
        if refined is not None:
            return refined
    return cldr
