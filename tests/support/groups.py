"""Groups of tests that need more than Python: what they need, and how to install it."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.support import postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One marker of `pyproject.toml`."""

    available: Callable[[], bool]
    install: str
    """The one command that installs what is missing, on Debian."""


GROUPS: Final[Mapping[str, Group]] = {
    "rust": Group(available=lambda: shutil.which("cargo") is not None, install="apt-get install -y cargo"),
    "node": Group(
        available=lambda: shutil.which("node") is not None and shutil.which("npm") is not None,
        install="apt-get install -y nodejs npm",
    ),
    "mosquitto": Group(
        available=lambda: shutil.which("mosquitto", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin") is not None,
        install="apt-get install -y mosquitto",
    ),
    "postgres": Group(available=lambda: postgres.binaries() is not None, install="apt-get install -y postgresql"),
    "prometheus": Group(
        available=lambda: None not in {shutil.which("promtool"), shutil.which("prometheus")},
        install="apt-get install -y prometheus",
    ),
}


def missing_groups(wanted: set[str]) -> list[str]:
    """Which of the wanted groups this machine cannot run, sorted."""
    return sorted(name for name in wanted & GROUPS.keys() if not GROUPS[name].available())


def runs_in_ci() -> bool:
    """Whether a group that cannot run is a failure."""
    return os.getenv("CI", "").lower() == "true"
