"""What works on hostile bytes may do little, and its end is nobody else's."""

from tempfile import TemporaryFile

import pytest

from shared.confined import Died, Late, confined
from tests.shared.works import doubled, environment, forever, limits, talkative, two_gigabytes, waiting

ROOMY = {"memory": 256 << 20, "seconds": 5, "patience": 60, "most": 1 << 20}


def done(work, data=b"", **change):
    with TemporaryFile() as source:
        source.write(data)
        return confined(work, source, **ROOMY | change)


class TestConfined:
    def test_gives_what_the_work_gives(self):
        assert done(doubled, b"ab") == b"abab"

    def test_has_the_limits_it_was_given(self):
        assert done(limits) == repr([ROOMY["memory"], ROOMY["seconds"], ROOMY["most"]]).encode()

    def test_knows_nothing_of_ours(self, monkeypatch):
        monkeypatch.setenv("SEALING_KEYS", "secret")

        assert b"secret" not in done(environment)

    @pytest.mark.parametrize("work", [two_gigabytes, talkative])
    def test_dies_of_wanting_more(self, work):
        with pytest.raises(Died):
            done(work)

    def test_dies_of_working_on_and_on(self):
        with pytest.raises(Died):
            done(forever, seconds=1)

    def test_is_killed_when_it_waits(self):
        with pytest.raises(Late):
            done(waiting, patience=1)
