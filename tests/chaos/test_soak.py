"""When a soak reports growth."""

from tests.chaos.soak import Sample, faults_of


def sample(*, memory: float = 120.0, files: int = 20, connections: int = 10, oldest: float = 0.0) -> Sample:
    return Sample(
        at=0.0,
        events=0,
        memory={"worker email": memory},
        files={"worker email": files},
        connections=connections,
        oldest={"email": oldest},
    )


def test_a_warm_up_and_a_machines_noise_are_no_growth() -> None:
    assert faults_of([sample(memory=80, files=8, connections=2), sample(), sample(memory=128, files=25)]) == []


def test_each_kind_of_growth_from_the_middle_to_the_end_is_named() -> None:
    faults = faults_of([sample(), sample(), sample(memory=150, files=60, connections=40, oldest=90)])
    assert faults == [
        "memory of worker email grew from 120 to 150 MB",
        "open files of worker email grew from 20 to 60",
        "connections grew from 10 to 40",
        "a batch of email is due for 90 s",
    ]
