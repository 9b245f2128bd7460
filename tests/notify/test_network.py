"""Calls to strangers: which addresses they may go to, and that they end in time."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.cli.process import free_port
from services.notify.channels import Away, Faltering, Permanent
from services.notify.channels.network import INSIDE, Outbound, is_public


class TestIsPublic:
    @pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
    def test_the_open_internet_is(self, address):
        assert is_public(address)

    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
            "255.255.255.255", "::1", "::",
            "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "ff02::1",
            "64:ff9b::7f00:1", "64:ff9b::a00:1", "::7f00:1", "fec0::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "192.0.2.1", "198.18.0.1", "240.0.0.1",
        ],
    )  # fmt: skip
    def test_everything_else_is_not(self, address):
        assert not is_public(address)


@contextmanager
def names(monkeypatch, **meanings: list[str]) -> Iterator[list[str]]:
    """A name server that says what it is told to, the next thing at each look-up; and what it was asked."""
    asked: list[str] = []
    really = socket.getaddrinfo

    def look_up(host, port, *more, **how):
        if host.replace(".", "_") not in meanings:
            return really(host, port, *more, **how)
        asked.append(host)
        address = meanings[host.replace(".", "_")].pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with monkeypatch.context() as patched:
        patched.setattr("services.notify.channels.network.socket.getaddrinfo", look_up)
        yield asked


class TestOutbound:
    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1",
            "localhost",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
        ],
    )
    def test_never_reaches_this_machine_however_it_is_written(self, receiver, host):
        port = receiver.url.split(":")[2].split("/")[0]

        with pytest.raises((Permanent, Away)):
            Outbound(anywhere=False).call("POST", f"http://{host}:{port}/hook", {}, b"")

        assert receiver.calls == 0

    @pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]"])
    def test_never_reaches_what_knows_this_machines_secrets_wherever_else_it_may_go(self, host):
        with pytest.raises(Permanent, match=INSIDE):
            Outbound(anywhere=True, seconds=1).call("POST", f"http://{host}/", {}, b"")

    def test_does_not_fall_for_a_name_that_changes_its_meaning(self, receiver, monkeypatch):
        """It is looked up once for a call, and what was looked at is what is called: the second answer is never asked for."""
        port = receiver.url.split(":")[2].split("/")[0]
        with names(monkeypatch, rebinding_example=["192.0.2.7", "127.0.0.1"]) as asked, pytest.raises(Permanent, match=INSIDE):
            Outbound(anywhere=False).call("POST", f"http://rebinding.example:{port}/hook", {}, b"")

        assert asked == ["rebinding.example"]
        assert receiver.calls == 0

    def test_connects_to_the_address_that_was_looked_at(self, receiver, monkeypatch):
        port = int(receiver.url.split(":")[2].split("/")[0])
        with names(monkeypatch, portal_example=["127.0.0.1", "192.0.2.7"]) as asked:
            answer = Outbound(anywhere=True).call("POST", f"http://portal.example:{port}/hook", {}, b"")

        assert (answer.status, asked) == (204, ["portal.example"])
        assert receiver.got[0][0]["host"] == f"portal.example:{port}"

    def test_a_name_nobody_knows_is_away(self):
        with pytest.raises(Away, match="the name is not known"):
            Outbound(anywhere=False).call("POST", "https://nowhere.invalid/", {}, b"")

    def test_nobody_there_is_away(self):
        with pytest.raises(Away, match="nobody answers"):
            Outbound(anywhere=True).call("POST", f"http://127.0.0.1:{free_port()}/", {}, b"")

    def test_is_over_in_time_though_bytes_keep_dripping(self):
        began = time.monotonic()
        with dripping() as port, pytest.raises(Faltering):
            Outbound(anywhere=True, seconds=0.5).call("POST", f"http://127.0.0.1:{port}/", {}, b"")

        assert time.monotonic() - began < 2

    def test_reads_no_more_than_was_wanted(self, receiver):
        receiver.status, receiver.answer = 200, b"x" * 100_000

        assert Outbound(anywhere=True).call("POST", receiver.url, {}, b"", read=10).body == b"x" * 10
        assert Outbound(anywhere=True).call("POST", receiver.url, {}, b"").body == b""


@contextmanager
def dripping() -> Iterator[int]:
    """A server that answers a byte every twentieth of a second, for ever."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.send(b"HTTP/1.1 200 OK\r\nx: ")
                while not over.wait(0.05):
                    try:
                        connection.send(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        yield listening.getsockname()[1]
        over.set()
        thread.join()
