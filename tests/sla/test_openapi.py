"""The OpenAPI document of sla: each operation with an example that fits its schema, and the errors that may come."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator, FormatChecker

from services.sla.__main__ import service
from services.sla.api.describing import EXAMPLES
from services.sla.settings import SlaSettings
from shared.access import EVERYBODY, ROUTES
from shared.messages import RehomeCase
from shared.service import Process
from tests.sla.test_refusals import CODES, FAULTS

SETTINGS = SlaSettings(database_url="postgresql://nobody@nowhere/nothing")
APP: FastAPI = Process(service(SETTINGS), SETTINGS).app
DOCUMENT: dict[str, Any] = APP.openapi()
OPERATIONS = {f"{method.upper()} {path}": found for path, methods in DOCUMENT["paths"].items() for method, found in methods.items()}

every_operation = pytest.mark.parametrize("name", OPERATIONS)


def faults(schema: dict[str, Any], example: Any) -> list[str]:
    """What of ``example`` does not fit."""
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(example)]


def codes(operation: dict[str, Any], status: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", operation["responses"][status]["description"]))


class TestExample:
    @every_operation
    def test_of_an_answer_is_there_and_fits(self, name):
        content = OPERATIONS[name]["responses"]["200"]["content"]["application/json"]

        assert "example" in content, f"put one for {name!r} into services/sla/api/examples.json"
        assert faults(content["schema"], content["example"]) == []

    @pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if "requestBody" in operation])
    def test_of_a_body_is_there_and_fits(self, name):
        content = OPERATIONS[name]["requestBody"]["content"]["application/json"]

        assert "example" in content, f"put one for {name!r} into services/sla/api/examples.json"
        assert faults(content["schema"], content["example"]) == []

    def test_of_a_body_that_does_not_fit_would_be_seen(self):
        content = OPERATIONS["POST /v1/cases/{report_id}/ask"]["requestBody"]["content"]["application/json"]

        assert faults(content["schema"], {"question": "?", "mood": "good"})

    def test_belongs_to_an_operation_there_is(self):
        assert set(EXAMPLES) <= set(OPERATIONS)


class TestError:
    @every_operation
    def test_has_the_form_of_a_problem_and_an_example(self, name):
        errors = {status: answer for status, answer in OPERATIONS[name]["responses"].items() if int(status) >= 400}

        for answer in errors.values():
            [(kind, content)] = answer["content"].items()
            assert (kind, content["schema"]) == ("application/problem+json", {"$ref": "#/components/schemas/Problem"})
            assert faults(content["schema"], content["example"]) == []

    @pytest.mark.parametrize("name", [name for name in OPERATIONS if ROUTES[name] != EVERYBODY])
    def test_of_whoever_may_not_is_declared(self, name):
        assert {"401", "403"} <= set(OPERATIONS[name]["responses"])

    @pytest.mark.parametrize("kind", [kind for kind in CODES if kind is not RehomeCase], ids=lambda kind: kind.topic)  # has no route
    def test_of_a_request_in_the_wrong_state_or_of_an_old_version_is_declared(self, kind):
        operation = OPERATIONS[f"POST /v1/cases/{{report_id}}/{kind.topic}"]

        assert CODES[kind] in codes(operation, "404" if kind.topic == "answer" else "409")
        assert codes(operation, "412") == {"stale"}

    @pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, _, _, code in FAULTS], ids=str)
    def test_that_a_rule_gives_is_declared(self, kind, code):
        operation = OPERATIONS[f"POST /v1/cases/{{report_id}}/{kind.topic}"]

        assert code in codes(operation, "404") | codes(operation, "409")

    def test_of_the_framework_is_not_promised_where_ours_comes(self):
        assert "HTTPValidationError" not in str(DOCUMENT)
