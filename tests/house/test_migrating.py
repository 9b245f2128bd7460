"""The release before runs on the tables of this one: migrations only expand, unless their name says that they contract."""

import ast
from pathlib import Path

import pytest

from shared.settings import PROJECT

CONTRACTING = {"drop_column", "drop_table", "rename_table", "alter_column"}
BEFORE_THE_FIRST_RELEASE = {"sla/0005_behind.py", "notify/0003_endpoints.py", "notify/0004_restraint.py"}


def contractions(source: str) -> list[str]:
    """What would break code that knows only the tables before."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    found = [call.func.attr for call in calls if call.func.attr in CONTRACTING]  # type: ignore[union-attr]
    columns = [node for call in calls if call.func.attr == "add_column" for node in ast.walk(call)]  # type: ignore[union-attr]
    return found + ["a column that must be filled" for column in columns if _must_be_filled(column)]


def _must_be_filled(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") != "Column":
        return False
    said = {keyword.arg: keyword.value for keyword in node.keywords}
    required = "nullable" in said and getattr(said["nullable"], "value", None) is False
    return required and "server_default" not in said


def migrations() -> list[Path]:
    return sorted((PROJECT / "services").glob("*/migrations/[0-9]*.py"))


class TestMigrations:
    def test_only_expand_unless_they_are_named_for_it(self):
        names = {path: f"{path.parents[1].name}/{path.name}" for path in migrations()}
        wrong = {
            name: found
            for path, name in names.items()
            if "_contract_" not in name
            and name not in BEFORE_THE_FIRST_RELEASE
            and (found := contractions(path.read_text(encoding="utf-8")))
        }

        assert wrong == {}

    @pytest.mark.parametrize(
        "statement",
        [
            'op.drop_column("cases", "scored")',
            'op.alter_column("cases", "state", new_column_name="phase")',
            'op.add_column("cases", sa.Column("phase", sa.Text(), nullable=False))',
        ],
    )
    def test_that_contract_are_recognised(self, statement):
        assert contractions(statement)

    def test_that_expand_are_let_be(self):
        assert contractions('op.add_column("cases", sa.Column("phase", sa.Text(), nullable=False, server_default=""))') == []
