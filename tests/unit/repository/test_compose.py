"""docker-compose.yml and the Dockerfile, checked without an engine: no machine that runs the tests needs one."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from notifier.domain.values import QueueName
from notifier.settings.environment import FILE_SUFFIX, deployment_variables
from tests.support.repository import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LASTING = sorted(name for name, service in SERVICES.items() if service["restart"] != "no")
SECRET = re.compile(r"(?<!PUBLIC_)KEY|PASSWORD|SECRET|TOKEN|DATABASE_URL|SMTP_URL")


def commands_of(process: str) -> Iterator[list[str]]:
    commands = (service.get("command", []) for service in SERVICES.values())
    yield from (command for command in commands if command[:1] == [process])


def variables() -> Iterator[tuple[str, str]]:
    for service in SERVICES.values():
        yield from service.get("environment", {}).items()


def schema() -> jsonschema.Draft7Validator:
    text = (Path(__file__).parent / "data" / "compose-spec.json").read_text()
    return jsonschema.Draft7Validator(json.loads(text))


def test_the_file_keeps_the_compose_specification() -> None:
    assert [error.message for error in schema().iter_errors(COMPOSE)] == []


def test_the_specification_would_catch_a_misspelt_key() -> None:
    misspelt = {"services": {"api": SERVICES["api"] | {"healtcheck": {}}}}
    assert not schema().is_valid(misspelt)


def test_every_queue_has_a_worker_that_reads_it_and_only_one_group_does() -> None:
    read = [queue for command in commands_of("worker") for queue in command[command.index("--queues") + 1].split(",")]
    assert sorted(read) == sorted(QueueName)


@pytest.mark.parametrize("process", ["api", "scheduler", "worker", "db"])
def test_every_process_of_the_product_has_a_service(process: str) -> None:
    assert list(commands_of(process))


@pytest.mark.parametrize("name", LASTING)
def test_a_service_that_stays_is_watched_and_comes_back(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "start_period", "retries"} <= check.keys()
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_service_has_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert int(service["user"].split(":")[0]) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid"}


def test_only_the_api_is_reachable_from_outside_and_by_default_from_this_machine_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"api": ["${NOTIFIER_LISTEN:-127.0.0.1:8025}:8025"]}
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert {name for name in SERVICES if SERVICES[name]["networks"] == ["inside"]} == {"migrate", "postgres", "redis"}


def test_no_secret_stands_in_the_file() -> None:
    plain = {name: value for name, value in variables() if SECRET.search(name) and not name.endswith(FILE_SUFFIX)}
    assert plain == {}
    assert {value for name, value in variables() if SECRET.search(name)} == {
        f"/run/secrets/{name}" for name in COMPOSE["secrets"]
    }
    assert all(source.keys() == {"environment"} for source in COMPOSE["secrets"].values())
    literal = re.findall(r"\w+://\w+:\w+@|(?i:password|token|secret)\s*[=:]\s*['\"]?[A-Za-z0-9+/]{12,}", DOCKERFILE)
    assert literal == []


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_granted_exactly_the_secrets_it_reads(name: str) -> None:
    values = [value for value in SERVICES[name].get("environment", {}).values() if value.startswith("/run/secrets/")]
    assert sorted(SERVICES[name].get("secrets", [])) == sorted(value.removeprefix("/run/secrets/") for value in values)


def test_credentials_of_providers_reach_the_services_that_send_and_no_others() -> None:
    given = {name: {file["path"] for file in service.get("env_file", [])} for name, service in SERVICES.items()}
    assert {name: files for name, files in given.items() if files} == {
        "api": {"social.env"},
        "worker-email": {"mail.env"},
        "worker-social": {"social.env"},
        "worker-background": {"mail.env", "social.env"},
    }


def test_the_proxy_in_front_can_be_named() -> None:
    assert SERVICES["api"]["environment"]["NOTIFIER_TRUSTED_PROXIES"] == "${NOTIFIER_TRUSTED_PROXIES:-}"


def test_every_variable_is_one_that_the_settings_know() -> None:
    known = deployment_variables()
    ours = {name for name, _ in variables() if name.startswith("NOTIFIER_")}
    ours |= set(re.findall(r"\b(NOTIFIER_[A-Z_]+)=", DOCKERFILE))
    assert {name.removesuffix(FILE_SUFFIX) for name in ours} <= known


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"redis", "postgres"}))
def test_a_process_starts_when_what_it_needs_is_ready(name: str) -> None:
    awaited = {other: need["condition"] for other, need in SERVICES[name]["depends_on"].items()}
    assert awaited["postgres"] == "service_healthy"
    assert awaited.get("migrate", "service_completed_successfully") == "service_completed_successfully"
    assert ("migrate" in awaited) == (name != "migrate")
    assert ("redis" in awaited) == (name not in {"api", "migrate"}), "events are taken while Redis is down"


def test_what_must_last_lies_on_a_named_volume() -> None:
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert mounted == set(COMPOSE["volumes"]) == {"postgres", "redis"}


def test_every_image_is_pinned_to_a_version() -> None:
    images = [service["image"] for service in SERVICES.values()] + re.findall(
        r"^ARG PYTHON=(\S+)", DOCKERFILE, re.MULTILINE
    )
    assert [image for image in images if not re.search(r":(?:\d|\$\{NOTIFIER_VERSION)", image)] == []


def test_the_image_runs_as_nobody_in_particular_and_is_watched() -> None:
    last_stage = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    user = re.search(r"^USER (\d+):(\d+)$", last_stage, re.MULTILINE)
    assert user is not None
    assert user.group(0).removeprefix("USER ") == SERVICES["api"]["user"]
    assert "\nHEALTHCHECK " in last_stage
    assert DOCKERFILE.count("\nFROM ") > 1, "what builds stays behind"


def test_the_image_installs_nothing_that_is_not_locked() -> None:
    installs = re.findall(r"pip install ([^\\\n]+)", DOCKERFILE)
    assert installs
    assert [line for line in installs if "--require-hashes" not in line and "--no-index" not in line] == []


def test_everything_the_image_copies_passes_the_dockerignore() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {"notifier", "workers", "templates", "locales", "pyproject.toml", ".ci/hatch_build.py"} <= allowed
    assert {"requirements.lock", "requirements-dev.lock", "README.md", "LICENSE"} <= allowed
    assert not any(name.startswith((".env", ".git", "var", "tests")) for name in allowed)
