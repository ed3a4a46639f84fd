"""A meter on the network: it sends, listens to receipts, and sends again what is missing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Final

from core.domain.clock import Clock
from core.domain.errors import InvalidInput
from core.domain.verdicts import Reason, Verdict
from devices.envelope import MAX_JOURNAL_STATEMENTS, encode_journal
from devices.messages import (
    CommandReply,
    Hello,
    Resync,
    Status,
    decode_command,
    encode_command_reply,
    encode_hello,
    encode_status,
)
from devices.receipts import HelloAnswer, ReceiptMessage, decode_platform_message
from devices.topics import Channel
from firmware_sim.faults import FaultyLink
from firmware_sim.meter import Meter
from firmware_sim.transport import LinkDown
from firmware_sim.truth import MeterCounters
from firmware_sim.waiting import FIRST_RETRY_S, Waiting

FIRMWARE: Final = "gridtokenx-sim/1"
MAX_JUMP: Final = 2**20
"""Numbers that the platform may be ahead of a device that knows its own."""
CLOCK_DOUBTS: Final = frozenset(
    {Reason.FUTURE, Reason.STALE, Reason.REGISTER_BACKWARDS, Reason.REPEATED_WINDOW, Reason.TOO_FREQUENT}
)
"""Reasons that make a device ask for the time."""


class Device:
    """One meter's firmware above its registers.

    Args:
        meter: what measures and signs.
        link: the line to the platform.
        clock: true time; the device sees it through its own skew.
        monotonic: seconds of a clock that never jumps, for retries.
        random: for nonces.
        counters: what is counted for the truth.
        first_retry_s: how long the first receipt is waited for.
    """

    def __init__(
        self,
        meter: Meter,
        link: FaultyLink,
        *,
        clock: Clock,
        monotonic: Callable[[], float],
        random: Random,
        counters: MeterCounters,
        first_retry_s: float = FIRST_RETRY_S,
    ) -> None:
        self.meter = meter
        self.link = link
        self.counters = counters
        self._clock = clock
        self._monotonic = monotonic
        self._random = random
        self._waiting = Waiting(first_retry_s=first_retry_s)
        self._asks_for_time = False
        self._replies: list[bytes] = []
        self._heard = asyncio.Event()

    async def say_hello(self) -> None:
        """After every (re)connect: tell that it is there, and ask where it stands."""
        try:
            status = Status(online=True, firmware=FIRMWARE, sequence=self.meter.sequence)
            await self.link.publish(Channel.STATUS, encode_status(status))
            await self.link.publish(Channel.HELLO, encode_hello(Hello(nonce=f"{self._random.getrandbits(64):016x}")))
        except LinkDown:
            return  # the next connection says it again
        self._asks_for_time = False

    async def tick(self, at: int) -> None:
        """Measure up to `at` (true time, Unix seconds), sign, write down, send."""
        await self.tend()
        envelope = self.meter.state(at)
        if envelope is None:
            return
        self.counters.stated += 1
        if self._has_back_fill():
            await self.send_what_is_due()
        else:
            await self._send(Channel.READING, envelope, [self.meter.sequence])

    async def tend(self) -> None:
        """Answer commands, and say hello when there is something to ask."""
        await self._answer()
        if self._asks_for_time or not self.meter.knows_its_number:
            await self.say_hello()

    async def send_what_is_due(self) -> int:
        """Send due entries as journals, oldest first; returns how many there were."""
        await self._flush()
        entries = self.meter.journal.entries()
        due = self._waiting.due(entries, self._monotonic())
        for start in range(0, len(due), MAX_JOURNAL_STATEMENTS):
            part = due[start : start + MAX_JOURNAL_STATEMENTS]
            for payload in encode_journal([entries[sequence] for sequence in part]):
                await self._send(Channel.JOURNAL, payload, part)
        return len(due)

    def undecided(self) -> list[int]:
        """Entries without a receipt that lets them rest: neither final nor quarantined."""
        return [sequence for sequence in self.meter.journal.entries() if not self._waiting.is_parked(sequence)]

    def is_back(self) -> None:
        """The line stands again after it broke: what was on it may be gone, so say hello at the next chance."""
        self._asks_for_time = True

    async def wait_for_receipts(self, timeout_s: float) -> None:
        """Wait until something arrives, but no longer than `timeout_s` seconds."""
        self._heard.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._heard.wait(), timeout_s)

    def hears(self, channel: Channel, payload: bytes) -> None:
        """Take what arrived; a message that is none is ignored."""
        self._heard.set()
        try:
            if channel is Channel.COMMAND:
                self._obey(payload)
                return
            message = decode_platform_message(payload)
        except InvalidInput:
            return
        match message:
            case HelloAnswer():
                self._learns(message)
            case ReceiptMessage():
                self._takes(message)

    def _takes(self, receipt: ReceiptMessage) -> None:
        final: list[int] = []
        now = self._monotonic()
        for entry in receipt.results:
            self.counters.verdicts[entry.verdict] += 1
            if entry.reason in CLOCK_DOUBTS and self.meter.clock_skew_s:
                self._asks_for_time = True
            if entry.verdict is Verdict.REPEATED:
                self._waiting.repeated_needlessly()
            if entry.final:
                final.append(entry.sequence)
                self._waiting.done(entry.sequence, now)
            elif entry.verdict is Verdict.QUARANTINED:
                self._waiting.parked(entry.sequence)
        self.meter.journal.drop(final)
        kept = self.meter.journal.entries()
        for first, last in receipt.missing:
            self._waiting.wanted((sequence for sequence in kept if first <= sequence <= last), now)

    def _learns(self, answer: HelloAnswer) -> None:
        """A device that lost its number goes on after the highest; its clock is set right."""
        if answer.network != self.meter.network:
            return  # another deployment: nothing that it says counts
        if self.meter.knows_its_number and answer.highest > self.meter.sequence + MAX_JUMP:
            return  # no meter says so much: going on after it would be the end of its numbers
        self.meter.go_on_after(answer.highest)
        own_time = self._clock.now() + self.meter.clock_skew_s
        wrong_by = own_time - answer.time
        if abs(wrong_by) > 2:  # a network takes its time
            self.meter.clock_skew_s -= wrong_by

    def _obey(self, payload: bytes) -> None:
        command = decode_command(payload)
        ok = isinstance(command, Resync)
        if isinstance(command, Resync):
            kept = self.meter.journal.entries()
            wanted = (sequence for sequence in kept if command.first <= sequence <= command.last)
            self._waiting.ordered(wanted)
        self._replies.append(encode_command_reply(CommandReply(id=command.id, ok=ok)))

    def _has_back_fill(self) -> bool:
        """More than the newest waits to be sent: a journal carries it in order."""
        return len(self._waiting.due(self.meter.journal.entries(), self._monotonic())) > 1

    async def _answer(self) -> None:
        try:
            while self._replies:
                await self.link.publish(Channel.COMMAND_REPLY, self._replies[0])
                self._replies.pop(0)
        except LinkDown:
            return  # they stay until the line is back

    async def _flush(self) -> None:
        try:
            await self.link.flush()
        except LinkDown:
            return  # it is in the journal

    async def _send(self, channel: Channel, payload: bytes, sequences: list[int]) -> None:
        try:
            await self.link.publish(channel, payload)
        except LinkDown:
            return  # they are in the journal, and stay due
        now = self._monotonic()
        for sequence in sequences:
            self._waiting.sent(sequence, now)
