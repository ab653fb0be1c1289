"""Further buttons of the preferences page. Each is a POST whose form token was checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import InvalidInputError
from notifier.services.security.audit import Actor
from notifier.web.forms import Form


@dataclass(frozen=True, slots=True)
class Done:
    """The page to show next, or the preferences again with a message."""

    name: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818 - becomes a page, not an error
    """Show the preferences again, with the errors."""

    def __init__(self, context: dict[str, Any]) -> None:
        super().__init__("refused")
        self.context = context


Act = Callable[[ApiContainer, int, Form, Actor], Done]


def _unsubscribe(container: ApiContainer, subject: int, _form: Form, actor: Actor) -> Done:
    container.lifecycle.unsubscribe(subject, actor)
    return Done(context={"said": "unsubscribed"})


def _resubscribe(container: ApiContainer, subject: int, _form: Form, actor: Actor) -> Done:
    lifted = container.lifecycle.resubscribe(subject, actor)
    return Done(context={"said": "resubscribed" if lifted else "unsubscribed"})


def _change_address(container: ApiContainer, subject: int, form: Form, _actor: Actor) -> Done:
    """Send a confirmation mail to the new address; the answer does not reveal its daily limit."""
    email = form.one("new_email")
    try:
        container.sign_ups.ask_address_change(subject, email)
    except InvalidInputError:
        raise Refusal({"new_email": email, "faulty": frozenset({"new_email"})}) from None
    return Done(context={"said": "address", "new_email": email})


def _erase(container: ApiContainer, subject: int, _form: Form, actor: Actor) -> Done:
    container.lifecycle.erase(subject, actor)
    return Done("erased")


ACTS: Mapping[str, Act] = {
    "unsubscribe": _unsubscribe,
    "resubscribe": _resubscribe,
    "address": _change_address,
    "erase": _erase,
}
"""By the last segment of their path."""
