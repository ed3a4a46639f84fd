"""The broker as a part: Mosquitto configured by the platform, or the embedded one where that is not installed."""

import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from broker.mosquitto import Login, MosquittoPlan, write
from broker.passwords import hash_password
from core.domain.identity import MeterId
from core.runtime.settings import Settings
from tests.faults import children
from tests.faults.parts import ForkedPart
from tests.faults.town import FLEET
from tests.support import mosquitto

BRIDGE_USER: Final = "oracle-bridge"
BRIDGE_PASSWORD: Final = "the bridge's password"


def broker_part(folder: Path, settings: Settings, devices: Mapping[MeterId, str], database: str) -> ForkedPart:
    """A broker on the settings' port that keeps its sessions in `folder`."""
    program = mosquitto.executable()
    if program is None:
        return ForkedPart("broker", children.embedded_broker, settings, database, BRIDGE_PASSWORD, folder=folder)
    config = _configured(folder / "broker", settings.mqtt.embedded_port, devices)
    return ForkedPart("broker", children.mosquitto, program, config, folder=folder)


def _configured(folder: Path, port: int, devices: Mapping[MeterId, str]) -> Path:
    return write(
        MosquittoPlan(
            directory=folder,
            host="127.0.0.1",
            port=port,
            fleets=(FLEET,),
            bridge=_login(BRIDGE_USER, BRIDGE_PASSWORD),
            devices=tuple(_login(*device) for device in devices.items()),
            user=pwd.getpwuid(os.geteuid()).pw_name,
        )
    )


def _login(username: str, password: str) -> Login:
    return Login(username, hash_password(password, username.encode().ljust(12, b"-")[:12]))
