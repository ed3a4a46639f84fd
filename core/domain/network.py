"""The eight bytes that name one deployment, so that a statement counts there only."""

import hashlib
from typing import Final

from core.domain.errors import InvalidInput

NETWORK_SIZE: Final = 8
_DOMAIN: Final = b"gridtokenx-network"


def network_bytes(genesis_hash: bytes, registry_program_id: bytes) -> bytes:
    """The network bytes of a chain and a registry program, 32 bytes each.

    Raises:
        InvalidInput: an argument is not 32 bytes.
    """
    if len(genesis_hash) != 32 or len(registry_program_id) != 32:
        raise InvalidInput("genesis hash and registry program id are 32 bytes each")
    return hashlib.sha256(_DOMAIN + genesis_hash + registry_program_id).digest()[:NETWORK_SIZE]
