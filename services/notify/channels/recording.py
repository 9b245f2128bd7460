"""What became of the notices that were sent, and what that says about where they went."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from services.notify.channels import Away, Faltering, Gone, Nobody, Permanent, Undelivered
from services.notify.domain.endpoints import Endpoint
from services.notify.domain.notices import Notice
from services.notify.domain.owners import switched_off
from services.notify.store import sending
from services.notify.store.reaching import mark_unreachable
from services.notify.store.sending import Parcel
from shared import province
from shared.messages import Message

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Result:
    """``failure`` is None when it was sent; ``tried`` is False when it was not its turn. ``instead`` is a channel that may do better;
    ``last``: the thread that sent it is free again."""

    parcel: Parcel
    channel: str
    failure: Undelivered | None = None
    tried: bool = True
    instead: str = ""
    last: bool = True


def record(session: Session, results: Sequence[Result], at: datetime, troubled: Set[str] = frozenset()) -> list[Message]:
    """Keep what became of each notice and of where it went, and say it. ``troubled`` are the endpoints that failed before."""
    notices = sending.locked_notices(session, (result.parcel.notice.id for result in results))
    known = [(notices.get(result.parcel.notice.id), result) for result in results]
    said = [news for notice, result in known if notice for news in _settle(notice, result, at)]
    for result in results:
        if isinstance(result.failure, Nobody):
            mark_unreachable(session, result.parcel.notice.mailbox, result.channel, at)
    places = _troubled_places(session, results, troubled)
    for result in results:
        if result.tried and (place := places.get(result.parcel.endpoint)):
            _judge(place, result.failure, at)
    _switch_off(session, results, places, at)
    return said


def _settle(notice: Notice, result: Result, at: datetime) -> list[Message]:
    failure = result.failure
    if failure is None and result.tried:
        return notice.delivered(channel=result.channel, at=at)
    if failure is None or isinstance(failure, Away):
        notice.held_up(reason=failure.reason if failure else "")
        return []
    log.warning(
        "a notice did not go out", notice=str(notice.id), report_id=str(notice.report_id), channel=result.channel, reason=failure.reason
    )
    final, after = isinstance(failure, Permanent), getattr(failure, "after", None)
    more = {"after": after} if after else {}
    return notice.missed(channel=result.channel, at=at, reason=failure.reason, final=final, instead=result.instead, **more)


def _troubled_places(session: Session, results: Sequence[Result], troubled: Set[str]) -> Mapping[str, Endpoint]:
    """Those that failed now or before, locked. Where all goes well nothing is written, so twins do not wait for one another."""
    failing = {result.parcel.endpoint for result in results if isinstance(result.failure, Away | Faltering)}
    return sending.locked_places(session, failing | (troubled & {result.parcel.endpoint for result in results}))


def _judge(place: Endpoint, failure: Undelivered | None, at: datetime) -> None:
    """A refusal of one notice shows that somebody is there."""
    if isinstance(failure, Away | Faltering):
        place.failed(at=at, reason=failure.reason, away=isinstance(failure, Away))
    else:
        place.worked()


def _switch_off(session: Session, results: Sequence[Result], places: Mapping[str, Endpoint], at: datetime) -> None:
    """Webhooks that asked for it, or that nobody has answered at for days; their owners hear of it."""
    for result in results:
        place, webhook = places.get(result.parcel.endpoint), result.parcel.webhook
        gone, weary = isinstance(result.failure, Gone), place is not None and place.is_weary(at)
        if webhook is None or not (gone or weary):
            continue
        mine = sending.locked_webhook(session, webhook.id)
        if mine and mine.active:
            sending.switch_off(session, mine)
            log.warning("a webhook was switched off", webhook=str(mine.id), portal=mine.portal, agency=mine.agency, gone=gone)
            session.add(switched_off(mine, province.current(session), gone=gone, at=at))
    session.flush()
