"""Settings of routing: those every service has."""

from shared.settings import Settings


class RoutingSettings(Settings):
    """Nothing of its own: who answers what is province data, not settings."""
