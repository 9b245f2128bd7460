"""Links that somebody was given: who holds the secret of one may do what it is for."""

from typing import Annotated
from uuid import UUID

from fastapi import Header

from shared.access import link_opens
from shared.errors import Forbidden

ReporterSecret = Annotated[str, Header(description="The secret of the reporter's link")]


def check_link(key: str, about: UUID, secret: str, *, of: str = "this report's link") -> None:
    """Raises :class:`Forbidden` unless ``secret`` is the one of the link about this report, follower or upload."""
    if not link_opens(key, about, secret):
        raise Forbidden(f"this is not the secret of {of}", code="secret_wrong")
