"""One validated object, read once: `notifier.toml` and the NOTIFIER_... variables.

Services never see it.
"""

from notifier.settings.load import load_settings
from notifier.settings.mixtures import mixtures
from notifier.settings.providers import AccountSpec, EmailProviderSpec, SendGridSpec, SmtpSpec
from notifier.settings.sandbox import RunningSandbox, announce_sandbox, announced_sandbox
from notifier.settings.settings import Settings

__all__ = [
    "AccountSpec",
    "EmailProviderSpec",
    "RunningSandbox",
    "SendGridSpec",
    "Settings",
    "SmtpSpec",
    "announce_sandbox",
    "announced_sandbox",
    "load_settings",
    "mixtures",
]
