"""The incident behind this product: a Dutch web-shop platform behind Cloudflare, 21 June 2022.

`incident-2022-06-21.json` has six updates from "Investigating" to the postmortem, in Dutch and
English: an array of events for `notifier publish`. Times and facts are real; the wording is ours.
"""

import json
from pathlib import Path
from typing import Any

INCIDENT_ID = "inc-20220621"
FILE = Path(__file__).with_name("incident-2022-06-21.json")


def events() -> list[dict[str, Any]]:
    """Return the six events as bodies of `POST /v1/events`, with the original times."""
    found: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
