"""What waits, what failed, and who is left in peace, as metrics."""

from collections.abc import Iterable
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Select, Text, case, cast, func, select
from sqlalchemy.orm import Session

from services.notify.domain.notices import WEBHOOK, State
from services.notify.store import NOT_OUT, endpoints, notices, webhooks


def gauges(session: Session) -> Iterable[GaugeMetricFamily]:
    """By channel; a notice to a person is with the channel ``reporter`` until one is chosen."""
    counted = GaugeMetricFamily("hoiam_notices", "Notices that wait or failed, by channel", labels=["state", "channel"])
    by = notices.c.state, notices.c.channel
    for state, channel, count in session.execute(select(*by, func.count()).where(NOT_OUT).group_by(*by)):
        counted.add_metric([state, channel], count)
    yield counted
    oldest = GaugeMetricFamily("hoiam_oldest_pending_notice_seconds", "Since the longest waiting could have gone out", labels=["channel"])
    waiting = func.extract("epoch", func.now() - func.min(func.coalesce(notices.c.let_go_at, notices.c.created_at)))
    pending = select(notices.c.channel, func.greatest(waiting, 0).label("seconds")).where(notices.c.state == State.PENDING)
    for row in session.execute(pending.group_by(notices.c.channel)):
        oldest.add_metric([row.channel], float(row.seconds))
    yield oldest
    shut = GaugeMetricFamily("hoiam_endpoints_shut", "Servers and webhooks that are left in peace for a while", labels=["channel"])
    for row in session.execute(_shut()):
        shut.add_metric([row.channel], row.places)
    yield shut


def _shut() -> Select[Any]:
    channel = case((webhooks.c.id.is_not(None), WEBHOOK), else_=endpoints.c.name).label("channel")
    places = endpoints.outerjoin(webhooks, cast(webhooks.c.id, Text) == endpoints.c.name)
    return select(channel, func.count().label("places")).select_from(places).where(endpoints.c.shut_until.is_not(None)).group_by(channel)
