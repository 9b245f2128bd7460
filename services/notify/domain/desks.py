"""Who of an office is written to, and where: its duty officer, and the people to be called when it is late, first to last."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from services.notify.domain.audience import CENTRES_CLOCKS, Reader
from shared.messages import ClockBreached, ClockEscalated, Fact
from shared.province import Agency, Contact, Province, WorkingHours

MOBILE = re.compile(r"^(\+84|0)[35789][0-9]{8}$")  # what a short message can be sent to: hotlines and offices' telephones take none


class Desk(NamedTuple):
    """``recipient`` tells one desk from the others, ``address`` is an e-mail address or a mobile number; ``hours``, when not always."""

    recipient: str
    address: str
    hours: WorkingHours | None = None

    @property
    def is_telephone(self) -> bool:
        """Whether it gets short messages."""
        return is_telephone(self.address)


def is_telephone(address: str) -> bool:
    """Whether an office's ``address`` is no e-mail address."""
    return bool(address) and "@" not in address


def office_of(reader: Reader, fact: Fact, holder: str, province: Province) -> Agency | None:
    """The office that ``reader`` of OFFICES belongs to, when ``holder`` has the case. None: the province doesn't know it."""
    if reader == Reader.CENTRE or getattr(fact, "clock", "") in CENTRES_CLOCKS:
        holder = province.centre
    return province.agencies.get(province.arbiter if reader == Reader.OFFICE else holder)


def desks_of(reader: Reader, fact: Fact, office: Agency, province: Province, *, urgent: bool) -> Iterator[Desk]:
    """One that gets letters, and one that gets a short message beside it when it presses and somebody has a mobile number there."""
    place, hours = f"{reader}:{office.code}", None
    if reader == Reader.DUTY_OFFICER:
        contact, hours = Contact(who=office.name, email=duty_address(office), phone=office.duty_phone), office.duty_hours
    elif isinstance(fact, ClockEscalated) and reader != Reader.CENTRE:
        number, contact = _called(reader, fact.step, office, province)
        place += f"/{number}" if number > 1 else ""
    else:
        contact = _head(office) if reader == Reader.HEAD else Contact(who=office.name, email=office.email)
    yield Desk(place, contact.email or _head_address(office))
    if contact.phone and MOBILE.match(contact.phone) and (urgent or isinstance(fact, ClockBreached | ClockEscalated)):
        yield Desk(f"{place}/phone", contact.phone, hours)


def duty_address(office: Agency) -> str:
    """Where its duty officer reads."""
    return office.duty_email or office.email


def _called(reader: Reader, step: int, office: Agency, province: Province) -> tuple[int, Contact]:
    """Who is called at the ``step`` of the ladder, counted from 1: its own people and those above, one a step, the last of them again and
    again. The provincial office is no step of anybody else's: its first hears when its turn has come."""
    if reader == Reader.OFFICE:
        return 1, next(iter(office.escalation), _head(office))
    arbiters = province.agencies[province.arbiter].escalation
    above = [contact for contact in province.escalation(office.code) if contact not in arbiters or contact in office.escalation]
    chain = above if office.escalation else [_head(office), *above]
    number = min(max(step, 1), len(chain))
    return number, chain[number - 1]


def _head(office: Agency) -> Contact:
    return Contact(who=office.name, email=_head_address(office))


def _head_address(office: Agency) -> str:
    return office.head_email or office.email
