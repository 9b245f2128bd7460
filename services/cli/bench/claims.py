"""What is claimed, by which figure of which bench, and what was aimed at."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One row. ``target`` is for the median: at least, or ``at_most``; ``brief`` makes it one of the README's."""

    bench: str
    figure: str
    what: str
    target: float | None = None
    at_most: bool = False
    unit: str = "×"
    brief: str = ""

    @property
    def anchor(self) -> str:
        return f"{self.bench}-{self.figure}".replace("_", "-")

    def wanted(self) -> str:
        return "" if self.target is None else f"{'≤' if self.at_most else '≥'} {self.target:g} {self.unit}"

    def verdict(self, value: float) -> str:
        """Nothing is said of what has no target."""
        if self.target is None:
            return ""
        return "met" if (value <= self.target if self.at_most else value >= self.target) else "**missed**"


CLAIMS = (
    Claim(
        bench="pipeline", figure="vs_celery", target=5, what="Reports a second, beside three such stages in Celery",
        brief="reports a second through all four services, beside three stages in Celery",
    ),
    Claim(
        bench="pipeline", figure="vs_faststream", target=4, what="Reports a second, beside three such stages in FastStream",
        brief="the same, beside three stages in FastStream",
    ),
    Claim(bench="pipeline", figure="throughput_vs_loop", what="Reports a second, beside three such loops by hand, message by message"),
    Claim(bench="pipeline", figure="throughput_vs_one_by_one", target=5, what="Reports a second, beside our own with batch size 1"),
    Claim(bench="pipeline", figure="p50_vs_faststream", target=1, at_most=True, what="p50 at light load, beside FastStream's three stages"),
    Claim(bench="pipeline", figure="p99_vs_faststream", target=1, at_most=True, what="p99 at light load, beside FastStream's three stages"),
    Claim(
        bench="journey", figure="resolved_per_second", target=80, unit="/s", what="Reports a second from POST to `resolved`",
        brief="whole journeys, from the POST to `resolved`, with agencies and approval",
    ),
    Claim(
        bench="intake", figure="throughput_vs_plain", target=2.5, what="Durable POSTs a second, beside a plain endpoint with a commit each",
        brief="durable POSTs a second, beside a plain endpoint with a commit a request",
    ),
    Claim(bench="intake", figure="p99_vs_plain", target=1, at_most=True, what="p99 of a POST, beside the plain endpoint"),
    Claim(bench="intake", figure="throughput_vs_echo", target=0.5, what="Durable POSTs a second, beside an endpoint that stores nothing"),
    Claim(bench="intake", figure="read_growth", target=1.5, at_most=True, what="The slowest list, search or map, many reports beside few"),
    Claim(bench="routing", figure="growth", target=3, at_most=True, what="A decision, 10,000 rules and 1,000 polygons beside 100 and 10"),
    Claim(bench="clocks", figure="vs_bare_sql", target=0.2, what="Clocks fired a second, beside a bare SQL loop with an event row each"),
    Claim(bench="clocks", figure="idle_growth", target=1.5, at_most=True, what="An idle tick, many open clocks beside few"),
    Claim(bench="clocks", figure="fire_growth", target=1.5, at_most=True, what="A fired clock, many open beside few"),
    Claim(bench="notify", figure="vs_bare_loop", target=0.5, what="Notices a second, beside a bare loop on the same channel"),
    Claim(bench="scorecard", figure="growth", target=1.5, at_most=True, what="A year's card of one agency, many cases beside few"),
    Claim(bench="scorecard", figure="province_growth", what="The province's year by month, many cases beside few"),
    Claim(bench="embedded", figure="throughput_vs_rabbitmq", what="Reports a second on the embedded bus, beside RabbitMQ"),
    Claim(
        bench="footprint", figure="idle_mb_all", target=500, at_most=True, unit="MB", what="Memory of the whole embedded system, idle",
        brief="memory of the whole embedded system, PostgreSQL included",
    ),
    Claim(bench="footprint", figure="start_seconds", target=8, at_most=True, unit="s", what="`hoiam up` to ready, with existing data"),
)  # fmt: skip
