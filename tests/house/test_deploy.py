"""The deployment as its own tools see it: Compose, hadolint, make, and the script that makes secrets."""

import json
import re
import shutil
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from services.cli import keys
from services.intake.settings import IntakeSettings
from shared.access import Role, TokenVerifier
from shared.settings import PROJECT
from tests.builders import MONDAY

OURS = ("intake", "routing", "sla", "notify")
BIN = Path(sys.executable).parent
COMPOSE = PROJECT / "docker-compose.yml"


def run(*command: str | Path, folder: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    """``command`` to its end, whatever comes of it."""
    return subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def compose():
    """The Compose file as Compose understands it, everything filled in."""
    done = run(BIN / "docker-compose", "-f", COMPOSE, "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    """What deploy/secrets.sh makes."""
    folder = tmp_path_factory.mktemp("installation") / "secrets"
    done = run("sh", PROJECT / "deploy/secrets.sh", folder)
    assert done.returncode == 0, done.stderr
    return folder


def contents(folder: Path) -> dict[str, str]:
    """Every file below ``folder``."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


class TestCompose:
    @pytest.mark.parametrize(
        ("right", "wrong"),
        [("healthcheck:", "healthchek:"), ("depends_on: {migrate:", "depends_on: {migrat:"), ("- link_key", "- link_kee")],
    )
    def test_a_broken_file_is_noticed(self, tmp_path, right, wrong):
        text = COMPOSE.read_text(encoding="utf-8")
        (tmp_path / "docker-compose.yml").write_text(text.replace(right, wrong, 1), encoding="utf-8")

        assert run(BIN / "docker-compose", "config", "-q", folder=tmp_path).returncode != 0

    def test_every_container_is_fenced_in(self, compose):
        for name, service in compose["services"].items():
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
            assert service["user"].split(":")[0] not in {"", "0", "root"}, name
            assert service["deploy"]["resources"]["limits"].keys() >= {"cpus", "memory", "pids"}, name
            assert service["restart"] == ("on-failure:5" if name == "migrate" else "unless-stopped")

    def test_only_the_front_door_and_the_dashboards_are_published_and_on_this_machine_alone(self, compose):
        published = {
            (name, port["host_ip"], port["published"]) for name, service in compose["services"].items() for port in service.get("ports", [])
        }

        assert published == {("intake", "127.0.0.1", "8311"), ("grafana", "127.0.0.1", "3000")}

    def test_who_need_not_reach_the_world_cannot(self, compose):
        outside = {name for name, service in compose["services"].items() if "outside" in service["networks"]}

        assert compose["networks"]["inside"]["internal"]
        assert outside == {"intake", "notify", "alertmanager", "grafana"}

    def test_services_start_when_everything_is_prepared(self, compose):
        before = compose["services"]["migrate"]["depends_on"]

        assert {name: needed["condition"] for name, needed in before.items()} == dict.fromkeys(("postgres", "rabbitmq"), "service_healthy")
        for name in OURS:
            assert compose["services"][name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"

    def test_no_secret_is_in_the_environment(self, compose):
        for name, service in compose["services"].items():
            for variable, value in (service.get("environment") or {}).items():
                if re.search("PASSWORD|SECRET|KEY|DATABASE_URL|AMQP_URL|MANAGEMENT_URL", variable):
                    assert value.startswith("/run/secrets/"), f"{variable} of {name}"

    def test_each_container_is_given_exactly_the_secrets_it_names(self, compose):
        for name, service in compose["services"].items():
            values = map(str, (service.get("environment") or {}).values())
            named = {value.removeprefix("/run/secrets/") for value in values if value.startswith("/run/secrets/")}
            given = {Path(secret["target"]).name for secret in service.get("secrets", []) if "etc" not in secret["target"]}

            assert given - {"roles.sql"} == named, name

    def test_every_secret_is_made_by_the_script(self, compose, secrets):
        for secret in compose["secrets"].values():
            assert (secrets / Path(secret["file"]).relative_to(PROJECT / "secrets")).stat().st_size > 0

    def test_what_services_write_outlives_their_containers_and_is_theirs_to_write(self, compose):
        made = re.search("install --directory --owner 10001 --group 10001 (.+)", (PROJECT / "deploy/Dockerfile").read_text())[1].split()

        for name, variable in (("notify", "MAILBOX_DIR"), ("intake", "MEDIA_URL"), ("intake", "TMPDIR")):
            service = compose["services"][name]
            [volume] = [volume["target"] for volume in service["volumes"] if volume["type"] == "volume"]
            assert service["environment"][variable].startswith(volume)
            assert volume in made

    def test_every_mounted_file_is_there(self, compose):
        for service in compose["services"].values():
            for volume in service.get("volumes", []):
                assert volume["type"] == "volume" or Path(volume["source"]).exists()


class TestDockerfile:
    def test_hadolint_has_nothing_to_say(self):
        done = run(BIN / "hadolint", "deploy/Dockerfile")

        assert (done.returncode, done.stdout) == (0, "")

    def test_hadolint_would_say_it(self, tmp_path):
        (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN cd /tmp && apt-get install curl\n")

        assert run(BIN / "hadolint", tmp_path / "Dockerfile").returncode != 0

    def test_what_it_needs_gets_past_dockerignore(self):
        allowed = [line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
        project = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")

        assert {"pyproject.toml", "requirements.lock", "requirements-build.lock", "services", "shared", "deploy/provinces"} <= {*allowed}
        assert re.search(r'readme = "(.+)"', project)[1] in allowed


class TestSecrets:
    def test_are_made_once(self, secrets):
        before = contents(secrets)

        assert run("sh", PROJECT / "deploy/secrets.sh", secrets).returncode == 0
        assert contents(secrets) == before

    def test_differ_from_installation_to_installation(self, secrets, tmp_path):
        assert run("sh", PROJECT / "deploy/secrets.sh", tmp_path).returncode == 0

        mine, theirs = contents(secrets), contents(tmp_path)
        assert mine.keys() == theirs.keys()
        assert {name for name in mine if mine[name] == theirs[name]} == set()

    def test_leave_no_placeholder_behind(self, secrets):
        assert not [name for name, text in contents(secrets).items() if re.search(r"@\w+@", text)]

    def test_are_closed_to_other_users_of_the_machine(self, secrets):
        assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
        assert stat.S_IMODE((secrets / keys.PRIVATE).stat().st_mode) == 0o600

    def test_suit_the_services(self, secrets, monkeypatch):
        for variable, name in {
            "DATABASE_URL_FILE": "database_url_intake",
            "AMQP_URL_FILE": "amqp_url_intake",
            "JWT_PUBLIC_KEY_FILE": keys.PUBLIC,
            "LINK_KEY_FILE": keys.LINK,
            "SEALING_KEYS_FILE": keys.SEALING,
        }.items():
            monkeypatch.setenv(variable, str(secrets / name))

        settings = IntakeSettings()  # raises for a key that won't do
        token = keys.token(secrets / keys.PRIVATE, role="operator", name="lan", at=MONDAY, hours=1)
        verifier = TokenVerifier(public_key=settings.jwt_public_key, issuer="hoiam", audience="hoiam")

        assert verifier.principal(token, MONDAY + timedelta(minutes=1)).role == Role.OPERATOR

    def test_are_ignored_by_git(self):
        assert run("git", "check-ignore", "-q", "secrets/link_key").returncode == 0


class TestMake:
    def test_alone_lists_what_there_is(self):
        listed = run("make").stdout

        for target in ("setup", "run", "test", "check", "bench", "clean"):
            assert re.search(rf"^  make {target} +\w", listed, re.MULTILINE)

    def test_says_what_is_missing_where_python_is_too_old(self, tmp_path):
        for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-build.lock"):
            shutil.copy(PROJECT / name, tmp_path)
        old = tmp_path / "old-python"
        old.write_text("#!/bin/sh\nexit 1\n")
        old.chmod(0o755)

        done = run("make", "setup", f"PYTHON={old}", "UV=.uv/bin/uv", folder=tmp_path)

        assert done.returncode != 0
        assert "needs Python 3.11 or newer" in done.stderr

    def test_is_what_the_robot_runs(self):
        assert (PROJECT / ".ci/run").read_text().splitlines()[-1] == "make test"
