"""Ports for parts that must come back on the same one: outside of the range that the system hands out by itself."""

import socket
from random import Random
from typing import Final

LOWEST: Final = 10_000
HIGHEST: Final = 32_000
_RANDOM: Final = Random()


def fixed_port(*, run: int = 1) -> int:
    """The first of `run` neighbouring ports that nobody holds."""
    while True:
        first = _RANDOM.randrange(LOWEST, HIGHEST)
        if all(_is_free(port) for port in range(first, first + run)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
