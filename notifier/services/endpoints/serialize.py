"""Endpoints as JSON for the API and the command line."""

from collections.abc import Mapping
from typing import Any

from notifier.domain.recipients.endpoint import Endpoint


def endpoint_to_json(endpoint: Endpoint, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return an endpoint in the form that `inbound.endpoints.EndpointBody` reads."""
    return {
        "url": endpoint.url,
        "description": endpoint.description,
        "subscriber": endpoint.subscriber,
        "owner_email": endpoint.owner_email,
        "components": sorted(endpoint.components),
        "min_impact": endpoint.min_impact.value,
        "updates": endpoint.updates.value,
        "types": sorted(kind.value for kind in endpoint.types),
        "format": endpoint.format.value,
        "mode": endpoint.mode.value,
        "headers": dict(headers),
        "state": endpoint.state.value,
    }
