"""HTTP of routing: what waits for a person, why a report would go where, and the rules: tried, put in force, taken back."""
