import pytest

from tests.functional.api.api_client import Api


@pytest.mark.parametrize("path", ["/healthz", "/v1/incidents", "/nowhere", "/openapi.json"])
def test_every_answer_bears_the_security_headers(api: Api, path: str) -> None:
    headers = api.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers
