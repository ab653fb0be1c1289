"""`default.toml` is the documentation of every key and its default at once."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from notifier.resources import default_config_path
from notifier.settings.config_file import AccountSection, ChannelCoalesce, ChannelTranslation, ConfigFile
from notifier.settings.section import Section
from notifier.settings.sources import SourceSection, TemplateSection, UpstreamSection

TEXT = default_config_path().read_text(encoding="utf-8")


# Lists that are empty by default: their keys are explained in comments.
LISTS: dict[str, type[Section]] = {
    "sources": SourceSection,
    "upstreams": UpstreamSection,
    "templates": TemplateSection,
}


def tables(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, set[str]]]:
    """Every table of the configuration with the keys it must show."""
    keys = set()
    for name, info in model.model_fields.items():
        annotation: Any = info.annotation
        inner = next((item for item in (annotation, *get_args(annotation)) if is_model(item)), None)
        if inner is None:
            keys.add(name)
        elif inner not in (ChannelCoalesce, ChannelTranslation, AccountSection, *LISTS.values()):
            yield from tables(inner, f"{path}{name}")
    if path:
        yield path, keys


def is_model(item: object) -> bool:
    return isinstance(item, type) and issubclass(item, BaseModel)


def test_every_key_of_the_configuration_stands_in_the_default_file() -> None:
    written = tomllib.loads(TEXT)
    for path, keys in tables(ConfigFile):
        table = written[path]
        found = (
            set().union(*table) if isinstance(table, list) else {k for k, v in table.items() if k in keys or v is None}
        )
        assert keys <= found, path


def test_every_key_of_a_plain_table_is_explained_beside_it() -> None:
    for path in ("brand", "coalesce", "translation", "workers", "limits"):
        block = TEXT.split(f"[{path}]\n")[1].split("\n[")[0]
        lines = block.splitlines()
        for number, line in enumerate(lines):
            if re.match(r"\w+ = ", line):
                assert "#" in line or lines[number - 1].startswith("#"), line


def test_an_accounts_keys_are_explained_above_the_first_one() -> None:
    block = TEXT.split("# Social media accounts")[1].split("[[accounts]]")[0]
    assert all(re.search(rf"^#\s+{key}\s", block, re.MULTILINE) for key in AccountSection.model_fields)


def test_the_keys_of_a_list_without_entries_are_explained_above_its_example() -> None:
    for name, section in LISTS.items():
        block = TEXT.split(f"# [[{name}]]\n")[0].rpartition("\n\n")[2]
        explained = set(re.findall(r"\w+", " ".join(re.findall(r"^#   (\w+(?:, \w+)*)", block, re.MULTILINE))))
        assert section.model_fields.keys() <= explained, name
