"""Waiting for what comes true by itself, without guessing how long it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], timeout: float = 30, *, what: str = "", every: float = 0.02) -> T:
    """The first true value of ``condition``. Raises AssertionError, naming ``what``, when ``timeout`` seconds go by without one."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not true within {timeout} s: {what or _describe(condition)} (last value: {value!r})")
        time.sleep(every)
    return value


def _describe(condition: Callable[[], object]) -> str:
    code = getattr(condition, "__code__", None)
    where = f" ({code.co_filename}:{code.co_firstlineno})" if code else ""
    return f"{getattr(condition, '__qualname__', condition)}{where}"
