"""Many seeds, one after the other; the first that goes wrong is told as the shortest story that does."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.faults.simulation.oracle import wrongs
from tests.faults.simulation.playing import Play
from tests.faults.simulation.story import Story, shortest, story
from tests.faults.simulation.world import World

Say = Callable[[str], None]


@dataclass
class Total:
    """``stopped``: duplicates that inboxes stopped; ``failures``: what was wrong, by seed."""

    stories: int = 0
    faults: int = 0
    accepted: int = 0
    letters: int = 0
    stopped: int = 0

    def __str__(self) -> str:
        return (
            f"{self.stories} stories, {self.faults} faults, {self.accepted} reports accepted, {self.letters} messages,"
            f" {self.stopped} duplicates stopped"
        )


def outcome(world: World, steps: Story) -> tuple[Play, list[str]]:
    """The story played, and what is wrong after it."""
    play = Play(world)
    try:
        play.play(steps)
        return play, wrongs(play)
    except Exception as failure:  # noqa: BLE001 - whatever a service lets through is what is looked for
        return play, [f"{type(failure).__name__}: {failure}"]


def run(world: World, seeds: Iterable[int], say: Say = lambda _: None) -> Total:
    """All of ``seeds``. Raises AssertionError with the shortest story of the first seed that goes wrong."""
    total = Total()
    for seed in seeds:
        steps = story(seed)
        play, wrong = outcome(world, steps)
        if wrong:
            raise AssertionError(told(world, seed, steps, wrong))
        total.stories += 1
        total.faults += sum(bool(step.how) or step.what in {"twin", "shuffle", "delay", "jump"} for step in steps)
        total.accepted += len(play.accepted)
        total.letters += len(world.bus.log)
        total.stopped += world.stopped.total()
        if total.stories % 20 == 0:
            say(str(total))
    return total


def told(world: World, seed: int, steps: Story, wrong: list[str]) -> str:
    """``wrong`` names what was seen first; a shorter story counts when it goes wrong in the same way."""
    kind = wrong[0].split(":")[0].split(" ")[0]

    def fails(shorter: Story) -> bool:
        return any(line.startswith(kind) for line in outcome(world, shorter)[1])

    short = shortest(steps, fails, tries=80)
    seen = outcome(world, short)[1]
    return "\n".join(
        [f"seed {seed}: {wrong[0]}", f"The shortest story ({len(short)} of {len(steps)} steps):", *map(str, short), "ends so:", *seen]
    )
