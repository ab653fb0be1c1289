"""The instance's self-description."""

from typing import Any

from notifier.sandbox.config import MastodonRules
from notifier.sandbox.mastodon.length import RESERVED_PER_URL
from notifier.sandbox.mastodon.parameters import MAX_MEDIA

_API_VERSION = 6
_MEDIA = {
    "supported_mime_types": ["image/jpeg", "image/png", "image/gif", "image/webp"],
    "image_size_limit": 16_777_216,
}
_POLLS = {"max_options": 4, "max_characters_per_option": 50, "min_expiration": 300, "max_expiration": 2_629_746}


def instance_v2(rules: MastodonRules, host: str) -> dict[str, Any]:
    """Return the body of `GET /api/v2/instance`."""
    return {
        "domain": host,
        "title": "Sandbox",
        "version": rules.version,
        "source_url": "https://github.com/mastodon/mastodon",
        "description": "A local stand-in",
        "usage": {"users": {"active_month": 0}},
        "languages": ["en"],
        "api_versions": {"mastodon": _API_VERSION},
        "configuration": _configuration(rules),
        "registrations": {"enabled": False, "approval_required": False, "message": None},
        "contact": {"email": "", "account": None},
        "rules": [],
    }


def instance_v1(rules: MastodonRules, host: str) -> dict[str, Any]:
    """Return the body of `GET /api/v1/instance`."""
    return {
        "uri": host,
        "title": "Sandbox",
        "short_description": "A local stand-in",
        "description": "A local stand-in",
        "email": "",
        "version": rules.version,
        "urls": {"streaming_api": f"wss://{host}"},
        "stats": {"user_count": 0, "status_count": 0, "domain_count": 0},
        "languages": ["en"],
        "registrations": False,
        "approval_required": False,
        "invites_enabled": False,
        "configuration": _configuration(rules),
        "contact_account": None,
        "rules": [],
    }


def _configuration(rules: MastodonRules) -> dict[str, Any]:
    return {
        "urls": {},
        "accounts": {"max_featured_tags": 10},
        "statuses": {
            "max_characters": rules.max_characters,
            "max_media_attachments": MAX_MEDIA,
            "characters_reserved_per_url": RESERVED_PER_URL,
        },
        "media_attachments": _MEDIA,
        "polls": _POLLS,
    }
