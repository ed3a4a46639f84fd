"""The platform's answers to a device: receipts and the answer to a hello, on one topic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from core.domain.errors import InvalidInput
from core.domain.network import NETWORK_SIZE
from core.domain.units import MAX_WH
from core.domain.verdicts import Reason, Verdict, is_final

MAX_RECEIPT_BYTES: Final = 4 * 1024
"""Small enough for any device; longer receipts are split."""
MAX_RESULTS: Final = 32
MAX_MISSING_RANGES: Final = 32
"""Oldest gaps first; the next receipt lists what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptEntry:
    """What became of one statement."""

    sequence: int
    verdict: Verdict
    reason: Reason | None = None

    @property
    def final(self) -> bool:
        """Whether the device may drop its journal entry."""
        return is_final(self.verdict, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptMessage:
    """Everything the platform tells one meter at once."""

    meter_id: str
    results: tuple[ReceiptEntry, ...]
    highest: int
    """The highest sequence number that the platform has stored."""
    missing: tuple[tuple[int, int], ...] = ()
    """Ranges of numbers never received, both ends included, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelloAnswer:
    """What a device needs to go on after it lost its journal or its clock."""

    highest: int
    time: int
    """The platform's Unix seconds."""
    network: bytes


_Number = Annotated[int, msgspec.Meta(ge=0, le=MAX_WH)]
"""What a database column and a device's own counters hold."""


class _Result(msgspec.Struct, omit_defaults=True):
    sequence: Annotated[int, msgspec.Meta(ge=0)]
    """As stated: a refused statement may have named any number."""
    verdict: str
    final: bool
    reason: str | None = None


class _Message(msgspec.Struct, omit_defaults=True):
    """Both messages of the topic; which one it is shows by its fields."""

    highest: _Number
    meter_id: str | None = None
    results: list[_Result] | None = None
    missing: list[tuple[_Number, _Number]] | None = None
    time: _Number | None = None
    network: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Message)


def encode_receipt(message: ReceiptMessage) -> list[bytes]:
    """One receipt as messages of at most 4 KiB each; every one stands for itself."""
    missing = list(message.missing[:MAX_MISSING_RANGES])
    parts = [message.results[start : start + MAX_RESULTS] for start in range(0, len(message.results), MAX_RESULTS)] or [()]
    return [
        msgspec.json.encode(_wire(message, part, missing if number == len(parts) - 1 else []))
        for number, part in enumerate(parts)
    ]


def encode_hello_answer(answer: HelloAnswer) -> bytes:
    """The answer to a hello."""
    return msgspec.json.encode({"highest": answer.highest, "time": answer.time, "network": answer.network.hex()})


def decode_platform_message(payload: bytes) -> ReceiptMessage | HelloAnswer:
    """Read what arrived on a meter's receipt topic.

    Raises:
        InvalidInput: neither a receipt nor the answer to a hello.
    """
    try:
        message = _DECODER.decode(payload)
        if message.time is not None and message.network is not None:
            return HelloAnswer(highest=message.highest, time=message.time, network=_network(message.network))
        if message.meter_id is None or message.results is None:
            raise InvalidInput("the message is neither a receipt nor the answer to a hello")
        return ReceiptMessage(
            meter_id=message.meter_id,
            results=tuple(_entry(result) for result in message.results),
            highest=message.highest,
            missing=tuple(message.missing or ()),
        )
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        raise InvalidInput("the message is neither a receipt nor the answer to a hello") from problem


def missing_ranges(received: Sequence[int], *, after: int, highest: int) -> tuple[tuple[int, int], ...]:
    """The gaps of `after + 1` to `highest` in the numbers received.

    Args:
        received: ascending sequence numbers.
        after: the base's number; nothing up to it is expected.
        highest: the highest number received.
    """
    ranges: list[tuple[int, int]] = []
    expected = after + 1
    for number in received:
        if number > expected:
            ranges.append((expected, number - 1))
        expected = max(expected, number + 1)
    if expected <= highest:
        ranges.append((expected, highest))
    return tuple(ranges)


def _wire(message: ReceiptMessage, part: Sequence[ReceiptEntry], missing: list[tuple[int, int]]) -> dict[str, object]:
    return {
        "meter_id": message.meter_id,
        "results": [
            _Result(
                sequence=entry.sequence,
                verdict=entry.verdict.value,
                final=entry.final,
                reason=None if entry.reason is None else entry.reason.value,
            )
            for entry in part
        ],
        "highest": message.highest,
        "missing": missing,
    }


def _network(text: str) -> bytes:
    network = bytes.fromhex(text)
    if len(network) != NETWORK_SIZE:
        raise ValueError("the network is 8 bytes")
    return network


def _entry(result: _Result) -> ReceiptEntry:
    return ReceiptEntry(
        sequence=result.sequence,
        verdict=Verdict(result.verdict),
        reason=None if result.reason is None else Reason(result.reason),
    )
