"""How a reporter can be reached, as intake sealed it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.notify.domain.desks import is_telephone
from shared.messages import ReporterReachable


@dataclass(kw_only=True, eq=False)
class SealedContact:
    """Opened only in the moment of sending, and to show staff a masked form. ``person`` is a keyed hash of it."""

    report_id: UUID
    sealed: str
    at: datetime
    person: str = ""

    @classmethod
    def of(cls, reachable: ReporterReachable) -> Self:
        """As intake said it."""
        return cls(report_id=reachable.report_id, sealed=reachable.sealed, at=reachable.at, person=reachable.person)


class Contact(BaseModel):
    """Readable. Keep it out of logs, errors and messages."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    email: str = ""
    phone: str = ""

    def __repr__(self) -> str:
        return "Contact(…)"

    __str__ = __repr__

    @classmethod
    def at(cls, address: str) -> Self:
        """Of an office, which has one address a notice."""
        return cls(phone=address) if is_telephone(address) else cls(email=address)

    @property
    def masked(self) -> str:
        """``l***@x.vn`` or ``*******678``: enough to recognise, not to use."""
        if self.email:
            name, _, host = self.email.partition("@")
            return f"{name[:1]}***@{host}"
        return "*" * max(len(self.phone) - 3, 0) + self.phone[-3:]
