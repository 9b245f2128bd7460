"""Settings of intake: of the services that know who reported, where photos go, where portals find it, and how often they may call."""

from typing import Annotated

from pydantic import AfterValidator, Field

from shared.settings import ReporterSettings

URL = r"^https?://[^\s?#]+[^\s?#/]$"


def _pairs(text: str) -> str:
    if not all("=" in pair for pair in text.split()):
        raise ValueError("must be name=value pairs with blanks between")
    return text


class IntakeSettings(ReporterSettings):
    """The secrets are never shown when settings are printed."""

    media_url: str = Field(".hoiam/media", description="Where photos are stored: a folder, file:///… or s3://bucket/prefix")
    media_options: Annotated[str, AfterValidator(_pairs)] = Field(
        "",
        repr=False,
        description="For s3://: name=value pairs, blanks between (endpoint, region, access_key_id, secret_access_key, …)",
    )
    media_limit: int = Field(10_485_760, ge=10_000, description="Bytes of a photo at the most")
    media_memory: int = Field(805_306_368, ge=100_000_000, description="Bytes of address space that reading one photo may take")
    media_daily: int = Field(2000, ge=1, description="Photos one portal or one agency may send within 24 hours")
    media_link_minutes: int = Field(15, ge=1, le=1440, description="How long the link of an announced upload is good for")
    bulk_limit: int = Field(16_777_216, ge=65_536, description="Bytes of a bulk upload of reports at the most")
    open311_url: str = Field("http://127.0.0.1:8311/open311/v2", pattern=URL, description="Where portals find the Open311 endpoint")
    open311_test_url: str = Field(
        "", pattern=rf"{URL}|^$", description="Where portals may try Open311 out, if there is such a place; some of them want one"
    )
    contact_days: int = Field(
        365, ge=1, description="Who reported is forgotten so many days after the report ended and nothing more happened to it"
    )
    portal_rate: float = Field(50, ge=0, description="Calls a second of a portal that has no rate of its own, in one process; 0: no limit")
    portal_burst: int = Field(200, ge=1, description="How many of them may come at once")
