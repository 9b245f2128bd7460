"""The SQL of the bus on PostgreSQL. A letter is one row for each queue it reaches; ``taker`` is who holds it, NULL while it waits.

A take is committed before the consumer sees the row. ``attempts`` grows when a taker gives back or dies, as RabbitMQ counts.
"""

import re

from shared.bus import BusDown

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS bus;
CREATE TABLE IF NOT EXISTS bus.exchange (name text PRIMARY KEY, kind text NOT NULL, alternate text);
CREATE TABLE IF NOT EXISTS bus.queue (name text PRIMARY KEY);
CREATE TABLE IF NOT EXISTS bus.binding (
    exchange text NOT NULL REFERENCES bus.exchange,
    pattern text NOT NULL,
    queue text NOT NULL REFERENCES bus.queue,
    expression text,
    PRIMARY KEY (exchange, pattern, queue)
);
CREATE TABLE IF NOT EXISTS bus.taker (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, queue text NOT NULL);
CREATE TABLE IF NOT EXISTS bus.message (
    queue text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    taker int,
    attempts int NOT NULL DEFAULT 0,
    exchange text NOT NULL,
    routing_key text NOT NULL,
    message_id text NOT NULL,
    type text NOT NULL,
    correlation_id text NOT NULL,
    traceparent text NOT NULL,
    sender text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (queue, id)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
GRANT USAGE ON SCHEMA bus TO hoiam_bus;
GRANT SELECT ON bus.exchange, bus.queue, bus.binding TO hoiam_bus;
GRANT SELECT, INSERT, DELETE ON bus.taker TO hoiam_bus;
GRANT SELECT, INSERT, UPDATE, DELETE ON bus.message TO hoiam_bus;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA bus TO hoiam_bus;
"""

# every (exchange, routing key) of the batch is routed once, then each letter goes the way of its own; one commit, one call to each queue
PUBLISH = """
PREPARE publish (text, text[], text[], text[], text[], text[], text[], bytea[]) AS
WITH letter AS (
    SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8)
    WITH ORDINALITY AS l (exchange, routing_key, message_id, type, correlation_id, traceparent, body, place)
), address AS (
    SELECT DISTINCT exchange, routing_key, CASE routing_key WHEN '' THEN '' ELSE '.' || routing_key END AS dotted FROM letter
), wanted AS (
    SELECT DISTINCT a.exchange, a.routing_key, b.queue
    FROM address a JOIN bus.binding b ON b.exchange = a.exchange AND (b.pattern = a.routing_key OR a.dotted ~ b.expression)
), unwanted AS (
    SELECT DISTINCT a.exchange, a.routing_key, b.queue
    FROM address a JOIN bus.exchange e ON e.name = a.exchange
    JOIN bus.binding b ON b.exchange = e.alternate AND (b.pattern = a.routing_key OR a.dotted ~ b.expression)
    WHERE NOT EXISTS (SELECT FROM wanted w WHERE w.exchange = a.exchange AND w.routing_key = a.routing_key)
), route AS (
    SELECT * FROM wanted UNION ALL SELECT * FROM unwanted
), sent AS (
    INSERT INTO bus.message (queue, exchange, routing_key, message_id, type, correlation_id, traceparent, sender, body)
    SELECT queue, exchange, routing_key, message_id, type, correlation_id, traceparent, $1, body
    FROM letter JOIN route USING (exchange, routing_key) ORDER BY place
), called AS (
    SELECT count(pg_notify(left('bus.' || queue, 63), '')) FROM (SELECT DISTINCT queue FROM route) AS reached
)
SELECT exchange, routing_key FROM route, called
"""
TAKE = """
PREPARE take (text, int, int) AS
UPDATE bus.message SET taker = $2 WHERE queue = $1 AND id = ANY (ARRAY(
    SELECT id FROM bus.message WHERE queue = $1 AND taker IS NULL ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
)) RETURNING id, body, exchange, routing_key, message_id, sender, attempts
"""
ACK = "PREPARE ack (text, int, bigint[]) AS DELETE FROM bus.message WHERE queue = $1 AND taker = $2 AND id = ANY ($3)"
DEPTH = "SELECT (SELECT count(*) FROM bus.message m WHERE m.queue = q.name AND taker IS NULL) FROM bus.queue q WHERE name = %s"

# a taker holds its lock before its row can be seen, so one without a lock is dead; its number is never given again
LOCKS = 0x48A0  # the first of the two keys of every taker's advisory lock
NEW_TAKER = f"SELECT id, pg_try_advisory_lock({LOCKS}, id) FROM (SELECT nextval('bus.taker_id_seq')::int AS id) AS next"  # noqa: S608 - a number of our own
ENLIST = "INSERT INTO bus.taker OVERRIDING SYSTEM VALUE VALUES (%s, %s)"
DEAD = f"""
SELECT id FROM bus.taker WHERE queue = %s AND NOT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = {LOCKS} AND objid = taker.id::oid AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
"""  # noqa: S608 - the same
RELEASE = """
DELETE FROM bus.taker WHERE id = ANY (%(takers)s);
UPDATE bus.message SET queue = crashed.name, exchange = %(exchange)s, routing_key = %(key)s, attempts = 0, taker = NULL
    FROM (SELECT name FROM bus.queue WHERE name = %(key)s || '.crashed') AS crashed
    WHERE queue = %(queue)s AND taker = ANY (%(takers)s) AND attempts >= %(limit)s;
UPDATE bus.message SET taker = NULL, attempts = attempts + 1 WHERE queue = %(queue)s AND taker = ANY (%(takers)s);
SELECT pg_notify(left('bus.' || name, 63), '') FROM unnest(ARRAY[%(queue)s, %(key)s || '.crashed']) AS name
"""

ADD_EXCHANGE = """
INSERT INTO bus.exchange VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, alternate = excluded.alternate
"""
ADD_QUEUE = "INSERT INTO bus.queue VALUES (%s) ON CONFLICT DO NOTHING"
ADD_BINDING = "INSERT INTO bus.binding VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
UNBIND = "DELETE FROM bus.binding WHERE queue = ANY (%s)"


def channel(queue: str) -> str:
    """Where consumers of ``queue`` are called; PostgreSQL's names are 63 bytes long at the most."""
    return f"bus.{queue}"[:63]


def expression(kind: str, pattern: str) -> str | None:
    """What a routing key with a dot before each word must match, so that ``#`` can be no word and no dot; None: only the pattern itself."""
    if kind == "fanout":
        return "^"
    words = pattern.split(".")
    if kind != "topic" or not {"*", "#"} & set(words):
        return None
    wild = {"*": r"\.[^.]*", "#": r"(\.[^.]*)*"}
    return "^" + "".join(wild.get(word, r"\." + re.escape(word)) for word in words) + "$"


def missing(kind: str, name: str) -> BusDown:
    """Nothing can be sent or read until the topology is there."""
    return BusDown(f"there is no {kind} {name!r}: run `hoiam topology apply`")
