"""Sends one transaction of the bridge's own housekeeping and waits for it: no value moves, so it needs no outbox."""

import asyncio
from collections.abc import Sequence
from typing import Final

from solders.instruction import Instruction

from core.domain.errors import Conflict, OutcomeUnknown, Unavailable
from oracle_bridge.ports import Chain
from programs.client.signer import Signer
from programs.client.transactions import signed

LOOK_EVERY_S: Final = 0.1
GIVE_UP_S: Final = 75.0
"""A blockhash lives about 60 s."""


async def deliver(chain: Chain, payer: Signer, instructions: Sequence[Instruction]) -> int:
    """Send and wait until it is confirmed; returns its slot.

    Raises:
        Conflict: the chain refused it.
        Unavailable: the node is away, or the transaction did not land in time.
    """
    blockhash, _ = await chain.latest_blockhash("confirmed")
    body = await signed(payer, instructions, blockhash)
    try:
        signature = await chain.send(body)
    except OutcomeUnknown as problem:
        raise Unavailable(str(problem)) from problem
    try:
        async with asyncio.timeout(GIVE_UP_S):
            return await _confirmed(chain, signature)
    except TimeoutError:
        raise Unavailable("a transaction of the bridge's housekeeping did not land in time") from None


async def _confirmed(chain: Chain, signature: str) -> int:
    while True:
        (status,) = await chain.statuses([signature])
        if status is not None and status.err is not None:
            raise Conflict(f"the chain refused the bridge's housekeeping: {status.err}")
        if status is not None and status.is_confirmed:
            return status.slot
        await asyncio.sleep(LOOK_EVERY_S)
