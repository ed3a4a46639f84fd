"""What became of transactions that rows name, whatever may stand in the rows."""

from collections.abc import Sequence
from typing import Protocol

from solders.signature import Signature

from programs.client.rpc import SignatureStatus


class Statuses(Protocol):
    """The part of `programs.client.rpc.ChainClient` that tells how far transactions have come."""

    async def statuses(self, signatures: Sequence[str], *, search_history: bool = False) -> list[SignatureStatus | None]:
        """How far transactions have come."""
        ...


async def fates(chain: Statuses, names: Sequence[str]) -> dict[str, SignatureStatus | None]:
    """How far transactions have come; a name that can be no signature is of none, and the node is not asked for it.

    Args:
        chain: the node.
        names: at most as many as the node tells of in one answer.
    """
    possible = [name for name in names if _is_signature(name)]
    told = await chain.statuses(possible, search_history=True) if possible else []
    return dict.fromkeys(names) | dict(zip(possible, told, strict=True))


def _is_signature(name: str) -> bool:
    try:
        Signature.from_string(name)
    except ValueError:
        return False
    return True
