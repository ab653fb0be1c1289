"""Writing from right to left, tried with Arabic: every message, no English left, everything mirrored."""

import re
import shutil
from dataclasses import replace

import pytest

from notifier.domain.values import Channel
from notifier.inbound.event_files import read_stories
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, samples_path, templates_dir
from notifier.services.preview.render import Preview
from notifier.services.preview.samples import Scene, scenes
from tests.support.repository import ROOT
from tests.unit.rendering.samples import BRAND, COMPONENTS

TRIAL = ROOT / "tests" / "trial_locales"

SCENES = scenes(read_stories(samples_path().read_bytes()), Channel.EMAIL)

# What is not translated on purpose: names, zones, and the brand.
LATIN = {"MyOnlineStore", "Jansen", "CET", "API", "Checkout", "Backoffice", "iDEAL", "Bancontact", "api", "checkout"}


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Preview:
    folder = tmp_path_factory.mktemp("locales")
    for source in (locales_dir(), TRIAL):
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.mo"))
    brand = replace(BRAND, locales=(*BRAND.locales, "ar"))
    renderer = Renderer(brand, COMPONENTS, "https://status.example", templates_dir(), folder)
    return Preview(renderer, brand, "https://status.example")


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_every_mail_is_arabic_and_runs_from_right_to_left(preview: Preview, scene: Scene) -> None:
    mail = preview.mail(scene.notice, "ar", since=scene.since)
    words = set(re.findall(r"[A-Za-z]{3,}", re.sub(r"https?://\S+", "", mail["text"])))
    assert words <= LATIN
    assert '<html lang="ar" dir="rtl"' in mail["html"]
    assert 'dir="rtl" lang="ar"' in mail["html"] or 'lang="ar" dir="rtl"' in mail["html"].partition("<body")[2]
    assert 'align="left"' not in mail["html"]
