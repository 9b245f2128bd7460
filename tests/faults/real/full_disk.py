"""PostgreSQL on a disk of its own, which gets full. Needs root, for the small file system."""

import os
import subprocess
from pathlib import Path
from typing import Any

from services.cli.private_postgres import PrivatePostgres
from tests.faults.real.field import Field
from tests.faults.real.machines import owner_says, repeated
from tests.faults.real.system import pause, system, vhost
from tests.wait import until

SIZE = "512m"


def fill(disk: Path, postgres: PrivatePostgres, field: Field) -> None:
    """To the last byte, that of the write-ahead log too; intake has to say so (503) and heal alone when there is room again.

    A PostgreSQL that cannot write its log gives up, and cannot recover for want of room either: whoever runs it (systemd,
    Compose's ``restart``) starts it again.
    """
    refused, ballast = field.portal.refused, disk / "ballast"
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
        except OSError:
            pass
    until(lambda: field.portal.refused > refused, 60, what="intake refuses, for want of room", every=0.1)
    owner_says(postgres.url, "SELECT pg_switch_wal()")
    pause(3)
    ballast.unlink()
    postgres.start()


def full_disk(proof: Any) -> None:
    """Only where a file system can be made."""
    if os.geteuid() != 0:
        proof.say("PostgreSQL: full disk was not tried: it needs root")
        return
    disk = proof.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=711", "tmpfs", str(disk)], check=True)
    try:
        _on(disk, proof)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _on(disk: Path, proof: Any) -> None:
    amqp = vhost(proof.rabbit.amqp_url, proof.rabbit.management_url, "full")
    with (
        PrivatePostgres(disk / "postgres") as postgres,
        system(proof.folder / "full", postgres.url, amqp, proof.rabbit.management_url) as of,
        proof.people_in(of) as field,
    ):
        field.row("PostgreSQL: full disk", lambda field: repeated(proof.times(3), lambda: fill(disk, postgres, field))(field))
