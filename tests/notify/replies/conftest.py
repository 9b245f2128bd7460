"""A reporter, mail servers, notify and a real intake; nothing pretends."""

import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.cli.process import free_port
from services.intake.__main__ import service as intake_service
from services.intake.settings import IntakeSettings
from services.intake.store import portals
from services.notify.__main__ import answered
from services.notify.channels.choice import deliveries
from services.notify.channels.delivery import Delivery
from services.notify.settings import NotifySettings
from shared import messages as say
from shared import province
from shared.access import Scope
from shared.clock import now
from shared.database import migrate
from shared.handling import Handling
from shared.messages import ReportReceived
from shared.service import Process
from tests.builders import envelope, said
from tests.described import served
from tests.notify.conftest import KEYS, LINK_KEY, Clock, MailServer
from tests.wait import until

LAN = {"name": "Nguyễn Thị Lan", "email": "lan@example.vn", "phone": "+84912345678"}
SECRET = "gateway-secret"
ANSWER = "Đèn vẫn chưa sáng. Gọi tôi số 0987654321."


@dataclass
class Street:
    """Reporter, mail servers, notify and a real intake; nothing pretends."""

    handling: Handling
    intake: Process
    portal_key: str
    settings: NotifySettings
    delivery: Delivery
    mail_server: MailServer
    clock: Clock
    url: str

    def reported(self, contact: dict[str, str] | None = None) -> ReportReceived:
        """A report sent to intake, of which notify hears."""
        body = {
            "category": "CS01", "description": "Đèn đường hỏng", "location": {"area": "dh", "address": "12 Hùng Vương"},
            "contact": LAN if contact is None else contact,
        }  # fmt: skip
        headers = {"X-Api-Key": self.portal_key, "Idempotency-Key": uuid4().hex}
        receipt = httpx2.post(f"{self.url}/v1/reports", json=body, headers=headers).json()
        told = [fact for fact in said(self.intake.handling.sessions) if str(fact.report_id) == receipt["report_id"]]
        for fact in told:
            self.handling.together([envelope(fact)])
        self.clock.at = now()
        [received] = [fact for fact in told if isinstance(fact, ReportReceived)]
        return received

    def letter(self) -> EmailMessage:
        """The newest that the reporter got."""
        self.clock.at = now()
        self.delivery.turn(self.handling)
        return self.mail_server.mail[-1]

    def comments(self, report: ReportReceived) -> list[str]:
        """As intake passes them on."""
        facts = [fact for fact in said(self.intake.handling.sessions) if isinstance(fact, say.ReportCommented)]
        return [fact.text for fact in facts if fact.report_id == report.report_id]

    def send(self, to: str, text: str = ANSWER, sender: str = "lan@example.vn", **headers: str) -> tuple[int, str]:
        """By SMTP, as the province's mail server does: how it was answered."""
        mail = EmailMessage()
        for name, value in {"From": "Lan <lan@example.vn>", "To": to, "Subject": "Re: Đã nhận phản ánh", **headers}.items():
            mail[name.replace("_", "-")] = value
        mail["Message-ID"] = f"<{uuid4()}@example.vn>"
        mail.set_content(text)
        return self.hand_over(to, mail.as_bytes(), sender)

    def hand_over(self, to: str, content: bytes, sender: str = "lan@example.vn") -> tuple[int, str]:
        host, _, port = self.settings.reply_listen.partition(":")
        with smtplib.SMTP(host, int(port), timeout=10) as smtp:
            smtp.ehlo("mail.example.vn")
            smtp.mail(sender)
            code, words = smtp.rcpt(to)
            if code == 250:
                code, words = smtp.data(content)
            return code, words.decode()


@pytest.fixture
def street(notify_url: str, handling: Any, quang_tri: Any, mail_server: Any, settings_with: Any, tmp_path: Path) -> Iterator[Street]:
    migrate(notify_url, "intake")
    made = IntakeSettings(database_url=notify_url, link_key=LINK_KEY, sealing_keys=KEYS, media_url=str(tmp_path / "media"), public_rate=0)
    intake, clock = Process(intake_service(made), made), Clock(now())
    with intake.handling.sessions.begin() as session:
        province.store(session, quang_tri, now())
        key = portals.add_portal(session, "app", "App", now(), scopes=Scope)
    with served(intake.app) as url:
        settings = settings_with(
            smtp_url=f"smtp://127.0.0.1:{mail_server.port}",
            reply_address="reply@hoiam.example",
            reply_listen=f"127.0.0.1:{free_port()}",
            reply_limit=100_000,
            reply_secret=SECRET,
            intake_url=url,
        )
        street = Street(
            handling=handling,
            intake=intake,
            portal_key=key,
            settings=settings,
            delivery=deliveries(settings, clock)["email"],
            mail_server=mail_server,
            clock=clock,
            url=url,
        )
        with door_of(settings, handling):
            yield street
    intake.engine.dispose()


@contextmanager
def door_of(settings: NotifySettings, handling: Handling) -> Iterator[None]:
    """notify takes mail, as it does in service."""
    stop = threading.Event()
    door = threading.Thread(target=answered(settings)["replies"], args=(handling, lambda: not stop.is_set()))
    door.start()
    try:
        until(lambda: _is_open(settings.reply_listen), 10, what="the door is open")
        yield
    finally:
        stop.set()
        door.join()


def _is_open(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        with smtplib.SMTP(host, int(port), timeout=1):
            return True
    except OSError:
        return False
