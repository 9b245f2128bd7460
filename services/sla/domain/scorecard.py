"""Scorecards: sums of scores with shares that name what they are shares of, and a ranking that does not punish hard work."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from statistics import NormalDist

from services.sla.domain.scoring import WHOLE_LATENESS

FINISHED = ("on_time", "on_time_extended", "late")
FELL_DUE = (*FINISHED, "open_overdue", "refused_late", "cancelled_late")  # what was to be done by now, done or not
RATED = ("rating_1", "rating_2", "rating_3", "rating_4")
SHARES: Mapping[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "taken_up_of_received": (("taken_up",), "received", ("received",)),
    "on_time_of_finished": (("on_time", "on_time_extended"), "finished", FINISHED),
    "on_time_of_fallen_due": (("on_time", "on_time_extended"), "fallen due", FELL_DUE),
    "on_time_without_extension_of_fallen_due": (("on_time",), "fallen due", FELL_DUE),
    "answered_in_a_day_of_messages": (("answered_in_a_day",), "messages answered or overdue", ("answered_in_a_day", "answered_late")),
    "satisfied_of_rated": (("rating_3", "rating_4"), "rated", RATED),
}
SMALL = 30  # cases: below it a share says little, and is marked
CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Share:
    """``value`` is None of nothing; ``lowest`` is the lower end of Wilson's interval at 95 % (Wilson 1927)."""

    part: int
    whole: int
    of: str

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None

    @property
    def lowest(self) -> float | None:
        return wilson(self.part, self.whole) if self.whole else None


@dataclass(frozen=True, kw_only=True)
class Card:
    """``about`` says which agency, category, area or month these are of; median and p90 are working hours the holder had finished cases."""

    about: Mapping[str, str]
    figures: Mapping[str, int]
    median_hours: float | None = None
    p90_hours: float | None = None
    shares: Mapping[str, Share] = field(init=False)

    def __post_init__(self) -> None:
        of = {name: Share(part=self.sum(part), whole=self.sum(whole), of=words) for name, (part, words, whole) in SHARES.items()}
        object.__setattr__(self, "shares", of)

    def sum(self, names: Iterable[str]) -> int:
        """Of these figures."""
        return sum(self.figures[name] for name in names)

    @property
    def met(self) -> int:
        """On time, extended or not."""
        return self.sum(("on_time", "on_time_extended"))

    @property
    def to_answer_for(self) -> float:
        """Cases met, and the late ones by this holder's share of the time they took: returning at the last minute passes nothing on."""
        return self.met + self.figures["late_thousandths"] / WHOLE_LATENESS


@dataclass(frozen=True, kw_only=True)
class Standing:
    """``raw`` is the share met of what the agency has to answer for. ``adjusted`` is the share it would have with the province's mix of
    categories: what it reached over what agencies reach in the categories it got, times the province's share (indirect standardisation)."""

    agency: str
    cases: float
    raw: float
    expected: float
    adjusted: float
    raw_rank: int = 0
    adjusted_rank: int = 0

    @property
    def is_small(self) -> bool:
        return self.cases < SMALL


def wilson(part: int, whole: int, confidence: float = CONFIDENCE) -> float:
    """The lower end of the interval in which the true share of ``part`` in ``whole`` lies. E. B. Wilson, 1927."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = part / whole
    middle = share + z * z / (2 * whole)
    spread = z * sqrt((share * (1 - share) + z * z / (4 * whole)) / whole)
    return max(0.0, (middle - spread) / (1 + z * z / whole))


def ranked(cards: Sequence[Card]) -> list[Standing]:
    """Of cards by agency and category: best adjusted share first, then by name. Who has nothing to answer for is not ranked."""
    due = [card for card in cards if card.to_answer_for]
    if not due:
        return []
    usual = _usual_by_category(due)
    standings = [_standing(agency, due, usual, _reached(due)) for agency in sorted({card.about["agency"] for card in due})]
    raw = _places({one.agency: one.raw for one in standings})
    adjusted = _places({one.agency: one.adjusted for one in standings})
    placed = [replace(one, raw_rank=raw[one.agency], adjusted_rank=adjusted[one.agency]) for one in standings]
    return sorted(placed, key=lambda one: (one.adjusted_rank, one.agency))


def _reached(cards: Sequence[Card]) -> float:
    return sum(card.met for card in cards) / sum(card.to_answer_for for card in cards)


def _usual_by_category(cards: Sequence[Card]) -> dict[str, float]:
    categories = {card.about["category"] for card in cards}
    return {category: _reached([card for card in cards if card.about["category"] == category]) for category in categories}


def _standing(agency: str, cards: Sequence[Card], usual: Mapping[str, float], province: float) -> Standing:
    own = [card for card in cards if card.about["agency"] == agency]
    amount, raw = sum(card.to_answer_for for card in own), _reached(own)
    expected = sum(card.to_answer_for * usual[card.about["category"]] for card in own) / amount
    adjusted = min(1.0, province * raw / expected) if expected else 0.0
    return Standing(agency=agency, cases=amount, raw=raw, expected=expected, adjusted=adjusted)


def _places(values: Mapping[str, float]) -> dict[str, int]:
    """Equal values share a place."""
    return {name: 1 + sum(round(other, 9) > round(value, 9) for other in values.values()) for name, value in values.items()}
