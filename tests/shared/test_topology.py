"""Topic patterns, which queues there are, and that applying a topology may be repeated."""

import re
from contextlib import closing
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.bus import AGENCIES, EVENTS
from shared.bus.statements import expression
from shared.bus.topology import Binding, Topology, crashed_key, topology
from tests.shared.letters import TOPOLOGY, letter, letters

FEW = ("a", "b", "*", "#")
PATTERNS = sorted(
    {".".join(words) for length in (1, 2) for words in product(FEW, repeat=length)}
    | {"", "a.", ".a", ".", "a..b", "#.a.#", "*.#.*", "#.*", "a.#.b", "#.a.*.b", "*.*.*", "a.#.#", "ab.a", "a#", "*a", "đ.*", "a+.(b"}
)
KEYS = [
    "",
    "a",
    "b",
    "ab",
    "a.b",
    "b.a",
    "a.a",
    "a.",
    ".a",
    ".",
    "..",
    "a..b",
    "a.b.a",
    "b.a.a.b",
    "*",
    "#",
    "a.*",
    "a#",
    "ba",
    "đ.é",
    "a+.(b",
]


def wanted(pattern: str, key: str) -> bool:
    """The oracle: AMQP 0-9-1, section 3.1.3.3, over lists of words."""

    def match(pattern: list[str], words: list[str]) -> bool:
        if not pattern:
            return not words
        first, *rest = pattern
        if first == "#":
            return match(rest, words) or bool(words and match(pattern, words[1:]))
        return bool(words) and first in ("*", words[0]) and match(rest, words[1:])

    return match(pattern.split(".") if pattern else [], key.split(".") if key else [])


def of_patterns(*patterns: str) -> Topology:
    """A queue for each pattern."""
    queues = tuple(f"q{number}" for number in range(len(patterns)))
    bindings = tuple(Binding("test.topic", pattern, queue) for pattern, queue in zip(patterns, queues, strict=True))
    return Topology({"test.topic": "topic"}, queues, bindings)


class TestPatterns:
    def test_both_buses_and_the_oracle_agree(self, bus):
        bus.apply(of_patterns(*PATTERNS))
        with closing(bus.publisher("test")) as publisher:
            publisher.publish([letter(key, "test.topic") for key in KEYS])

        found = {pattern: _keys(bus, f"q{number}") for number, pattern in enumerate(PATTERNS)}

        assert found == {pattern: [key for key in KEYS if wanted(pattern, key)] for pattern in PATTERNS}

    words = st.sampled_from(["a", "b", "ab", "", "a.b", "[", "\\", "đ", "\n"])

    @given(st.lists(words | st.sampled_from(["*", "#"]), max_size=5), st.lists(words, max_size=5))
    @example(["#"], [])
    @example(["#", "#"], ["a"])
    def test_the_expression_of_a_pattern_matches_what_the_oracle_wants(self, pattern, key):
        written, said = ".".join(pattern), ".".join(key)
        dotted = f".{said}" if said else ""
        found = expression("topic", written)

        assert (bool(re.fullmatch(found[1:-1], dotted)) if found else written == said) == wanted(written, said)


def _keys(bus, queue: str) -> list[str]:
    keys: list[str] = []
    with closing(bus.consumer(queue, "test")) as consumer:
        depth = bus.depth(queue)
        while found := consumer.take(100, 0.05 if len(keys) >= depth else 2.0):
            keys += [delivery.routing_key for delivery in found]
    return keys


class TestTopology:
    def test_every_service_and_every_agency_has_a_queue_and_a_place_for_the_crashed(self):
        made = topology({"sla": [Binding(EVENTS, "case.*", "sla.inbox")]}, ["sgtvt", "dh"])

        assert made.queues == ("sla.inbox", "agency.dh", "agency.sgtvt", "sla.crashed", "agency.crashed", "unrouted")
        assert Binding(AGENCIES, "dh", "agency.dh") in made.bindings

    @pytest.mark.parametrize(
        ("queue", "key"),
        [("sla.inbox", "sla"), ("agency.mtdt-dh", "agency"), ("sla.crashed", ""), ("agency.crashed", ""), ("unrouted", "")],
    )
    def test_the_crashed_of_one_kind_lie_together_and_move_no_further(self, queue, key):
        assert crashed_key(queue) == key


class TestApply:
    def test_again_changes_nothing_and_loses_nothing(self, bus, publisher):
        publisher.publish(letters(3))

        bus.apply(TOPOLOGY)

        publisher.publish(letters(1))
        assert bus.depth("sla.inbox") == 4

    def test_takes_bindings_away_only_when_pruning(self, bus, publisher):
        silent = Topology(TOPOLOGY.exchanges, TOPOLOGY.queues, tuple(b for b in TOPOLOGY.bindings if b.queue != "notify.inbox"))

        bus.apply(silent)
        publisher.publish([letter("case.opened")])
        bus.apply(silent, prune=True)
        publisher.publish([letter("case.opened")])

        assert bus.depth("notify.inbox") == 1
        assert bus.depth("sla.inbox") == 2
