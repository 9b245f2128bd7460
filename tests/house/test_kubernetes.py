"""The manifests as Kubernetes and KEDA would read them, checked without either: against their schemas, and against each other."""

import json
import re
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from services.cli.system import HANDLERS
from services.intake.settings import IntakeSettings
from services.notify.settings import NotifySettings
from shared.bus.topology import inbox
from shared.settings import PROJECT

FOLDER = PROJECT / "deploy/kubernetes"
SCHEMAS = json.loads((PROJECT / "tests/house/kubernetes.json").read_text())
SERVICES = tuple(HANDLERS)
Thing = dict[str, Any]


def things() -> Iterator[Thing]:
    """Every resource that the kustomizations name, lists taken apart."""
    for folder in (FOLDER, FOLDER / "prepare"):
        for name in yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]:
            for document in yaml.safe_load_all((folder / name).read_text()):
                yield from document["items"] if document["kind"] == "List" else [document]


def mistakes(thing: Thing) -> list[str]:
    """What the schema of its kind says against it."""
    name = SCHEMAS["kinds"][f"{thing['apiVersion']} {thing['kind']}"]
    validator = Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": SCHEMAS["definitions"]})
    return [f"{thing['metadata']['name']}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(thing)]


THINGS = list(things())


def of_kind(kind: str) -> dict[str, Thing]:
    return {thing["metadata"]["name"]: thing for thing in THINGS if thing["kind"] == kind}


def pods() -> dict[str, Thing]:
    """What runs, by the name of its deployment or job."""
    return {name: thing["spec"]["template"]["spec"] for kind in ("Deployment", "Job") for name, thing in of_kind(kind).items()}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory) -> dict[str, dict[str, str]]:
    """Name → key → text, as secrets.sh makes them of what deploy/secrets.sh makes."""
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run(
        ["sh", PROJECT / "deploy/secrets.sh", folder],
        check=True,
        capture_output=True,
        env={"POSTGRES_AT": "db:6000", "PATH": "/usr/bin:/bin"},
    )
    made = subprocess.run(["sh", FOLDER / "secrets.sh", folder], check=True, capture_output=True, text=True).stdout
    read = {thing["metadata"]["name"]: thing for thing in yaml.safe_load_all(made)}
    return {name: {key: b64decode(text or "").decode() for key, text in thing["data"].items()} for name, thing in read.items()}


class TestSchemas:
    def test_find_nothing_wrong(self):
        assert [mistake for thing in THINGS for mistake in mistakes(thing)] == []

    @pytest.mark.parametrize(
        ("kind", "name", "path", "value"),
        [
            ("Deployment", "sla", ("spec", "template", "spec", "containers", 0, "livenessprobe"), {}),
            ("Deployment", "sla", ("spec", "template", "spec", "securityContext", "runAsNonRoot"), "yes"),
            ("PodDisruptionBudget", "sla", ("spec", "minAvailabel"), 1),
            ("NetworkPolicy", "doors", ("spec", "ingress", 0, "form"), []),
            ("ScaledObject", "sla", ("spec", "triggers", 0, "metadata", "value"), 500),
            ("ScaledObject", "sla", ("spec", "minReplicas"), 2),
            ("TriggerAuthentication", "sla-inbox", ("spec", "secretTargetRef", 0, "secret"), "x"),
        ],
    )
    def test_would_find_it(self, kind, name, path, value):
        broken = json.loads(json.dumps(of_kind(kind)[name]))
        place = broken
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

        assert mistakes(broken)


class TestPods:
    def test_there_is_one_kind_for_each_service_and_one_that_prepares(self):
        assert set(pods()) == {*SERVICES, "prepare"}
        for service in SERVICES:
            assert pods()[service]["containers"][0]["command"] == ["python", "-m", f"services.{service}"]

    @pytest.mark.parametrize("name", [*SERVICES, "prepare"])
    def test_are_fenced_in(self, name):
        pod = pods()[name]
        [container] = pod["containers"]

        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert {*container["resources"]["limits"], *container["resources"]["requests"]} == {"cpu", "memory"}

    @pytest.mark.parametrize("service", SERVICES)
    def test_are_watched_and_replaced_without_a_gap(self, service):
        [container] = pods()[service]["containers"]

        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert container["startupProbe"]["httpGet"]["path"] == "/healthz"
        assert of_kind("Deployment")[service]["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
        assert of_kind("PodDisruptionBudget")[service]["spec"]["selector"] == of_kind("Deployment")[service]["spec"]["selector"]
        assert pods()[service]["terminationGracePeriodSeconds"] >= 5 + 2 * 8

    @pytest.mark.parametrize("name", [*SERVICES, "prepare"])
    def test_have_the_secrets_they_read_and_no_other(self, name, secrets):
        pod = pods()[name]
        [given] = [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume]
        read = {variable["value"].rsplit("/", 1)[1] for variable in pod["containers"][0]["env"] if variable["name"].endswith("_FILE")}

        assert read == set(secrets[given])

    def test_read_settings_that_there_are(self):
        known = {name.upper() for kind in (IntakeSettings, NotifySettings) for name in kind.model_fields}
        variables = {v["name"] for pod in pods().values() for v in pod["containers"][0]["env"]} - {"MANAGEMENT_URL_FILE"}

        assert set(of_kind("ConfigMap")["hoiam"]["data"]) <= known
        assert {variable.removesuffix("_FILE") for variable in variables} <= known

    def test_are_of_this_release(self):
        version = re.search(r'^version = "(.+)"', (PROJECT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]

        for folder in (FOLDER, FOLDER / "prepare"):
            assert [image["newTag"] for image in yaml.safe_load((folder / "kustomization.yaml").read_text())["images"]] == [version]


class TestSecrets:
    def test_are_each_services_own_logins_at_the_place_that_was_named(self, secrets):
        for service in SERVICES:
            assert re.fullmatch(rf"postgresql://svc_{service}:\w+@db:6000/hoiam\n", secrets[f"hoiam-{service}"]["database_url"])
            assert secrets[f"hoiam-{service}"]["amqp_url"].startswith(f"amqp://svc.{service}:")

    def test_of_reporters_are_with_intake_and_notify_alone(self, secrets):
        assert {name for name, data in secrets.items() if data.keys() & {"link_key", "sealing_keys"}} == {"hoiam-intake", "hoiam-notify"}
        assert "jwt_private_key" not in {key for data in secrets.values() for key in data}


class TestScaling:
    def test_is_by_the_queue_that_the_service_reads(self, secrets):
        for service in set(SERVICES) - {"intake"}:
            scaled = of_kind("ScaledObject")[service]["spec"]
            [trigger] = scaled["triggers"]
            [from_secret] = of_kind("TriggerAuthentication")[trigger["authenticationRef"]["name"]]["spec"]["secretTargetRef"]

            assert trigger["metadata"]["queueName"] == inbox(service)
            assert from_secret["key"] in secrets[from_secret["name"]]

    def test_is_of_every_deployment_and_never_below_two(self):
        scaled = of_kind("ScaledObject")

        assert {one["spec"]["scaleTargetRef"]["name"] for one in scaled.values()} == set(of_kind("Deployment")) == set(SERVICES)
        assert all(one["spec"]["minReplicaCount"] >= 2 for one in scaled.values())


class TestNetwork:
    def test_who_is_not_named_speaks_with_nobody(self):
        policy = of_kind("NetworkPolicy")["nobody"]["spec"]

        assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

    @pytest.mark.parametrize("inner", ["10.1.2.0/24", "172.20.0.0/16", "192.168.1.0/24", "169.254.169.254/32"])
    def test_notify_reaches_the_world_but_no_inner_network(self, inner):
        [rule] = of_kind("NetworkPolicy")["letters-and-webhooks"]["spec"]["egress"]
        [to] = rule["to"]

        assert any(ip_network(inner).subnet_of(ip_network(kept_out)) for kept_out in to["ipBlock"]["except"])

    def test_the_world_is_led_to_services_and_not_to_their_metrics(self):
        [rule] = of_kind("Ingress")["hoiam"]["spec"]["rules"]
        paths = {path["path"] for path in rule["http"]["paths"]}
        services = {path["backend"]["service"]["name"] for path in rule["http"]["paths"]}

        assert services <= set(of_kind("Service"))
        assert not [path for path in paths if "/metrics".startswith(path) or "/healthz".startswith(path) or "/readyz".startswith(path)]


class TestKustomization:
    def test_names_every_file(self):
        for folder in (FOLDER, FOLDER / "prepare"):
            named = set(yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"])
            assert named == {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
