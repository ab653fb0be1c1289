"""Build hook of the wheel: compiles the message catalogues, which are not kept in git, into it."""

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogueBuildHook(BuildHookInterface[Any]):
    """Adds `notifier/_data/locales/<locale>/LC_MESSAGES/messages.mo` for every catalogue of the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile each catalogue and have it packed.

        Raises:
            ValueError: a translation does not fit its source string (a placeholder is missing or unknown), or there is
                no catalogue at all.
        """
        del version
        sources = sorted(Path(self.root, "locales").glob("*/LC_MESSAGES/messages.po"))
        if not sources:
            raise ValueError("no message catalogues under locales/: the wheel would speak no language")
        for source in sources:
            inside = source.relative_to(self.root).with_suffix(".mo")
            target = Path(self.directory, ".catalogues", inside)
            compile_catalogue(source, target)
            build_data["force_include"][str(target)] = f"notifier/_data/{inside.as_posix()}"


def compile_catalogue(source: Path, target: Path) -> None:
    """Write the binary form of one catalogue; fuzzy entries are left out, as gettext does."""
    with source.open("rb") as file:
        catalogue = read_po(file, locale=source.parent.parent.name)
    faults = [f"{source}:{message.lineno}: {error}" for message, errors in catalogue.check() for error in errors]
    if faults:
        raise ValueError("\n".join(faults))
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        write_mo(file, catalogue)
