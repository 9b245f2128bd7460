"""Which of many letters on their way are safe in a queue, as the broker's answers come in."""

from collections.abc import Callable, Sequence

from shared.bus import Letter

Verdicts = list[str | None]


class Batch:
    """``first`` is the delivery tag of the first letter: its place among all of its channel, from 1 on.

    ``done`` gets the verdicts when the last one is known: "" for safe, else the reason it isn't.
    """

    def __init__(self, letters: Sequence[Letter], first: int, done: Callable[[Verdicts], object]) -> None:
        self.letters, self._first, self._done = letters, first, done
        self._verdicts: Verdicts = [None] * len(letters)
        self._low, self._open = 0, len(letters)
        self._returned: dict[tuple[str, str, str], str] = {}

    def send_back(self, exchange: str, routing_key: str, message_id: str, reason: str) -> None:
        """No queue wants it; the broker says so before it confirms the letter."""
        self._returned[exchange, routing_key, message_id] = reason

    def settle(self, tag: int, *, multiple: bool, reason: str) -> None:
        """``multiple``: and all before it that are still open."""
        last = tag - self._first
        for place in range(self._low if multiple else last, last + 1):
            if self._verdicts[place] is None:
                self._verdicts[place] = reason or self._sent_back(self.letters[place])
                self._open -= 1
        self._low = last + 1 if multiple else self._low
        if not self._open:
            self._done(self._verdicts)

    def _sent_back(self, letter: Letter) -> str:
        return self._returned.get((letter.exchange, letter.routing_key, letter.message_id), "") if self._returned else ""
