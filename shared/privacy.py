"""Sealing what identifies a person: AES-256-GCM, one key per year or so, the key's name in front of the sealed text."""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12  # bytes, as NIST SP 800-38D section 8.2 wants it


@dataclass(frozen=True)
class SealingKeys:
    """Keys by name, the first seals, all open: so a key is rotated by putting a new one in front."""

    keys: tuple[tuple[str, bytes], ...]

    @classmethod
    def parse(cls, text: str) -> "SealingKeys":
        """``name:base64`` pairs, blanks between; raises :class:`ValueError` for a key that is not 32 bytes."""
        pairs = [pair.split(":", 1) for pair in text.split()]
        keys = tuple((name, base64.b64decode(key)) for name, key in pairs)
        if not keys or any(len(key) != 32 for _, key in keys):
            raise ValueError("SEALING_KEYS must be one or more name:base64 pairs of 32-byte keys; `hoiam keys` makes one")
        return cls(keys)

    def seal(self, text: str, *, about: str) -> str:
        """``about`` (a report id) is bound in: a sealed text moved to another report doesn't open."""
        name, _, sealed = self.seal_bytes(text.encode(), about=about).partition(b":")
        return f"{name.decode()}:{base64.b64encode(sealed).decode()}"

    def open(self, sealed: str, *, about: str) -> str:
        """Raises :class:`ValueError` when the key is gone or the text was changed."""
        name, text = sealed.split(":", 1)
        return self.open_bytes(f"{name}:".encode() + base64.b64decode(text), about=about).decode()

    def seal_bytes(self, data: bytes, *, about: str) -> bytes:
        """As :meth:`seal`, for what is no text."""
        name, key = self.keys[0]
        nonce = os.urandom(NONCE)
        return f"{name}:".encode() + nonce + AESGCM(key).encrypt(nonce, data, about.encode())

    def open_bytes(self, sealed: bytes, *, about: str) -> bytes:
        """Raises :class:`ValueError` as :meth:`open` does."""
        name, _, data = sealed.partition(b":")
        key = dict(self.keys).get(name.decode())
        if key is None:
            raise ValueError(f"sealing key {name.decode()!r} is not among SEALING_KEYS")
        try:
            return AESGCM(key).decrypt(data[:NONCE], data[NONCE:], about.encode())
        except InvalidTag:
            raise ValueError("what was sealed was changed, or belongs to another report") from None


def new_key(name: str) -> str:
    """A fresh ``name:base64`` pair."""
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


def lookup_hash(key: str, contact: str) -> str:
    """What finds a telephone number (E.164) or an e-mail address again without keeping it; nothing for nothing.

    Keyed, because there are few enough telephone numbers to try them all.
    """
    return hmac.new(key.encode(), f"contact:{contact.lower()}".encode(), hashlib.sha256).hexdigest() if contact else ""
