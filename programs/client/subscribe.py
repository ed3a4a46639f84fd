"""Live notices over the chain's WebSocket. They say *look now*; what is true is read over RPC."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

import msgspec
from solders.pubkey import Pubkey
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from core.domain.errors import InvalidInput
from programs.client.rpc.refusals import TransactionError

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 10.0
MAX_MESSAGE_BYTES = 1 << 20

T = TypeVar("T")

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Gap:
    """The connection is (again) open: what happened before was not heard, so back-fill over RPC."""


@dataclass(frozen=True, slots=True)
class LogNotice:
    """A transaction that named the address landed."""

    signature: str
    slot: int
    err: TransactionError | None


class _Context(msgspec.Struct):
    slot: int


class _Logs(msgspec.Struct):
    signature: str
    err: TransactionError | None = None


class _InContext(msgspec.Struct):
    context: _Context
    value: msgspec.Raw


class _Params(msgspec.Struct):
    result: msgspec.Raw


class _Message(msgspec.Struct):
    params: _Params | None = None
    error: dict[str, Any] | None = None


class _Slot(msgspec.Struct):
    slot: int


class _SignatureResult(msgspec.Struct):
    err: TransactionError | None = None


class Subscriptions:
    """Subscriptions to one node; each iterator keeps its own connection and reconnects with back-off.

    Args:
        url: `ws://` or `wss://` address of the node.
        commitment: how settled a notice must be.
    """

    def __init__(self, url: str, *, commitment: str = "confirmed") -> None:
        self._url = url
        self._commitment = commitment
        self._ids = count(1)

    async def logs(self, mentions: Pubkey) -> AsyncGenerator[LogNotice | Gap, None]:
        """Transactions that name an address, for ever; begins with a `Gap` and gives one after each reconnection."""
        params = [{"mentions": [str(mentions)]}, {"commitment": self._commitment}]
        async for notice in self._notices("logsSubscribe", params, _log_notice):
            yield notice

    async def slots(self) -> AsyncGenerator[int | Gap, None]:
        """New slots, for ever."""
        async for slot in self._notices("slotSubscribe", [], lambda payload: msgspec.json.decode(payload, type=_Slot).slot):
            yield slot

    async def signature(self, signature: str, *, timeout_s: float) -> TransactionError | None:
        """Wait until a transaction has landed; returns its error or `None` for success.

        Raises:
            TimeoutError: nothing was heard in `timeout_s`; ask over RPC.
        """
        params = [signature, {"commitment": self._commitment}]
        async with asyncio.timeout(timeout_s):
            async for result in self._notices("signatureSubscribe", params, _signature_result):
                if not isinstance(result, Gap):
                    return result.err
        raise TimeoutError

    async def _notices(self, method: str, params: list[Any], read: Callable[[msgspec.Raw], T]) -> AsyncGenerator[T | Gap, None]:
        """What the node says, read; one that says what cannot be read is left and met again like one that is gone."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                async with connect(self._url, max_size=MAX_MESSAGE_BYTES, proxy=None) as socket:
                    await self._subscribe(socket, method, params)
                    pause_s = FIRST_PAUSE_S
                    yield Gap()
                    async for payload in _payloads(socket):
                        yield read(payload)
            except (OSError, WebSocketException, TimeoutError, *_UNREADABLE):
                pass
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)

    async def _subscribe(self, socket: ClientConnection, method: str, params: list[Any]) -> None:
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        await socket.send(msgspec.json.encode(request).decode())
        answer = msgspec.json.decode(await socket.recv(), type=_Message)
        if answer.error is not None:
            raise InvalidInput(f"the chain's node refuses {method}: {answer.error.get('message', 'no reason given')}")


def _log_notice(payload: msgspec.Raw) -> LogNotice:
    notice = msgspec.json.decode(payload, type=_InContext)
    logs = msgspec.json.decode(notice.value, type=_Logs)
    return LogNotice(logs.signature, notice.context.slot, logs.err)


def _signature_result(payload: msgspec.Raw) -> _SignatureResult:
    return msgspec.json.decode(msgspec.json.decode(payload, type=_InContext).value, type=_SignatureResult)


async def _payloads(socket: ClientConnection) -> AsyncIterator[msgspec.Raw]:
    async for text in socket:
        message = msgspec.json.decode(text, type=_Message)
        if message.params is not None:
            yield message.params.result
