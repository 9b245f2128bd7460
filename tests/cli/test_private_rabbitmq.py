"""A private RabbitMQ, really started. It takes five seconds, so most promises are read off the one all tests share."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pika
import pytest

from services.cli.private_rabbitmq import PrivateRabbit
from services.cli.process import CannotStart
from tests.wait import until

PROJECT = Path(__file__).parents[2]
QUORUM = {"x-queue-type": "quorum"}
PERSISTENT = pika.BasicProperties(delivery_mode=2)
OWNER = "from sys import argv; from pathlib import Path; from services.cli.private_rabbitmq import PrivateRabbit;"
OWNER += "PrivateRabbit(Path(argv[1])).start()"


def processes_of(folder: Path) -> list[str]:
    """Names of the running programs whose environment names ``folder``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "comm").read_text().strip())
        except OSError:
            continue
    return found


def listening(pid: int) -> set[str]:
    """Addresses (as the kernel writes them) on which the process ``pid`` accepts connections."""
    own = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own}


def settle(rabbit: PrivateRabbit) -> None:
    """Write down which queues there are. By itself 3.10 does so within half a second, and a queue killed before that never answers."""
    rabbit.ctl("eval", "[dets:sync(Table) || Table <- dets:all()].")


class TestPrivateRabbit:
    def test_has_an_administrator_and_no_guest(self, rabbit):
        users = dict(line.split("\t") for line in rabbit.ctl("list_users", "--no-table-headers").splitlines())

        assert users["admin"] == "[administrator]"
        assert "guest" not in users
        assert [name for name, tags in users.items() if tags != "[]"] == ["admin"]  # other tests make agencies, who are nobody's boss

    def test_has_the_vhost_and_no_other(self, rabbit):
        names = rabbit.ctl("list_vhosts", "--no-table-headers").split()

        assert "hoiam" in names
        assert "/" not in names

    def test_answers_management_and_metrics(self, rabbit):
        overview = httpx2.get(f"{rabbit.management_url}/api/overview", trust_env=False).json()

        assert overview["node"] == "hoiam@localhost"
        assert "rabbitmq_identity_info" in httpx2.get(rabbit.metrics_url, trust_env=False).text

    def test_listens_on_loopback_only(self, rabbit):
        loopback = "0100007F"

        assert listening(rabbit.pid) == {loopback}

    def test_keeps_its_secrets_to_us(self, rabbit):
        for name in (".erlang.cookie", "password", "rabbitmq.conf"):
            assert (rabbit.folder / name).stat().st_mode & 0o077 == 0

    def test_tells_what_rabbitmqctl_complains_about(self, rabbit):
        with pytest.raises(subprocess.CalledProcessError) as refused:
            rabbit.ctl("delete_vhost", "none")

        assert "does not exist" in refused.value.stderr + refused.value.output

    def test_refuses_a_port_that_is_taken(self, tmp_path):
        node = PrivateRabbit(tmp_path)
        with socket.create_server(("127.0.0.1", node.port)), pytest.raises(CannotStart, match=f"Port {node.port}.*is taken"):
            node.start()

        assert processes_of(tmp_path) == []

    def test_keeps_confirmed_messages_when_it_is_killed(self, rabbit):
        with pika.BlockingConnection(pika.URLParameters(rabbit.amqp_url)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.queue_declare("kept", durable=True, arguments=QUORUM)
            settle(rabbit)
            channel.basic_publish("", "kept", "còn đây".encode(), PERSISTENT)

        rabbit.kill()
        until(lambda: not processes_of(rabbit.folder), what="all of it is gone")
        rabbit.start()

        with pika.BlockingConnection(pika.URLParameters(rabbit.amqp_url)) as connection:
            channel = connection.channel()
            assert channel.basic_get("kept", auto_ack=True)[2].decode() == "còn đây"
            channel.queue_delete("kept")

    def test_ends_when_its_parent_is_killed(self, tmp_path):
        """Both the broker, here in the middle of its start, and its epmd."""
        environment = os.environ | {"PYTHONPATH": str(PROJECT)}
        with subprocess.Popen([sys.executable, "-c", OWNER, tmp_path], env=environment) as owner:
            until(lambda: {"epmd", "beam.smp"} <= set(processes_of(tmp_path)), what="the broker starts")
            owner.send_signal(signal.SIGKILL)

        until(lambda: not processes_of(tmp_path), what="all of it is gone")

    def test_stops_in_good_order(self, tmp_path):
        with PrivateRabbit(tmp_path):
            pass

        until(lambda: not processes_of(tmp_path), what="all of it is gone")
        assert "stopped TCP listener" in (tmp_path / "log" / "hoiam@localhost.log").read_text()
