"""Code into a buffer, chunk by chunk: what the chain shows decides what is written again, not what an answer said."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from solders.hash import Hash
from solders.pubkey import Pubkey

from core.domain.errors import DomainError, Unavailable
from programs.client import transactions
from programs.client.instructions import upgradeable_loader
from programs.client.loader import Buffer
from programs.client.rpc import ChainClient
from programs.client.signer import Signer

AT_ONCE = 8
"""Requests in flight; public nodes refuse more."""
LOOK_AGAIN_S = 0.5
SEND_AGAIN_S = 2.0
VAIN_ROUNDS = 3
"""Blockhashes that may expire without one more chunk on the chain before we give up."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the code and its place."""

    offset: int
    data: bytes


def chunk_size(payer: Pubkey, authority: Pubkey) -> int:
    """How much code one transaction can carry."""
    empty = upgradeable_loader.write(Pubkey.default(), authority, 0, b"")
    message = transactions.compile_v0(payer, [empty], (), Hash.default())
    longer_length = 1  # the instruction's length takes a second byte from 128 on
    return transactions.PACKET_DATA_SIZE - transactions.size_of(message) - longer_length


def missing_chunks(code: bytes, written: bytes, size: int) -> list[Chunk]:
    """The chunks that the buffer does not hold yet; one of zeros is there from the start."""
    chunks = (Chunk(offset, code[offset : offset + size]) for offset in range(0, len(code), size))
    return [chunk for chunk in chunks if written[chunk.offset : chunk.offset + len(chunk.data)] != chunk.data]


class Upload:
    """Fills one buffer.

    Args:
        client: the chain.
        payer: pays for the writes.
        authority: the buffer's authority.
        buffer: its address.
        code: what it shall hold.
        tell: is told the share that is written, 0 to 1.
    """

    def __init__(
        self, client: ChainClient, payer: Signer, authority: Signer, buffer: Pubkey, code: bytes, tell: Callable[[float], None]
    ) -> None:
        self._client = client
        self._payer = payer
        self._authority = authority
        self._buffer = buffer
        self._code = code
        self._tell = tell
        self._size = chunk_size(payer.pubkey, authority.pubkey)
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Write what is missing until nothing is.

        Raises:
            Unavailable: nothing arrives any more, or the buffer is gone.
        """
        vain, missing = 0, await self._missing()
        while missing:
            left = await self._round(missing)
            vain = vain + 1 if len(left) >= len(missing) else 0
            if vain == VAIN_ROUNDS:
                raise Unavailable("the chain takes no more of the program's code; run the command again: it goes on from there")
            missing = left

    async def _round(self, missing: list[Chunk]) -> list[Chunk]:
        """Send the chunks under one blockhash until they have landed or it has expired."""
        blockhash, last_valid = await self._client.latest_blockhash()
        wires = {chunk: await self._wire(chunk, blockhash) for chunk in missing}
        waited_s = SEND_AGAIN_S
        while missing:
            if waited_s >= SEND_AGAIN_S:
                await self._send([wires[chunk] for chunk in missing])
                waited_s = 0.0
            await asyncio.sleep(LOOK_AGAIN_S)
            waited_s += LOOK_AGAIN_S
            is_expired = await self._client.block_height() > last_valid
            missing = await self._missing()
            if is_expired:
                break
        return missing

    async def _missing(self) -> list[Chunk]:
        account = await self._client.account(self._buffer)
        if account is None:
            raise Unavailable(f"the node does not show the buffer {self._buffer}; run the command again")
        missing = missing_chunks(self._code, Buffer.decode(account.data).code, self._size)
        self._tell(1 - sum(len(chunk.data) for chunk in missing) / len(self._code))
        return missing

    async def _wire(self, chunk: Chunk, blockhash: Hash) -> bytes:
        instruction = upgradeable_loader.write(self._buffer, self._authority.pubkey, chunk.offset, chunk.data)
        return await transactions.signed(self._payer, [instruction], blockhash, [self._authority])

    async def _send(self, wires: Sequence[bytes]) -> None:
        async with asyncio.TaskGroup() as group:
            for wire in wires:
                group.create_task(self._send_one(wire))

    async def _send_one(self, wire: bytes) -> None:
        """Whatever the node says: the buffer will show whether the chunk arrived."""
        async with self._gate:
            try:
                await self._client.send(wire, skip_preflight=True)
            except DomainError:
                return
