"""Two histories of the same reports beside each other: what became of whom under the one policy and under the other."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.cli import scorecard
from services.cli.simulate.figures import Figures, figures, table
from services.cli.system import room
from services.sla.api.scorecards import names_of
from services.sla.domain.scorecard import Card, Share
from services.sla.domain.scoring import OUTCOMES
from services.sla.domain.wording import FIGURES
from services.sla.store import cases, scoring

EVER = (date(2000, 1, 1), date(2100, 1, 1))
SHARE = "on_time_of_fallen_due"
BY = {"agency": "đơn vị (agency)", "category": "lĩnh vực (category)"}
SHOWN = 8  # of the largest changes
NONE = Share(part=0, whole=0, of="fallen due")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A history as it ended. ``hashes``: the last of each case's history, so that two equal histories are known to be equal;
    ``outcomes``: the one thing each case has become; ``cards``: by what, then by code."""

    figures: Figures
    hashes: Mapping[UUID, str]
    outcomes: Mapping[UUID, str]
    cards: Mapping[str, Mapping[str, Card]]
    names: Mapping[str, str]


def seen(url: str) -> Seen:
    """The history in this database, once every case of it is scored."""
    scorecard.count_all(url, lambda _: None)
    with room(url, "sla") as rooms, rooms() as session:
        return Seen(
            figures=figures(url),
            hashes={report_id: last for report_id, last in session.execute(select(cases.c.report_id, cases.c.last_hash))},
            outcomes=_outcomes(session),
            cards={by: {card.about[by]: card for card in scoring.cards(session, *EVER, (by,))} for by in BY},
            names=names_of(session),
        )


def _outcomes(session: Session) -> dict[UUID, str]:
    counted = [scoring.scores.c[name] for name in OUTCOMES]
    rows = session.execute(select(scoring.scores.c.report_id, *counted).where(scoring.scores.c.received == 1))
    return {report_id: OUTCOMES[numbers.index(1)] for report_id, *numbers in rows}


def difference(before: Seen, after: Seen) -> str:
    """To print: every figure in both, then which cases ended otherwise, then whom it changes most."""
    changed = sum(before.hashes[report_id] != after.hashes.get(report_id) for report_id in before.hashes)
    if not changed and len(before.hashes) == len(after.hashes):
        return f"No difference: the histories of all {len(before.hashes)} cases are the same, row by row."
    parts = [
        [f"The histories of {changed} of {len(before.hashes)} cases differ."],
        [table(before.figures, after.figures)],
        list(_moved(before, after)),
        *(list(_largest(by, before, after)) for by in BY),
    ]
    return "\n\n".join("\n".join(part) for part in parts)


def _moved(before: Seen, after: Seen) -> Iterator[str]:
    """How many cases went from one outcome to another."""
    pairs = ((outcome, after.outcomes[report_id]) for report_id, outcome in before.outcomes.items())
    moved = Counter(pair for pair in pairs if pair[0] != pair[1])
    yield f"Kết cục khác (another outcome): {moved.total()} of {len(before.outcomes)} cases"
    for (was, now), number in sorted(moved.items(), key=lambda item: (-item[1], item[0])):
        yield f"{number:>6}  {FIGURES[was]} → {FIGURES[now]}"


def _largest(by: str, before: Seen, after: Seen) -> Iterator[str]:
    """On time of what fell due, where it changed by the most cases."""
    shares = {code: (_share(before, by, code), _share(after, by, code)) for code in {**before.cards[by], **after.cards[by]}}
    changed = {code: pair for code, pair in shares.items() if pair[0] != pair[1]}
    order = sorted(changed, key=lambda code: (-abs(_more(changed[code])), code))
    yield f"Đúng hạn / đã đến hạn theo {BY[by]}: {len(changed)} of {len(shares)} change, the largest first"
    yield from (_line(f"{code} {before.names.get(code, '')}", *changed[code]) for code in order[:SHOWN])


def _share(of: Seen, by: str, code: str) -> Share:
    card = of.cards[by].get(code)
    return card.shares[SHARE] if card else NONE


def _more(pair: tuple[Share, Share]) -> int:
    return pair[1].part - pair[0].part


def _line(name: str, was: Share, now: Share) -> str:
    points = "" if was.value is None or now.value is None else f" ({100 * (now.value - was.value):+.1f} points)"
    return f"{name[:40]:42}{_cell(was):>30}{_cell(now):>30}{now.part - was.part:>+8d}{points}"


def _cell(share: Share) -> str:
    return f"{share.part} / {share.whole}" + ("" if share.value is None else f" = {100 * share.value:.1f} %")
