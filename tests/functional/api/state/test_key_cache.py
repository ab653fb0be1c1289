from dataclasses import replace

from notifier.api.state.key_cache import SECONDS, ApiKeyCache
from notifier.services.security.audit import Actor
from tests.functional.api.api_client import Api


def test_a_revoked_key_opens_nothing_a_few_seconds_later(api: Api) -> None:
    now = 0.0
    api.rewire(replace(api.runtime, key_cache=ApiKeyCache(api.container.api_keys, lambda: now)))
    made = api.container.api_keys.create("ci", ["read"], Actor("tests", "here"))
    headers = {"Authorization": f"Bearer {made.plaintext}"}
    assert api.get("/v1/incidents", headers=headers).status_code == 200
    api.container.api_keys.revoke(made.id, Actor("tests", "here"))
    now += SECONDS
    assert api.get("/v1/incidents", headers=headers).status_code == 401
