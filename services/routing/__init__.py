"""routing: who must answer.

Owns the decision which agency answers which report, the versions of the rules it is made by, and the list of reports that no rule could
place. Understands what intake received, and what sla says about the reports it was given. Says who answers (``report.routed``) or that a
person must choose (``report.unrouted``).
"""
