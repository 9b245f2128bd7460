"""Every service answers as its OpenAPI document says, whatever is sent. (intake has reports to try it on: ``tests/intake``.)"""

from datetime import timedelta
from uuid import uuid4

import pytest

from services.notify.__main__ import service as notify
from services.notify.settings import NotifySettings
from services.routing.__main__ import service as routing
from services.routing.settings import RoutingSettings
from services.sla.__main__ import service as sla
from services.sla.settings import SlaSettings
from shared import province
from shared.access import Role, issue_token, new_key_pair
from shared.clock import now
from shared.database import migrate
from shared.privacy import new_key
from shared.province import read_province
from shared.service import Process
from shared.settings import PROJECT
from tests.described import deviations

PRIVATE, PUBLIC = new_key_pair()
SECRETS = {"link_key": "k" * 40, "sealing_keys": new_key("test"), "webhook_allow_loopback": True}
SERVICES = {
    "routing": (routing, RoutingSettings, {}),
    "sla": (sla, SlaSettings, {}),
    "notify": (notify, NotifySettings, SECRETS),
}


def a_token(role: str) -> dict[str, str]:
    token = issue_token(PRIVATE, role=role, name="lan", issuer="hoiam", audience="hoiam", at=now(), lasts=timedelta(hours=1))
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("name", SERVICES)
class TestDescription:
    def test_is_what_the_service_does_whatever_is_sent(self, database_url, name):
        of, settings, more = SERVICES[name]
        migrate(database_url, name)
        process = Process(of(made := settings(database_url=database_url, jwt_public_key=PUBLIC, **more)), made)
        with process.handling.sessions.begin() as session:
            province.store(session, read_province(PROJECT / "deploy/provinces/quang-tri"), now())

        credentials = {Role.ADMIN: a_token("admin"), Role.AGENCY: a_token("agency:dh")}
        found = deviations(process.app, credentials, known={"report_id": str(uuid4())}, examples=4)
        process.engine.dispose()

        assert found == {}, "\n\n".join(f"{name}\n{said}" for name, said in found.items())
