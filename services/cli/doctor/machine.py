"""What is on this machine: settings, keys, and room for photos."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import ValidationError

from services.cli.doctor.finding import Finding, advice, good, wrong
from services.cli.doctor.place import Place
from services.intake.settings import IntakeSettings
from services.notify.settings import NotifySettings
from services.routing.settings import RoutingSettings
from services.sla.settings import SlaSettings
from shared.settings import Settings

KINDS: dict[str, type[Settings]] = {"intake": IntakeSettings, "routing": RoutingSettings, "sla": SlaSettings, "notify": NotifySettings}
KEYS = {"jwt_public_key", "link_key", "sealing_keys"}
LITTLE = 2_000_000_000  # bytes: some hundreds of photos


def settings(place: Place) -> Iterator[Finding]:
    """Those of every service, but for the keys."""
    mistakes: dict[str, str] = {}
    for kind in KINDS.values():
        mistakes |= {name: words for name, words in _mistakes(kind, place).items() if name not in KEYS}
    for name, words in sorted(mistakes.items()):
        yield wrong("settings", f"{name.upper()}: {words}", "docs/settings.md explains it; nothing starts without")
    if not mistakes:
        yield good("settings", "of all services can be read")


def keys(place: Place) -> Iterator[Finding]:
    """That they are there and of their form; whether they are the right ones is seen where something was sealed."""
    mistakes = _mistakes(IntakeSettings, place)
    for name in sorted(KEYS & mistakes.keys()):
        yield wrong(
            "keys", f"{name.upper()}: {mistakes[name]}", "`hoiam keys` makes what is missing; a key that was in use comes from its copy"
        )
    public = place.setting("jwt_public_key")
    if not _is_ed25519(public):
        words = "is no Ed25519 public key in PEM" if public else "is missing: no token of staff and agencies is good"
        yield wrong("keys", f"JWT_PUBLIC_KEY {words}", "name jwt_public.pem (`hoiam keys` makes it) or the key of your identity provider")
    elif not KEYS & mistakes.keys():
        yield good("keys", "are there, in their form")


def media(place: Place) -> Iterator[Finding]:
    """That photos can be written, and how many still."""
    url = place.setting("media_url") or str(IntakeSettings.model_fields["media_url"].default)
    if "://" in url and not url.startswith("file://"):
        yield advice(
            "media", f"photos are in {url.split('://')[0]}, which is not looked at here", "see that the bucket keeps versions of its own"
        )
        return
    folder = _nearest(Path(url.removeprefix("file://")).absolute())
    if not os.access(folder, os.W_OK | os.X_OK):
        yield wrong(
            "media", f"{folder} can't be written by this user", "give it to the user of intake (10001 in the image), or set MEDIA_URL"
        )
        return
    free = shutil.disk_usage(folder).free
    if free < LITTLE:
        yield wrong("media", f"{free // 1_000_000} MB are free in {folder}", "give it room: without, photos are answered 507")
    else:
        yield good("media", f"{free // 1_000_000_000} GB are free in {folder}")


def _mistakes(kind: type[Settings], place: Place) -> dict[str, str]:
    try:
        kind(**place.given)  # type: ignore[arg-type]  # texts, as the environment has them
    except ValidationError as error:
        return {str(e["loc"][0]) if e["loc"] else "settings": e["msg"] for e in error.errors(include_input=False)}
    except OSError as error:
        return {"a *_FILE variable": f"{error.filename} can't be read"}
    return {}


def _is_ed25519(pem: str) -> bool:
    try:
        return isinstance(load_pem_public_key(pem.encode()), Ed25519PublicKey)
    except ValueError:
        return False


def _nearest(folder: Path) -> Path:
    """What is there of it: intake makes the rest."""
    return next(path for path in (folder, *folder.parents) if path.exists())
