"""A folder of YAML files made into a province, or a list of everything that is wrong with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from shared.province.borders import read_borders
from shared.province.catalogue import Category, Group, Redirect
from shared.province.checks import Draft, contradictions
from shared.province.data import Card, Province
from shared.province.places import Agency, Area
from shared.province.policy import Policy
from shared.province.ruling import Rule

_LISTS: dict[str, dict[str, type[BaseModel]]] = {
    "categories.yaml": {"groups": Group, "categories": Category, "redirects": Redirect},
    "agencies.yaml": {"agencies": Agency},
    "areas.yaml": {"areas": Area},
    "rules.yaml": {"rules": Rule},
}
M = TypeVar("M", bound=BaseModel)


class ProvinceError(ValueError):
    """``problems``: all of them, each with its file and entry."""

    def __init__(self, folder: Path, problems: list[str]) -> None:
        super().__init__("\n  ".join([f"{folder} has {len(problems)} problem(s):", *problems]))
        self.problems = problems


def read_province(folder: Path) -> Province:
    """Raises :class:`ProvinceError`."""
    problems: list[str] = []
    draft = _draft(folder, problems)
    problems += contradictions(draft)
    if problems or draft.card is None or draft.policy is None:
        raise ProvinceError(folder, problems)
    rules = tuple(draft.entries["rules"].values())
    lists = {name: draft.entries[name] for name in draft.entries if name != "rules"}
    return Province(**dict(draft.card), **lists, rules=rules, policy=draft.policy)


def _draft(folder: Path, problems: list[str]) -> Draft:
    raw = {name: _mapping(folder / name, problems) for name in ("province.yaml", "policy.yaml", *_LISTS)}
    draft = Draft(
        card=_validated(Card, raw["province.yaml"], "province.yaml", problems),
        policy=_validated(Policy, raw["policy.yaml"], "policy.yaml", problems),
    )
    draft.named["classes"] = set(raw["policy.yaml"].get("classes") or ())
    for file, lists in _LISTS.items():
        problems += [f"{file}: unknown list {name!r}" for name in raw[file] if name not in lists]
        for name, kind in lists.items():
            _read_list(draft, file, name, kind, raw[file].get(name), problems)
    areas = draft.entries["areas"]
    for code, border in read_borders(folder, draft.named["areas"], problems).items():
        areas.update({code: areas[code].model_copy(update={"border": border})} if code in areas else {})
    return draft


def _read_list(draft: Draft, file: str, name: str, kind: type[BaseModel], rows: Any, problems: list[str]) -> None:
    """Sound entries go to ``entries``; the codes of unsound ones are known too, so that they don't cause further problems."""
    named, entries = draft.named.setdefault(name, set()), draft.entries.setdefault(name, {})
    if not isinstance(rows, list) or not rows:
        problems.append(f"{file}: {name}: expected a list with entries")
        return
    for number, row in enumerate(rows, 1):
        code = str(row.get("code") or f"no. {number}") if isinstance(row, dict) else f"no. {number}"
        if code in named:
            problems.append(f"{file}: {code}: code is used twice in {name}")
        named.add(code)
        entry = _validated(kind, row, f"{file}: {code}", problems)
        if entry is not None:
            entries[code] = entry


def _validated(kind: type[M], row: Any, where: str, problems: list[str]) -> M | None:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        problems += [f"{where}: {'.'.join(map(str, one['loc'])) or 'entry'}: {one['msg']}" for one in error.errors()]
        return None


def _mapping(path: Path, problems: list[str]) -> Mapping[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader's child
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problems.append(f"{path.name}: cannot be read: {error}")
        return {}
    if not isinstance(content, dict):
        problems.append(f"{path.name}: expected a mapping")
        return {}
    return content


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the fast one where libyaml is there
    """Refuses a key that is written twice, where YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"key written twice: {', '.join(sorted(twice))}", node.start_mark)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping
