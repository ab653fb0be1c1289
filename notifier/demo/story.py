"""The incident this product was made for: a Dutch web-shop platform behind Cloudflare on 21 June 2022.

Six updates from "Investigating" to the postmortem, in Dutch and English, in `incident-2022-06-21.json`: an array of
events as `notifier publish` takes it. Times and facts are those of the day; the wording is ours.
"""

import json
from pathlib import Path
from typing import Any

INCIDENT_ID = "inc-20220621"
FILE = Path(__file__).with_name("incident-2022-06-21.json")


def events() -> list[dict[str, Any]]:
    """Return the six events in the form of `POST /v1/events`, with the times of the day."""
    found: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
