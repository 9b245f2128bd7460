"""Every role at every door there is: the documents say which doors, the table says who may pass, and nobody else does.

A new route without a line in the table fails here for every role.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from services.cli.system import load_all, migrate_all, room
from services.intake.__main__ import service as intake
from services.intake.settings import IntakeSettings
from services.intake.store import portals
from services.notify.__main__ import service as notify
from services.notify.settings import NotifySettings
from services.routing.__main__ import service as routing
from services.routing.settings import RoutingSettings
from services.sla.__main__ import service as sla
from services.sla.settings import SlaSettings
from shared.access import ROUTES, Role, Scope, issue_token, new_key_pair
from shared.clock import now
from shared.privacy import new_key
from shared.province import read_province
from shared.service import Process
from shared.settings import PROJECT

PRIVATE, PUBLIC = new_key_pair()
KINDS = {
    "intake": (intake, IntakeSettings),
    "routing": (routing, RoutingSettings),
    "sla": (sla, SlaSettings),
    "notify": (notify, NotifySettings),
}
VALUES = {"version": "1", "day": "2026-11-16", "month": "2026-10", "form": "json"}


@pytest.fixture(scope="module")
def portal_key(module_database_url) -> str:
    migrate_all(module_database_url, lambda _: None)
    load_all(module_database_url, read_province(PROJECT / "deploy/provinces/quang-tri"), now(), lambda _: None)
    with room(module_database_url, "intake") as rooms, rooms.begin() as session:
        return portals.add_portal(session, "app", "Ứng dụng", now(), scopes=Scope)


@pytest.fixture(scope="module")
def doors(module_database_url, portal_key, tmp_path_factory) -> Iterator[dict[str, TestClient]]:
    """The HTTP side of every service."""
    folder = tmp_path_factory.mktemp("doors")
    known = {
        "database_url": module_database_url, "jwt_public_key": PUBLIC, "link_key": "k" * 40, "sealing_keys": new_key("first"),
        "media_url": str(folder), "mailbox_dir": folder, "public_rate": 0,
    }  # fmt: skip
    with ExitStack() as stack:
        opened = {}
        for name, (service, settings) in KINDS.items():
            of = settings(**{field: value for field, value in known.items() if field in settings.model_fields})
            process = Process(service(of), of)
            stack.callback(process.engine.dispose)
            opened[name] = stack.enter_context(TestClient(process.app, raise_server_exceptions=False))
        yield opened


@pytest.fixture(scope="module")
def credentials(portal_key) -> dict[Role, dict[str, str]]:
    def token(role: str) -> dict[str, str]:
        signed = issue_token(PRIVATE, role=role, name="lan", issuer="hoiam", audience="hoiam", at=now(), lasts=timedelta(hours=1))
        return {"Authorization": f"Bearer {signed}"}

    return {
        Role.PUBLIC: {},
        Role.REPORTER: {"X-Report-Secret": "wrong"},
        Role.PORTAL: {"X-Api-Key": portal_key},
        Role.AGENCY: token("agency:dh"),
        **{role: token(role) for role in (Role.OPERATOR, Role.AUDITOR, Role.ADMIN)},
    }


def routes(door: TestClient) -> list[tuple[str, str, dict[str, str]]]:
    """Method, path, and the header of a body of a kind that the route takes."""
    paths = getattr(door.app, "app", door.app).openapi()["paths"]  # Open311's errors stand around intake's
    found = [(method.upper(), path, operation) for path, methods in paths.items() for method, operation in methods.items()]
    return [(method, path, _kind(operation)) for method, path, operation in found]


def _kind(operation: dict[str, Any]) -> dict[str, str]:
    kinds = list(operation.get("requestBody", {}).get("content", ()))
    return {"Content-Type": f"{kinds[0]}; boundary=x"} if kinds else {}


def filled(path: str) -> str:
    for name, value in VALUES.items():
        path = path.replace(f"{{{name}}}", value)
    while "{" in path:
        path = path[: path.index("{")] + str(uuid4()) + path[path.index("}") + 1 :]
    return path


class TestEveryRoleAtEveryDoor:
    @pytest.mark.parametrize("service", KINDS)
    def test_passes_where_the_table_says_so_and_nowhere_else(self, doors, credentials, service):
        strangers = {Role.PUBLIC, Role.REPORTER} | ({Role.PORTAL} if service != "intake" else set())  # intake alone knows portals' keys
        wrong = []
        for method, path, kind in routes(doors[service]):
            for role, headers in credentials.items():
                status = doors[service].request(method, filled(path), headers=headers | kind, content=b"{}" if kind else b"").status_code
                may = role in ROUTES.get(f"{method} {path}", ())
                if not may and status not in {401, 403}:
                    wrong.append(f"{role} passed at {method} {path}: {status}")
                if may and role not in strangers and status == 401:
                    wrong.append(f"{role} was not let in at {method} {path}")

        assert wrong == []

    def test_no_door_is_open_that_no_document_names(self, doors):
        documented = {f"{method} {path}" for door in doors.values() for method, path, _ in routes(door)}

        assert documented <= set(ROUTES)
        assert len(documented) > 80
