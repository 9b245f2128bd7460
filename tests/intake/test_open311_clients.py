"""Two public clients, as they are published, against a running intake."""

import itertools
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from services.cli.process import free_port
from services.cli.system import apply_embedded
from shared.bus.postgres import create_schema
from shared.privacy import new_key
from shared.province import Province
from shared.settings import PROJECT
from tests.conftest import drop_database, fresh_database
from tests.intake.georeport import V2, fits
from tests.wait import until

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of 2013, and of the Python of that year
    itertools.ifilter = filter  # type: ignore[attr-defined]
    from georeport import GeoReport
    from three import Three


@pytest.fixture(scope="module")
def url(postgres_url: str, template: tuple[str, str], quang_tri: Province, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a process of its own serves Open311."""
    database, port = fresh_database(postgres_url, template[0]), free_port()
    create_schema(database)
    apply_embedded(database, quang_tri)
    place = {"DATABASE_URL": database, "HTTP_PORT": str(port), "LINK_KEY": "k" * 40, "SEALING_KEYS": new_key("first")}
    log = tmp_path_factory.mktemp("intake") / "log"
    with (
        log.open("w") as lines,
        subprocess.Popen(
            [sys.executable, "-m", "services.intake"], cwd=PROJECT, env={**os.environ, **place}, stdout=lines, stderr=lines
        ) as process,
    ):
        try:
            until(lambda: _is_ready(port) or process.poll() is not None, 30, what=f"intake is ready: {Path(log).read_text()[-500:]}")
            yield f"http://127.0.0.1:{port}{V2}"
        finally:
            process.terminate()
            process.wait(20)
    drop_database(database)


def _is_ready(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success
    except httpx2.HTTPError:
        return False


@pytest.fixture
def three(url: str, template: tuple[str, str]) -> Three:
    """Posts and reads, in JSON."""
    client = Three(url, api_key=template[1], format="json")
    client.session.trust_env = False
    return client


@pytest.fixture(params=["json", "xml"])
def georeport(request: pytest.FixtureRequest, url: str, monkeypatch: pytest.MonkeyPatch) -> GeoReport:
    """Reads, in either format."""
    monkeypatch.setenv("NO_PROXY", "*")
    return GeoReport(url, jurisdiction="quang-tri", output_format=request.param)


@pytest.fixture(scope="module")
def codes(url: str, template: tuple[str, str]) -> list[str]:
    """Two requests that are there."""
    client = Three(url, api_key=template[1])
    client.session.trust_env = False
    return [client.post("CS01", address=f"{n} Hùng Vương", description="Đèn hỏng <& đã lâu")[0]["service_request_id"] for n in (12, 14)]


class TestThree:
    def test_posts_and_reads_what_it_posted(self, three):
        sent = {"address": "7 Lê Lợi", "name": "Hoa Trần", "phone": "0912 345 678", "email": "hoa@example.com", "lat": 16.8, "long": 107.1}

        [receipt] = fits(three.post("GT03", description="Mất nắp cống", **sent), "received")

        code = receipt["service_request_id"]
        [request] = fits(three.request(code), "service_requests")
        assert (request["description"], request["address"], request["lat"]) == ("Mất nắp cống", "7 Lê Lợi", 16.8)
        assert "Hoa" not in str(request)
        assert three.token(code) == [{"service_request_id": code, "token": code}]
        assert three.post("GT03", description="Mất nắp cống", **sent)[0]["service_request_id"] == code

    def test_reads_what_there_is(self, three, codes):
        fits(three.discovery(), "discovery")
        fits(three.services(), "services")
        assert fits(three.services("GT01"), "service_definition")["attributes"][0]["code"] == "LOAI_DUONG"
        assert {request["service_request_id"] for request in fits(three.requests("CS01"), "service_requests")} == set(codes)
        assert len(three.requests(count=1)) == 1
        assert three.requests(between=["01-01-2026", "01-20-2026"]) == []

    def test_hears_what_is_wrong(self, three):
        assert fits(three.post("XX99", address="7 Lê Lợi"), "errors")[0]["code"] == 404
        assert fits(three.post("GT03"), "errors")[0]["code"] == 400
        assert fits(three.post("GT03", address="7 Lê Lợi", api_key=""), "errors")[0]["code"] == 403
        assert "media_url" in three.post("GT03", address="7 Lê Lợi", media=b"\x89PNG")[0]["description"]


class TestGeoReport:
    def test_reads_services(self, georeport, quang_tri):
        services = georeport.get_service_list()

        assert [service["service_code"] for service in services] == list(quang_tri.categories)
        assert georeport.get_service_definition("GT01")["service_code"] == "GT01"

    def test_reads_requests(self, georeport, codes):
        found = georeport.get_service_requests(service_code="CS01", status="open")

        assert {request["service_request_id"] for request in found} == set(codes)
        assert {request["description"] for request in found} == {"Đèn hỏng <& đã lâu"}
        assert georeport.get_service_request(codes[0])["address"] == "12 Hùng Vương"
        both = georeport.get_service_requests(service_request_id=",".join(codes))
        assert {request["service_request_id"] for request in both} == set(codes)
