"""A category that a text seems to be about, as it is shown wherever it may help."""

from collections.abc import Iterable

from pydantic import BaseModel

from services.routing.domain.suggesting import Suggestion
from shared.province import Province


class SuggestedCategory(BaseModel):
    """``chance`` among all categories, 0 to 1. ``words`` of the text say most for it; nothing else does."""

    category: str
    name: str
    chance: float
    words: list[str]


def shown(suggestions: Iterable[Suggestion], of: Province) -> list[SuggestedCategory]:
    """The likeliest first."""
    return [
        SuggestedCategory(
            category=one.category, name=of.categories[one.category].name.vi, chance=round(one.chance, 3), words=list(one.words)
        )
        for one in suggestions
    ]
