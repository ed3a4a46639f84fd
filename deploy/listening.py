"""Where a part may listen, and what a URL may say."""

import errno
import socket
from urllib.parse import SplitResult, urlsplit

from core.domain.errors import InvalidInput
from core.runtime.loopback import is_loopback


def require_tls_beyond_loopback(setting: str, url: str, plain: str) -> None:
    """Refuse a plain-text URL that leaves this machine.

    Raises:
        InvalidInput: the URL has no host, another scheme, no possible port, or is plain text to another machine.
    """
    parts = _split(setting, url)
    if not parts.hostname:
        raise InvalidInput(f"setting {setting}: {url!r} names no host")
    if parts.scheme not in {plain, f"{plain}s"}:
        raise InvalidInput(f"setting {setting}: give {plain}://host:port or {plain}s://host:port")
    if parts.scheme == plain and not is_loopback(parts.hostname):
        raise InvalidInput(f"setting {setting}: {plain}:// is refused beyond loopback; use {plain}s://")


def _split(setting: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # read here, because only reading it checks it
    except ValueError as problem:
        raise InvalidInput(f"setting {setting}: this is no URL ({problem}); correct it") from problem
    return parts


def address_family(host: str) -> socket.AddressFamily:
    """IPv6 for an address with colons, else IPv4."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def cannot_listen(problem: OSError, setting: str, host: str, port: int) -> InvalidInput:
    """Say why a port cannot be had, and what to do."""
    if problem.errno == errno.EADDRINUSE:
        return InvalidInput(f"port {port} is taken; free it, or set {setting} to another one (0 takes any)")
    if problem.errno == errno.EACCES:
        return InvalidInput(f"port {port} is reserved for the administrator; set {setting} to one above 1023 (0 takes any)")
    return InvalidInput(
        f"{host} is no address of this machine to listen on ({problem.strerror}); correct the setting of the host"
    )


def require_free_port(setting: str, host: str, port: int) -> None:
    """Refuse a port that something else holds, before anything starts.

    Raises:
        InvalidInput: the port is taken, reserved, or the host is none of this machine's addresses.
    """
    if port == 0:
        return
    with socket.socket(address_family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise cannot_listen(problem, setting, host, port) from problem
