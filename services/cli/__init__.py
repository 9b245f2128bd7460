"""`hoiam`, the command line: ``commands`` lists what it can do, the other modules do it. It alone may see all services."""
