"""Three brokers on this machine, one of which is the leader of the queues until it is killed."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.cli.private_rabbitmq import PrivateRabbit
from services.cli.process import kill_group
from tests.conftest import fresh_database
from tests.faults.real.field import Field
from tests.faults.real.machines import repeated
from tests.faults.real.proxy import Proxy
from tests.faults.real.system import HTTP, system
from tests.wait import until


class Node(PrivateRabbit):
    """One of some that know each other: their names are in the epmd of the ``first``, their cookie is its cookie."""

    patience = 300.0  # one that comes back waits for what the others know of it, up to ten times half a minute

    def __init__(self, folder: Path, name: str, first: "Node | None" = None) -> None:
        super().__init__(folder)
        self.node, self._first = f"{name}@localhost", first
        if first:
            self._names, self._password = first._names, first._password

    def start(self) -> "Node":
        if self._first:
            self.folder.mkdir(parents=True, exist_ok=True)
            for secret in (".erlang.cookie", "password"):
                shutil.copy2(self._first.folder / secret, self.folder / secret)
        super().start()
        return self

    def join(self) -> None:
        """The cluster of the first, with all its queues."""
        assert self._first
        for words in (("stop_app",), ("reset",), ("join_cluster", self._first.node), ("start_app",)):
            self.ctl(*words)

    def kill_broker(self) -> None:
        """kill -9 of this broker; the names of the others stay known."""
        if self._broker:
            kill_group(self._broker)
            self._broker = None

    def _start_names(self) -> None:
        if self._first is None and self._epmd is None:
            super()._start_names()


@contextmanager
def three(folder: Path) -> Iterator[list[Node]]:
    """Side by side in one cluster."""
    with ExitStack() as stack:
        first = Node(folder / "a", "a")
        nodes = [first, Node(folder / "b", "b", first), Node(folder / "c", "c", first)]
        for node in nodes:
            stack.callback(node.kill)
            node.start()
        for node in nodes[1:]:
            node.join()
        yield nodes


def leader_killed(field: Field, nodes: list[Node]) -> None:
    """Of sla's inbox; a majority goes on, and it comes back to them."""
    name = urlsplit(field.of.amqp_url).path[1:]
    alive = next(node for node in nodes if node.pid)
    leader = HTTP.get(f"{alive.management_url}/api/queues/{name}/sla.inbox").json()["leader"]
    dead = next(node for node in nodes if node.node == leader)
    dead.kill_broker()
    field.recover()
    dead.start()
    until(partial(_whole, nodes), 120, what="three nodes again", every=0.5)


def _whole(nodes: list[Node]) -> bool:
    with contextlib.suppress(Exception):
        return all(one["running"] for one in HTTP.get(f"{nodes[0].management_url}/api/nodes").json())
    return False


def cluster(proof: Any, fault: Callable[[Field, list[Node]], None]) -> None:
    """Services and agencies reach whichever node answers."""
    with three(proof.folder / "cluster") as nodes:
        brokers, pages = Proxy(*(node.port for node in nodes)), Proxy(*(node._management for node in nodes))
        first = nodes[0]
        amqp = first.amqp_url.replace(f":{first.port}/", f":{brokers.port}/")
        management = first.management_url.replace(f":{first._management}", f":{pages.port}")
        with system(proof.folder / "clustered", fresh_database(proof.postgres.url), amqp, management) as of, proof.people_in(of) as field:
            field.row(
                "RabbitMQ: three nodes, the leader killed",
                lambda field: repeated(proof.times(4), partial(fault, field, nodes))(field),
                reports=proof.times(600),
            )
        brokers.close()
        pages.close()
