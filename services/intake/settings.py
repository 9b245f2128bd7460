"""Settings of intake: those of the services that know who reported."""

from pydantic import Field

from shared.settings import ReporterSettings


class IntakeSettings(ReporterSettings):
    """With what intake alone decides."""

    bulk_limit: int = Field(16_777_216, ge=65_536, description="Bytes of a bulk upload of reports at the most")
