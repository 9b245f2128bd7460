"""``POST /v1/reports`` goes past FastAPI: whatever is sent, it is answered as FastAPI would answer it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from services.intake.__main__ import service
from shared.service import Process
from tests.intake.conftest import Office, a_body

BODIES: dict[str, tuple[bytes | dict[str, Any], dict[str, str]]] = {
    "good": (a_body(), {}),
    "good with everything": (a_body(urgent=True, language="en", external_ref="A-1", attributes={}), {}),
    "elsewhere": (a_body(description="Gọi 113 giúp tôi, có người đánh nhau ngoài đường."), {}),
    "no key": (a_body(), {"Idempotency-Key": ""}),
    "a key with blanks": (a_body(), {"Idempotency-Key": "a b"}),
    "no credentials": (a_body(), {"X-Api-Key": ""}),
    "an unknown portal": (a_body(), {"X-Api-Key": "hp_nobody"}),
    "a broken token": (a_body(), {"Authorization": "Bearer a.b.c", "X-Api-Key": ""}),
    "a page of a stranger": (a_body(), {"Origin": "https://stranger.example"}),
    "another media type": (a_body(), {"Content-Type": "text/plain"}),
    "no JSON": (b"{", {}),
    "nothing": (b"", {}),
    "a list": (b"[]", {}),
    "null": (b"null", {}),
    "not UTF-8": (b"\xff", {}),
    "a field twice": (b'{"category": "CS01", "category": "CS02"}', {}),
    "no number": (b'{"latitude": NaN}', {}),
    "nested": (b"[" * 20_000, {}),
    "unknown fields": (a_body(colour="red"), {}),
    "wrong types": (a_body(urgent="yes", location=[]), {}),
    "unknown category": (a_body(category="ZZ99"), {}),
    "too large": (b" " * 3_000_000, {}),
}


@pytest.fixture(scope="module")
def declared(door: Office) -> Iterator[TestClient]:
    """The same intake without the straight way."""
    process = Process(replace(service(door.settings), straight=lambda _desk: {}), door.settings)
    with TestClient(process.app, raise_server_exceptions=False) as http:
        yield http
    process.engine.dispose()


def sent(http: TestClient, portal_key: str, content: bytes | dict[str, Any], key: str, headers: dict[str, str]) -> Response:
    usual = {"X-Api-Key": portal_key, "Idempotency-Key": key, "Content-Type": "application/json"}
    what = {"json": content} if isinstance(content, dict) else {"content": content}
    return http.post("/v1/reports", headers=usual | headers, **what)  # type: ignore[arg-type]


def told(answer: Response) -> tuple[int, Any, dict[str, str]]:
    """What doesn't differ from one report to the next."""
    own = {"report_id", "tracking_code", "link", "secret", "status_url", "received_at"}
    content = answer.json()
    kept = {name: value for name, value in content.items() if name not in own} | {"fields": sorted(content)}
    changing = {"location", "content-length", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}  # the gate comes first here
    return answer.status_code, kept, {name: value for name, value in answer.headers.items() if name not in changing}


class TestTheStraightWay:
    @pytest.mark.parametrize("name", BODIES)
    def test_answers_as_the_declared_one(self, door: Office, declared: TestClient, name: str):
        content, headers = BODIES[name]

        one = sent(door.http, door.portal_key, content, f"straight {name}".replace(" ", "-"), headers)
        other = sent(declared, door.portal_key, content, f"declared {name}".replace(" ", "-"), headers)

        assert told(one) == told(other)

    def test_gives_the_same_receipt_for_a_key_that_came_the_other_way(self, door: Office, declared: TestClient):
        first = sent(declared, door.portal_key, a_body(), "both-ways", {})
        again = sent(door.http, door.portal_key, a_body(), "both-ways", {})

        assert again.json() == first.json()
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["location"] == first.headers["location"]
