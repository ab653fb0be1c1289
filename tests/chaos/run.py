"""Run one scenario on one installation: publish, break, wait, judge."""

import time
from dataclasses import dataclass, field

from notifier.domain.errors import NotifierError
from tests.chaos.scenarios import Bound, Do
from tests.chaos.story import Story
from tests.chaos.verdict import Findings
from tests.chaos.world import World, bugs_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a scenario, and whether it kept its bound."""

    database: str
    scenario: str
    seconds: float
    events: int
    lost: int
    duplicated: int
    out_of_order: int
    unexplained: int
    repeats: int
    bound: int
    why: str
    last: float | None
    held: bool
    lines: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return the result as one line."""
        words = "" if self.held else "  " + "; ".join(self.lines[:3])
        last = "" if self.last is None else f"  last recipient after {self.last:.1f} s"
        mark = "ok    " if self.held else "BROKEN"
        return f"{mark} {self.database:<10} {self.scenario:<26} {self.seconds:5.1f} s{last}{words}"


def run(world: World, scenario: Do, *, timed: bool = True) -> Outcome:
    """Run one scenario and judge it; failures are in the outcome, not raised.

    Args:
        world: The installation.
        scenario: The fault.
        timed: Whether to judge the time to the last recipient, or only measure it.
    """
    name = scenario.__name__
    story = Story(world, name.replace("_", "-"))
    offsets = {log: bugs_in(log, 0)[1] for log in world.folder.glob("*/log.ndjson")}
    world.fix_providers()
    began = time.monotonic()
    bound = Bound()
    found = Findings()
    try:
        bound = scenario(world, story)
        found = story.verdict()
    except NotifierError as error:
        found.add("unexplained", 1, f"{type(error).__name__}: {error}")
    for log in world.folder.glob("*/log.ndjson"):
        bugs, _ = bugs_in(log, offsets.get(log, 0))
        found.add("unexplained", len(bugs), "; ".join(dict.fromkeys(bugs)))
    late = timed and bound.last is not None and bound.last > bound.within
    if late:
        found.lines.append(
            f"late: the last recipient was told after {bound.last:.1f} s, {bound.within:g} s are allowed"
        )
    return Outcome(
        database=world.database.name,
        scenario=name,
        seconds=time.monotonic() - began,
        events=len(story.acknowledged),
        lost=found.lost,
        duplicated=found.duplicated,
        out_of_order=found.out_of_order,
        unexplained=found.unexplained,
        repeats=found.repeats,
        bound=bound.duplicates,
        why=bound.why,
        last=bound.last,
        held=not (found.lost or found.out_of_order or found.unexplained or late)
        and found.duplicated <= bound.duplicates,
        lines=found.lines[:10],
    )
