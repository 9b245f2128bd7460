"""What lists, searches and maps take with few and with many reports: asked in turn, over HTTP, of two installations side by side."""

from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

from sqlalchemy import create_engine

from services.cli.bench.crowd import fill
from services.cli.bench.stand import asked, machines, stand, vacuum
from shared.clock import now
from shared.database import psycopg_url, sessions
from shared.province import read_province
from shared.settings import PROJECT

Say = Callable[[str], None]
AT_ONCE = 100_000  # rows of one transaction, so that there is progress to show
QUESTIONS = {
    "newest": "/v1/reports",
    "of a category": "/v1/reports?category=CS01",
    "of an area, being worked on": "/v1/reports?area=dh&status=in_progress",
    "of an agency, changed before": "/v1/reports?agency=dh&updated_to=2026-01-01T00:00:00Z",
    "a common word": "/v1/reports?q=karaoke",
    "a rare word": "/v1/reports?q=9999",
    "two words": "/v1/reports?q=karaoke%20kiet",
    "a phrase": "/v1/reports?q=%22cay%20do%22%20-song",
    "map of a quarter": "/v1/map?zoom=16&bbox=107.09,16.80,107.10,16.81",
    "map of a town": "/v1/map?zoom=12&bbox=107.0,16.75,107.2,16.9",
    "map of the province": "/v1/map?zoom=9&bbox=106.4,16.2,107.6,17.3",
    "Open311 list": "/open311/v2/requests.json",
}


def measure(*, few: int, many: int, rounds: int, say: Say) -> dict[str, tuple[float, float]]:
    """Milliseconds of each question with few and with many reports: the medians of ``rounds``."""
    with ExitStack() as stack:
        postgres, rabbit, folder = stack.enter_context(machines())
        ports = []
        for name, count in (("few", few), ("many", many)):
            at = stack.enter_context(stand(postgres, rabbit, folder, name, {"PUBLIC_RATE": "0"}, services=("intake",)))
            _fill(at.database_url, count, say)
            ports.append(at.intake_port)
        took = {}
        for name, path in QUESTIONS.items():
            pairs = [[asked(port, path) for port in ports] for _ in range(rounds + 1)][1:]  # the first warms up
            small, large = (median(times) for times in zip(*pairs, strict=True))
            took[name] = small, large
            say(f"{name:30}{small:9.1f} ms{large:9.1f} ms   × {large / small:.1f}")
    return took


def _fill(url: str, count: int, say: Say) -> None:
    owner = create_engine(psycopg_url(url), connect_args={"options": "-c search_path=intake"})
    province, until = read_province(PROJECT / "deploy/provinces/quang-tri"), now()
    with sessions(owner).begin() as session:
        fill(session, province, count=min(count, AT_ONCE), until=until)
    for done in range(AT_ONCE, count, AT_ONCE):
        say(f"{done:,} of {count:,} reports are there …")
        with sessions(owner).begin() as session:
            fill(session, province, count=min(AT_ONCE, count - done), until=until)
    vacuum(owner)
    owner.dispose()
