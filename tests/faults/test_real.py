"""Four processes on RabbitMQ and PostgreSQL, each killed where it hurts; the whole matrix runs with `make faults`."""

from uuid import uuid4

import pytest

from tests.faults.real.field import Field
from tests.faults.real.services import kills, points
from tests.faults.real.system import system
from tests.faults.real.wrapped import POINTS

WORST = ("http.after_commit", "consumer.before_commit", "consumer.after_commit", "relay.between_confirms", "relay.confirmed")


@pytest.mark.timeout(400)  # beside other work, starting a dozen processes again and again takes its time
class TestNamedCrashPoints:
    def test_nothing_is_lost_and_nothing_done_twice_by_who_dies_at_the_worst_moments(self, open_folder, database_url, amqp_url, rabbit):
        worst = {name: tuple(point for point in WORST if point in of) for name, of in POINTS.items()}
        with system(open_folder / uuid4().hex, database_url, amqp_url, rabbit.management_url, FAULTS_GAP="0.05") as of:
            field = Field(of, print)
            with field.people():
                died = field.row("killed at the worst points", points(worst))
                killed = field.row("killed anywhere", kills(4), reports=60)

            assert of.counted("deaths") > died.faults  # a kill may meet one that is dying already
            assert (died.lost, died.duplicated, died.stuck, died.parked) == (0, 0, "", 0), died
            assert (killed.lost, killed.duplicated, killed.stuck, killed.parked) == (0, 0, "", 0), killed
            assert died.stopped > 0, "no duplicate was stopped: this tested nothing"
            assert field.books.proven() == []

            with pytest.raises(ZeroDivisionError):
                field.row("a proof that breaks off", lambda _: 1 // 0)
            assert not field.rows[-1].good
            assert field.rows[-1].fault == "a proof that breaks off"
