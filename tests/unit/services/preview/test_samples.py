from notifier.domain.incidents.notice import MessageKind
from notifier.domain.values import Channel
from notifier.inbound.event_files import read_stories
from notifier.resources import samples_path
from notifier.services.preview.samples import scenes

SCENES = scenes(read_stories(samples_path().read_bytes()), Channel.EMAIL)


def test_the_samples_show_every_kind_of_message() -> None:
    assert len({scene.name for scene in SCENES}) == len(SCENES) == len(MessageKind)
