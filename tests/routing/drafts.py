"""Versions of the rules made over HTTP, for tests."""

from typing import Any

NIGHT = {
    "code": "den-dem",
    "priority": 40,
    "categories": ["CS01"],
    "areas": ["dh"],
    "hours": {"begin": "18:00", "end": "06:00"},
    "agency": "mtdt-dh",
}


def rules_of(http, version: int = 1) -> list[dict[str, Any]]:
    return http.get(f"/v1/rules/{version}").json()["rules"]


def drafted(http, *more: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = {"rules": [*rules_of(http), *more], "reason": "Đèn đường ban đêm", **fields}
    answer = http.post("/v1/rules", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def activated(http, version: int, in_place_of: int = 1) -> Any:
    return http.post(f"/v1/rules/{version}/activation", json={"in_place_of": in_place_of, "reason": "Đã duyệt thử"})
