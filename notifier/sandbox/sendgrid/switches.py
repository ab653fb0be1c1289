"""Check the option objects of a mail send request: `asm`, `mail_settings`, `tracking_settings`."""

from collections.abc import Iterator, Mapping
from typing import Any

from notifier.sandbox.sendgrid.errors import Problem

_BYPASSES = (
    "bypass_list_management",
    "bypass_spam_management",
    "bypass_bounce_management",
    "bypass_unsubscribe_management",
)
_MAIL: dict[str, dict[str, type]] = {
    **{name: {"enable": bool} for name in (*_BYPASSES, "sandbox_mode")},
    "footer": {"enable": bool, "text": str, "html": str},
}
_TRACKING: dict[str, dict[str, type]] = {
    "click_tracking": {"enable": bool, "enable_text": bool},
    "open_tracking": {"enable": bool, "substitution_tag": str},
    "subscription_tracking": {"enable": bool, "text": str, "html": str, "substitution_tag": str},
    "ganalytics": {"enable": bool} | {f"utm_{key}": str for key in ("source", "medium", "term", "content", "campaign")},
}
_MAX_SHOWN = 25
_KIND = {bool: "boolean", str: "string"}

Found = Iterator[Problem]


def asm(value: object) -> Found:
    """Check `asm`: an unsubscribe group, and up to 25 groups to display."""
    if not isinstance(value, dict):
        yield Problem("The asm must be an object with a group_id.", "asm")
        return
    if not _is_integer(value.get("group_id")):
        yield Problem("The ASM group ID must be an integer.", "asm.group_id")
    shown = value.get("groups_to_display", [])
    if not isinstance(shown, list) or not all(_is_integer(group) for group in shown):
        yield Problem("The ASM Group IDs to display must be an array of integers.", "asm.groups_to_display")
    elif len(shown) > _MAX_SHOWN:
        message = "There is a limit of 25 unsubscribe groups that can be displayed to a user at a time."
        yield Problem(message, "asm.groups_to_display")
    for key in sorted(value.keys() - {"group_id", "groups_to_display"}):
        yield Problem(f"Additional property {key} is not allowed", f"asm.{key}")


def mail_settings(value: object) -> Found:
    """Check `mail_settings`; `bypass_list_management` excludes the other three bypasses."""
    yield from _options(value, _MAIL, "mail_settings")
    if isinstance(value, dict) and _BYPASSES[0] in value and any(name in value for name in _BYPASSES[1:]):
        yield Problem(
            "The bypass_list_management setting cannot be combined with any other bypass setting.",
            "mail_settings.bypass_list_management",
        )


def tracking_settings(value: object) -> Found:
    """Check `tracking_settings`."""
    yield from _options(value, _TRACKING, "tracking_settings")


def _options(value: object, known: Mapping[str, Mapping[str, type]], field: str) -> Found:
    if not isinstance(value, dict):
        yield Problem(f"The {field} must be an object.", field)
        return
    for name, option in value.items():
        rules = known.get(name)
        if rules is None:
            yield Problem(f"Additional property {name} is not allowed", f"{field}.{name}")
        elif not isinstance(option, dict):
            yield Problem(f"The {name} must be an object.", f"{field}.{name}")
        else:
            yield from _option(name, option, rules, f"{field}.{name}")


def _option(name: str, option: dict[str, Any], rules: Mapping[str, type], field: str) -> Found:
    for key, entry in option.items():
        kind = rules.get(key)
        if kind is None:
            yield Problem(f"Additional property {key} is not allowed", f"{field}.{key}")
        elif not isinstance(entry, kind):
            words = f"{name.replace('_', ' ')} {key.replace('_', ' ')}"
            yield Problem(f"The {words} param should be a {_KIND[kind]} value.", f"{field}.{key}")


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
