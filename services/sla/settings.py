"""Settings of sla: those every service has."""

from shared.settings import Settings


class SlaSettings(Settings):
    """Nothing of its own yet: rules about time are province data, not settings."""
