"""What tests need of Debian's packages, installed when it is missing and we may; their daemons stay off."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from services.cli.process import CannotStart

POLICY = Path("/usr/sbin/policy-rc.d")
WATCHERS = {"prometheus": ("prometheus", "promtool"), "prometheus-alertmanager": ("alertmanager", "prometheus-alertmanager")}
ADVICE = (
    "No Prometheus or no Alertmanager found. On Debian or Ubuntu: sudo apt-get install --no-install-recommends prometheus "
    "prometheus-alertmanager; on macOS: brew install prometheus alertmanager."
)


def ensure_watchers() -> None:
    """Prometheus and Alertmanager, with promtool and amtool. Raises :class:`CannotStart` with what to do when we may not install."""
    missing = [package for package, names in WATCHERS.items() if not any(map(shutil.which, names))]
    if missing:
        install(missing, ADVICE)


def install(packages: Sequence[str], advice: str) -> None:
    """Raises :class:`CannotStart` with ``advice`` when this is not root on a Debian-like system, or when it fails."""
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or not apt:
        raise CannotStart(advice)
    sys.stderr.write(f"Installing Debian's {' and '.join(packages)} for the tests (some 20 MB each; no system service is started) …\n")
    ours = _forbid_services()
    try:
        _run(advice, apt, "update")
        _run(advice, apt, "install", "-y", "--no-install-recommends", *packages)
    finally:
        if ours:
            POLICY.unlink()


def _forbid_services() -> bool:
    """Tell Debian's packages not to start their daemons. False: the machine has its own policy, which stays."""
    if POLICY.exists():
        return False
    POLICY.write_text("#!/bin/sh\nexit 101\n")  # 101: forbidden, see invoke-rc.d(8)
    POLICY.chmod(0o755)
    return True


def _run(advice: str, *command: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise CannotStart(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}\n{advice}")
