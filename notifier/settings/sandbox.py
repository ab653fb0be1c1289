"""Where this installation's sandbox listens, and its credentials, valid only there.

The sandbox derives an account's credentials from its name, so that an account added to
`notifier.toml` works without registration. This layer cannot import the sandbox, so the rule is
repeated here; a test compares the two.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from pydantic import SecretStr

from notifier.domain.values import Platform
from notifier.files import private_dir, write_private

SENDGRID_API_KEY = SecretStr("SG.sandboxsandboxsandbox0.sandboxsandboxsandboxsandboxsandboxsandbox0")


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """What `notifier up` writes for other commands; `event_public_key` is base64 DER."""

    url: str
    event_public_key: str | None = None


def sandbox_file(data_dir: Path) -> Path:
    """Return the file that announces a running sandbox."""
    return data_dir / "run" / "sandbox.json"


def announce_sandbox(data_dir: Path, sandbox: RunningSandbox) -> None:
    """Write where the sandbox listens, for other commands of this installation."""
    path = sandbox_file(data_dir)
    private_dir(path.parent)
    write_private(path, json.dumps({"url": sandbox.url, "event_public_key": sandbox.event_public_key}) + "\n")


def announced_sandbox(data_dir: Path) -> RunningSandbox | None:
    """Return the sandbox announced last, or None. It may have stopped since."""
    try:
        found = json.loads(sandbox_file(data_dir).read_text(encoding="utf-8"))
        return RunningSandbox(url=str(found["url"]), event_public_key=found["event_public_key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sandbox_credentials(platform: Platform, name: str) -> dict[str, SecretStr]:
    """Return the credentials the sandbox accepts for the account of this name."""
    number = str(1_000_000_000 + crc32(name.encode()))
    texts = {
        Platform.X: {
            "CONSUMER_KEY": "sandbox-consumer-key",
            "CONSUMER_SECRET": "sandbox-consumer-secret",
            "ACCESS_TOKEN": f"{number}-sandbox-token-{name}",
            "ACCESS_TOKEN_SECRET": f"sandbox-secret-{name}",
        },
        Platform.MASTODON: {"ACCESS_TOKEN": f"sandbox-token-{name}"},
        Platform.BLUESKY: {"HANDLE": f"{name}.sandbox.example", "APP_PASSWORD": "sand-boxs-andb-oxsa"},
    }
    return {field: SecretStr(text) for field, text in texts[platform].items()}
