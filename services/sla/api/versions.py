"""The version of a case as an entity tag (RFC 9110): ``"7"`` is a case whose history has seven rows.

What counts with time alone (hours held so far, whether a deadline has passed) is no part of it.
"""

import re
from typing import Annotated

from fastapi import Header, Response

_TAG = r'(W/)?"[^"]*"'
PATTERN = rf"^\s*(\*|{_TAG}(\s*,\s*{_TAG})*)?\s*$"
NEVER = -1  # the version of no case
IfMatch = Annotated[
    str, Header(pattern=PATTERN, max_length=255, description='The `ETag` you saw, as `"7"`: 412 when the case moved since.')
]
IfNoneMatch = Annotated[str, Header(pattern=PATTERN, max_length=255, description="The `ETag` you have: 304 when nothing happened since.")]


def tag(version: int) -> str:
    """As it is sent."""
    return f'"{version}"'


def stamp(response: Response, version: int) -> None:
    """Say which version this is, for the caller alone: others may see less of it."""
    response.headers["ETag"] = tag(version)
    response.headers["Cache-Control"] = "private, no-cache"


def is_known(tags: str, version: int) -> bool:
    """Whether ``tags`` (of If-None-Match) name ``version``."""
    return tags.strip() == "*" or tag(version) in (found[2] for found in _found(tags))


def seen(tags: str) -> int | None:
    """The newest version that ``tags`` (of If-Match) name; None when any will do. W/ is read over: proxies that compress put it there."""
    if tags.strip() in {"", "*"}:
        return None
    numbers = (found[2].strip('"') for found in _found(tags))
    return max((int(number) for number in numbers if number.isdecimal() and number.isascii()), default=NEVER)


def _found(tags: str) -> list[re.Match[str]]:
    return list(re.finditer(r'(W/)?("[^"]*")', tags))
