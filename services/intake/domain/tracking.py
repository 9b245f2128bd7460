"""Tracking codes: short enough for the telephone, hard to mistype unnoticed.

``QT-7K3M-9PXC`` is the province, seven random characters and a check character, in Crockford's base 32 (no I, L, O, U).
"""

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM = 7  # characters: 34 billion codes
LONGEST = 40  # characters typed
_READ_AS = str.maketrans("ILO", "110")  # what people write for what they see, as Crockford reads it
_BETWEEN = re.compile(r"[ ._-]")
_TYPED = re.compile(r"([A-Z]{2,4})?([0-9A-Z]{4})([0-9A-Z]{4})")


class Mistyped(ValueError):  # noqa: N818 - a state of affairs
    """No code was ever given out that looks like this."""


def new_code(prefix: str) -> str:
    """A fresh random code of the province with this prefix."""
    bits = secrets.randbits(5 * RANDOM)  # one call: each asks the kernel
    body = "".join(ALPHABET[bits >> 5 * place & 31] for place in range(RANDOM))
    return _written(prefix, body + check_character(body))


def read_code(typed: str, *, prefix: str) -> str:
    """The code as it is written here, however it was typed; ``prefix`` is taken when none was. Raises :class:`Mistyped`."""
    found = _TYPED.fullmatch(_BETWEEN.sub("", typed).upper()) if len(typed) <= LONGEST else None
    if found is None:
        raise Mistyped
    body = (found[2] + found[3]).translate(_READ_AS)
    if not set(body) <= set(ALPHABET) or check_character(body[:RANDOM]) != body[RANDOM]:
        raise Mistyped
    return _written(found[1] or prefix, body)


def check_character(body: str) -> str:
    """Over GF(32): every wrong character and every two characters that changed places are noticed."""
    check = 0
    for character in body:
        check = _TIMES_X[check ^ ALPHABET.index(character)]
    return ALPHABET[check]


def _times_x(element: int) -> int:
    """Multiplied by x, modulo the primitive polynomial x⁵ + x² + 1."""
    doubled = element << 1
    return doubled ^ 0b100101 if doubled & 0b100000 else doubled


_TIMES_X = [_times_x(element) for element in range(32)]


def _written(prefix: str, body: str) -> str:
    return f"{prefix}-{body[:4]}-{body[4:]}"
