"""The overlay for production, as Compose merges it; the settings of its PostgreSQL on a real one; and tags that name one image for good."""

import json
import re
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
import yaml

from services.cli.private_postgres import PrivatePostgres
from shared.settings import PROJECT

COMPOSE = [str(Path(sys.executable).parent / "docker-compose"), "-f", "docker-compose.yml"]
NODES = ("rabbitmq", "rabbitmq-2", "rabbitmq-3")
SERVICES = ("intake", "routing", "sla", "notify")
OWN_PLACES = ("data_directory", "hba_file", "ident_file", "listen_addresses", "shared_buffers", "timezone")  # of the image, or of this test


def config(*arguments: str) -> dict:
    done = subprocess.run([*COMPOSE, *arguments, "config", "--format", "json"], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def production() -> dict:
    return config("-f", "deploy/compose.production.yml")


class TestOverlay:
    def test_fences_every_container_in_as_before(self, production):
        for name, service in production["services"].items():
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name
            assert service["user"].split(":")[0] not in {"", "0", "root"}, name
            assert service["deploy"]["resources"]["limits"].keys() >= {"cpus", "memory", "pids"}, name

    def test_runs_two_of_each_service_and_publishes_both_doors_on_this_machine_alone(self, production):
        assert {production["services"][name]["deploy"]["replicas"] for name in SERVICES} == {2}
        [port] = production["services"]["intake"]["ports"]
        assert (port["host_ip"], port["published"]) == ("127.0.0.1", "8311-8312")

    def test_has_three_nodes_under_one_name_that_find_each_other(self, production):
        conf = (PROJECT / "deploy/rabbitmq/cluster.conf").read_text()
        named = set(re.findall(r"rabbit@(\S+)", conf))

        assert {production["services"][node]["hostname"] for node in NODES} == named == set(NODES)
        for node in NODES:
            service = production["services"][node]
            mounted = {volume["target"] for volume in service["volumes"]}
            assert service["networks"]["inside"]["aliases"] == ["broker"]
            assert mounted >= {"/etc/rabbitmq/rabbitmq.conf", "/etc/rabbitmq/conf.d/20-cluster.conf", "/var/lib/rabbitmq"}
            assert {secret["source"] for secret in service["secrets"]} == {"rabbitmq_definitions", "rabbitmq_cookie"}

    def test_keeps_the_data_of_each_node_apart(self, production):
        of_node = [volume["source"] for node in NODES for volume in production["services"][node]["volumes"] if volume["type"] == "volume"]

        assert sorted(of_node) == sorted(NODES)

    def test_makes_queues_when_every_node_is_there(self, production):
        assert production["services"]["migrate"]["depends_on"].keys() >= set(NODES)


class TestTools:
    def test_have_every_secret_of_the_services_and_room_for_backups(self):
        tools = config("--profile", "tools")["services"]["tools"]

        given = {secret["source"] for secret in tools["secrets"]}
        assert given >= {"database_url", "amqp_url", "management_url", "sealing_keys", "link_key", "jwt_public_key", "jwt_private_key"}
        assert {volume["target"] for volume in tools["volumes"]} == {"/media", "/backups"}
        assert tools["restart"] == "no"

    def test_are_not_started_with_the_rest(self):
        assert "tools" not in config()["services"]


class TestPostgres:
    def test_takes_every_production_setting(self, open_folder):
        conf = (PROJECT / "deploy/postgres/production.conf").read_text()
        lines = [line for line in conf.splitlines() if not line.startswith(OWN_PLACES)]
        ours = [line.split(" = ")[0] for line in lines if " = " in line and not line.startswith("#")]
        with PrivatePostgres(open_folder / "production") as postgres:
            with (postgres.folder / "postgresql.conf").open("a") as file:
                file.write("\n".join(["", *lines, ""]))
            postgres.stop()
            postgres.start()
            with psycopg2.connect(postgres.url) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL AND lower(name) = ANY(%s)", [ours])
                wrong = cursor.fetchall()
                cursor.execute(
                    "SELECT lower(name) FROM pg_settings WHERE source IN ('configuration file', 'command line') AND name = ANY(%s)", [ours]
                )
                taken = {name for (name,) in cursor.fetchall()}
            connection.close()

        assert wrong == []
        assert taken == set(ours)

    def test_never_gives_durability_away(self):
        conf = (PROJECT / "deploy/postgres/production.conf").read_text()

        assert not re.search(r"^(fsync|full_page_writes|synchronous_commit)\b", conf, re.MULTILINE)


class TestTags:
    def test_name_one_release_of_each_image(self, production):
        images = {service["image"] for service in production["services"].values()}
        images |= set(re.findall(r"^FROM (\S+)", (PROJECT / "deploy/Dockerfile").read_text(), re.MULTILINE))

        assert [image for image in images if not re.search(r":v?\d+\.\d+(\.\d+)?(-[a-z]+)?$", image)] == []

    def test_are_of_this_release_for_our_own(self):
        version = re.search(r'^version = "(.+)"', (PROJECT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
        compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))

        assert compose["services"]["intake"]["image"] == f"hoiam:${{HOIAM_VERSION:-{version}}}"
