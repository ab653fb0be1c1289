"""Bodies of webhooks, read back."""

import json
from typing import Any

from notifier.domain.incidents.notice import Notice
from notifier.domain.values import Status, WebhookFormat
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.samples import a_notice, an_update

TWO = a_notice(an_update(1), an_update(2, status=Status.IDENTIFIED))


def body(renderer: Renderer, notice: Notice, format_: WebhookFormat = WebhookFormat.STANDARD, since: int = 0) -> Any:
    return json.loads(renderer.webhook_body(notice, format_, since))
