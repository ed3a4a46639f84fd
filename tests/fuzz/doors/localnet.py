"""The embedded chain's JSON-RPC and its subscriptions: every method, with parameters of all kinds."""

import json
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final, final

import base58
import msgspec
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from programs.client.instructions import system
from programs.localnet.blocks import Commitment
from programs.localnet.chain import Chain
from programs.localnet.config import LocalnetConfig
from programs.localnet.pubsub.connection import Connection
from programs.localnet.pubsub.subscription import Feed
from programs.localnet.rpc.dispatch import Dispatcher
from programs.localnet.rpc.errors import INTERNAL_ERROR
from programs.localnet.rpc.methods import METHODS
from tests.fuzz.door import Door, Try
from tests.fuzz.mutations import VALUES, bent, noise

SLOT_EVERY: Final = 40
"""Inputs after which a slot closes."""
SUBSCRIPTIONS: Final = 64
_NAMES: Final = ("account", "program", "logs", "signature", "slot", "root")
_SUBSCRIBE: Final = tuple(f"{name}{what}" for name in _NAMES for what in ("Subscribe", "Unsubscribe"))
_MARK: Final = "\x01"
_CODES: Final = (-32700, -32600, -32601, -32602, -32002, -32003, -32004, -32005, -32007, -32015, -32016)


@final
class LocalnetDoor(Door):
    """`p` for a POST body, `w` for a WebSocket message, then the bytes."""

    name = "localnet"
    share = 60
    labels = frozenset({"result", "several", "silence", *(f"error {code}" for code in _CODES)})
    rare = frozenset({"silence", *(f"error {code}" for code in (-32002, -32003, -32004, -32015, -32016, -32600))})
    unlikely = frozenset({"error -32005", "error -32007"})
    least: Mapping[str, float] = {"result": 15, "error -32602": 10, "error -32700": 1}
    is_stateless = False

    async def open(self, random: Random) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gridtokenx-fuzz-")
        seconds = count(1_700_000_000)
        config = LocalnetConfig(now=lambda: next(seconds), data_dir=Path(self._folder.name), genesis_seed=bytes(32), port=0)
        self._chain = Chain(config)
        self._dispatcher, self._feed, self._ids = Dispatcher(self._chain), Feed(self._chain), count(1)
        self._wallets = [Keypair.from_seed(random.randbytes(32)) for _ in range(3)]
        for wallet in self._wallets:
            self._chain.fund(wallet.pubkey(), 10**12)
        self._given = 0
        self._connect()

    async def close(self) -> None:
        self._connection.close()
        self._chain.close()
        self._folder.cleanup()

    def _connect(self) -> None:
        self._connection = Connection(self._chain, self._feed, SUBSCRIPTIONS, lambda: next(self._ids))

    async def give(self, data: bytes) -> str:
        self._given += 1
        if self._given % SLOT_EVERY == 0:
            self._chain.close_slot()
            self._connection.close()
            self._connect()
        if data[:1] != b"w":
            return _label(self._dispatcher.answer(data[1:]), closed=METHODS)
        while not self._connection.outbox.empty():
            self._connection.outbox.get_nowait()
        self._connection.receive(data[1:])
        answers: list[bytes] = []
        while not self._connection.outbox.empty():
            answers.append(self._connection.outbox.get_nowait() or b"")
        replies = [answer for answer in answers if not _is_notice(answer)]
        assert len(replies) <= 1
        return _label(replies[0] if replies else None, closed=METHODS)

    async def settle(self) -> None:
        """What was sent moved; what was refused did not; nothing came from nowhere but the faucet."""
        answer = json.loads(self._dispatcher.answer(_call("getHealth", [])) or b"{}")
        assert answer["result"] == "ok"

    def make(self, random: Random) -> Try:
        choice = random.random()
        if choice < 0.03:
            return Try(random.choice((b"p", b"w")) + noise(random))
        if choice < 0.10:
            return Try(b"p" + self._transfer(random), "result")
        is_socket = random.random() < 0.2
        method = random.choice(_SUBSCRIBE) if is_socket and random.random() < 0.7 else random.choice(tuple(METHODS))
        params = self._params(random, method)
        call = _call(method, params)
        if choice < 0.45:
            return Try((b"w" if is_socket else b"p") + call)
        if choice < 0.85:
            call = _call(
                method,
                [*params[:1], *[_bent_value(random, param) for param in params[1:]]]
                if random.random() < 0.5
                else _others(random, params),
            )
        elif choice < 0.95:
            call = bent(random, call)
        else:
            call = b"[" + b",".join([call] * random.choice((0, 1, 2, 40, 1_001))) + b"]"
        return Try((b"w" if is_socket else b"p") + call)

    def _transfer(self, random: Random) -> bytes:
        wire = self._wire(random, random.randrange(1, 10**6))
        return _call("sendTransaction", [b64encode(wire).decode(), {"encoding": "base64"}])

    def _wire(self, random: Random, lamports: int) -> bytes:
        """A transfer with the newest blockhash, never twice the same."""
        sender, receiver = random.sample(self._wallets, 2)
        accounts = [AccountMeta(sender.pubkey(), True, True), AccountMeta(receiver.pubkey(), False, True)]
        instruction = Instruction(system.PROGRAM, (2).to_bytes(4, "little") + lamports.to_bytes(8, "little"), accounts)
        note = Instruction(
            Pubkey.from_string("ComputeBudget111111111111111111111111111111"), b"\x03" + random.randbytes(2) + bytes(6), []
        )
        blockhash = Hash(self._chain.latest_block(Commitment.PROCESSED).blockhash)
        message = MessageV0.try_compile(sender.pubkey(), [note, instruction], [], blockhash)
        return bytes(VersionedTransaction(message, [sender]))

    def _params(self, random: Random, method: str) -> list[Any]:
        """What the method's parameters look like, by its name."""
        key = str(random.choice([wallet.pubkey() for wallet in self._wallets] + [Pubkey.default(), system.PROGRAM]))
        config = {
            "commitment": random.choice(("processed", "confirmed", "finalized")),
            "encoding": random.choice(("base64", "base58", "jsonParsed", "base64+zstd", "json")),
            "minContextSlot": random.choice((0, 1, 10**9)),
            "maxSupportedTransactionVersion": 0,
        }
        signature = str(Signature(random.choice((bytes(64), random.randbytes(64)))))
        if method in ("sendTransaction", "simulateTransaction"):
            wire = self._wire(random, random.choice((1, 2**64 - 1, 10**13)))
            wire = bent(random, wire) if random.random() < 0.6 else wire
            options = {"encoding": "base64", "skipPreflight": random.random() < 0.3, "sigVerify": random.random() < 0.5}
            return (
                [b64encode(wire[:1_300]).decode(), options]
                if random.random() < 0.8
                else [base58.b58encode(wire[:1_300]).decode()]
            )
        if method == "getFeeForMessage":
            message = VersionedTransaction.from_bytes(self._wire(random, 1)).message
            raw = bytes(message) if isinstance(message, Message) else b"\x80" + bytes(message)
            return [b64encode(bent(random, raw) if random.random() < 0.6 else raw).decode(), config]
        if "Signature" in method or method in ("getTransaction", "signatureSubscribe"):
            first: Any = (
                [signature] if method == "getSignatureStatuses" else key if method == "getSignaturesForAddress" else signature
            )
            return [first, {**config, "limit": random.choice((1, 1_000, 0, 2**40)), "searchTransactionHistory": True}]
        if method in ("getMultipleAccounts", "getInflationReward"):
            return [[key] * random.choice((0, 1, 3, 101)), config]
        if method in ("getBlock", "getBlocks", "getBlocksWithLimit", "getBlockTime", "getBlockCommitment", "getSlotLeaders"):
            return [random.randrange(50), random.choice((random.randrange(60), 2**40))]
        if method == "getMinimumBalanceForRentExemption":
            return [random.choice((0, 165, 2**40, 2**63 - 1))]
        if method == "requestAirdrop":
            return [key, random.choice((1, 10**9, 0, 2**63))]
        if method == "isBlockhashValid":
            return [str(Hash(random.randbytes(32))), config]
        if method in ("getProgramAccounts", "programSubscribe"):
            filters = [
                {"memcmp": {"offset": random.choice((0, 8, 2**40)), "bytes": "1"}},
                {"dataSize": random.choice((0, 165, 2**64))},
            ]
            return [
                key,
                {**config, "filters": random.sample(filters, random.randrange(3)), "dataSlice": {"offset": 0, "length": 2**40}},
            ]
        if method.endswith("Unsubscribe"):
            return [random.randrange(1, 400)]
        if method == "logsSubscribe":
            return [random.choice(("all", {"mentions": [key]}, {"mentions": []})), config]
        return [key, config]


def _call(method: str, params: list[Any]) -> bytes:
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    for value in VALUES:
        if _MARK_JSON in text:
            text = text.replace(json.dumps(_MARK + value), value)
    return text.encode("utf-8", "surrogatepass")


_MARK_JSON: Final = json.dumps(_MARK)[1:-1]


def _others(random: Random, params: list[Any]) -> list[Any]:
    """A parameter of another kind, one too few, or one too many."""
    choice = random.random()
    if choice < 0.2:
        return params[:-1]
    if choice < 0.3:
        return [*params, *params]
    at = random.randrange(len(params)) if params else 0
    return [_MARK + random.choice(VALUES) if number == at else param for number, param in enumerate(params)]


def _bent_value(random: Random, param: Any) -> Any:
    if isinstance(param, dict) and param:
        name = random.choice(list(param))
        return {**param, name: _bent_value(random, param[name])}
    if isinstance(param, list) and param:
        return [_bent_value(random, param[0]), *param[1:]]
    return _MARK + random.choice(VALUES)


def _is_notice(message: bytes) -> bool:
    """What a subscription says, which may come before the answer to the call that provoked it."""
    said = json.loads(message)
    return isinstance(said, dict) and "method" in said


def _label(answer: bytes | None, *, closed: object) -> str:
    """JSON-RPC 2.0, whatever was asked; the node never fails inside."""
    del closed
    if answer is None:
        return "silence"
    reply = msgspec.json.decode(answer)
    if isinstance(reply, list):
        for one in reply:
            _check(one)
        return "several"
    return _check(reply)


def _check(reply: dict[str, Any]) -> str:
    assert reply["jsonrpc"] == "2.0", reply
    if "result" in reply:
        return "result"
    error = reply["error"]
    told = error["message"]
    allowed = told.startswith(("Too many subscriptions", "the faucet cannot give"))
    assert error["code"] != INTERNAL_ERROR or allowed, reply
    return f"error {error['code']}" if error["code"] != INTERNAL_ERROR else "error -32602"
