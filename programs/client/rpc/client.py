"""The chain's JSON-RPC as the platform uses it."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Generic, Literal, Self, TypeVar

import base58
import httpx
import msgspec
from solders.hash import Hash
from solders.pubkey import Pubkey

from core.domain.errors import Unavailable
from programs.client.instructions.token2022 import TokenAccount
from programs.client.rpc.answers import (
    AccountInfo,
    ConfirmedTransaction,
    RawAccount,
    RawKeyedAccount,
    RawSignature,
    RawSimulation,
    RawStatus,
    RawTokenAmount,
    RawTransaction,
    SignatureInfo,
    SignatureStatus,
    Simulation,
)
from programs.client.rpc.transport import Transport, made

Commitment = Literal["processed", "confirmed", "finalized"]

STATUSES_A_CALL = 256
ACCOUNTS_A_CALL = 100

T = TypeVar("T")


class _InContext(msgspec.Struct, Generic[T]):
    """Most answers come with the slot at which they were true."""

    value: T


class _Slot(msgspec.Struct):
    slot: int


class _Dated(msgspec.Struct, Generic[T]):
    """The same, where the slot matters."""

    context: _Slot
    value: T


class _Blockhash(msgspec.Struct, rename="camel"):
    blockhash: str
    last_valid_block_height: int


class _Version(msgspec.Struct):
    core: str = msgspec.field(name="solana-core")


class ChainClient:
    """A Solana node, asked over HTTP.

    Every method raises `Unavailable` when the node does not answer and `RpcRefused` when it refuses the request.

    Args:
        url: address of the node's JSON-RPC.
        timeout_s: seconds to wait for each answer.
        commitment: how settled what is read must be.
        http: transport of httpx, for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 10.0,
        commitment: Commitment = "confirmed",
        http: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.commitment: Commitment = commitment
        self._transport = Transport(url, timeout_s=timeout_s, http=http)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def genesis_hash(self) -> bytes:
        """The 32 bytes that name the cluster."""
        text = await self._transport.call("getGenesisHash", answer=str)
        return made(lambda: bytes(Hash.from_string(text)))

    async def version(self) -> str:
        """The node's software, in its own words."""
        return (await self._transport.call("getVersion", answer=_Version)).core

    async def is_healthy(self) -> bool:
        """Whether the node answers and is not behind."""
        try:
            return await self._transport.call("getHealth", answer=str) == "ok"
        except Unavailable:
            return False

    async def latest_blockhash(self, commitment: Commitment | None = None) -> tuple[Hash, int]:
        """A recent blockhash and the last block height at which it is valid."""
        answer = await self._transport.call("getLatestBlockhash", self._at(commitment), answer=_InContext[_Blockhash])
        return made(lambda: Hash.from_string(answer.value.blockhash)), answer.value.last_valid_block_height

    async def block_height(self, commitment: Commitment | None = None) -> int:
        """How many blocks there are; what expires a blockhash."""
        return await self._transport.call("getBlockHeight", self._at(commitment), answer=int)

    async def slot(self, commitment: Commitment | None = None) -> int:
        """The current slot."""
        return await self._transport.call("getSlot", self._at(commitment), answer=int)

    async def minimum_balance(self, data_length: int) -> int:
        """Lamports that exempt an account of `data_length` bytes from rent."""
        return await self._transport.call("getMinimumBalanceForRentExemption", data_length, answer=int)

    async def send(self, wire: bytes, *, skip_preflight: bool = False, max_retries: int = 0) -> str:
        """Send a signed transaction and return its signature; it has not landed by that.

        Args:
            wire: the transaction's bytes.
            skip_preflight: send without simulating.
            max_retries: how often the node itself sends it again; by default the caller decides.

        Raises:
            TransactionRefused: preflight failed; nothing was sent.
            Unavailable: the node was not reached; nothing was sent.
            OutcomeUnknown: the answer was lost; look for the signature before doing anything else.
        """
        options = {
            "encoding": "base64",
            "skipPreflight": skip_preflight,
            "maxRetries": max_retries,
            "preflightCommitment": self.commitment,
        }
        return await self._transport.call("sendTransaction", _base64(wire), options, answer=str, sending=True)

    async def simulate(self, wire: bytes, *, verify: bool = False) -> Simulation:
        """Run a transaction without effect; with `verify` off the signatures may be empty and the blockhash old."""
        options = {
            "encoding": "base64",
            "sigVerify": verify,
            "replaceRecentBlockhash": not verify,
            "commitment": self.commitment,
        }
        answer = await self._transport.call("simulateTransaction", _base64(wire), options, answer=_InContext[RawSimulation])
        return made(answer.value.read)

    async def statuses(self, signatures: Sequence[str], *, search_history: bool = False) -> list[SignatureStatus | None]:
        """How far transactions have come; `None` for those the node does not know.

        Args:
            signatures: any number, asked 256 at a time.
            search_history: look in all of history, not only in recent blocks; needed before a transaction is called lost.
        """
        rows: list[SignatureStatus | None] = []
        for start in range(0, len(signatures), STATUSES_A_CALL):
            answer = await self._transport.call(
                "getSignatureStatuses",
                list(signatures[start : start + STATUSES_A_CALL]),
                {"searchTransactionHistory": search_history},
                answer=_InContext[list[RawStatus | None]],
            )
            rows += [None if row is None else SignatureStatus(row.slot, row.err, row.confirmation_status) for row in answer.value]
        return rows

    async def account(self, key: Pubkey) -> AccountInfo | None:
        """An account, or `None` where there is nothing."""
        answer = await self._transport.call("getAccountInfo", str(key), self._base64_at(), answer=_InContext[RawAccount | None])
        return None if answer.value is None else made(answer.value.read)

    async def account_start(self, key: Pubkey, length: int) -> bytes | None:
        """The first `length` bytes of an account's data, or `None` where there is nothing."""
        options = {**self._base64_at(), "dataSlice": {"offset": 0, "length": length}}
        answer = await self._transport.call("getAccountInfo", str(key), options, answer=_InContext[RawAccount | None])
        return None if answer.value is None else made(answer.value.read).data

    async def accounts(self, keys: Sequence[Pubkey]) -> list[AccountInfo | None]:
        """Accounts in the order of `keys`, asked 100 at a time (each hundred at one slot)."""
        rows: list[AccountInfo | None] = []
        for start in range(0, len(keys), ACCOUNTS_A_CALL):
            answer = await self._transport.call(
                "getMultipleAccounts",
                [str(key) for key in keys[start : start + ACCOUNTS_A_CALL]],
                self._base64_at(),
                answer=_InContext[list[RawAccount | None]],
            )
            rows += [None if row is None else made(row.read) for row in answer.value]
        return rows

    async def program_accounts(
        self, program: Pubkey, filters: Sequence[tuple[int, bytes]] = (), *, data_size: int | None = None
    ) -> list[tuple[Pubkey, AccountInfo]]:
        """All accounts of a program that match.

        Args:
            program: their owner.
            filters: (offset, bytes) pairs that the data must contain; at most 4.
            data_size: exact length of the data.
        """
        conditions: list[dict[str, Any]] = [
            {"memcmp": {"offset": offset, "bytes": base58.b58encode(part).decode(), "encoding": "base58"}}
            for offset, part in filters
        ]
        if data_size is not None:
            conditions.append({"dataSize": data_size})
        options = {**self._base64_at(), "filters": conditions}
        rows = await self._transport.call("getProgramAccounts", str(program), options, answer=list[RawKeyedAccount])
        return made(lambda: [(Pubkey.from_string(row.pubkey), row.account.read()) for row in rows])

    async def signatures_for(
        self, address: Pubkey, *, before: str | None = None, until: str | None = None, limit: int = 1_000
    ) -> list[SignatureInfo]:
        """The history of an address, newest first.

        Args:
            address: any account that the transactions named.
            before: start after this signature (going back in time).
            until: stop before this signature.
            limit: at most this many, 1 to 1,000.
        """
        bounds = {name: value for name, value in (("before", before), ("until", until)) if value is not None}
        options = {"limit": limit, "commitment": self._settled(), **bounds}
        rows = await self._transport.call("getSignaturesForAddress", str(address), options, answer=list[RawSignature])
        return [SignatureInfo(row.signature, row.slot, row.err, row.block_time) for row in rows]

    async def transaction(self, signature: str) -> ConfirmedTransaction | None:
        """A transaction that landed, or `None` when the node has none (yet)."""
        options = {"encoding": "base64", "commitment": self._settled(), "maxSupportedTransactionVersion": 0}
        row = await self._transport.call("getTransaction", signature, options, answer=RawTransaction | None)  # pyright: ignore[reportArgumentType]  # a union is a type to msgspec
        return None if row is None else made(lambda: row.read(signature))

    async def token_balance(self, account: Pubkey) -> int | None:
        """Base units that a token account holds; `None` where there is no account.

        Raises:
            InvalidInput: the account is no token account.
        """
        found = await self.account(account)
        return None if found is None else TokenAccount.decode(found.data).amount

    async def dated_token_balance(self, account: Pubkey) -> tuple[int, int]:
        """Base units that a token account holds, 0 where there is none, and the slot at which that was true.

        Raises:
            InvalidInput: the account is no token account.
        """
        answer = await self._transport.call("getAccountInfo", str(account), self._base64_at(), answer=_Dated[RawAccount | None])
        found = answer.value
        return (0 if found is None else TokenAccount.decode(made(found.read).data).amount), answer.context.slot

    async def token_supply(self, mint: Pubkey) -> int:
        """Base units of a token that exist.

        Raises:
            RpcRefused: there is no such mint.
        """
        answer = await self._transport.call("getTokenSupply", str(mint), self._at(None), answer=_InContext[RawTokenAmount])
        return made(lambda: int(answer.value.amount))

    async def balance(self, key: Pubkey) -> int:
        """Lamports at an address."""
        return (await self._transport.call("getBalance", str(key), self._at(None), answer=_InContext[int])).value

    async def airdrop(self, key: Pubkey, lamports: int) -> str:
        """Ask a test cluster's faucet; returns the transaction's signature."""
        return await self._transport.call("requestAirdrop", str(key), lamports, answer=str)

    def _at(self, commitment: Commitment | None) -> dict[str, str]:
        return {"commitment": commitment or self.commitment}

    def _base64_at(self) -> dict[str, str]:
        return {"encoding": "base64", "commitment": self.commitment}

    def _settled(self) -> Commitment:
        """History methods do not serve `processed`."""
        return "confirmed" if self.commitment == "processed" else self.commitment


def _base64(wire: bytes) -> str:
    return b64encode(wire).decode("ascii")
