"""notify: the word that comes back.

Owns notices: what each reporter was told about each fact, by which channel, and whether it got there; and the webhooks of portals.
Understands what intake and sla say about a report. Says what was delivered (``notice.delivered``) and what could not be
(``notice.failed``), never to whom.
"""
