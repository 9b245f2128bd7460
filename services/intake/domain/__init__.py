"""What a report is, what may be in it, and what the public is told about it. Pure."""
