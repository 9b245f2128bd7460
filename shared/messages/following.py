"""Facts about who follows somebody else's report; intake says them, and notify alone hears them."""

from uuid import UUID

from shared.messages.kinds import Fact


class FollowerReachable(Fact):
    """Somebody who is not the reporter wants to hear the news, and is written to once, to confirm it. Bound to notify's inbox alone.

    ``sealed`` as in ``reporter.reachable``, about the ``follower_id``.
    """

    topic = "follower.reachable"
    follower_id: UUID
    sealed: str
    language: str = "vi"


class FollowerConfirmed(Fact):
    """From now on the follower hears the news."""

    topic = "follower.confirmed"
    follower_id: UUID


class FollowerLeft(Fact):
    """The follower is forgotten."""

    topic = "follower.left"
    follower_id: UUID
