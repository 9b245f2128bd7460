"""The table is the law: what it does not allow is refused, and changes nothing."""

import itertools

import pytest

from services.sla.domain.lifecycle import OPEN, TABLE, IllegalMove, State, after, possible

TRIGGERS = sorted({row["trigger"] for row in TABLE})
LEGAL = {
    (row["trigger"], source): row["dest"]
    for row in TABLE
    for source in (row["source"] if isinstance(row["source"], list) else [row["source"]])
}


class TestLifecycle:
    @pytest.mark.parametrize(("trigger", "state"), sorted(itertools.product(TRIGGERS, State)))
    def test_every_pair_moves_as_the_design_says_or_is_refused(self, trigger, state):
        if (trigger, state) in LEGAL:
            assert after(trigger, state) == LEGAL[trigger, state]
            assert possible(trigger, state)
        else:
            with pytest.raises(IllegalMove, match=trigger) as refusal:
                after(trigger, state)
            assert refusal.value.code == "illegal_move"
            assert not possible(trigger, state)

    def test_what_is_not_open_becomes_open_again_only_by_an_objection_the_centre_or_a_separation(self):
        reopening = {trigger for (trigger, source), target in LEGAL.items() if source not in OPEN and target in OPEN}

        assert reopening == {"object", "reopen", "unmerge"}

    def test_every_state_can_be_reached(self):
        assert set(LEGAL.values()) | {State.RECEIVED} == set(State)
