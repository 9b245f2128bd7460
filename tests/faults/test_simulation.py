"""The four services under a simulated bus and clock, through some misfortunes; thousands of them with `make faults`."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from shared import mailbox
from shared.province import read_province
from shared.settings import PROJECT
from tests.faults.simulation.running import outcome, run
from tests.faults.simulation.story import shortest, story
from tests.faults.simulation.world import ACK_FIRST, NO_CONFIRMS, World

SEEDS = range(20)


@pytest.fixture(scope="module")
def one_world(module_database_url) -> Iterator[World]:
    with closing(World(module_database_url, read_province(PROJECT / "deploy/provinces/quang-tri"))) as world:
        yield world


@pytest.fixture
def world(one_world: World) -> Iterator[World]:
    """As it is shipped; who breaks it finds it whole again afterwards."""
    yield one_world
    one_world.flaw = ""


def everything_is_new(session, names):
    """A mailbox without memory."""
    written = receive(session, names)
    return written | set(names)


receive = mailbox.receive


def first_wrong(world: World) -> list[str]:
    return next(wrong for seed in range(40) if (wrong := outcome(world, story(seed))[1]))


class TestSimulation:
    def test_loses_nothing_and_does_nothing_twice_whatever_goes_wrong(self, world):
        total = run(world, SEEDS)

        assert total.faults > 500
        assert total.stopped > 20, "a run in which no duplicate was stopped tested nothing"


class TestShortest:
    def test_leaves_out_whatever_does_not_matter(self):
        steps = story(1)
        guilty = {steps[17], steps[90]}

        assert set(shortest(steps, lambda shorter: guilty <= set(shorter))) == guilty


class TestNegativeControls:
    """Builds that are broken on purpose: were one of them not seen, the simulation would be blind."""

    def test_a_build_without_an_inbox_is_seen(self, world, monkeypatch):
        monkeypatch.setattr(mailbox, "receive", everything_is_new)

        assert first_wrong(world)

    @pytest.mark.parametrize("flaw", [ACK_FIRST, NO_CONFIRMS])
    def test_a_build_that_acknowledges_too_soon_or_needs_no_confirms_is_seen(self, world, flaw):
        world.flaw = flaw

        assert first_wrong(world)
