"""Settings of intake: its secrets, and where the world finds it."""

from typing import Annotated

from pydantic import AfterValidator, Field

from shared.privacy import SealingKeys
from shared.settings import Settings


def _parsable(keys: str) -> str:
    SealingKeys.parse(keys)
    return keys


def _without_slash(url: str) -> str:
    return url.rstrip("/")


class IntakeSettings(Settings):
    """The secrets are never shown when settings are printed."""

    link_key: str = Field(min_length=32, repr=False, description="Secret behind the reporters' links; changing it closes all of them")
    sealing_keys: Annotated[str, AfterValidator(_parsable)] = Field(
        repr=False, description="`name:base64` keys that seal contacts, blanks between; the first seals, all open"
    )
    public_url: Annotated[str, AfterValidator(_without_slash)] = Field(
        "http://127.0.0.1:8311/v1/reports",
        pattern=r"^https?://[^\s?#]+$",
        description="Where reporters look their report up; the tracking code is put behind it",
    )
