"""Configuration of a Mosquitto broker that enforces `broker.access`: three files, made from the credentials."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broker.mailbox import BRIDGE_MAILBOX
from broker.passwords import is_mosquitto_hash
from core.domain.errors import InvalidInput
from core.domain.identity import Fleet
from devices import topics

CONFIG_FILE: Final = "mosquitto.conf"
PASSWORD_FILE: Final = "passwords"  # noqa: S105  # the name of a file
ACL_FILE: Final = "access"
MAX_PAYLOAD_BYTES: Final = 65_536
"""A full journal message."""
_PACKET_ROOM_BYTES: Final = 1_024


@dataclass(frozen=True, slots=True)
class Login:
    """A broker user with its password's hash."""

    username: str
    password_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MosquittoPlan:
    """What the three files say."""

    directory: Path
    """Where the files are, and in it `data/` where Mosquitto keeps its sessions."""
    host: str
    port: int
    fleets: tuple[Fleet, ...]
    bridge: Login
    devices: tuple[Login, ...]
    more_bridges: tuple[Login, ...] = ()
    """Further bridges that share a subscription with the first: each needs a user of its own, for its own session."""
    certificate: Path | None = None
    """Server certificate; required on anything but loopback."""
    key: Path | None = None
    user: str | None = None
    """Whom Mosquitto becomes when the administrator starts it: the owner of the files."""


def render(plan: MosquittoPlan) -> dict[str, str]:
    """File name → content.

    Raises:
        InvalidInput: a hash that Mosquitto does not read, two users of one name, half of a TLS pair, or no TLS off loopback.
    """
    return {
        CONFIG_FILE: _config(plan),
        PASSWORD_FILE: _passwords((plan.bridge, *plan.more_bridges, *plan.devices)),
        ACL_FILE: _acl(plan),
    }


def write(plan: MosquittoPlan) -> Path:
    """Write the files, readable by their owner alone, and return the configuration's path."""
    contents = render(plan)
    (plan.directory / "data").mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        path = plan.directory / name
        path.touch(mode=0o600)
        path.write_text(content)
    return plan.directory / CONFIG_FILE


def _config(plan: MosquittoPlan) -> str:
    lines = [
        f"listener {plan.port} {plan.host}",
        "allow_anonymous false",
        f"password_file {plan.directory / PASSWORD_FILE}",
        f"acl_file {plan.directory / ACL_FILE}",
        "use_username_as_clientid true",  # nobody takes over another's session
        "persistence true",
        f"persistence_location {plan.directory / 'data'}/",
        "autosave_interval 30",
        "persistent_client_expiration 7d",
        f"max_inflight_messages {BRIDGE_MAILBOX.window}",
        "max_queued_messages 1000000",  # the bridge's backlog, bounded by bytes
        "max_queued_bytes 1073741824",
        f"max_packet_size {MAX_PAYLOAD_BYTES + _PACKET_ROOM_BYTES}",
        "max_keepalive 3600",
        "set_tcp_nodelay true",  # else every answer waits for a delayed acknowledgement
        "sys_interval 3600",  # it tells its version at the start; the rest is told hourly
        "connection_messages false",
        "log_type error",
        "log_type warning",
        *([] if plan.user is None else [f"user {plan.user}"]),
        *_tls(plan),
    ]
    return "\n".join(lines) + "\n"


def _tls(plan: MosquittoPlan) -> list[str]:
    if (plan.certificate is None) != (plan.key is None):
        raise InvalidInput("TLS needs both, a certificate and its key")
    if plan.certificate is not None:
        return [f"certfile {plan.certificate}", f"keyfile {plan.key}", "tls_version tlsv1.2"]  # the lowest that is spoken
    if plan.host not in {"127.0.0.1", "::1", "localhost"}:
        raise InvalidInput(f"TLS is required on {plan.host}: name a certificate and its key")
    return []


def _passwords(logins: Iterable[Login]) -> str:
    lines: dict[str, str] = {}
    for login in logins:
        if login.username in lines:
            raise InvalidInput(f"two users are named {login.username}: a meter must not be named like the bridge's user")
        if not is_mosquitto_hash(login.password_hash) or ":" in login.username or "\n" in login.username:
            raise InvalidInput(f"the stored password of {login.username} is not in Mosquitto's format: issue a new one")
        lines[login.username] = f"{login.username}:{login.password_hash}"
    return "\n".join(lines.values()) + "\n"


def _acl(plan: MosquittoPlan) -> str:
    rights = [
        *(f"topic read {topics.fleet_filter(fleet, channel)}" for fleet in plan.fleets for channel in _sorted(published=True)),
        *(f"topic write {topics.fleet_filter(fleet, channel)}" for fleet in plan.fleets for channel in _sorted(published=False)),
        f"topic read {topics.claim_request_topic('+')}",
        "topic read $SYS/broker/version",
        f"topic write {topics.claim_response_topic('+')}",
    ]
    bridges = [line for bridge in (plan.bridge, *plan.more_bridges) for line in (f"user {bridge.username}", *rights)]
    devices = [
        *(f"pattern write {_own(fleet, channel)}" for fleet in plan.fleets for channel in _sorted(published=True)),
        *(f"pattern read {_own(fleet, channel)}" for fleet in plan.fleets for channel in _sorted(published=False)),
    ]
    return "\n".join([*bridges, "", *devices]) + "\n"


def _own(fleet: Fleet, channel: topics.Channel) -> str:
    return topics.fleet_filter(fleet, channel).replace("/+/", "/%u/", 1)


def _sorted(*, published: bool) -> list[topics.Channel]:
    return sorted(topics.DEVICE_PUBLISHES if published else topics.DEVICE_SUBSCRIBES)
