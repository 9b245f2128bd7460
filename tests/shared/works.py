"""Work to be confined: it must be found by name from another process."""

import os
import resource
import socket


def doubled(data: bytes) -> bytes:
    return data * 2


def limits(_: bytes) -> bytes:
    return repr([resource.getrlimit(what)[1] for what in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)]).encode()


def environment(_: bytes) -> bytes:
    return repr(dict(os.environ)).encode()


def two_gigabytes(_: bytes) -> bytes:
    return bytes(bytearray(2 << 30)[:1])


def forever(_: bytes) -> bytes:
    while True:
        pass


def waiting(_: bytes) -> bytes:
    one, _other = socket.socketpair()
    return one.recv(1)


def talkative(_: bytes) -> bytes:
    return b"x" * (2 << 20)
