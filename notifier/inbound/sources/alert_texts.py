"""Neutral texts of incidents opened by a monitor: nobody has reviewed the alert's own texts."""

from collections.abc import Collection, Mapping

from notifier.domain.incidents.alert_texts import AlertTexts

_TITLE = {
    "en": "Possible disruption",
    "nl": "Mogelijke storing",
    "de": "Mögliche Störung",
    "fr": "Perturbation possible",
}
_FIRING = {
    "en": "Our monitoring has noticed a possible disruption. We are looking into it.",
    "nl": "Onze bewaking heeft een mogelijke storing opgemerkt. We onderzoeken dit.",
    "de": "Unsere Überwachung hat eine mögliche Störung bemerkt. Wir untersuchen sie.",
    "fr": "Notre surveillance a détecté une perturbation possible. Nous menons l'enquête.",
}
_CALM = {
    "en": "Our monitoring sees no disruption any more. We keep watching.",
    "nl": "Onze bewaking ziet geen storing meer. We blijven het volgen.",
    "de": "Unsere Überwachung sieht keine Störung mehr. Wir beobachten weiter.",
    "fr": "Notre surveillance ne détecte plus de perturbation. Nous restons attentifs.",
}
_OVER = {
    "en": "The disruption is over according to our monitoring.",
    "nl": "De storing is volgens onze bewaking voorbij.",
    "de": "Laut unserer Überwachung ist die Störung vorbei.",
    "fr": "Selon notre surveillance, la perturbation est terminée.",
}


def neutral_texts(locales: Collection[str]) -> AlertTexts:
    """Return the built-in texts in the offered locales that have them; otherwise in English."""
    return AlertTexts(
        title=_offered(_TITLE, locales),
        firing=_offered(_FIRING, locales),
        calm=_offered(_CALM, locales),
        over=_offered(_OVER, locales),
    )


def _offered(texts: Mapping[str, str], locales: Collection[str]) -> dict[str, str]:
    return {locale: text for locale, text in texts.items() if locale in locales} or {"en": texts["en"]}
