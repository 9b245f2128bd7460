"""How migrations run; the versions are in ``services/<name>/migrations``."""
