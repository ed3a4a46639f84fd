"""Meters that speak HTTP: retries after 1, 2, 4 and 8 seconds, at most 5 tries, then an alert."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

import httpx
import msgspec

from core.domain.errors import InvalidInput
from core.domain.identity import MeterId
from core.domain.readings import StatementKind
from core.domain.verdicts import Reason, Verdict
from devices.envelope import BINARY_SIZE, decode_binary, encode_json
from devices.interval_body import encode_interval_body
from devices.receipts import ReceiptEntry, ReceiptMessage, encode_receipt
from devices.topics import Channel
from firmware_sim.transport import Back, LinkDown, Listener

PATH: Final = "/api/meters/submit-reading"
RETRY_AFTER_S: Final = (1.0, 2.0, 4.0, 8.0)
"""Pauses between the tries; there are five."""
NO_STATEMENT: Final = 0
"""Numbers start at 1: a receipt under this one is about nothing that a journal holds."""
_UNPROVEN: Final = frozenset({Reason.MALFORMED, Reason.WRONG_NETWORK})
"""Said before a signature was looked at: a copy damaged on its way must not make a device drop the genuine one."""
_TRY_AGAIN: Final = frozenset({408, 425, 429})

Sleep = Callable[[float], Awaitable[None]]
Alert = Callable[[str], None]


class _Answer(msgspec.Struct):
    """Of the reading's answer and of a problem document alike."""

    verdict: str | None = None
    reason: str | None = None


class HttpSender:
    """Posts one reading and keeps trying for a while.

    Args:
        client: with the platform's base URL.
        sleep: waits so many seconds.
        alert: is told one sentence when the last try failed.
    """

    def __init__(self, client: httpx.AsyncClient, *, alert: Alert, sleep: Sleep = asyncio.sleep) -> None:
        self._client = client
        self._alert = alert
        self._sleep = sleep

    async def send(self, body: bytes, *, meter_id: MeterId, sequence: int) -> ReceiptEntry:
        """Post a body; returns the platform's verdict.

        Raises:
            LinkDown: five tries failed; the alert was raised.
        """
        for pause_s in (0.0, *RETRY_AFTER_S):
            if pause_s:
                await self._sleep(pause_s)
            entry = await self._try(body, sequence)
            if entry is not None:
                return entry
        sentence = f"meter {meter_id}: reading {sequence} could not be sent in {1 + len(RETRY_AFTER_S)} tries"
        self._alert(sentence)
        raise LinkDown(sentence)

    async def _try(self, body: bytes, sequence: int) -> ReceiptEntry | None:
        try:
            response = await self._client.post(PATH, content=body, headers={"content-type": "application/json"})
        except httpx.TransportError:
            return None
        if response.is_server_error or response.status_code in _TRY_AGAIN:
            return None
        return _entry(response, sequence)


class HttpTransport:
    """A transport over the HTTP door: each reading is one request, and its answer is its receipt.

    Args:
        sender: posts.
        wallets: the owner's wallet of each interval meter, part of the interval body.
    """

    def __init__(self, sender: HttpSender, *, wallets: Mapping[MeterId, str]) -> None:
        self._sender = sender
        self._wallets = wallets
        self._listeners: dict[MeterId, Listener] = {}

    async def connect(self, meter_id: MeterId, listener: Listener, back: Back) -> None:
        """Remember who listens; there is no line to open, so none comes back."""
        del back
        self._listeners[meter_id] = listener

    async def publish(self, meter_id: MeterId, channel: Channel, payload: bytes) -> None:
        """Post readings one by one, a journal too; hello and status have no place in HTTP."""
        if channel not in {Channel.READING, Channel.JOURNAL}:
            return
        for start in range(0, len(payload), BINARY_SIZE):
            body, sequence = self._body(meter_id, payload[start : start + BINARY_SIZE])
            entry = await self._sender.send(body, meter_id=meter_id, sequence=sequence)
            self._tell(meter_id, entry if entry.reason not in _UNPROVEN else replace(entry, sequence=NO_STATEMENT))

    async def disconnect(self, meter_id: MeterId) -> None:
        """Nobody listens any more."""
        self._listeners.pop(meter_id, None)

    def _body(self, meter_id: MeterId, envelope: bytes) -> tuple[bytes, int]:
        """The request of one envelope and its number; one that was damaged on its way is posted as it is."""
        try:
            frame = decode_binary(envelope)
        except InvalidInput:
            return envelope, NO_STATEMENT
        statement = frame.statement
        one_way = not (statement.generation_wh and statement.consumption_wh)
        if statement.kind is StatementKind.INTERVAL and one_way and meter_id in self._wallets:
            wallet = self._wallets[meter_id]
            body = msgspec.json.encode(encode_interval_body(statement, frame.signature, wallet_address=wallet))
        else:
            body = encode_json(statement, frame.signature)
        return body, statement.sequence

    def _tell(self, meter_id: MeterId, entry: ReceiptEntry) -> None:
        listener = self._listeners.get(meter_id)
        if listener is None:
            return
        receipt = ReceiptMessage(meter_id=meter_id, results=(entry,), highest=entry.sequence)
        for payload in encode_receipt(receipt):
            listener(Channel.RECEIPT, payload)


def _entry(response: httpx.Response, sequence: int) -> ReceiptEntry | None:
    """An answer that says no verdict is no answer."""
    try:
        answer = msgspec.json.decode(response.content, type=_Answer)
        reason = None if answer.reason is None else Reason(answer.reason)
        if response.is_client_error:
            return None if reason is None else ReceiptEntry(sequence=sequence, verdict=Verdict.REJECTED, reason=reason)
        return None if answer.verdict is None else ReceiptEntry(sequence=sequence, verdict=Verdict(answer.verdict), reason=reason)
    except (msgspec.MsgspecError, ValueError):
        return None
