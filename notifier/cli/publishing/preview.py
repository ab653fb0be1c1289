"""`notifier preview`: render an event without sending it."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer

from notifier.bootstrap.words import build_renderer, paint_card
from notifier.cli.container import container
from notifier.cli.files import read
from notifier.cli.output import JsonFlag, fail, out, print_json
from notifier.cli.publishing.preview_all import write_all
from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.messages.brand import Brand
from notifier.domain.messages.message import Picture
from notifier.domain.values import Channel, Platform, WebhookFormat
from notifier.inbound.event_files import read_events, read_stories
from notifier.resources import samples_path
from notifier.services.preview.render import Preview, notice_of
from notifier.services.preview.samples import Scene, scenes

PreviewChannel = StrEnum("PreviewChannel", ["EMAIL", "X", "MASTODON", "BLUESKY", "WEBHOOK"])


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(preview)


def preview(
    file: Annotated[
        str | None,
        typer.Argument(help="Events of one incident, as for publish; the last is rendered. Samples by default."),
    ] = None,
    channel: Annotated[
        PreviewChannel | None, typer.Option("--channel", help="Channel; all by default with --out.")
    ] = None,
    locale: Annotated[
        str | None, typer.Option("--locale", help="Locale; the brand's default locale if omitted.")
    ] = None,
    *,
    form: Annotated[WebhookFormat, typer.Option("--format", help="Webhook format.")] = WebhookFormat.STANDARD,
    target: Annotated[Path | None, typer.Option("--out", help="Folder to write files to.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Render without sending: HTML, text or JSON. With --out alone: every message in every locale."""
    if channel is None or file is None:
        _everything(file, channel, locale, target)
        return
    parts, card = _render(file, channel, locale, form)
    if target is not None:
        _write(target, f"{channel}.{locale or 'default'}", parts, card)
    elif as_json:
        print_json(orjson.loads(parts["json"]) if "json" in parts else parts)
    else:
        shown = [text for name, text in parts.items() if name not in ("html", "alt")]
        sys.stdout.write("\n\n".join(shown).rstrip("\n") + "\n")


def _everything(file: str | None, channel: PreviewChannel | None, locale: str | None, target: Path | None) -> None:
    if target is None or channel is not None:
        missing = "FILE" if file is None and channel is not None else "--channel"
        raise InvalidInputError(
            [FieldError(missing, "is required, except with --out DIR alone, which renders everything")]
        )
    notifier = container("preview")
    brand = notifier.settings.brand()
    _offered(locale or brand.default_locale, brand)
    service = Preview(build_renderer(notifier, strict=True), brand, notifier.settings.deployment.public_url)
    if file is None:
        shown = scenes(read_stories(samples_path().read_bytes()), Channel.EMAIL)
    else:
        notice = notice_of(read_events(read(file), now=None), Channel.EMAIL, notifier.clock())
        shown = [Scene(notice, notice.sequence - 1)]
    write_all(service, shown, target, locales=[locale] if locale else brand.locales, account=file is None)


def _offered(language: str, brand: Brand) -> None:
    if language not in brand.locales:
        fault = f"unknown locale {language!r}; offered: {', '.join(sorted(brand.locales))}"
        raise InvalidInputError([FieldError("--locale", fault)])


Rendered = tuple[dict[str, str], Picture | None]


def _render(file: str, channel: PreviewChannel, locale: str | None, form: WebhookFormat) -> Rendered:
    notifier = container("preview")
    brand = notifier.settings.brand()
    language = locale or brand.default_locale
    _offered(language, brand)
    service = Preview(build_renderer(notifier, strict=True), brand, notifier.settings.deployment.public_url)
    events = read_events(read(file), now=None)
    if channel is PreviewChannel.EMAIL:
        return service.mail(notice_of(events, Channel.EMAIL, notifier.clock()), language), None
    if channel is PreviewChannel.WEBHOOK:
        body = service.webhook(notice_of(events, Channel.WEBHOOK, notifier.clock()), form)
        return {"json": orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()}, None
    notice = notice_of(events, Channel.SOCIAL, notifier.clock())
    card = paint_card(service.card(notice, language))
    parts = service.post(notice, Platform(channel.value), language)
    return (parts | {"alt": card.alt} if card is not None else parts), card


def _write(target: Path, stem: str, parts: dict[str, str], card: Picture | None) -> None:
    endings = {"text": "txt", "html": "html", "json": "json", "subject": "subject.txt", "alt": "alt.txt"}
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, text in parts.items():
            path = target / f"{stem}.{endings[name]}"
            path.write_text(text, encoding="utf-8")
            out.print(str(path), markup=False)
        if card is not None:
            path = target / f"{stem}.png"
            path.write_bytes(card.data)
            out.print(str(path), markup=False)
    except OSError as error:
        raise fail(f"{error.filename}: {error.strerror}") from error
