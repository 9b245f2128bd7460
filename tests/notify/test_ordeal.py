"""The short form of the ordeal that `hoiam bench notify` puts ten thousand notices through."""

from services.cli.bench.notify import ordeal, quiet
from shared.database import migrate


class TestOrdeal:
    def test_every_notice_arrives_once_whatever_the_receiver_does(self, database_url, tmp_path):
        """It fails three of ten calls, hangs on one of twenty, and is killed when it has half of them."""
        migrate(database_url, "notify")

        with quiet():
            of = ordeal(database_url, tmp_path, notices=500, say=lambda _: None)

        assert (of.arrived, of.strangers) == (of.posted, 0)
        assert of.repeated + of.replayed < of.posted / 10
        assert of.grown < 10_000_000
