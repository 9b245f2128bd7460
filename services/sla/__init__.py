"""sla: the debt of an answer.

Owns cases: their state, holder, clocks and history. Understands what intake received and routing decided, what agencies and
the operations centre ask, and time. Says what became of each case (``case.*``, ``clock.*``), and is the only voice agencies
hear in their queues.
"""
