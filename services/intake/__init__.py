"""intake: the front door.

Owns reports as citizens sent them, their photos, who sent them (sealed, never said in the open) and the portals they came through.
Understands what portals post, what reporters add, and what became of each report (``report.routed``, ``case.*``, ``notice.*``),
which it shows to everybody as a timeline. Says ``report.*``, and ``reporter.reachable`` and ``follower.*`` to notify alone.
"""
