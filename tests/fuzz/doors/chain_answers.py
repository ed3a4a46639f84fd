"""What a chain's node says, should it lie: accounts, events, JSON-RPC answers, notices, errors of transactions."""

import json
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final, final

import base58
import httpx
import msgspec
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from core.domain.errors import DomainError, InvalidInput
from oracle_bridge.refusals import custom_code, meaning_of
from programs.client import loader, subscribe
from programs.client.accounts import (
    DeviceKeyAccount,
    EnergyTokenConfig,
    MeterAccount,
    OracleConfig,
    RegistryConfig,
    RootsAccount,
    UserAccount,
    ZoneAccount,
)
from programs.client.accounts.record import AccountRecord
from programs.client.addresses import addresses_of
from programs.client.conventions import EVENT_TAG
from programs.client.errors import code_of, explain, name_of, program_error
from programs.client.events import decode_transaction_events, energy_token, oracle, registry
from programs.client.events.record import EventRecord
from programs.client.instructions import compute_budget, lookup_table
from programs.client.instructions.token2022 import TokenAccount
from programs.client.rpc import ChainClient, ConfirmedTransaction, InnerInstruction
from programs.client.subscribe import Gap, Subscriptions
from tests.fuzz.door import Door, Try
from tests.fuzz.mutations import VALUES, bent, bent_object, fields_of, noise

ACCOUNTS: Final[tuple[type[AccountRecord], ...]] = (
    RegistryConfig,
    UserAccount,
    MeterAccount,
    ZoneAccount,
    DeviceKeyAccount,
    OracleConfig,
    RootsAccount,
    EnergyTokenConfig,
)
_AT: Final = addresses_of()
_EVENTS: Final = tuple(
    (program, event)
    for program, events in ((_AT.registry, registry.EVENTS), (_AT.oracle, oracle.EVENTS), (_AT.energy_token, energy_token.EVENTS))
    for event in events
)
_KEY: Final = Keypair.from_seed(bytes(range(32)))
_TEXT: Final = str(_KEY.pubkey())


@final
class ChainAnswersDoor(Door):
    """One letter that chooses the reader, then the bytes."""

    name = "chain-answers"
    share = 130
    labels = frozenset({"account", "events", "answer", "notice", "error", "not readable", "refused"})
    least: Mapping[str, float] = {"account": 3, "events": 3, "answer": 5, "notice": 2, "error": 3, "not readable": 15}

    async def open(self, random: Random) -> None:
        del random
        self._reply = b""
        self._status = 200
        transport = httpx.MockTransport(lambda _: httpx.Response(self._status, content=self._reply))
        self._client = ChainClient("http://node", http=transport)
        self._genuine = {method: json.loads(json.dumps(answer)) for method, answer in _ANSWERS.items()}
        self._sleep, subscribe.FIRST_PAUSE_S = subscribe.FIRST_PAUSE_S, 0.0

    async def close(self) -> None:
        subscribe.FIRST_PAUSE_S = self._sleep
        await self._client.close()

    def make(self, random: Random) -> Try:
        return random.choice((_account, _event, _event, _answer, _answer, _answer, _notice, _error))(random)

    async def give(self, data: bytes) -> str:
        letter, content = data[:1], data[1:]
        try:
            match letter:
                case b"a":
                    return _read_account(content)
                case b"e":
                    return _read_events(content)
                case b"n":
                    return await _hear(content)
                case b"x":
                    return _sort_error(content)
                case _:
                    return await self._ask(content)
        except InvalidInput:
            return "not readable"

    async def _ask(self, content: bytes) -> str:
        """The first byte chooses the question; only errors that the loops expect may come back."""
        question = _QUESTIONS[content[0] % len(_QUESTIONS)] if content else _QUESTIONS[0]
        self._reply, self._status = content[1:], 200 if len(content) % 7 else 503
        try:
            await question(self._client)
        except DomainError:
            return "refused"
        return "answer"


def _read_account(content: bytes) -> str:
    """Every reader is tried: an account of another type must be told apart by each."""
    read = 0
    for reader in (*(account.decode for account in ACCOUNTS), TokenAccount.decode, loader.ProgramData.decode, _table):
        try:
            record = reader(content)
        except InvalidInput:
            continue
        read += 1
        if isinstance(record, AccountRecord):
            assert record.encode() == content
    return "account" if read else "not readable"


def _table(content: bytes) -> object:
    return lookup_table.decode(_KEY.pubkey(), content)


def _read_events(content: bytes) -> str:
    program = (_AT.registry, _AT.oracle, _AT.energy_token)[content[0] % 3] if content else _AT.registry
    call = InnerInstruction(0, program.id, (program.event_authority,), EVENT_TAG + content[1:], 2)
    events = decode_transaction_events(_transaction(call))
    assert len(events) == 1
    json.dumps(events[0].fields)
    return "events"


def _transaction(call: InnerInstruction) -> ConfirmedTransaction:
    return ConfirmedTransaction("s", 1, 1, None, 0, 1, (), (), (), (call,), (), (), b"")


def _sort_error(content: bytes) -> str:
    """An error of a transaction as the client's types let it through, whatever is inside."""
    try:
        err = msgspec.json.decode(content, type=str | dict[str, Any] | None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "not readable"
    logs = [str(err)[:200], f"Program {_AT.oracle.id} failed: custom program error: 0x1771"]
    for said in (logs, ()):
        assert explain(err, logs=said, programs=[_AT.oracle.id])
        assert name_of(err, logs=said)
        program_error(err, logs=said)
    code_of(err)
    if err is not None:
        meaning_of(err)
        custom_code(err)
    return "error"


class _Enough(Exception):  # noqa: N818  # ends the endless subscription
    pass


class _Socket:
    """A node's WebSocket that confirms, says one thing, and is gone."""

    def __init__(self, content: bytes) -> None:
        self._messages = [content]

    async def send(self, _: str) -> None:
        """Take the subscription."""

    async def recv(self) -> bytes:
        return b'{"jsonrpc":"2.0","result":1,"id":1}'

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._said()

    async def _said(self) -> AsyncIterator[bytes]:
        for message in self._messages:
            yield message


async def _hear(content: bytes) -> str:
    """A notice wakes the reader or is no notice; it never ends the subscription."""
    kind, said = content[:1], content[1:]
    connections = 0

    @asynccontextmanager
    async def connected(*_: object, **__: object) -> AsyncGenerator[_Socket]:
        nonlocal connections
        connections += 1
        if connections > 1:
            raise _Enough
        yield _Socket(said)

    genuine, subscribe.connect = subscribe.connect, connected  # pyright: ignore[reportAttributeAccessIssue]  # stands in for the network
    try:
        notices = Subscriptions("ws://node").logs(_KEY.pubkey()) if kind == b"l" else Subscriptions("ws://node").slots()
        heard = [notice async for notice in _until_enough(notices) if not isinstance(notice, Gap)]
    finally:
        subscribe.connect = genuine
    return "notice" if heard else "not readable"


async def _until_enough(notices: AsyncIterator[Any]) -> AsyncIterator[Any]:
    try:
        async for notice in notices:
            yield notice
    except _Enough:
        return


# --- what a genuine node says ------------------------------------------------------------------------------------------


def _wire() -> bytes:
    message = MessageV0.try_compile(_KEY.pubkey(), [compute_budget.set_limit(1_000)], [], Hash.default())
    return bytes(VersionedTransaction(message, [_KEY]))


_SIGNATURE: Final = base58.b58encode(bytes(64)).decode()
_HASH: Final = str(Hash.from_bytes(bytes(range(32))))
_CONTEXT: Final = {"slot": 5}
_RAW_ACCOUNT: Final = {
    "lamports": 10,
    "owner": _TEXT,
    "data": [b64encode(b"abc").decode(), "base64"],
    "executable": False,
    "rentEpoch": 18446744073709551615,
}
_META: Final = {
    "fee": 5_000,
    "err": None,
    "logMessages": ["Program log: a"],
    "innerInstructions": [{"index": 0, "instructions": [{"programIdIndex": 0, "accounts": [0, 1], "data": "2n"}]}],
    "preTokenBalances": [],
    "postTokenBalances": [{"accountIndex": 1, "mint": _TEXT, "owner": None, "uiTokenAmount": {"amount": "9", "decimals": 9}}],
    "loadedAddresses": {"writable": [_TEXT], "readonly": []},
    "computeUnitsConsumed": 150,
}
_ROWS: Final = [
    {"signature": _SIGNATURE, "slot": 5, "err": {"InstructionError": [0, {"Custom": 6001}]}, "blockTime": 1_700_000_000},
    {"signature": _SIGNATURE, "slot": 4, "err": None, "blockTime": None},
]
_ANSWERS: Final[dict[str, object]] = {
    "getGenesisHash": _HASH,
    "getLatestBlockhash": {"context": _CONTEXT, "value": {"blockhash": _HASH, "lastValidBlockHeight": 150}},
    "getSlot": 5,
    "sendTransaction": _SIGNATURE,
    "simulateTransaction": {
        "context": _CONTEXT,
        "value": {"err": "AccountInUse", "logs": ["a"], "unitsConsumed": 5, "returnData": {"data": ["YQ==", "base64"]}},
    },
    "getSignatureStatuses": {
        "context": _CONTEXT,
        "value": [{"slot": 5, "err": None, "confirmationStatus": "confirmed", "confirmations": 1}],
    },
    "getAccountInfo": {"context": _CONTEXT, "value": _RAW_ACCOUNT},
    "getMultipleAccounts": {"context": _CONTEXT, "value": [_RAW_ACCOUNT, None]},
    "getProgramAccounts": [{"pubkey": _TEXT, "account": _RAW_ACCOUNT}],
    "getSignaturesForAddress": _ROWS,
    "getTransaction": {"slot": 5, "transaction": [b64encode(_wire()).decode(), "base64"], "meta": _META, "blockTime": 1},
    "getTokenSupply": {"context": _CONTEXT, "value": {"amount": "12", "decimals": 9}},
    "getBalance": {"context": _CONTEXT, "value": 7},
}
_QUESTIONS: Final[tuple[Callable[[ChainClient], Awaitable[object]], ...]] = (
    lambda client: client.genesis_hash(),
    lambda client: client.latest_blockhash(),
    lambda client: client.slot(),
    lambda client: client.send(b"wire"),
    lambda client: client.simulate(b"wire"),
    lambda client: client.statuses([_SIGNATURE]),
    lambda client: client.account(_KEY.pubkey()),
    lambda client: client.accounts([_KEY.pubkey(), _KEY.pubkey()]),
    lambda client: client.program_accounts(_KEY.pubkey()),
    lambda client: client.signatures_for(_KEY.pubkey()),
    lambda client: client.transaction(_SIGNATURE),
    lambda client: client.token_supply(_KEY.pubkey()),
    lambda client: client.balance(_KEY.pubkey()),
)
_METHODS: Final = tuple(_ANSWERS)
_ERRORS: Final = (
    {"InstructionError": [0, {"Custom": 6001}]},
    {"InstructionError": [2, "InvalidAccountData"]},
    {"InsufficientFundsForRent": {"account_index": 1}},
    {"DuplicateInstruction": 3},
    {"InstructionError": [0, {"BorshIoError": "Unknown"}]},
)
_REPLIES_OF_REFUSAL: Final = (
    {"code": -32002, "message": "Transaction simulation failed", "data": {"err": _ERRORS[0], "logs": ["a"]}},
    {"code": -32602, "message": "Invalid params"},
    {"code": -32005, "message": "Node is behind", "data": {"numSlotsBehind": 5}},
    {"code": 1, "message": "?"},
)


def _account(random: Random) -> Try:
    record = random.choice(ACCOUNTS)
    body = bytes(record.packing.size) if random.random() < 0.5 else random.randbytes(record.packing.size)
    data = record.tag + body
    return Try(b"a" + (bent(random, data) if random.random() < 0.5 else data))


def _event(random: Random) -> Try:
    number = random.randrange(len(_EVENTS))
    program, event = _EVENTS[number]
    data = event.tag + bytes(event.packing.size) + b"".join(_tail(random, event))
    index = (_AT.registry, _AT.oracle, _AT.energy_token).index(program)
    if random.random() < 0.4:
        return Try(bytes((ord("e"), index)) + data, "events")
    return Try(bytes((ord("e"), index)) + bent(random, data))


def _tail(random: Random, event: type[EventRecord]) -> list[bytes]:
    count = random.choice((0, 1, 3))
    return [
        count.to_bytes(4, "little") + (b"a" * count if issubclass(part, str) else bytes(part.packing.size) * count)
        for _, part in event.tail
    ]


def _answer(random: Random) -> Try:
    number = random.randrange(len(_QUESTIONS))
    choice = random.random()
    if choice < 0.1:
        error = fields_of(random.choice(_REPLIES_OF_REFUSAL))
        reply = b'{"jsonrpc":"2.0","id":1,"error":' + (bent_object(random, error)) + b"}"
    else:
        reply = _reply(random, _ANSWERS[_METHODS[number]], is_bent=choice > 0.35)
    return Try(b"j" + bytes((number,)) + reply)


def _reply(random: Random, answer: object, *, is_bent: bool) -> bytes:
    """A bend anywhere: in the result's depth, or in the reply around it."""
    if is_bent and random.random() < 0.6:
        answer = _bent_within(random, answer)
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "result": answer})
    for value in VALUES:
        text = text.replace(json.dumps(_MARK + value), value)
    data = text.encode("utf-8", "surrogatepass")
    return bent(random, data) if is_bent and random.random() < 0.4 else data


_MARK: Final = "\x01"


def _bent_within(random: Random, answer: Any) -> Any:
    """One leaf becomes another value."""
    if isinstance(answer, dict) and answer:
        name = random.choice(list(answer))
        return {**answer, name: _bent_within(random, answer[name])} if random.random() < 0.9 else _MARK + random.choice(VALUES)
    if isinstance(answer, list) and answer:
        at = random.randrange(len(answer))
        return [_bent_within(random, item) if number == at else item for number, item in enumerate(answer)]
    return _MARK + random.choice(VALUES)


def _notice(random: Random) -> Try:
    kind, result = random.choice(
        (
            (b"l", {"context": _CONTEXT, "value": {"signature": _SIGNATURE, "err": None, "logs": ["a"]}}),
            (b"s", {"slot": 5, "parent": 4, "root": 1}),
        )
    )
    message: dict[str, object] = {"jsonrpc": "2.0", "method": "notification", "params": {"result": result, "subscription": 1}}
    choice = random.random()
    if choice < 0.3:
        return Try(b"n" + kind + json.dumps(message).encode(), "notice")
    if choice < 0.6:
        return Try(b"n" + kind + bent_object(random, fields_of(message)))
    if choice < 0.9:
        message["params"] = {"result": _bent_within(random, result)}
        text = json.dumps(message)
        for value in VALUES:
            text = text.replace(json.dumps(_MARK + value), value)
        return Try(b"n" + kind + text.encode("utf-8", "surrogatepass"))
    return Try(b"n" + kind + noise(random))


def _error(random: Random) -> Try:
    err = random.choice(_ERRORS)
    text = json.dumps(_bent_within(random, err)) if random.random() < 0.7 else json.dumps(err)
    for value in VALUES:
        text = text.replace(json.dumps(_MARK + value), value)
    data = text.encode("utf-8", "surrogatepass")
    return Try(b"x" + (bent(random, data) if random.random() < 0.2 else data))
