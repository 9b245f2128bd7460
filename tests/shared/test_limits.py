"""How often somebody may call, who that somebody is, and what a request may cost before it is one."""

import asyncio
import socket
import threading
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from shared.limits import MOST, Buckets, Rate, TooMany, caller_address
from shared.patience import PatientProtocol
from shared.problems import install
from tests.wait import until

TWO = Rate(per_second=2, burst=4)
LOCAL = "127.0.0.0/8 ::1/128 10.1.0.0/16"


def taken(buckets: Buckets, at: float, rate: Rate = TWO) -> bool:
    try:
        buckets.take("app", rate, at)
    except TooMany:
        return False
    return True


class TestBuckets:
    def test_let_a_burst_pass_then_as_many_as_come_in(self):
        buckets = Buckets()

        assert [taken(buckets, 0.0) for _ in range(6)] == [True] * 4 + [False] * 2
        assert [taken(buckets, 0.5) for _ in range(2)] == [True, False]
        assert [taken(buckets, 60.0) for _ in range(5)] == [True] * 4 + [False]

    def test_say_when_the_next_call_will_do(self):
        buckets = Buckets()
        for _ in range(4):
            buckets.take("app", TWO, 0.0)

        with pytest.raises(TooMany) as refused:
            buckets.take("app", TWO, 0.0)

        assert refused.value.retry_after == 1
        assert taken(buckets, 0.0 + refused.value.retry_after)

    def test_say_what_is_left(self):
        buckets = Buckets()

        said = [dict(buckets.take("app", TWO, 0.0)) for _ in range(4)]

        assert [int(headers[b"ratelimit-remaining"]) for headers in said] == [3, 2, 1, 0]
        assert {headers[b"ratelimit-limit"] for headers in said} == {b"4"}
        assert said[-1][b"ratelimit-reset"] == b"2"

    def test_are_one_for_each_name(self):
        buckets = Buckets()
        for _ in range(4):
            buckets.take("app", TWO, 0.0)

        buckets.take("zalo", TWO, 0.0)

    def test_of_strangers_who_do_not_come_again_are_thrown_away(self):
        buckets = Buckets()
        for number in range(MOST + 10):
            buckets.take(str(number), TWO, float(number))

        assert len(buckets._full_at) < MOST

    @given(st.lists(st.floats(0, 5), max_size=60))
    def test_never_let_more_pass_than_burst_and_time_allow(self, waits):
        buckets, at, passed = Buckets(), 0.0, 0
        for wait in waits:
            at += wait
            passed += taken(buckets, at)

        assert passed <= TWO.burst + at * TWO.per_second + 1e-6


class TestCallerAddress:
    @pytest.mark.parametrize(
        ("peer", "forwarded", "caller"),
        [
            ("203.0.113.7", "", "203.0.113.7"),
            ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # a stranger says whatever he likes
            ("127.0.0.1", "", ""),  # a program of this machine
            ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
            ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),  # the first was written by the stranger himself
            ("127.0.0.1", "203.0.113.7, 10.1.2.3", "203.0.113.7"),  # two proxies
            ("127.0.0.1", "10.1.2.3", ""),
            ("127.0.0.1", "no address at all", "no address at all"),
            ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
            ("::1", "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
            ("", "", ""),
        ],
    )
    def test_is_the_last_that_no_trusted_proxy_has(self, peer, forwarded, caller):
        assert caller_address(peer, forwarded, LOCAL) == caller


class Hasty(PatientProtocol):
    """As the real one, in less time."""

    head_seconds = 0.3
    whole_seconds = 0.6


@contextmanager
def served():
    app = FastAPI()
    install(app)

    @app.post("/")
    async def size(request: Request) -> int:
        return len(await request.body())

    server = uvicorn.Server(uvicorn.Config(app, port=0, http=Hasty, ws="none", log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    until(lambda: server.started, 10, what="the server started")
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def port():
    with served() as port:
        yield port


def answer(port: int, *parts: bytes) -> bytes:
    """All that comes back until the other side hangs up, or ten seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        for part in parts:
            try:
                line.sendall(part)
            except OSError:
                break
        received = b""
        try:
            while part := line.recv(65536):
                received += part
        except ConnectionError:
            pass
        return received


class TestPatience:
    def test_serves_whoever_asks_in_time_and_again_on_the_same_connection(self, port):
        once = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
        last = once.replace(b"Host: x", b"Host: x\r\nConnection: close")

        assert answer(port, once, last).count(b"200 OK") == 2

    @pytest.mark.parametrize(
        "part",
        [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\nX-A", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow"],
        ids=["nothing", "half a line", "half a head", "half a body"],
    )
    def test_ends_with_whoever_does_not_finish(self, port, part):
        assert answer(port, part).startswith(b"HTTP/1.1 408")

    @pytest.mark.parametrize(
        "head",
        [
            b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 50_000 + b"\r\n",
            b"GET / HTTP/1.1\r\nX-A: " + b"b" * 200_000 + b"\r\n\r\n",
            b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /?" + b"a=b&" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nX-" + b"A" * 300_000,
        ],
        ids=["50,000 headers", "a long header", "a long path", "a long query", "a name without end"],
    )
    def test_reads_no_endless_head(self, port, head):
        assert answer(port, head)[:12] in {b"HTTP/1.1 400", b""}

    def test_is_there_for_the_next_one_afterwards(self, port):
        once = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"

        assert b"200 OK" in answer(port, once)
