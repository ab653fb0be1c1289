"""`notifier preview --out DIR`: every message in every locale as files, and a contact sheet of the mails."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from notifier.cli.output import fail, out
from notifier.cli.publishing.contact_sheet import Screen, chromium, photograph, sheet
from notifier.domain.values import Platform, WebhookFormat
from notifier.services.preview.render import Preview
from notifier.services.preview.samples import Scene, account_mail, account_messages

_SHEET = "contact-sheet"
_SCREEN = Screen(width=360)


def write_all(
    service: Preview, scenes: Sequence[Scene], target: Path, *, locales: Sequence[str], account: bool
) -> None:
    """Write mails, posts and webhook bodies of the scenes; `account`: transactional mail too."""
    rows: dict[str, dict[str, str]] = defaultdict(dict)
    try:
        target.mkdir(parents=True, exist_ok=True)
        number = 0
        for name, locale, parts in _mails(service, scenes, locales, account=account):
            rows[name][locale] = parts["html"]
            for kind, ending in (("subject", "subject.txt"), ("text", "txt"), ("html", "html")):
                (target / f"{name}.{locale}.{ending}").write_text(parts[kind], encoding="utf-8")
            number += 1
        for scene in scenes:
            _write_others(service, scene, target, locales)
        page = target / f"{_SHEET}.html"
        page.write_text(sheet(rows, _SCREEN), encoding="utf-8")
    except OSError as error:
        raise fail(f"{error.filename}: {error.strerror}") from error
    out.print(f"{number} mails in {len(locales)} locales, posts and webhook bodies: {target}", markup=False)
    _photograph(page)


def _mails(
    service: Preview, scenes: Sequence[Scene], locales: Sequence[str], *, account: bool
) -> Iterator[tuple[str, str, dict[str, str]]]:
    for scene in scenes:
        for locale in locales:
            yield scene.name, locale, service.mail(scene.notice, locale, since=scene.since)
    if account:
        for name, message in account_messages(service.public_url).items():
            for locale in locales:
                yield name, locale, account_mail(service.renderer, message, locale, service.brand.timezone)


def _write_others(service: Preview, scene: Scene, target: Path, locales: Sequence[str]) -> None:
    for locale in locales:
        for platform in Platform:
            text = service.post(scene.notice, platform, locale, since=scene.since)["text"]
            (target / f"{scene.name}.{locale}.{platform}.txt").write_text(text, encoding="utf-8")
    body = orjson.loads(service.webhook(scene.notice, WebhookFormat.STANDARD, since=scene.since))
    (target / f"{scene.name}.webhook.json").write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2))


def _photograph(page: Path) -> None:
    program = chromium()
    if program is None:
        out.print(f"no screenshot: Chromium or Chrome is not installed; open {page} in a browser", markup=False)
    elif photograph(program, page, page.with_suffix(".png")):
        out.print(str(page.with_suffix(".png")), markup=False)
    else:
        out.print(f"no screenshot: {program} failed; open {page} in a browser", markup=False)
