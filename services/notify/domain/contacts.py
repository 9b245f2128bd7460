"""How a reporter can be reached, as intake sealed it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


@dataclass(kw_only=True, eq=False)
class SealedContact:
    """Opened only in the moment of sending, and to show staff a masked form."""

    report_id: UUID
    sealed: str
    at: datetime


class Contact(BaseModel):
    """Readable. Keep it out of logs, errors and messages."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    email: str = ""
    phone: str = ""

    def __repr__(self) -> str:
        return "Contact(…)"

    __str__ = __repr__

    @property
    def masked(self) -> str:
        """``l***@x.vn`` or ``*******678``: enough to recognise, not to use."""
        if self.email:
            name, _, host = self.email.partition("@")
            return f"{name[:1]}***@{host}"
        return "*" * max(len(self.phone) - 3, 0) + self.phone[-3:]
