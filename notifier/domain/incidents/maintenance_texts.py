"""Neutral texts of what planned work announces by itself."""

from collections.abc import Collection, Mapping
from enum import StrEnum


class MaintenanceText(StrEnum):
    """What is announced."""

    REMINDER = "reminder"
    STARTED = "started"
    COMPLETED = "completed"
    CANCELED = "canceled"


_TEXTS: Mapping[MaintenanceText, Mapping[str, str]] = {
    MaintenanceText.REMINDER: {
        "en": "A reminder: this planned maintenance is coming up.",
        "nl": "Ter herinnering: dit geplande onderhoud komt eraan.",
        "de": "Zur Erinnerung: Diese geplante Wartung steht bevor.",
        "fr": "Pour rappel, cette maintenance planifiée aura lieu prochainement.",
    },
    MaintenanceText.STARTED: {
        "en": "The planned maintenance has started.",
        "nl": "Het geplande onderhoud is begonnen.",
        "de": "Die geplante Wartung hat begonnen.",
        "fr": "La maintenance planifiée a commencé.",
    },
    MaintenanceText.COMPLETED: {
        "en": "The planned maintenance has been completed.",
        "nl": "Het geplande onderhoud is afgerond.",
        "de": "Die geplante Wartung ist abgeschlossen.",
        "fr": "La maintenance planifiée est terminée.",
    },
    MaintenanceText.CANCELED: {
        "en": "This planned maintenance will not take place.",
        "nl": "Dit geplande onderhoud gaat niet door.",
        "de": "Diese geplante Wartung findet nicht statt.",
        "fr": "Cette maintenance planifiée n'aura pas lieu.",
    },
}


def maintenance_body(text: MaintenanceText, locales: Collection[str]) -> dict[str, str]:
    """Return a text in the offered locales that have it; otherwise in English."""
    texts = _TEXTS[text]
    return {locale: words for locale, words in texts.items() if locale in locales} or {"en": texts["en"]}
