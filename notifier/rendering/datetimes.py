"""Dates and times as the reader writes them, in the reader's own zone (CLDR, by Babel)."""

from datetime import datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.core import get_global
from babel.dates import format_date, format_datetime, format_skeleton, format_time, get_timezone_gmt

from notifier.domain.incidents.incident import Window
from notifier.rendering.language import parse_locale

_NARROW_SPACE, _NO_BREAK_SPACE = "\u202f", "\u00a0"  # old mail programs lack the first, and X counts it double


@lru_cache(maxsize=1024)
def zone(name: str, fallback: str) -> ZoneInfo:
    """Return the zone of an IANA name; for a name nobody knows the fallback's, else UTC."""
    for candidate in (name, fallback):
        try:
            return ZoneInfo(candidate)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of the database, such as `Europe`
            continue
    return ZoneInfo("UTC")


def moment(instant: datetime, cldr: Locale, where: ZoneInfo) -> str:
    """Say an instant in full: `21 juni 2022 08:36 CEST`. `instant` must be aware."""
    local = instant.astimezone(where)
    return f"{day(instant, cldr, where)} {clock(instant, cldr, where)} {zone_name(local, cldr, where)}"


def span(window: Window, cldr: Locale, where: ZoneInfo) -> str:
    """Say from when until when: `8 maart 2026 03:00 - 05:00 CET`, the second date where it is another."""
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
    """Say the date of an instant: `21 juni 2022`."""
    return format_date(instant.astimezone(where), "long", locale=regional(cldr, where.key))


def short_day(instant: datetime, cldr: Locale, where: ZoneInfo) -> str:
    """Say day and month of an instant: `21 jun`."""
    return format_skeleton("MMMd", instant, tzinfo=where, locale=regional(cldr, where.key))


def clock(instant: datetime, cldr: Locale, where: ZoneInfo) -> str:
    """Say the time of day of an instant: `08:36`, or `8:36 AM` where that is the custom."""
    spoken = format_time(instant, "short", tzinfo=where, locale=regional(cldr, where.key))
    return spoken.replace(_NARROW_SPACE, _NO_BREAK_SPACE)


def zone_name(local: datetime, cldr: Locale, where: tzinfo) -> str:
    """Name the zone shortly: as the language does (`MESZ`), else as the zone does (`CEST`), else `GMT+05:30`."""
    spoken = format_datetime(local, "zzz", tzinfo=where, locale=cldr)
    if spoken[:1] not in "+-":
        return spoken
    known = local.tzname() or ""
    return known if known.isalpha() else get_timezone_gmt(local, "long", locale=cldr)


@lru_cache(maxsize=4096)
def regional(cldr: Locale, zone_key: str) -> Locale:
    """Refine a bare language by the zone's territory: English in New York says `June 21` and `8:36 AM`.

    A locale that names its own territory keeps it. English has a form of its own for Europe (`en_150`) and one for
    the world (`en_001`); plain `en` would be American everywhere.
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
