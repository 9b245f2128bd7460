"""A root proves each of its leaves, and nothing else; anybody can check it with a hash function."""

import hashlib
from collections.abc import Sequence
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sla.domain.history import GENESIS
from services.sla.domain.roots import Receipt, Tree, climb, differing, first_leaf, leaf, steps, tree_of

DAY = date(2026, 11, 16)
leaves = st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=70).map(
    lambda words: [hashlib.sha256(word).digest() for word in words]
)


def by_the_book(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word: split at the largest power of two smaller than n."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + by_the_book(hashes[:split]) + by_the_book(hashes[split:])).digest()


def a_receipt(count: int = 5, position: int = 3) -> Receipt:
    ends = [(UUID(int=number), number, hashlib.sha256(bytes([number])).hexdigest()) for number in range(1, count)]
    tree = tree_of(DAY, GENESIS, ends)
    report_id, seq, end = ends[position - 1]
    return Receipt(
        report_id=report_id, seq=seq, hash=end, day=DAY, position=position, size=count, path=tree.path(position), root=tree.root,
    )  # fmt: skip


def verdict(receipt: Receipt, kept: dict[date, str] | None = None) -> list[bool]:
    return [step.passed for step in steps(receipt, kept)]


class TestTree:
    @given(leaves)
    def test_is_the_tree_of_rfc_6962(self, hashes):
        assert Tree.of(hashes).root == by_the_book(hashes).hex()

    def test_agrees_with_the_rfc_on_a_tree_known_elsewhere(self):
        # test vectors of the Certificate Transparency project: the roots over its first 2, 3 and 8 leaves
        inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
        hashes = [hashlib.sha256(b"\x00" + bytes.fromhex(words)).digest() for words in inputs]

        assert Tree.of(hashes[:2]).root == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
        assert Tree.of(hashes[:3]).root == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
        assert Tree.of(hashes).root == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"

    @given(leaves, st.data())
    def test_proves_every_leaf_of_any_size(self, hashes, data):
        tree = Tree.of(hashes)
        position = data.draw(st.integers(0, len(hashes) - 1))

        assert climb(hashes[position], position, len(hashes), tree.path(position)) == tree.root

    @given(leaves, st.data())
    def test_proves_no_leaf_with_a_bit_changed_nor_by_a_path_with_a_bit_changed(self, hashes, data):
        tree = Tree.of(hashes)
        position = data.draw(st.integers(0, len(hashes) - 1))
        parts = [hashes[position], *(bytes.fromhex(beside) for beside in tree.path(position))]
        which, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
        parts[which] = (int.from_bytes(parts[which], "big") ^ 1 << bit).to_bytes(32, "big")

        assert climb(parts[0], position, len(hashes), [part.hex() for part in parts[1:]]) != tree.root

    @given(leaves, leaves)
    def test_two_trees_have_two_roots(self, one, other):
        assert (Tree.of(one).root == Tree.of(other).root) == (one == other)

    @given(leaves, st.data())
    def test_a_path_too_long_too_short_or_from_outside_leads_nowhere(self, hashes, data):
        size, path = len(hashes), Tree.of(hashes).path(position := data.draw(st.integers(0, len(hashes) - 1)))

        assert climb(hashes[position], position, size, [*path, GENESIS]) is None
        assert not path or climb(hashes[position], position, size, path[:-1]) is None
        assert climb(hashes[position], size, size, path) is None
        assert climb(hashes[position], -1, size, path) is None

    def test_a_node_can_not_pass_for_a_leaf_nor_the_root_before_for_a_case(self):
        number, end = UUID(int=1), hashlib.sha256(b"1").hexdigest()

        assert leaf(number, 1, end) == hashlib.sha256(b"\x00" + f"{number} 1 {end}".encode()).digest()
        assert first_leaf(DAY, GENESIS) == hashlib.sha256(b"\x00" + f"root 2026-11-16 {GENESIS}".encode()).digest()


class TestReceipt:
    @given(st.integers(2, 60), st.data())
    def test_verifies_alone(self, count, data):
        receipt = a_receipt(count, data.draw(st.integers(1, count - 1)))

        assert verdict(Receipt.model_validate_json(receipt.model_dump_json())) == [True, True]

    @pytest.mark.parametrize(
        ("change", "passed"),
        [
            ({"seq": 4}, [True, False]),
            ({"hash": "a" * 64}, [True, False]),
            ({"report_id": UUID(int=9)}, [True, False]),
            ({"root": "b" * 64}, [True, False]),
            ({"position": 2}, [True, False]),
            ({"position": 4}, [False]),
            ({"size": 9}, [False]),
            ({"path": ()}, [False]),
        ],
    )
    def test_names_the_step_that_fails(self, change, passed):
        assert verdict(a_receipt().model_copy(update=change)) == passed

    def test_counts_only_with_the_root_that_was_kept(self):
        receipt = a_receipt()

        assert verdict(receipt, {DAY: receipt.root}) == [True, True, True, True]
        assert verdict(receipt, {DAY: "c" * 64}) == [True, True, True, False]
        assert verdict(receipt, {}) == [True, True, False]


class TestDiffering:
    def test_names_the_first_day_that_differs_or_is_gone(self):
        here = {date(2026, 11, day): str(day) for day in (1, 2, 3, 4)}

        assert differing(here, here) is None
        assert differing(here, {}) is None
        assert differing(here, {**here, date(2026, 11, 3): "x", date(2026, 11, 2): "y"}) == (date(2026, 11, 2), "is another one here")
        assert differing({}, here) == (date(2026, 11, 1), "is missing here")
