"""Loops beside the messages: how often they go round."""

from types import SimpleNamespace

from shared import service
from shared.service import steadily


class TestLoop:
    def test_rests_unless_there_was_a_full_load_so_that_what_comes_meanwhile_is_done_together(self, monkeypatch):
        loads, rests = iter([10, 10, 3, 0]), list[float]()
        monkeypatch.setattr(service.time, "sleep", rests.append)
        beats = iter([True] * 4)

        handling = SimpleNamespace(keep=lambda step: step(None))
        steadily(lambda _session: next(loads), full=10, rest=0.5)(handling, lambda: next(beats, False))

        assert rests == [0.5, 0.5]
