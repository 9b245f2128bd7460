"""intake answers as its OpenAPI document says, whatever is sent."""

from services.intake.__main__ import service
from shared.access import Role
from shared.service import Process
from tests.described import deviations
from tests.intake.conftest import a_body, opened
from tests.intake.test_privacy import LAN, PUBLIC, a_token


class TestDescription:
    def test_is_what_intake_does_whatever_is_sent(self, settings, template):
        open_to_staff = settings.model_copy(update={"jwt_public_key": PUBLIC, "portal_rate": 0})
        with opened(open_to_staff, template[1]) as office:
            receipt = office.post(a_body(contact=LAN)).json()
        process = Process(service(open_to_staff), open_to_staff)

        found = deviations(
            process.app,
            {
                Role.REPORTER: {"X-Report-Secret": receipt["secret"]},
                Role.PORTAL: {"X-Api-Key": template[1], "Idempotency-Key": "one-and-the-same"},
                Role.ADMIN: a_token("admin"),
            },
            known={"tracking_code": receipt["tracking_code"]},
        )
        process.engine.dispose()

        assert found == {}, "\n\n".join(f"{name}\n{said}" for name, said in found.items())
