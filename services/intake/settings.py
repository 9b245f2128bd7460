"""Settings of intake: those of the services that know who reported, and where portals find it."""

from pydantic import Field

from shared.settings import ReporterSettings

URL = r"^https?://[^\s?#]+[^\s?#/]$"


class IntakeSettings(ReporterSettings):
    """With what Open311's discovery tells."""

    open311_url: str = Field("http://127.0.0.1:8311/open311/v2", pattern=URL, description="Where portals find the Open311 endpoint")
    open311_test_url: str = Field(
        "", pattern=rf"{URL}|^$", description="Where portals may try Open311 out, if there is such a place; some of them want one"
    )
