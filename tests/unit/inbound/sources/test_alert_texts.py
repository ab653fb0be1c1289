from notifier.inbound.sources.alert_texts import neutral_texts


def test_neutral_words_exist_in_every_offered_language_that_has_them() -> None:
    assert neutral_texts(["nl", "xx"]).title.keys() == {"nl"}
    assert neutral_texts(["xx"]).title.keys() == {"en"}
