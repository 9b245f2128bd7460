"""All four services in one process, under a bus and a clock that misbehave as a number says: the same seed, the same misfortune."""
