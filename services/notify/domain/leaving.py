"""The link that ends the letters: one click, and no more about this report, or none at all."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from services.notify.domain.replies import Whose

MAC = 20  # bytes


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """Who may go by the link. ``id`` is the report's for its reporter, the follower's own otherwise."""

    whose: Whose
    id: UUID

    @classmethod
    def read(cls, key: str, token: str) -> "Leaving | None":
        """None: the token is not one of ours."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            found = cls(whose=Whose(raw[:1].decode()), id=UUID(bytes=raw[1:17]))
        except (binascii.Error, ValueError):
            return None
        return found if hmac.compare_digest(raw[17:], found._mac(key)) else None

    def token(self, key: str) -> str:
        """Unguessable, and the same however often it is made."""
        return base64.urlsafe_b64encode(self.whose.encode() + self.id.bytes + self._mac(key)).rstrip(b"=").decode()

    @property
    def name(self) -> str:
        """What is silenced, when it is for this report alone."""
        return f"{'reporter' if self.whose == Whose.REPORTER else 'follower'}:{self.id}"

    def way_back(self, key: str, person: str) -> str:
        """For who leaves altogether: a follower is forgotten by it, and nothing else would tell whose silence that was."""
        return f"{person}.{self._mac(key, person).hex()}" if person else ""

    def person_in(self, key: str, way_back: str) -> str:
        """Whose it is; "" when it is none of ours."""
        person, _, mac = way_back.partition(".")
        return person if hmac.compare_digest(mac.encode(), self._mac(key, person).hex().encode()) else ""

    def _mac(self, key: str, person: str = "") -> bytes:
        named = b"leave\0" + self.whose.encode() + self.id.bytes + person.encode()
        return hmac.new(key.encode(), named, hashlib.sha256).digest()[:MAC]
