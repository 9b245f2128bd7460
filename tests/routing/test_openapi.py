"""The OpenAPI document of routing: each operation with an example that fits its schema, and the errors that may come."""

from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator, FormatChecker

from services.routing.__main__ import service
from services.routing.api.describing import EXAMPLES
from services.routing.settings import RoutingSettings
from shared.service import Process

SETTINGS = RoutingSettings(database_url="postgresql://nobody@nowhere/nothing")
APP: FastAPI = Process(service(SETTINGS), SETTINGS).app
DOCUMENT: dict[str, Any] = APP.openapi()
OPERATIONS = {f"{method.upper()} {path}": found for path, methods in DOCUMENT["paths"].items() for method, found in methods.items()}
CODES = {
    "GET /v1/rules/{version}": {"404": "no_such_version"},
    "POST /v1/rules": {"404": "no_such_proposal"},
    "POST /v1/rules/{version}/activation": {"404": "no_such_version", "409": "defective", "412": "stale"},
    "POST /v1/rules:rollback": {"404": "nothing_before", "409": "defective", "412": "stale"},
}

every_operation = pytest.mark.parametrize("name", OPERATIONS)


def faults(schema: dict[str, Any], example: Any) -> list[str]:
    """What of ``example`` does not fit."""
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(example)]


class TestExample:
    @every_operation
    def test_of_an_answer_is_there_and_fits(self, name):
        content = OPERATIONS[name]["responses"]["200"]["content"]["application/json"]

        assert "example" in content, f"put one for {name!r} into services/routing/api/examples.json"
        assert faults(content["schema"], content["example"]) == []

    @pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if "requestBody" in operation])
    def test_of_a_body_is_there_and_fits(self, name):
        content = OPERATIONS[name]["requestBody"]["content"]["application/json"]

        assert "example" in content, f"put one for {name!r} into services/routing/api/examples.json"
        assert faults(content["schema"], content["example"]) == []

    def test_belongs_to_an_operation_there_is(self):
        assert set(EXAMPLES) <= set(OPERATIONS)


class TestError:
    @pytest.mark.parametrize("name", CODES)
    def test_of_a_route_is_declared(self, name):
        responses = OPERATIONS[name]["responses"]

        assert [code for status, code in CODES[name].items() if f"`{code}`" not in responses[status]["description"]] == []

    @every_operation
    def test_has_the_form_of_a_problem(self, name):
        for status, answer in OPERATIONS[name]["responses"].items():
            assert int(status) < 400 or list(answer["content"]) == ["application/problem+json"]
