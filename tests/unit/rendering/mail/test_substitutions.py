from notifier.rendering.renderer import Renderer
from tests.unit.rendering.hostile import a_hostile_notice
from tests.unit.rendering.samples import a_notice, a_recipient, an_update, as_received


def test_a_text_that_holds_our_tags_makes_us_take_others(renderer: Renderer) -> None:
    mail = renderer.mail(a_hostile_notice("-ntf_greet- and -ntf1_t0-"), locale="en", since=0)
    recipient = a_recipient(renderer, mail)
    assert all(tag.startswith("-ntf2_") for tag in recipient.substitutions)
    assert "-ntf_greet- and -ntf1_t0-" in as_received(mail.content, recipient)[1]


def test_no_tag_begins_another(renderer: Renderer) -> None:
    notice = a_notice(*(an_update(number) for number in range(1, 25)))
    tags = list(a_recipient(renderer, renderer.mail(notice, locale="en", since=0)).substitutions)
    assert not [one for one in tags for other in tags if one != other and other.startswith(one)]
