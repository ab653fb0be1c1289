import json
import re
from collections.abc import Callable

from notifier.api.openapi.examples import EVENT
from tests.functional.api.api_client import Api
from tests.support.repository import ROOT


def test_the_contracts_own_example_is_taken(api: Api) -> None:
    example = api.document["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]["example"]
    answer = api.post("/v1/events", json=example)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")


def test_the_readmes_and_the_apis_examples_are_announced_on_any_day(api_with: Callable[[str], Api]) -> None:
    api = api_with("")  # the default guard, which holds old news
    shown = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"/v1/events -H .* -d '(\{.*?\})'\n", shown, re.DOTALL)
    for example in (json.loads(command), EVENT):
        answer = api.post("/v1/events", json=example).json()
        assert (answer["outcome"], answer["held"]) == ("accepted", False)
