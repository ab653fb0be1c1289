"""Incident templates: those of `notifier.toml`, which git reviews, and those that people keep by the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notifier.domain.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from notifier.domain.ids import new_ulid
from notifier.domain.proposals.draft import merged
from notifier.domain.proposals.template import Template, placeholder_fault
from notifier.domain.values import Impact, Status
from notifier.services.drafts.placeholders import Facts, Placeholders
from notifier.services.ports import Clock
from notifier.services.security.audit import Actor, Subject, record
from notifier.storage.database import Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.proposals import signals, templates

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The parts of a draft that a template and a signal fill in; `source`: of the signal."""

    incident: Json
    update: Json
    source: str | None = None


@dataclass(frozen=True)
class Templates:
    """The templates of one installation."""

    database: Database
    clock: Clock
    configured: Sequence[Template]
    placeholders: Placeholders

    def prepared(
        self, connection: Connection, template_id: str | None, signal_id: str | None, incident: Json
    ) -> Prepared:
        """Return what a template and a signal put into a new draft.

        Placeholders that no signal fills take what the draft's own `incident` says, else the present.

        Raises:
            InvalidInputError: There is no such template or signal.
        """
        signal = signals.find(connection, signal_id) if signal_id is not None else None
        if signal_id is not None and signal is None:
            raise InvalidInputError([FieldError("signal_id", f"there is no signal {signal_id!r}")])
        found: dict[str, Any] = {}
        if signal is not None:
            found = {
                "impact": signal.impact.value,
                "components": [
                    {"key": key, "status": status.value if status else None}
                    for key, status in signal.components.items()
                ],
                "started_at": instant_to_json(signal.first_seen_at),
                "links": [signal.public_link] if signal.public_link else [],
            }
        if template_id is None:
            return Prepared(incident=found, update={}, source=signal.source if signal else None)
        template = self._named(connection, template_id)
        facts = Facts.of(signal) if signal is not None else Facts(at=self.clock())
        texts = self.texts(template, facts.completed(incident, template.components))
        return Prepared(
            incident=merged(found, texts.incident),
            update=texts.update,
            source=signal.source if signal else None,
        )

    def texts(self, template: Template, facts: Facts) -> Prepared:
        """Return the parts of a draft that a template fills in, its placeholders replaced."""
        keys = template.components
        return Prepared(
            incident={
                "title": self.placeholders.filled(template.title, facts),
                **({"impact": template.impact.value} if template.impact is not None else {}),
                **({"components": [{"key": key} for key in keys]} if keys else {}),
            },
            update={"status": template.status.value, "body": self.placeholders.filled(template.body, facts)},
        )

    def _named(self, connection: Connection, template_id: str) -> Template:
        found = self.find(connection, template_id)
        if found is None:
            raise InvalidInputError([FieldError("template", f"there is no template {template_id!r}")])
        return found

    def find(self, connection: Connection, template_id: str) -> Template | None:
        """Return a template by its id, those of the configuration first."""
        own = next((template for template in self.configured if template.id == template_id), None)
        return own or templates.find(connection, template_id)

    def listed(self) -> list[Json]:
        """Return every template, those of the configuration first, else by name."""
        with self.database.read() as connection:
            return [as_json(template) for template in (*self.configured, *templates.listed(connection))]

    def get(self, template_id: str) -> Json:
        """Return one template.

        Raises:
            NotFoundError: There is none.
        """
        with self.database.read() as connection:
            found = self.find(connection, template_id)
        if found is None:
            raise NotFoundError("template", template_id)
        return as_json(found)

    def create(self, wanted: Template, actor: Actor) -> Json:
        """Store a template under a new id.

        Raises:
            InvalidInputError: A text has an unknown placeholder, or a locale or component is unknown.
        """
        now = self.clock()
        made = _with(wanted, f"tpl_{new_ulid(now)}")
        self._check(made)
        with self.database.write() as connection:
            templates.add(connection, made, now)
            record(connection, actor, "template.created", Subject("template", made.id), at=now)
            stored = templates.find(connection, made.id)
        return as_json(stored or made)

    def replace(self, template_id: str, wanted: Template, actor: Actor) -> Json:
        """Replace a template's content.

        Raises:
            NotFoundError: There is none.
            ConflictError: It is configured in `notifier.toml`.
            InvalidInputError: As for `create`.
        """
        now = self.clock()
        made = _with(wanted, template_id)
        self._refuse_configured(template_id)
        self._check(made)
        with self.database.write() as connection:
            if not templates.save(connection, made, now):
                raise NotFoundError("template", template_id)
            record(connection, actor, "template.changed", Subject("template", template_id), at=now)
            stored = templates.find(connection, template_id)
        return as_json(stored or made)

    def remove(self, template_id: str, actor: Actor) -> None:
        """Remove a template; drafts made from it stay.

        Raises:
            NotFoundError: There is none.
            ConflictError: It is configured in `notifier.toml`.
        """
        self._refuse_configured(template_id)
        now = self.clock()
        with self.database.write() as connection:
            if not templates.remove(connection, template_id):
                raise NotFoundError("template", template_id)
            record(connection, actor, "template.removed", Subject("template", template_id), at=now)

    def _refuse_configured(self, template_id: str) -> None:
        if any(template.id == template_id for template in self.configured):
            raise ConflictError(f"template {template_id} is configured in notifier.toml: change it there")

    def _check(self, template: Template) -> None:
        brand, known = self.placeholders.brand, {component.key for component in self.placeholders.components}
        faults = [
            FieldError(f"{field}.{locale}", fault)
            for field, texts in (("title", template.title), ("body", template.body))
            for locale, text in texts.items()
            if (fault := placeholder_fault(text) or _locale_fault(locale, brand.locales))
        ]
        faults += [
            FieldError(f"components.{place}", f"unknown component {key!r}; known: {', '.join(sorted(known))}")
            for place, key in enumerate(template.components)
            if known and key not in known
        ]
        if faults:
            raise InvalidInputError(faults)


def _locale_fault(locale: str, offered: Sequence[str]) -> str | None:
    return None if locale in offered else f"unknown locale {locale!r}; offered: {', '.join(sorted(offered))}"


def _with(template: Template, template_id: str) -> Template:
    return Template(
        id=template_id,
        name=template.name,
        title=template.title,
        body=template.body,
        status=template.status,
        impact=template.impact,
        components=template.components,
    )


def as_json(template: Template) -> Json:
    """Return a template as the API answers it."""
    return {
        "id": template.id,
        "name": template.name,
        "title": template.title,
        "body": template.body,
        "status": template.status.value,
        "impact": template.impact.value if template.impact is not None else None,
        "components": list(template.components),
        "configured": template.is_configured,
        "updated_at": instant_to_json(template.updated_at),
    }


def parsed(data: Mapping[str, Any]) -> Template:
    """Return the template that a checked body describes; it has no id yet."""
    impact = data.get("impact")
    return Template(
        id="",
        name=data["name"],
        title=data["title"],
        body=data["body"],
        status=Status(data.get("status") or Status.INVESTIGATING),
        impact=Impact(impact) if impact is not None else None,
        components=tuple(data.get("components") or ()),
    )
