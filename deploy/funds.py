"""Lamports: whoever signs first pays the fee."""

from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput
from programs.client.rpc import ChainClient


async def require_funds(chain: ChainClient, key: Pubkey, who: str) -> None:
    """Refuse to begin what its payer cannot pay for.

    Raises:
        InvalidInput: the account is empty; the sentence says what to do.
    """
    if await chain.balance(key) == 0:
        raise InvalidInput(f"{who} {key} has no SOL to pay with; send it some: on a test chain `gridtokenx chain airdrop {key}`")
