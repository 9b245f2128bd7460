"""Spans of the runtime: one for each message, whatever became of its neighbours; and nothing at all unless somebody asked for them."""

import os
import subprocess
import sys
import threading

import pytest

from services.cli.process import free_port
from shared import tracing
from shared.settings import PROJECT
from tests.builders import envelope, received
from tests.collector import Collector, collecting
from tests.shared.standin import POISON


@pytest.fixture
def collector():
    with collecting() as collector:
        yield collector


@pytest.fixture
def stop(collector: Collector):
    """Recording; ends it, and has everything sent."""
    ends = tracing.start("sla", collector.url)
    yield ends
    ends()


class TestBatch:
    def test_has_a_span_for_each_message_below_its_own_cause(self, handling, collector, stop):
        sealed = [envelope(received()) for _ in range(3)]

        handling.batch(sealed)
        stop()

        below = {span.report_id: (span.trace, span.parent) for span in collector.spans.values()}
        assert below == {str(e.message.report_id): (e.traceparent[3:35], e.traceparent[36:52]) for e in sealed}

    def test_shows_whose_message_broke_and_that_the_others_were_done(self, handling, collector, stop):
        poison, *others = (envelope(received(portal=portal)) for portal in (POISON, "app", "app"))

        handling.batch([poison, *others])
        stop()

        done = {span.report_id for span in collector.spans.values() if not span.failed}
        assert done == {str(other.message.report_id) for other in others}
        assert str(poison.message.report_id) in {span.report_id for span in collector.spans.values() if span.failed}


class TestSettings:
    def test_without_a_collector_not_even_the_library_is_loaded(self):
        code = "import sys, shared.service as s; s.tracing.start('sla', ''); print('opentelemetry.sdk' in sys.modules)"

        done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)

        assert done.stdout.strip() == "False", done.stderr

    def test_a_collector_that_is_away_breaks_no_work_and_holds_up_no_stop(self, handling):
        end = tracing.start("sla", f"http://127.0.0.1:{free_port()}")

        assert handling.batch([envelope(received())]) == [True]

        ending = threading.Thread(target=end)
        ending.start()
        ending.join(10)
        assert not ending.is_alive()
