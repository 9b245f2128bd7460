"""What a year's scorecard takes, asked over HTTP, with few, more and many cases: all of them scored, three years of them."""

from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

from sqlalchemy import create_engine, text

from services.cli.bench.figures import Figures, JsonFile, keep, ratio, show, spread
from services.cli.bench.stand import asked, machines, stand, vacuum
from services.sla.domain.scoring import FIGURES
from shared.database import psycopg_url

Say = Callable[[str], None]
AGENCIES = 78  # communes and wards of a province of the new kind, which share all cases evenly
YEAR = "since=2025-01&until=2025-12"
QUESTIONS = {
    "": f"/v1/scorecards?{YEAR}&agency=a1",
    "province_": f"/v1/scorecards?{YEAR}&by=month",
}
ASKED = 5  # times in a round
_CASES = """
    INSERT INTO sla.cases (report_id, tracking_code, category, report, received_at, urgent, agency, policy_version, state, hop, version,
                           moved, last_hash, sla_class, due_at, answer, supporting, explanation, area, promised_at)
    SELECT gen_random_uuid(), 'QT-' || n, 'CS01', '{}', at, false, 'a' || n % :agencies, 1, 'closed', 1, 7, 6, repeat('0', 64), 'S3', at,
           '', '[]', '', 'dh', at
    FROM (SELECT n, CAST('2024-01-01' AS timestamptz) + n * (interval '1096 days' / :cases) AS at
          FROM generate_series(0, :cases - 1) AS n) AS made
"""
_COUNTED = {"received": "1", "taken_up": "1", "on_time": "1", "held_minutes": "ascii(right(tracking_code, 1)) * 30"}
_SCORES = f"""
    INSERT INTO sla.scores (report_id, agency, category, area, month, {", ".join(FIGURES)})
    SELECT report_id, agency, category, area, CAST(date_trunc('month', received_at) AS date),
           {", ".join(_COUNTED.get(name, "0") for name in FIGURES)}
    FROM sla.cases
"""  # noqa: S608 - our own names


def scorecard(few: int = 10_000, some: int = 100_000, many: int = 1_000_000, rounds: int = 7, json_file: JsonFile = None) -> None:
    """A year's card of one agency, and the year of the province by month: what they take with so many cases."""
    took = measure(sizes=(few, some, many), rounds=rounds, say=print)
    figures: Figures = {}
    for kind in QUESTIONS:
        small, middle, large = (took[kind, size] for size in (few, some, many))
        figures |= spread(f"{kind}card_ms", small) | spread(f"{kind}card_ms_of_many", large)
        figures |= ratio(f"{kind}growth_to_some", middle, small) | ratio(f"{kind}growth", large, small)
    show(figures)
    keep(figures, json_file)


def measure(*, sizes: tuple[int, ...], rounds: int, say: Say) -> dict[tuple[str, int], list[float]]:
    """Milliseconds of each question with each number of cases, in each round; a first one warms up."""
    with ExitStack() as stack:
        postgres, rabbit, folder = stack.enter_context(machines())
        ports = {}
        for size in sizes:
            at = stack.enter_context(stand(postgres, rabbit, folder, f"cases_{size}", {"PUBLIC_RATE": "0"}, services=("sla",)))
            say(f"making {size:,} cases …")
            _fill(at.database_url, size)
            ports[size] = at.ports["sla"]
        took: dict[tuple[str, int], list[float]] = {(kind, size): [] for kind in QUESTIONS for size in sizes}
        for _ in range(rounds + 1):
            for kind, path in QUESTIONS.items():
                for size, port in ports.items():
                    took[kind, size].append(median(asked(port, path) for _ in range(ASKED)))
        return {what: times[1:] for what, times in took.items()}


def _fill(url: str, cases: int) -> None:
    owner = create_engine(psycopg_url(url))
    with owner.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # no triggers: nothing here is waited for
        connection.execute(text(_CASES), {"cases": cases, "agencies": AGENCIES})
        connection.execute(text(_SCORES))
    vacuum(owner)
    owner.dispose()
