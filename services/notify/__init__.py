"""notify: the word that comes back.

Owns notices: what reporters, followers and offices were told about each fact, by which channel, and whether it got there; who wants
no more; and the webhooks of portals. Understands what intake, routing and sla say about a report. Says what was delivered
(``notice.delivered``) and what could not be (``notice.failed``), never to whom. Answers to letters it carries to intake.
"""
