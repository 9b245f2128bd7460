"""What PostgreSQL and the pool of connections say about themselves.

Every service shows it; what is of the whole database is the same in each, and dashboards take the largest.
"""

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import Pool, QueuePool, text
from sqlalchemy.orm import Session

_SERVER = text(
    "SELECT numbackends AS connections, xact_commit AS commits, xact_rollback AS rollbacks, deadlocks, blks_hit AS hit, blks_read AS read,"
    " pg_database_size(datid) AS bytes, current_setting('max_connections')::int AS most,"
    " (SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class"
    "   WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace) AS own_bytes,"
    " (SELECT coalesce(extract(epoch FROM max(now() - xact_start)), 0) FROM pg_stat_activity"
    "   WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()) AS longest"
    " FROM pg_stat_database WHERE datname = current_database()"
)


def of_pool(service: str, pool: Pool) -> Iterator[Metric]:
    """The connections of this process."""
    assert isinstance(pool, QueuePool)
    held = GaugeMetricFamily("hoiam_database_pool_connections", "Connections of this process to the database", labels=["service", "state"])
    held.add_metric([service, "in_use"], pool.checkedout())
    held.add_metric([service, "idle"], pool.checkedin())
    yield held
    limit = GaugeMetricFamily("hoiam_database_pool_limit_connections", "The most connections this process may have", labels=["service"])
    limit.add_metric([service], pool.size())
    yield limit


def of_server(service: str, session: Session) -> Iterator[Metric]:
    """The database, and what of it is this service's."""
    row = session.execute(_SERVER).mappings().one()
    yield from _counters(service, row)
    for family, value in (
        (GaugeMetricFamily("hoiam_database_connections", "Connections to the whole database", labels=["service"]), row["connections"]),
        (GaugeMetricFamily("hoiam_database_limit_connections", "The most connections the server allows", labels=["service"]), row["most"]),
        (GaugeMetricFamily("hoiam_database_size_bytes", "The whole database on disk", labels=["service"]), row["bytes"]),
        (GaugeMetricFamily("hoiam_database_schema_size_bytes", "Tables and indexes of this service", labels=["service"]), row["own_bytes"]),
        (
            GaugeMetricFamily("hoiam_database_longest_transaction_seconds", "The oldest transaction of this service", labels=["service"]),
            row["longest"],
        ),
    ):
        family.add_metric([service], float(value))
        yield family


def _counters(service: str, row: Any) -> Iterator[Metric]:
    for family, value in (
        (CounterMetricFamily("hoiam_database_commits", "Transactions of the whole database", labels=["service"]), row["commits"]),
        (
            CounterMetricFamily("hoiam_database_rollbacks", "Transactions of the whole database that came to nothing", labels=["service"]),
            row["rollbacks"],
        ),
        (CounterMetricFamily("hoiam_database_deadlocks", "Transactions that waited for each other", labels=["service"]), row["deadlocks"]),
        (CounterMetricFamily("hoiam_database_blocks_hit", "Blocks of the database found in memory", labels=["service"]), row["hit"]),
        (CounterMetricFamily("hoiam_database_blocks_read", "Blocks of the database read from elsewhere", labels=["service"]), row["read"]),
    ):
        family.add_metric([service], float(value))
        yield family
