"""An endpoint as JSON (contract, section 5): a strict model in, a domain value out."""

from typing import Annotated, cast

from pydantic import Field

from notifier.domain.errors import InvalidInputError
from notifier.domain.recipients.changes import EndpointChanges
from notifier.domain.recipients.endpoint import (
    MAX_DESCRIPTION,
    MAX_URL,
    Endpoint,
    EndpointMode,
    EndpointState,
    SignatureKind,
)
from notifier.domain.recipients.subscriber import Vocabulary
from notifier.domain.values import Impact, UpdateLevel, WebhookFormat, WebhookType
from notifier.inbound.bodies import Body, read_json
from notifier.inbound.subscribers import (
    MAX_COMPONENTS,
    ComponentKey,
    ExternalId,
    LeastImpact,
    MailAddress,
    checked,
)


def _readable(text: str) -> str:
    if any(letter < " " and letter != "\n" for letter in text) or "\x7f" in text:
        raise ValueError("must not hold control characters")
    return text


Url = Annotated[str, Field(min_length=1, max_length=MAX_URL)]
Description = Annotated[str, Field(max_length=MAX_DESCRIPTION), checked(_readable)]
Components = Annotated[tuple[ComponentKey, ...], Field(max_length=MAX_COMPONENTS)]
Types = Annotated[tuple[WebhookType, ...], Field(max_length=len(WebhookType))]
Headers = Annotated[dict[str, str], Field(max_length=50)]


class EndpointBody(Body):
    """A whole endpoint. Empty `components` and `types` mean all. Header values are write-only.

    `signature`: `hmac` with a shared secret, or `ed25519` with a key pair whose public key you get.
    """

    url: Url
    description: Description = ""
    subscriber: ExternalId | None = None
    owner_email: MailAddress | None = None
    components: Components = ()
    min_impact: LeastImpact = Impact.NONE
    updates: UpdateLevel = UpdateLevel.ALL
    types: Types = ()
    format: WebhookFormat = WebhookFormat.STANDARD
    mode: EndpointMode = EndpointMode.EVERY
    headers: Headers = Field(default_factory=dict, repr=False)
    state: EndpointState | None = None
    signature: SignatureKind = SignatureKind.HMAC

    def to_domain(self, vocabulary: Vocabulary) -> Endpoint:
        """Convert to the domain value.

        Raises:
            InvalidInputError: Names every unknown component.
        """
        endpoint = Endpoint(
            url=self.url,
            description=self.description,
            subscriber=self.subscriber,
            owner_email=self.owner_email,
            components=frozenset(self.components),
            min_impact=self.min_impact,
            updates=self.updates,
            types=frozenset(self.types),
            format=self.format,
            mode=self.mode,
            headers=self.headers,
            state=self.state or EndpointState.ACTIVE,
            signature=self.signature,
        )
        faults = vocabulary.component_faults(endpoint.components, "components")
        if faults:
            raise InvalidInputError(faults)
        return endpoint


class EndpointPatch(Body):
    """Changes: omitted members stay, null resets to the default. `headers` are merged.

    A header whose value is null is removed (RFC 7396).
    """

    url: Url | None = None
    description: Description | None = None
    subscriber: ExternalId | None = None
    owner_email: MailAddress | None = None
    components: Components | None = None
    min_impact: LeastImpact | None = None
    updates: UpdateLevel | None = None
    types: Types | None = None
    format: WebhookFormat | None = None
    mode: EndpointMode | None = None
    headers: Annotated[dict[str, str | None], Field(max_length=50)] | None = Field(default=None, repr=False)
    state: EndpointState | None = None

    def to_domain(self) -> EndpointChanges:
        """Return the given members, each valid by itself."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        for name in ("components", "types"):
            if given.get(name) is not None:
                given[name] = frozenset(given[name])
        return cast("EndpointChanges", given)


def parse_endpoint(data: bytes | str, vocabulary: Vocabulary) -> Endpoint:
    """Parse a whole endpoint from JSON.

    Raises:
        InvalidInputError: Names every field at fault by its dotted path.
    """
    return read_json(EndpointBody, data).to_domain(vocabulary)


def parse_endpoint_patch(data: bytes | str) -> EndpointChanges:
    """Parse changes from JSON.

    Raises:
        InvalidInputError: As `parse_endpoint`.
    """
    return read_json(EndpointPatch, data).to_domain()
