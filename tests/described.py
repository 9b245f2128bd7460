"""A running service tried against its own description: whatever is sent, it answers as it says it does, and never with a 5xx of its own.

The requests are made up by schemathesis from the OpenAPI document, good ones and bad ones, always the same ones. Path parameters that
are ``known`` are taken half of the time, so that more than "not found" is tried.
"""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shared.access import ROUTES, Role
from shared.patience import PatientProtocol
from tests.wait import until

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """``app`` behind a real socket, as it is in production; its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=PatientProtocol, ws="none", log_config=None, access_log=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    until(lambda: server.started or not thread.is_alive(), 20, what="the server started")
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


def deviations(app: Any, credentials: Mapping[Role, Mapping[str, str]], *, known: Mapping[str, str], examples: int = 8) -> dict[str, str]:
    """What ``app`` answered otherwise than it says, by operation. Each is called by a role that may, and by nobody."""
    with served(app) as address:
        document = schemathesis.openapi.from_dict(getattr(app, "app", app).openapi())  # Open311's errors stand around it
        document.config.update(base_url=address)
        found = {}
        for result in document.get_all_operations():
            operation = result.ok()
            role = next((role for role in credentials if role in ROUTES.get(operation.label, ())), None)
            for mode in MODES:
                for headers in ({}, credentials[role]) if role else ({},):
                    problem = _tried(operation, mode, dict(headers), known, examples)
                    if problem:
                        found[f"{operation.label} {mode} as {role if headers else 'nobody'}"] = problem
        return found


def _tried(operation: Any, mode: Any, headers: dict[str, str], known: Mapping[str, str], examples: int) -> str:
    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
    def one(case: Any, real: bool) -> None:
        if real:
            case.path_parameters |= {name: known[name] for name in case.path_parameters if name in known}
        case.headers = {name: value for name, value in case.headers.items() if name.title() not in headers} | headers
        case.call_and_validate(checks=list(CHECKS))

    try:
        one()
    except FailureGroup as failures:
        return "\n".join(str(failure) for failure in failures.exceptions)[:2000]
    except Unsatisfiable:
        pass  # nothing about this request can be wrong
    return ""
