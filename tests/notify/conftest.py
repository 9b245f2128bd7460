"""notify on a real PostgreSQL, with the real province, a real mail server and a real receiver of webhooks."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from sqlalchemy import text

from services.cli.process import free_port
from services.notify import store
from services.notify.channels.choice import deliveries
from services.notify.channels.delivery import Delivery
from services.notify.domain.notices import Notice
from services.notify.domain.webhooks import AddWebhook
from services.notify.handlers import HANDLERS
from services.notify.settings import NotifySettings
from shared import province
from shared.clock import now
from shared.database import Sessions, engine, migrate, sessions
from shared.envelope import Envelope
from shared.handling import Handling
from shared.messages import ReporterReachable, ReportReceived
from shared.privacy import SealingKeys, new_key
from shared.province import Province, read_province
from shared.settings import PROJECT
from tests.builders import MONDAY, envelope, received

KEYS = new_key("test")
LINK_KEY = "a-secret-for-links-that-is-long-enough"
LAN = {"name": "Nguyễn Thị Lan", "email": "lan@example.vn", "phone": "+84912345678"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Clock:
    """Stands still until it is moved."""

    at: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.at

    def move(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass
class MailServer:
    """What a mail server got, and whom it refuses with which answer."""

    port: int = 0
    mail: list[EmailMessage] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    connections: int = 0
    encrypted: set[bool] = field(default_factory=set)

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.encrypted.add(session.ssl is not None)
        self.mail.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@dataclass
class Receiver:
    """A portal's end of a webhook. With ``hang`` it takes calls and says nothing until it is :meth:`let_go`."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    hang: bool = False
    calls: int = 0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    released: Event = field(default_factory=Event)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    def let_go(self) -> None:
        self.released.set()


@pytest.fixture(scope="session")
def quang_tri() -> Province:
    return read_province(PROJECT / "deploy/provinces/quang-tri")


@pytest.fixture
def notify_url(database_url: str, quang_tri: Province) -> str:
    """A database with notify's schema and the province in it."""
    migrate(database_url, "notify")
    of = engine(database_url, "notify")
    with sessions(of).begin() as session:
        province.store(session, quang_tri, MONDAY)
    of.dispose()
    return database_url


@pytest.fixture
def rooms(notify_url: str) -> Iterator[Sessions]:
    of = engine(notify_url, "notify")
    yield sessions(of)
    of.dispose()


@dataclass(frozen=True, kw_only=True)
class Unrestrained(Handling):
    """Lets everything go at once, each notice by itself: for tests of what comes after restraint."""

    def together(self, envelopes: Sequence[Envelope], at: datetime | None = None) -> list[bool | Exception]:
        outcomes = super().together(envelopes, at)
        self.keep(lambda session: session.execute(text("UPDATE notices SET state = 'pending', let_go_at = due_at WHERE state = 'held'")))
        return outcomes


@pytest.fixture
def handling(rooms: Sessions) -> Handling:
    return Unrestrained(service="notify", handlers=HANDLERS, sessions=rooms, preload=store.preload)


@pytest.fixture
def held(rooms: Sessions) -> Handling:
    """As the service has it: what is to be told waits to be let go."""
    return Handling(service="notify", handlers=HANDLERS, sessions=rooms, preload=store.preload)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with mail_server_at() as server:
        yield server


@contextmanager
def mail_server_at(port: int = 0, **more: Any) -> Iterator[MailServer]:
    server = MailServer(port=port or free_port())

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:
        return AuthResult(success=(login.login, login.password) == (b"pa", b"s3cret:/@"), handled=False)

    options = {"authenticator": authenticate, "auth_require_tls": False, **more}
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **options)
    controller.start()
    yield server
    controller.stop()


@pytest.fixture
def receiver(portal: Callable[..., Receiver]) -> Receiver:
    return portal()


@pytest.fixture
def portal() -> Iterator[Callable[..., Receiver]]:
    """As many receivers as are wanted."""
    with ExitStack() as stack:
        yield lambda **fields: stack.enter_context(serving(Receiver(**fields)))


@contextmanager
def serving(portal: Receiver) -> Iterator[Receiver]:
    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            portal.calls += 1
            portal.paths.append(self.path)
            if portal.hang:
                portal.released.wait(20)
            portal.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            with suppress(OSError):  # who hung is not waited for
                self.send_response(portal.status)
                for name, value in portal.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(portal.answer)))
                self.end_headers()
                self.wfile.write(portal.answer)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Door)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    portal.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield portal
    finally:
        portal.let_go()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def settings_with(tmp_path: Path) -> Callable[..., NotifySettings]:
    usual = {
        "database_url": "postgresql://nowhere",
        "link_key": LINK_KEY,
        "sealing_keys": KEYS,
        "public_url": "https://hoiam.example/tra-cuu/",
        "mailbox_dir": tmp_path / "mailbox",
        "webhook_allow_loopback": True,
    }
    return lambda **fields: NotifySettings(**usual | fields)


@pytest.fixture
def report_of(handling: Handling) -> Callable[..., ReportReceived]:
    """A report whose reporter left this contact; both are received."""

    def receive(contact: dict[str, str] | None = None, **fields: Any) -> ReportReceived:
        report = received(reachable=contact is not None, **fields)
        if contact is not None:
            handling.together([envelope(reachable(report, contact))])
        handling.together([envelope(report)])
        return report

    return receive


@pytest.fixture
def hook(handling: Handling, receiver: Receiver) -> AddWebhook:
    """The portal ``app`` hears the news at the receiver."""
    return add_webhook(handling, receiver.url)


def add_webhook(handling: Handling, url: str, *, portal: str = "app", contact: dict[str, str] | None = None) -> AddWebhook:
    id_, keys = uuid4(), SealingKeys.parse(KEYS)
    sealed_contact = keys.seal(json.dumps(contact), about=str(id_)) if contact else ""
    sealed = keys.seal(SECRET, about=str(id_))
    asked = AddWebhook(report_id=id_, at=MONDAY, portal=portal, url=url, sealed=sealed, sealed_contact=sealed_contact)
    handling.together([envelope(asked)])
    return asked


def reachable(report: ReportReceived, contact: dict[str, str]) -> ReporterReachable:
    sealed = SealingKeys.parse(KEYS).seal(json.dumps(contact), about=str(report.report_id))
    return ReporterReachable(report_id=report.report_id, at=report.at, sealed=sealed)


@pytest.fixture
def by_mail(settings_with: Any, mail_server: Any, clock: Any) -> Delivery:
    return deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}"), clock)["email"]


@pytest.fixture
def by_webhook(settings_with: Any) -> Delivery:
    """By the real clock: the one who verifies looks at it, too."""
    return deliveries(settings_with(), now)["webhook"]


@pytest.fixture
def into_folder(settings_with: Any, clock: Any) -> Delivery:
    return deliveries(settings_with(), clock)["mailbox"]


def notices(rooms: Sessions, report: ReportReceived) -> list[Notice]:
    """Everything there is to tell people and portals about ``report``, oldest first."""
    with rooms() as session:
        return [notice for notice in store.notices_about(session, report.report_id) if not notice.address]
