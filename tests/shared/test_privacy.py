"""What is sealed opens only with its key, and only about its report."""

import pytest

from shared.privacy import SealingKeys, new_key

OLD, NEW = new_key("2025"), new_key("2026")


class TestSealing:
    def test_what_was_sealed_opens(self):
        keys = SealingKeys.parse(OLD)

        assert keys.open(keys.seal("0912 345 678", about="r1"), about="r1") == "0912 345 678"

    def test_nothing_of_it_can_be_read_and_no_two_look_alike(self):
        keys = SealingKeys.parse(OLD)
        sealed = keys.seal("0912 345 678", about="r1")

        assert "0912" not in sealed
        assert sealed != keys.seal("0912 345 678", about="r1")

    def test_a_new_key_in_front_seals_and_the_old_one_still_opens(self):
        sealed = SealingKeys.parse(OLD).seal("lan@example.vn", about="r1")
        rotated = SealingKeys.parse(f"{NEW}\n{OLD}")

        assert rotated.open(sealed, about="r1") == "lan@example.vn"
        assert rotated.seal("x", about="r1").startswith("2026:")

    def test_moved_to_another_report_changed_or_without_its_key_it_stays_shut(self):
        keys = SealingKeys.parse(OLD)
        sealed = keys.seal("lan@example.vn", about="r1")
        changed = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]

        for opener, text, about in ((keys, sealed, "r2"), (keys, changed, "r1"), (SealingKeys.parse(NEW), sealed, "r1")):
            with pytest.raises(ValueError, match="seal"):
                opener.open(text, about=about)

    @pytest.mark.parametrize("text", ["", "name:c2hvcnQ="])
    def test_keys_that_are_none_are_refused(self, text):
        with pytest.raises(ValueError, match="SEALING_KEYS"):
            SealingKeys.parse(text)
