"""Builds that are broken on purpose, under the same kills: where one of them passes, the proof is blind."""

from typing import Any

from tests.conftest import fresh_database
from tests.faults.real.field import Field
from tests.faults.real.services import kills
from tests.faults.real.system import system, vhost
from tests.faults.real.wrapped import FLAWS

KILLS = 20
PATIENCE = 12.0  # seconds: what is lost never comes


def controls(proof: Any) -> list[str]:
    """The flaws that were not seen."""
    unseen = []
    for flaw in FLAWS:
        name = f"control{FLAWS.index(flaw)}"
        amqp = vhost(proof.rabbit.amqp_url, proof.rabbit.management_url, name)
        url = fresh_database(proof.postgres.url)
        with system(proof.folder / name, url, amqp, proof.rabbit.management_url, FAULTS_GAP="0.1", FAULTS_FLAW=flaw) as of:
            field = Field(of, proof.say, rate=20)
            with field.people():
                row = field.row(f"CONTROL {flaw}", kills_without_waiting, reports=150, patience=PATIENCE)
        row.control = True
        proof.rows.append(row)
        if row.good:
            unseen.append(f"the build with {flaw} passed: the proof is blind")
    return unseen


def kills_without_waiting(field: Field) -> int:
    """What is lost is not waited for."""
    field.is_patient = False
    return kills(KILLS)(field)
