"""Display names of providers and social accounts; keys and labels keep the technical names."""

from notifier.domain.values import Channel, Platform

_MAIL = {"sendgrid": "SendGrid", "smtp": "SMTP relay", "sandbox": "mail sandbox"}
_PLATFORMS = {Platform.X: "X", Platform.MASTODON: "Mastodon", Platform.BLUESKY: "Bluesky"}
_ACCOUNT_PARTS = 3  # social:<platform>:<account>
_TOPICS = {"unseen": "post not found", "reputation": "sender reputation"}


def mail_label(name: str) -> str:
    """Return a mail provider's display name."""
    return _MAIL.get(name, name)


def account_label(platform: Platform, name: str) -> str:
    """Return a social account's display name."""
    return f"{_PLATFORMS[platform]} account {name}"


def alert_label(key: str) -> str:
    """Return an alert's display name from its key (`email:sendgrid`, `social:x:x-nl:unseen`)."""
    channel, *rest = key.split(":")
    if channel == Channel.EMAIL and rest:
        return "Mail: " + _TOPICS.get(rest[0], mail_label(rest[0]))
    if channel == Channel.SOCIAL and len(rest) >= _ACCOUNT_PARTS - 1 and rest[0] in set(Platform):
        about = [_TOPICS.get(word, word) for word in rest[2:]]
        return ": ".join([account_label(Platform(rest[0]), rest[1]), *about])
    return key.replace(":", " ")
