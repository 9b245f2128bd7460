"""A report's way over four services is one trace, each step below the one that caused it; seen by a collector that speaks OTLP."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from services.cli.up import SERVICES
from tests.collector import Collector, collecting
from tests.system.running import REPORT, running
from tests.wait import until

TOGETHER = 40
WAY = [
    "intake: POST /v1/reports",
    "intake: handle receive_report",
    "routing: handle report.received",
    "sla: handle report.routed",
    "notify: handle case.assigned",
]


@pytest.fixture(scope="module")
def collector():
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def reports(open_folder, collector):
    """Their ids, by the trace that their portal had begun; posted at once, so that services handle them in batches."""
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with running(open_folder / uuid4().hex, **traced) as system:
        key = system.hoiam("portal", "add", "app", "Ứng dụng")

        def post(trace: str) -> str:
            headers = {"X-Api-Key": key, "Idempotency-Key": trace, "traceparent": f"00-{trace}-{'e' * 16}-01"}
            address = f"{system.layout.url('intake')}/v1/reports"
            return str(system.http.post(address, json=REPORT, headers=headers).json()["report_id"])

        traces = [uuid4().hex for _ in range(TOGETHER)]
        with ThreadPoolExecutor(TOGETHER) as pool:
            found = dict(zip(traces, pool.map(post, traces), strict=True))
        system.http.get(f"{system.layout.url('sla')}/v1/cases/nonsense?q=secret", headers=system.headers("operator"))
        until(lambda: all(_ways(collector, report_id) for report_id in found.values()), 30, what="the last step of each")
        assert max(_batches(system, service) for service in SERVICES) > 1
        yield found


def _ways(collector: Collector, report_id: str) -> list[list[str]]:
    """From the beginning to the letter, as far as it is known: services send their spans each in its own time.

    Routing handles the last fact too, for its own counts, much earlier or later.
    """
    ends = [span for span in collector.of(report_id) if f"{span.service}: {span.name}" == WAY[-1]]
    return [way for way in map(collector.path, ends) if len(way) > len(WAY)]


def _batches(system, service: str) -> float:
    """Messages a transaction, on average."""
    return system.metric(service, "hoiam_batch_messages_sum") / max(system.metric(service, "hoiam_batch_messages_count"), 1)


class TestOneReport:
    def test_is_one_trace_over_four_services_that_its_portal_began(self, collector: Collector, reports):
        for trace, report_id in reports.items():
            spans = collector.of(report_id)

            assert {span.trace for span in spans} == {trace}
            assert {span.service for span in spans} == set(SERVICES)
            assert {span.report_id for span in spans} == {"", report_id}  # nobody else's, though they were handled together

    def test_has_each_step_below_the_one_that_caused_it(self, collector, reports):
        for report_id in reports.values():
            assert _ways(collector, report_id) == [["e" * 16, *WAY]]

    def test_shows_the_sending_of_each_message_below_what_said_it(self, collector, reports):
        report_id = next(iter(reports.values()))

        sent = until(lambda: [span for span in collector.of(report_id) if span.name == "send report.routed"])

        assert [collector.path(span) for span in sent] == [["e" * 16, *WAY[:3], "routing: send report.routed"]]


class TestSpans:
    def test_say_the_route_and_never_the_address_or_a_query(self, collector, reports):
        [asked] = until(lambda: [span for span in collector.spans.values() if span.name == "GET /v1/cases/{report_id}"])

        assert asked.facts == {"http.request.method": "GET", "http.route": "/v1/cases/{report_id}", "http.response.status_code": "422"}

    def test_are_of_no_call_that_machines_make_all_the_time(self, collector, reports):
        assert {span.name for span in collector.spans.values()} & {"GET /readyz", "GET /healthz", "GET /metrics"} == set()
