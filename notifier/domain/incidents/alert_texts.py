"""What readers are told of a monitor's alerts where its source announces them."""

from collections.abc import Mapping
from dataclasses import dataclass

UPDATE_PREFIX = "alerts-"  # of the ids of their updates


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTexts:
    """Title and bodies per locale: while it fires, once it is quiet, once it counts as resolved."""

    title: Mapping[str, str]
    firing: Mapping[str, str]
    calm: Mapping[str, str]
    over: Mapping[str, str]
