"""Facts about how to reach who reported and who follows: intake says them and notify hears them; and back, who wants no more letters."""

from uuid import UUID

from shared.messages.kinds import Fact


class ReporterReachable(Fact):
    """``sealed``: the contact, readable only with the sealing key. ``person`` is a keyed hash of it: the same person has the same in
    every report, so that nobody is told too much at once. Bound to notify's inbox alone."""

    topic = "reporter.reachable"
    sealed: str
    person: str = ""


class ReporterErased(Fact):
    """Who reported is forgotten: asked for, or kept long enough."""

    topic = "reporter.erased"


class FollowerReachable(Fact):
    """Somebody who is not the reporter wants to hear the news, and is written to once, to confirm it. Bound to notify's inbox alone.

    ``sealed`` and ``person`` as in ``reporter.reachable``, sealed about the ``follower_id``.
    """

    topic = "follower.reachable"
    follower_id: UUID
    sealed: str
    person: str = ""
    language: str = "vi"


class FollowerConfirmed(Fact):
    """From now on the follower hears the news."""

    topic = "follower.confirmed"
    follower_id: UUID


class FollowerLeft(Fact):
    """The follower is forgotten."""

    topic = "follower.left"
    follower_id: UUID


class FollowerDeclined(Fact):
    """The follower used the link that ends the letters: intake forgets them."""

    topic = "follower.declined"
    follower_id: UUID
