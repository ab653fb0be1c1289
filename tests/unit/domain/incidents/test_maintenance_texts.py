"""The neutral texts of planned work."""

import pytest

from notifier.domain.incidents.maintenance_texts import MaintenanceText, maintenance_body


@pytest.mark.parametrize("text", MaintenanceText)
def test_a_text_comes_in_the_offered_locales_that_have_it_else_in_english(text: MaintenanceText) -> None:
    assert maintenance_body(text, ("nl", "fr", "es")).keys() == {"nl", "fr"}
    assert maintenance_body(text, ("es",)).keys() == {"en"}
    assert len(set(maintenance_body(text, ("nl", "en", "de", "fr")).values())) == 4
