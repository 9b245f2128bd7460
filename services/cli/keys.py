"""The keys of an installation: made once, kept in files only their owner may read."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from services.cli.process import CannotStart
from shared.access import issue_token, new_key_pair
from shared.privacy import new_key

PRIVATE, PUBLIC, SEALING, LINK = "jwt_private.pem", "jwt_public.pem", "sealing_keys", "link_key"


def make_keys(folder: Path) -> Mapping[str, str]:
    """Make what is missing in ``folder``; the environment that names the files."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / PRIVATE).exists():
        private, public = new_key_pair()
        _write(folder / PUBLIC, public)
        _write(folder / PRIVATE, private)
    if not (folder / SEALING).exists():
        _write(folder / SEALING, new_key("first"))
    if not (folder / LINK).exists():
        _write(folder / LINK, secrets.token_urlsafe(48))
    return {
        "JWT_PUBLIC_KEY_FILE": str(folder / PUBLIC),
        "SEALING_KEYS_FILE": str(folder / SEALING),
        "LINK_KEY_FILE": str(folder / LINK),
    }


def token(private_key: Path, *, role: str, name: str, at: datetime, hours: float) -> str:
    """A token signed with ``private_key``. Raises :class:`CannotStart` when there is no such key."""
    if not private_key.exists():
        raise CannotStart(f"No signing key at {private_key}: run `hoiam keys`, or name one with --key.")
    lasts = timedelta(hours=hours)
    return issue_token(private_key.read_text(encoding="utf-8"), role=role, name=name, issuer="hoiam", audience="hoiam", at=at, lasts=lasts)


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text + "\n", encoding="utf-8")
