"""Where a report is, and who answers it. Pure: values in, decisions out."""
