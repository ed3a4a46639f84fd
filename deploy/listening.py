"""Where a part may listen."""

import ipaddress
import socket
from urllib.parse import urlsplit

from core.domain.errors import InvalidInput


def is_loopback(host: str) -> bool:
    """Whether a host name or address stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_tls_beyond_loopback(setting: str, url: str, plain: str) -> None:
    """Refuse a plain-text URL that leaves this machine.

    Raises:
        InvalidInput: the URL has no host, or is plain text to another machine.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        raise InvalidInput(f"setting {setting}: {url!r} names no host")
    if parts.scheme == plain and not is_loopback(parts.hostname):
        raise InvalidInput(f"setting {setting}: {plain}:// is refused beyond loopback; use {plain}s://")


def require_free_port(setting: str, host: str, port: int) -> None:
    """Refuse a port that something else holds, before anything starts.

    Raises:
        InvalidInput: the port is taken.
    """
    if port == 0:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise InvalidInput(f"port {port} is taken; free it, or set {setting} to another one (0 takes any)") from problem
