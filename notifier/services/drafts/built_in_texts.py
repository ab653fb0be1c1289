"""What a suggested draft says where no template does: neutral words, for a person to confirm or to correct."""

from collections.abc import Collection, Mapping
from enum import StrEnum

Texts = Mapping[str, str]


class Occasion(StrEnum):
    """What a suggested draft tells of."""

    START = "start"
    END = "end"
    UPSTREAM_START = "upstream_start"
    UPSTREAM_CAUSE = "upstream_cause"  # of a disruption that is announced already
    UPSTREAM_IDENTIFIED = "upstream_identified"  # the upstream knows its cause and works on it
    UPSTREAM_FIX = "upstream_fix"  # the upstream has fixed it, and watches


_TITLES: Mapping[Occasion, Texts] = {
    Occasion.START: {
        "en": "Disruption",
        "nl": "Storing",
        "de": "Störung",
        "fr": "Perturbation",
    },
    Occasion.UPSTREAM_START: {
        "en": "Disruption at {upstream}",
        "nl": "Storing bij {upstream}",
        "de": "Störung bei {upstream}",
        "fr": "Perturbation chez {upstream}",
    },
}
_TITLE_WITH_COMPONENTS: Texts = {
    "en": "Disruption: {components}",
    "nl": "Storing: {components}",
    "de": "Störung: {components}",
    "fr": "Perturbation\N{NO-BREAK SPACE}: {components}",
}
_BODIES: Mapping[Occasion, Texts] = {
    Occasion.START: {
        "en": "We have noticed a problem and are looking into it. We will post an update as soon as we know more.",
        "nl": "We hebben een probleem opgemerkt en zoeken de oorzaak. Zodra er meer bekend is, volgt een update.",
        "de": "Wir haben ein Problem festgestellt und suchen nach der Ursache. Sobald es Neuigkeiten gibt, melden wir"
        " uns.",
        "fr": "Nous avons constaté un problème et en recherchons la cause. Nous publierons de nouvelles informations"
        " dès que possible.",
    },
    Occasion.END: {
        "en": "The disruption is over. Everything is working normally again.",
        "nl": "De storing is verholpen. Alles werkt weer normaal.",
        "de": "Die Störung ist behoben. Alles funktioniert wieder wie gewohnt.",
        "fr": "La perturbation est terminée. Tout fonctionne de nouveau normalement.",
    },
    Occasion.UPSTREAM_START: {
        "en": "A disruption at our supplier {upstream} is affecting our services. We are following the situation and"
        " will post an update as soon as we know more.",
        "nl": "Een storing bij onze leverancier {upstream} heeft gevolgen voor onze diensten. We volgen de situatie;"
        " zodra er meer bekend is, volgt een update.",
        "de": "Eine Störung bei unserem Dienstleister {upstream} beeinträchtigt unsere Dienste. Wir verfolgen die Lage"
        " und melden uns, sobald es Neuigkeiten gibt.",
        "fr": "Une perturbation chez notre prestataire {upstream} affecte nos services. Nous suivons la situation et"
        " publierons de nouvelles informations dès que possible.",
    },
    Occasion.UPSTREAM_CAUSE: {
        "en": "The cause is a disruption at our supplier {upstream}. We are following the situation and will post an"
        " update as soon as we know more.",
        "nl": "De oorzaak is een storing bij onze leverancier {upstream}. We volgen de situatie; zodra er meer bekend"
        " is, volgt een update.",
        "de": "Die Ursache ist eine Störung bei unserem Dienstleister {upstream}. Wir verfolgen die Lage und melden"
        " uns, sobald es Neuigkeiten gibt.",
        "fr": "La cause est une perturbation chez notre prestataire {upstream}. Nous suivons la situation et"
        " publierons de nouvelles informations dès que possible.",
    },
    Occasion.UPSTREAM_IDENTIFIED: {
        "en": "{upstream} reports that it has found the cause and is working on a fix.",
        "nl": "{upstream} meldt dat de oorzaak gevonden is en werkt aan een oplossing.",
        "de": "{upstream} meldet, dass die Ursache gefunden ist, und arbeitet an einer Lösung.",
        "fr": "{upstream} indique avoir trouvé la cause et travaille à un correctif.",
    },
    Occasion.UPSTREAM_FIX: {
        "en": "{upstream} reports that a fix is in place. We are keeping an eye on our services.",
        "nl": "{upstream} meldt dat er een oplossing is doorgevoerd. We houden onze diensten in de gaten.",
        "de": "{upstream} meldet, dass eine Lösung umgesetzt wurde. Wir behalten unsere Dienste im Blick.",
        "fr": "{upstream} indique qu'un correctif est en place. Nous continuons de surveiller nos services.",
    },
}


def title_of(occasion: Occasion, locales: Collection[str], *, with_components: bool) -> Texts:
    """Return a title in those of the locales that have one, with placeholders."""
    named = occasion is Occasion.START and with_components
    return _offered(_TITLE_WITH_COMPONENTS if named else _TITLES[occasion], locales)


def body_of(occasion: Occasion, locales: Collection[str]) -> Texts:
    """Return a body in those of the locales that have one, with placeholders."""
    return _offered(_BODIES[occasion], locales)


def _offered(texts: Texts, locales: Collection[str]) -> Texts:
    found = {locale: text for locale in locales if (text := texts.get(locale) or texts.get(locale.partition("-")[0]))}
    return found or {"en": texts["en"]}
