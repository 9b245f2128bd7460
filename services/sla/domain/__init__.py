"""Pure: values and aware datetimes in, new state and messages out."""
