"""What a backup says about itself: of when it is, of which release, how much is in it, and that nobody changed it since."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ValidationError
from sqlalchemy import Connection, quoted_name, text

from services.cli.process import CannotStart
from services.cli.system import HANDLERS
from shared.database import SERVICES

NAME = "manifest.json"


class Manifest(BaseModel):
    """``migrations``: the last of each service; ``rows`` by `schema.table`; ``sha256`` of the dump."""

    form: Literal[1] = 1
    taken_at: AwareDatetime
    migrations: Mapping[str, str]
    rows: Mapping[str, int]
    sha256: str = ""
    photos: int = 0


def of(connection: Connection) -> Manifest:
    """What ``connection`` sees. Raises :class:`CannotStart` where there is nothing of ours."""
    found = schemas(connection)
    if set(found) != set(HANDLERS):
        raise CannotStart("There is no Hồi Âm in this database: is DATABASE_URL the right one, and the owner's?")
    migrations = {schema: str(connection.scalar(text(f"SELECT version_num FROM {schema}.alembic_version"))) for schema in found}  # noqa: S608
    at: datetime = connection.execute(text("SELECT now()")).scalar_one()
    return Manifest(taken_at=at, migrations=migrations, rows={table: _rows(connection, table) for table in _tables(connection)})


def schemas(connection: Connection) -> list[str]:
    """Those of ours that are there."""
    names = text("SELECT nspname FROM pg_namespace WHERE nspname = ANY(:ours) ORDER BY 1")
    return list(connection.scalars(names, {"ours": list(HANDLERS)}))


def write(folder: Path, noted: Manifest) -> None:
    """For people and for :func:`read`."""
    (folder / NAME).write_text(noted.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> Manifest:
    """Raises :class:`CannotStart` when ``folder`` is no whole backup."""
    try:
        return Manifest.model_validate_json((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        raise CannotStart(f"{folder} is no backup, or not a whole one: {NAME} is missing or not in its form.") from None


def check(noted: Manifest, dump: Path) -> None:
    """Raises :class:`CannotStart` when the dump was changed since, or is of a later release than this."""
    if not dump.exists() or digest(dump) != noted.sha256:
        raise CannotStart(f"{dump} is not as it was written: this backup is damaged. Take another one.")
    for service, last in noted.migrations.items():
        if not list((SERVICES / service / "migrations").glob(f"{last}_*.py")):
            raise CannotStart(f"The backup is of a later release ({service} {last}): restore it with that release.")


def digest(file: Path) -> str:
    """SHA-256 in hexadecimal."""
    with file.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()


def _tables(connection: Connection) -> list[str]:
    names = text("SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = ANY(:ours) ORDER BY 1")
    return list(connection.scalars(names, {"ours": list(HANDLERS)}))


def _rows(connection: Connection, table: str) -> int:
    return int(connection.scalar(text(f"SELECT count(*) FROM {quoted_name(table, None)}")) or 0)  # noqa: S608 - the catalogue's own name
