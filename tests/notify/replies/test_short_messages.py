"""Short messages that a gateway hands over."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from services.notify.__main__ import service as notify_service
from shared.service import Process
from tests.notify.conftest import notices
from tests.notify.replies.conftest import SECRET, Street


class TestShortMessage:
    @pytest.fixture
    def gateway(self, street: Street, notify_url: str) -> Iterator[TestClient]:
        settings = street.settings.model_copy(update={"database_url": notify_url, "reply_listen": ""})
        process = Process(notify_service(settings), settings)
        with TestClient(process.app, headers={"X-Gateway-Secret": SECRET}) as client:
            yield client
        process.engine.dispose()

    def test_that_answers_one_of_ours_is_the_reporters_word_once(self, street, rooms, gateway):
        report = street.reported()
        [notice] = notices(rooms, report)
        body = {"id": "1", "from": "0912345678", "text": "Đèn vẫn tắt", "in_reply_to": str(notice.id)}

        answers = [gateway.post("/v1/replies", json=body).status_code for _ in range(2)]

        assert answers == [202, 202]
        assert street.comments(report) == ["Đèn vẫn tắt"]

    def test_that_names_the_code_is_too(self, street, gateway):
        report = street.reported()
        typed = report.tracking_code.lower().replace("-", "")

        answer = gateway.post("/v1/replies", json={"id": "1", "from": "+84912345678", "text": f"{typed} Đèn vẫn tắt"})

        assert answer.status_code == 202, answer.text
        assert street.comments(report)[0].endswith("Đèn vẫn tắt")

    def test_of_another_number_or_about_nothing_is_refused(self, street, gateway):
        report = street.reported()
        body = {"id": "1", "from": "+84912345678", "text": f"{report.tracking_code} Đèn"}

        for wrong in ({"from": "+84900000000"}, {"text": "QT-0000-0000 x"}, {"in_reply_to": str(uuid4()), "text": "hi there"}):
            answer = gateway.post("/v1/replies", json={**body, **wrong})
            assert (answer.status_code, answer.json()["code"]) == (404, "report_unknown")
        assert street.comments(report) == []

    def test_of_a_stranger_is_refused(self, gateway):
        body = {"id": "1", "from": "+84912345678", "text": "QT-1234-5678 x"}

        for secret in ("", "wrong", "gateway-secreté"):
            answer = gateway.post("/v1/replies", json=body, headers={"X-Gateway-Secret": secret.encode()})
            assert (answer.status_code, answer.json()["code"]) == (403, "gateway_unknown")
