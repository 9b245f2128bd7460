"""What tables have in common in every service: moments, and the words of an enumeration."""

from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import Column, DateTime, Dialect, Text, TypeDecorator

Kind = TypeVar("Kind", bound=StrEnum)


def moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    """A column of aware datetimes."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


class Words(TypeDecorator[Kind]):
    """The members of ``kind``, kept as their words."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[Kind]) -> None:
        super().__init__()
        self.kind = kind

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Kind | None:
        """The member again."""
        return None if value is None else self.kind(value)
