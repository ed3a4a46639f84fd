"""What stays on this machine: the one rule for every part that listens or connects."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host name or address leads to this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
