"""Check up to 1,000 personalizations of a request, usually in a few microseconds each."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from notifier.sandbox.sendgrid.addresses import EXAMPLE, MAX_PATH, bad_name, matches_address, unknown_keys
from notifier.sandbox.sendgrid.errors import BAD_REQUEST, Problem
from notifier.sandbox.sendgrid.fields import address_object, send_at, text
from notifier.sandbox.sendgrid.headers import HeaderRules

MAX_OBJECTS = 1000
MAX_RECIPIENTS = 1000
MAX_SUBSTITUTIONS = 150
MAX_SUBSTITUTION_BYTES = 10_000
MAX_ARGS_BYTES = 10_000

_FIELD_NAMES = "to cc bcc from subject headers substitutions dynamic_template_data custom_args send_at"
_FIELDS = frozenset(_FIELD_NAMES.split())
_COMMON = frozenset({"to", "headers", "substitutions", "custom_args"})
_ADDRESS_FIELDS = ("to", "cc", "bcc")


@dataclass(slots=True)
class Personalizations:
    """Checks the personalizations of one request.

    Fills `recipients` (per object, the addresses of to, cc and bcc) and `args` (per object, its
    custom arguments merged over the message's).
    """

    strict: bool
    now: float
    common_args: Mapping[str, str]
    tags: frozenset[str]  # in subject, content and reply_to; each object must give them a value
    dynamic: bool  # the template_id begins with d-
    problems: list[Problem] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    args: list[dict[str, str]] = field(default_factory=list)
    _headers: HeaderRules = field(default_factory=HeaderRules)
    _tag_verdicts: dict[tuple[str, ...], str | None] = field(default_factory=dict)

    def check(self, objects: list[Any]) -> None:
        """Check each object, then the rules across objects."""
        for index, entry in enumerate(objects):
            if isinstance(entry, dict):
                self._check_object(index, entry)
            else:
                self.problems.append(Problem("Each personalization must be an object.", f"personalizations.{index}"))
        total = sum(map(len, self.recipients))
        if total > MAX_RECIPIENTS:
            message = f"There is a limit of {MAX_RECIPIENTS} total recipients (to + cc + bcc) per request."
            self.problems.append(Problem(message, "personalizations"))
        if self.strict:
            self._check_repeats(total)

    def _check_object(self, index: int, entry: dict[str, Any]) -> None:
        if not entry.keys() <= _FIELDS:
            for key in sorted(entry.keys() - _FIELDS):
                self._add(f"Additional property {key} is not allowed", f"personalizations.{index}.{key}")
        self._addresses(index, entry)
        if "headers" in entry:
            self.problems += self._headers.problems(entry["headers"], f"personalizations.{index}.headers")
        self._substitutions(index, entry.get("substitutions", {}))
        self._custom_args(index, entry.get("custom_args"))
        if not entry.keys() <= _COMMON:
            self._rest(index, entry)

    def _addresses(self, index: int, entry: dict[str, Any]) -> None:
        found: list[str] = []
        if not isinstance(entry.get("to"), list) or not entry["to"]:
            self._add("The to parameter is required for all personalization objects.", f"personalizations.{index}.to")
        else:
            self._address_list(index, "to", entry["to"], found)
        for name in ("cc", "bcc"):
            if name in entry:
                self._address_list(index, name, entry[name], found)
        if len(found) > 1:
            self._check_one_envelope(index, entry, found)
        self.recipients.append(found)

    def _address_list(self, index: int, name: str, entries: object, found: list[str]) -> None:
        if not isinstance(entries, list):
            self._add(f"The {name} parameter must be an array.", f"personalizations.{index}.{name}")
            return
        for position, entry in enumerate(entries):
            address = entry.get("email") if isinstance(entry, dict) else None
            if not isinstance(address, str) or len(address) > MAX_PATH or matches_address(address) is None:
                self._add(
                    f"The {name} array must at least have an email parameter with a valid email address and may also "
                    f"contain a name parameter. {EXAMPLE}",
                    f"personalizations.{index}.{name}.{position}.email",
                )
                continue
            found.append(address)
            if len(entry) > 1:
                self._name_and_rest(f"personalizations.{index}.{name}.{position}", entry)

    def _name_and_rest(self, field: str, entry: dict[str, Any]) -> None:
        if message := bad_name(entry, strict=self.strict):
            self._add(message, f"{field}.name")
        for key in unknown_keys(entry):
            self._add(f"Additional property {key} is not allowed", f"{field}.{key}")

    def _check_one_envelope(self, index: int, entry: dict[str, Any], found: list[str]) -> None:
        """Check for repeated addresses; strict mode allows only one: recipients see each other."""
        seen: set[str] = set()
        for name in _ADDRESS_FIELDS:
            for position, one in enumerate(entry.get(name) or ()):
                address = one.get("email") if isinstance(one, dict) else None
                if isinstance(address, str) and address.lower() in seen:
                    self._add(_repeated(address), f"personalizations.{index}.{name}.{position}.email")
                elif isinstance(address, str):
                    seen.add(address.lower())
        if self.strict:
            self._add(
                f"Strict mode: {len(found)} addresses in one personalization would see each other; give each its own.",
                f"personalizations.{index}",
            )

    def _substitutions(self, index: int, values: object) -> None:
        if not isinstance(values, dict):
            self.problems.append(BAD_REQUEST)
            return
        try:
            joined = "".join(values.values())
        except TypeError:
            self.problems.append(BAD_REQUEST)
            return
        keys = tuple(values)
        if len(keys) > MAX_SUBSTITUTIONS:
            message = f"Substitutions are limited to {MAX_SUBSTITUTIONS} items per personalization block."
            self._add(message, f"personalizations.{index}.substitutions")
        if len("".join((joined, *keys)).encode()) > MAX_SUBSTITUTION_BYTES:
            message = f"You are limited to {MAX_SUBSTITUTION_BYTES:,} bytes of substitutions."
            self._add(message, f"personalizations.{index}.substitutions")
        if keys and self.dynamic:
            message = "Substitutions may not be used with dynamic templating"
            self._add(message, f"personalizations.{index}.substitutions")
        if self.strict and (verdict := self._tag_verdict(keys)):
            self._add(verdict, f"personalizations.{index}.substitutions")

    def _tag_verdict(self, keys: tuple[str, ...]) -> str | None:
        if keys not in self._tag_verdicts:
            self._tag_verdicts[keys] = _fault_in_keys(keys, self.tags)
        return self._tag_verdicts[keys]

    def _custom_args(self, index: int, own: object) -> None:
        if own is None:
            own = {}
        if not isinstance(own, dict):
            self.problems.append(BAD_REQUEST)
            return
        try:
            "".join(own.values())
        except TypeError:
            self.problems.append(BAD_REQUEST)
            return
        merged = {**self.common_args, **own}
        if len(orjson.dumps(merged)) > MAX_ARGS_BYTES:
            self._add(
                "The combined size of both global and personalization custom arguments may not exceed "
                f"{MAX_ARGS_BYTES:,} bytes per personalization.",
                f"personalizations.{index}.custom_args",
            )
        self.args.append(merged)

    def _rest(self, index: int, entry: dict[str, Any]) -> None:
        prefix = f"personalizations.{index}"
        if "subject" in entry:
            self.problems += text(entry["subject"], f"{prefix}.subject")
        if "from" in entry:
            found = address_object(entry["from"], "from", strict=self.strict)
            self.problems += [Problem(one.message, f"{prefix}.{one.field}") for one in found]
        if "send_at" in entry:
            self.problems += send_at(entry["send_at"], f"{prefix}.send_at", self.now)
        if "dynamic_template_data" in entry:
            if not isinstance(entry["dynamic_template_data"], dict):
                self.problems.append(BAD_REQUEST)
            elif not self.dynamic:
                self._add("Dynamic template data needs a dynamic template.", f"{prefix}.dynamic_template_data")

    def _check_repeats(self, total: int) -> None:
        if len({address.lower() for found in self.recipients for address in found}) == total:
            return
        seen: dict[str, int] = {}
        for index, found in enumerate(self.recipients):
            for address in found:
                first = seen.setdefault(address.lower(), index)
                if first != index:
                    self._add(_repeated(address), f"personalizations.{index}.to.0.email")

    def _add(self, message: str, field: str) -> None:
        self.problems.append(Problem(message, field))


def _repeated(address: str) -> str:
    return (
        "Each unique email address in the personalizations array should only be included once. "
        f"You have included {address} more than once."
    )


def _fault_in_keys(keys: tuple[str, ...], tags: frozenset[str]) -> str | None:
    if missing := sorted(tags.difference(keys)):
        return f"Strict mode: no value for the tag {missing[0]}, which would stay visible in the mail."
    ordered = sorted(keys)
    for shorter, longer in itertools.pairwise(ordered):
        if longer.startswith(shorter):
            return f"Strict mode: the substitution key {shorter} is a prefix of {longer}."
    return None
