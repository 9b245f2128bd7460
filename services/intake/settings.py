"""Settings of intake: how long it knows who reported, and how much it takes from whom."""

from pydantic import Field

from shared.settings import ReporterSettings


class IntakeSettings(ReporterSettings):
    """The secrets are never shown when settings are printed."""

    contact_days: int = Field(
        365, ge=1, description="Who reported is forgotten so many days after the report ended and nothing more happened to it"
    )
    portal_rate: float = Field(50, ge=0, description="Calls a second of a portal that has no rate of its own, in one process; 0: no limit")
    portal_burst: int = Field(200, ge=1, description="How many of them may come at once")
