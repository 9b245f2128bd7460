"""Areas in the words of an address: as they are called now, and as they were called before."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from services.routing.domain.names import Words, by_first_word, longest_apart, occurrences, words_of
from shared.province import Area, Province

KINDS = {
    "city": "thành phố",
    "town": "thị xã",
    "district": "huyện",
    "island_district": "huyện đảo",
    "ward": "phường",
    "commune": "xã",
    "special_zone": "đặc khu",
}
OLD_KINDS = ("thành phố", "thị xã", "thị trấn", "huyện", "phường", "xã")
NEAR = frozenset({"ward", "commune", "special_zone"})  # the level closest to people; it wins where both levels fit
There = Callable[[Area], bool]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a name may stand for. ``within``: of a former name, the words of the district it was in; ``with_kind``: "xã" is part of it."""

    area: Area
    with_kind: bool
    within: Words = ()


class Found(NamedTuple):
    """``is_certain``: named with its kind ("phường"), or by a former name together with the district it was in."""

    area: Area
    is_certain: bool


class Addresses:
    """The names of a province's areas, ready to be searched. A name that is also the province's own says nothing without its kind."""

    def __init__(self, province: Province) -> None:
        self._areas = province.areas
        whole = words_of(province.name.vi.removeprefix("Tỉnh "))
        self._names: dict[Words, list[Meaning]] = {}
        for area in province.areas.values():
            for name, meaning in (*_names(area), *_former_names(area)):
                if name and name != whole:
                    self._names.setdefault(name, []).append(meaning)
        self._index = by_first_word(self._names)
        districts = {meaning.within for meanings in self._names.values() for meaning in meanings} - {()}
        self._districts = by_first_word(districts)

    def area_in(self, address: str, is_there: There) -> Found | None:
        """The area that ``address`` names, among those that are there. Commune before district, with its kind before without, a name of
        today before one of former times, the longer name before the shorter, what stands first before what follows."""
        words = words_of(address)
        districts = {name for _, name in occurrences(words, self._districts)}
        found = [(start, name, self._meant(name, districts, is_there)) for start, name in occurrences(words, self._index)]
        meant = {name: meaning for _, name, meaning in found if meaning}
        apart = longest_apart([(start, name) for start, name, meaning in found if meaning])
        best = max(apart, key=lambda place: (*_weight(meant[place[1]], districts), len(place[1]), -place[0]), default=None)
        return Found(meant[best[1]].area, _is_certain(meant[best[1]], districts)) if best else None

    def _meant(self, name: Words, districts: set[Words], is_there: There) -> Meaning | None:
        """What ``name`` means: "Đông Hà" is the city before there is a ward of that name. None when it could be one of several."""
        meanings = [meaning for meaning in self._names[name] if not meaning.within and is_there(meaning.area)]
        if meanings:
            return max(meanings, key=lambda meaning: meaning.area.kind in NEAR)
        former = list(filter(None, (self._then(meaning, is_there) for meaning in self._names[name] if meaning.within)))
        if len({meaning.area.code for meaning in former}) > 1:
            former = [meaning for meaning in former if meaning.within in districts]
        return former[0] if len({meaning.area.code for meaning in former}) == 1 else None

    def _then(self, meaning: Meaning, is_there: There) -> Meaning | None:
        """Before its commune began, a former name means the district."""
        area = meaning.area if is_there(meaning.area) else self._areas.get(meaning.area.parent or "")
        return Meaning(area=area, with_kind=meaning.with_kind, within=meaning.within) if area else None


def _weight(meaning: Meaning, districts: set[Words]) -> tuple[bool, bool, bool]:
    return meaning.area.kind in NEAR, _is_certain(meaning, districts), not meaning.within


def _is_certain(meaning: Meaning, districts: set[Words]) -> bool:
    return meaning.with_kind or meaning.within in districts


def _names(area: Area) -> Iterator[tuple[Words, Meaning]]:
    full, kind = words_of(area.name.vi), words_of(KINDS[area.kind])
    yield full, Meaning(area=area, with_kind=True)
    if full[: len(kind)] == kind:
        yield full[len(kind) :], Meaning(area=area, with_kind=False)


def _former_names(area: Area) -> Iterator[tuple[Words, Meaning]]:
    """Without its kind only what has two words at least: a number, or one syllable, is in every other address."""
    for name, district in (former.split(", ") for former in area.formerly):
        full, within = words_of(name), _bare_name(words_of(district))
        yield full, Meaning(area=area, with_kind=True, within=within)
        if len(short := _bare_name(full)) > 1:
            yield short, Meaning(area=area, with_kind=False, within=within)


def _bare_name(name: Words) -> Words:
    kinds = (words_of(kind) for kind in OLD_KINDS)
    return next((name[len(kind) :] for kind in kinds if name[: len(kind)] == kind), name)
