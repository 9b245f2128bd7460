"""What all three ways share: one committed row a stage, and what is fed into the first queue, with a note of when it was safe there."""

import os
import sys
import time

import psycopg2

STAGES = ("peer.first", "peer.second", "peer.third", "peer.done")
TEXT = "Đèn đường hỏng ba ngày nay, buổi tối rất nguy hiểm. " * 8  # some 500 bytes, as a report has
INSERT = "INSERT INTO peer_rows (stage, name, body) VALUES (%s, %s, %s)"


def connect():
    """A connection whose commits wait for the disk."""
    return psycopg2.connect(os.environ["DATABASE_URL"])


def keep(connection, stage, name, text):
    """One row, one commit."""
    with connection, connection.cursor() as cursor:
        cursor.execute(INSERT, (stage, name, text))


def feed(publish, first, count, rate):
    """``publish(name)`` for ``count`` names from ``first`` on; at ``rate`` a second, as fast as can be for 0. Prints each name with the
    moment at which the broker had confirmed it, by the clock all processes share."""
    began = time.perf_counter()
    for number in range(count):
        if rate:
            time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        publish(str(first + number))
        sys.stdout.write(f"{first + number} {time.perf_counter()}\n")
