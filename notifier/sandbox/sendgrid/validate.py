"""Validate a mail send request by the rules of the API reference and the error catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notifier.sandbox.config import SendGridRules
from notifier.sandbox.sendgrid import fields, switches
from notifier.sandbox.sendgrid.errors import BAD_REQUEST, Problem
from notifier.sandbox.sendgrid.headers import HeaderRules
from notifier.sandbox.sendgrid.personalizations import MAX_OBJECTS, Personalizations
from notifier.sandbox.sendgrid.tags import tags_of

_FIELD_NAMES = (
    "personalizations from reply_to reply_to_list subject content attachments template_id headers categories "
    "custom_args send_at batch_id asm ip_pool_name mail_settings tracking_settings"
)
_FIELDS = frozenset(_FIELD_NAMES.split())


@dataclass(frozen=True, slots=True)
class Validation:
    """The result. Without problems, `recipients` and `args` have one entry per personalization."""

    problems: Sequence[Problem]
    recipients: Sequence[Sequence[str]]
    args: Sequence[Mapping[str, str]]


def validate(request: object, rules: SendGridRules, *, now: float) -> Validation:
    """Validate a parsed request body. `now` is in Unix seconds."""
    if not isinstance(request, dict):
        return Validation([BAD_REQUEST], [], [])
    problems = [Problem(f"Additional property {key} is not allowed", key) for key in sorted(request.keys() - _FIELDS)]
    problems += _message(request, rules, now)
    objects = request.get("personalizations")
    if not isinstance(objects, list) or not objects:
        problems.append(Problem("You must have at least one personalization.", "personalizations"))
        return Validation(problems, [], [])
    if len(objects) > MAX_OBJECTS:
        problems.append(_too_many(len(objects)))
        return Validation(problems, [], [])
    checked = Personalizations(
        strict=rules.strict,
        now=now,
        common_args=_common_args(request),
        tags=frozenset() if _is_dynamic(request) or not rules.strict else tags_of(request, objects, rules.leftover_tag),
        dynamic=_is_dynamic(request),
    )
    checked.check(objects)
    problems += _subject_everywhere(request, objects)
    return Validation(problems + checked.problems, checked.recipients, checked.args)


def _message(request: dict[str, Any], rules: SendGridRules, now: float) -> list[Problem]:
    problems = [*_sender(request, rules), *_body(request)]
    if "headers" in request:
        problems += HeaderRules().problems(request["headers"], "headers")
    if "custom_args" in request and not _all_strings(request["custom_args"]):
        problems.append(BAD_REQUEST)
    if "categories" in request:
        problems += fields.categories(request["categories"])
    if "send_at" in request:
        problems += fields.send_at(request["send_at"], "send_at", now)
    if "batch_id" in request and not isinstance(request["batch_id"], str):
        problems.append(Problem("The batch_id must be a string.", "batch_id"))
    if "ip_pool_name" in request:
        problems += fields.pool_name(request["ip_pool_name"])
    for name, check in (
        ("asm", switches.asm),
        ("mail_settings", switches.mail_settings),
        ("tracking_settings", switches.tracking_settings),
    ):
        if name in request:
            problems += check(request[name])
    return problems


def _sender(request: dict[str, Any], rules: SendGridRules) -> list[Problem]:
    problems: list[Problem] = []
    if "from" not in request:
        problems.append(
            Problem(
                "The from object must be provided for every email send. It is an object that requires the email "
                "parameter, but may also contain a name parameter.",
                "from.email",
            )
        )
    else:
        problems += fields.address_object(request["from"], "from", strict=rules.strict)
    if "reply_to" in request:
        problems += fields.address_object(request["reply_to"], "reply_to", strict=rules.strict)
    if "reply_to_list" in request:
        problems += fields.reply_to_list(request["reply_to_list"], strict=rules.strict)
        if "reply_to" in request:
            problems.append(Problem("reply_to and reply_to_list exclude each other.", "reply_to_list"))
    return problems


def _body(request: dict[str, Any]) -> list[Problem]:
    problems: list[Problem] = []
    if "subject" in request:
        problems += fields.text(request["subject"], "subject")
    if "content" in request:
        problems += fields.content(request["content"])
    elif "template_id" not in request:
        problems.append(
            Problem(
                "The content param is required unless you are using a transactional template and have defined a "
                "template_id.",
                "content",
            )
        )
    if "template_id" in request and not isinstance(request["template_id"], str):
        message = f"The Template ID must be a string, you provided {request['template_id']}."
        problems.append(Problem(message, "template_id"))
    if "attachments" in request:
        problems += fields.attachments(request["attachments"])
    return problems


def _subject_everywhere(request: dict[str, Any], objects: list[Any]) -> list[Problem]:
    if "subject" in request or "template_id" in request:
        return []
    if all(isinstance(entry, dict) and "subject" in entry for entry in objects):
        return []
    message = (
        "The subject is required. You can get around this requirement if you use a template with a subject defined or "
        "if every personalization has a subject defined."
    )
    return [Problem(message, "subject")]


def _too_many(count: int) -> Problem:
    return Problem(
        f"The personalization block is limited to {MAX_OBJECTS} personalizations per API request. You have provided "
        f"{count} personalizations. Please consider splitting this into multiple requests and resending your request.",
        "personalizations",
    )


def _common_args(request: dict[str, Any]) -> dict[str, str]:
    args = request.get("custom_args", {})
    return args if _all_strings(args) else {}


def _is_dynamic(request: dict[str, Any]) -> bool:
    template = request.get("template_id")
    return isinstance(template, str) and template.startswith("d-")


def _all_strings(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, str) for entry in value.values())
