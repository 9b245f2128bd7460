"""Every request is counted by its route and what became of it, whichever way it is answered."""

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from shared.database import engine
from shared.metrics import Tables
from tests.intake.conftest import Office, a_body

STRAIGHT, SHOWN, UNKNOWN = "POST /v1/reports", "GET /v1/reports/{tracking_code}", "unknown"


def counted(route: str, status: str) -> float:
    labels = {"service": "intake", "route": route, "status": status}
    return REGISTRY.get_sample_value("hoiam_http_request_seconds_count", labels) or 0


class TestRequests:
    def test_the_straight_way_is_counted_like_any_other(self, door: Office):
        before = counted(STRAIGHT, "2xx"), counted(STRAIGHT, "4xx"), counted(SHOWN, "2xx")

        code = door.post(a_body(), "counted").json()["tracking_code"]
        door.post(a_body(category="ZZ99"), "not counted as good")
        door.shown(code)

        assert (counted(STRAIGHT, "2xx"), counted(STRAIGHT, "4xx"), counted(SHOWN, "2xx")) == tuple(number + 1 for number in before)

    def test_what_strangers_ask_for_makes_no_series_of_its_own(self, door: Office):
        before = counted(UNKNOWN, "4xx")

        door.http.get("/wp-login.php?a=1")
        door.http.request("BREW", "/v1/reports")
        door.post_raw(b" " * 3_000_000)

        assert counted(UNKNOWN, "4xx") == before + 3
        assert "wp-login" not in generate_latest().decode()

    def test_one_without_rights_is_counted_under_its_route(self, door: Office):
        before = counted(STRAIGHT, "4xx")

        door.http.post("/v1/reports", json=a_body())

        assert counted(STRAIGHT, "4xx") == before + 1


class TestTables:
    def test_pool_mailbox_and_database_are_shown_at_each_scrape(self, door: Office):
        of = engine(door.settings.database_url, "intake")
        registry = CollectorRegistry()
        registry.register(Tables("intake", of, door.rooms, lambda _session: []))

        page = generate_latest(registry).decode()
        of.dispose()

        for line in ("hoiam_parked_rows{", "hoiam_held_age_seconds{", 'hoiam_database_pool_connections{service="intake",state="in_use"}'):
            assert line in page
        shown = {line.split("{")[0]: float(line.split()[-1]) for line in page.splitlines() if not line.startswith("#")}
        assert 0 < shown["hoiam_database_connections"] < shown["hoiam_database_limit_connections"]
        assert shown["hoiam_database_size_bytes"] > shown["hoiam_database_schema_size_bytes"] > 0
