"""Settings of intake: those of the services that know who reported."""

from shared.settings import ReporterSettings


class IntakeSettings(ReporterSettings):
    """Nothing of its own."""
