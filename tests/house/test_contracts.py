"""The rules of the house: who may import whom, how long a file may be, what must never be written down."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from shared.settings import PROJECT

LONGEST = 300  # lines of a Python file
LONGER: dict[str, int] = {}  # stated exceptions, and how long they may be
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
PLANTED = [
    ("Services are independent of each other", "services/sla/store.py", "import services.routing.store"),
    ("Services are independent of each other", "services/routing/domain/rules.py", "import services.sla.domain.case"),
    ("Rooms import only downwards", "services/sla/store.py", "import services.sla.handlers"),
    ("Rooms import only downwards", "services/sla/domain/clocks.py", "import services.sla.store"),
    ("Rooms import only downwards", "services/sla/helpers.py", "LATER = True"),
    ("Shared code knows no service", "shared/planted.py", "import services.sla.settings"),
    ("Domain is pure", "services/sla/domain/clocks.py", "import sqlalchemy"),
    ("Domain is pure", "services/routing/domain/rules.py", "import shared.database"),
    ("Only the RabbitMQ adapter imports pika", "services/sla/store.py", "from pika.channel import Channel"),
    ("Only the RabbitMQ adapter imports pika", "shared/relay.py", "import pika"),
    ("Handlers, stores and domains never read the clock", "services/sla/handlers.py", "from shared.clock import now"),
    ("Handlers, stores and domains never read the clock", "services/routing/store.py", "from shared.clock import now"),
    ("Handlers, stores and domains never read the clock", "shared/handling.py", "from shared.clock import now"),
]
FORBIDDEN = {
    "a path of somebody's machine": re.compile(r"(?<![\w.])/(?:home|root|Users|work|opt)/\w"),
    "a package registry's host": re.compile(r"pypi\.org|pythonhosted\.|npmjs\.|deb\.debian|archive\.ubuntu|docker\.io/|ghcr\.io|quay\.io"),
    "a secret": re.compile(r"BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|xox[abprs]-\w{8}|://\w+:[0-9a-f]{24,}@"),
    "an e-mail address that may be somebody's": re.compile(
        r"\b[\w.+-]{2,}@(?!localhost\b|(?:[\w-]+\.)*ex[aä]mple(?:\.(?:vn|com|org|net))?\b|[\w.-]+\.(?:test|invalid)\b)[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b"
    ),
}


def broken(tree: Path) -> set[str]:
    """The contracts that import-linter finds broken in ``tree``."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=60)
    found = set(re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE))
    assert done.returncode == (1 if found else 0), done.stdout + done.stderr
    return found


def written() -> list[str]:
    """Every file that is, or is about to be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if (PROJECT / name).is_file()]


def findings(text: str) -> list[str]:
    """What ``text`` says and should not."""
    return [f"{what}: {match[0]}" for what, pattern in FORBIDDEN.items() for match in pattern.finditer(text)]


LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-build.lock", "requirements-bench.lock"]


def locked(name: str) -> dict[str, str]:
    """Distribution → version of a lock file."""
    pins = re.findall(r"^([a-z0-9.-]+)==([^ ;]+)", (PROJECT / name).read_text(encoding="utf-8"), re.MULTILINE)
    return dict(pins)


def named(requirements: list[str]) -> set[str]:
    """The distributions of ``requirements``, spelled as lock files do."""
    return {re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower() for requirement in requirements}


@pytest.fixture
def tree(tmp_path):
    """A copy of the code, to do wrong in."""
    for part in ("services", "shared"):
        shutil.copytree(PROJECT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return tmp_path


class TestImports:
    def test_all_contracts_are_kept(self, tree):
        assert broken(tree) == set()

    @pytest.mark.parametrize(("contract", "path", "line"), PLANTED)
    def test_a_violation_breaks_its_contract_and_no_other(self, tree, contract, path, line):
        with (tree / path).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")

        assert broken(tree) == {contract}

    def test_every_contract_is_proven_to_break(self):
        contracts = {contract["name"] for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}

        assert contracts == {contract for contract, _, _ in PLANTED}


class TestFiles:
    def test_none_is_longer_than_one_can_read_at_once(self):
        lengths = {name: len((PROJECT / name).read_bytes().splitlines()) for name in written() if name.endswith(".py")}

        assert {name: length for name, length in lengths.items() if length > LONGER.get(name, LONGEST)} == {}

    def test_an_exception_that_is_not_needed_any_more_goes(self):
        assert [name for name in LONGER if len((PROJECT / name).read_bytes().splitlines()) <= LONGEST] == []

    def test_none_tells_of_a_machine_a_registry_a_person_or_a_secret(self):
        found = {}
        for name in written():
            try:
                found[name] = findings((PROJECT / name).read_text(encoding="utf-8"))
            except UnicodeDecodeError:
                continue  # a picture

        assert {name: said for name, said in found.items() if said} == {}

    @pytest.mark.parametrize(
        "text",
        [
            "see /" + "home/lan/notes",
            'open("/' + 'root/x")',
            "--index-url https://" + "pypi" + ".org/simple",
            "lan@" + "quangtri.gov.vn",
            "-----BEGIN " + "PRIVATE KEY-----",
            "amqp://admin:" + "0123456789abcdef01234567" + "@broker",
        ],
    )
    def test_what_should_not_be_said_is_noticed(self, text):
        assert len(findings(text)) == 1

    @pytest.mark.parametrize(
        "text", ["lan@example.vn", "no-reply@hoiam.example", "http://user:password@host:15672", "/var/lib/hoiam", "a@b.vn"]
    )
    def test_examples_may_be_given(self, text):
        assert findings(text) == []


class TestLocks:
    @pytest.mark.parametrize("name", LOCKS)
    def test_say_what_and_not_where_from(self, name):
        text = (PROJECT / name).read_text(encoding="utf-8")

        assert "://" not in text
        assert "file:" not in text

    @pytest.mark.parametrize("name", LOCKS)
    def test_name_every_requirement_with_version_and_hash(self, name):
        entries = re.split(r"\n(?! )", (PROJECT / name).read_text(encoding="utf-8").strip())

        assert [entry for entry in entries if not re.match(r"[a-z0-9.-]+==.+--hash=sha256:[0-9a-f]{64}", entry, re.DOTALL)] == []

    def test_hold_what_the_project_asks_for(self):
        project = PYPROJECT["project"]

        assert named(project["dependencies"]) - locked("requirements.lock").keys() == set()
        assert named(project["optional-dependencies"]["dev"]) - locked("requirements-dev.lock").keys() == set()
        assert named(PYPROJECT["build-system"]["requires"]) - locked("requirements-build.lock").keys() == set()
        assert named(PYPROJECT["dependency-groups"]["bench"]) - locked("requirements-bench.lock").keys() == set()

    def test_what_the_bench_stands_beside_is_not_installed_with_anything_else(self):
        peers = {"celery", "faststream"}

        assert peers <= locked("requirements-bench.lock").keys()
        assert not peers & (locked("requirements.lock").keys() | locked("requirements-dev.lock").keys())

    def test_tests_run_on_the_versions_that_run(self):
        development = locked("requirements-dev.lock")

        assert {name: development.get(name) for name in locked("requirements.lock")} == locked("requirements.lock")
