from random import Random

from core.domain.errors import InvalidInput
from core.domain.identity import parse_meter_id
from core.domain.readings import AssetKind, StatementKind
from core.domain.verdicts import Reason, Verdict
from core.runtime.clock import FixedClock
from devices.envelope import BINARY_SIZE, decode_binary
from devices.keys import DeviceKey
from devices.messages import Configure, Resync, decode_command_reply, encode_command
from devices.receipts import HelloAnswer, ReceiptEntry, ReceiptMessage, encode_hello_answer, encode_receipt
from devices.topics import Channel
from firmware_sim.device import Device
from firmware_sim.faults import NO_FAULTS, FaultPlan, FaultyLink, turn_a_bit
from firmware_sim.journal import MemoryJournal
from firmware_sim.meter import Base, Meter
from firmware_sim.profiles import PLATES, profile_of
from firmware_sim.transport import MemoryTransport
from firmware_sim.truth import MeterCounters
from firmware_sim.weather import Weather

T0 = 1_749_999_600
METER = parse_meter_id("MTR-001")
NETWORK = bytes(8)


class Bench:
    """A device on a wire that writes down what passes, with a hand-set monotonic clock."""

    def __init__(self, plan: FaultPlan = NO_FAULTS) -> None:
        self.sent: list[tuple[Channel, bytes]] = []
        self.seconds = 0.0
        self.counters = MeterCounters()
        self.transport = MemoryTransport(lambda _, channel, payload: self.sent.append((channel, payload)))
        self.meter = Meter(
            meter_id=METER,
            network=NETWORK,
            key=DeviceKey(bytes(range(32))),
            kind=StatementKind.REGISTER,
            profile=profile_of(PLATES[AssetKind.SOLAR], seed=1, weather=Weather(seed=1)),
            base=Base(sequence=0, measured_at=T0, generation_wh=0, consumption_wh=0),
            journal=MemoryJournal(),
        )
        self.device = Device(
            self.meter,
            FaultyLink(METER, self.transport, plan, Random(1), self.counters),
            clock=FixedClock(T0 + 86_400),
            monotonic=lambda: self.seconds,
            random=Random(2),
            counters=self.counters,
        )

    async def on_line(self) -> "Bench":
        await self.transport.connect(METER, self.device.hears, self.device.is_back)
        return self

    def receipt(self, *entries: ReceiptEntry, missing: tuple[tuple[int, int], ...] = ()) -> None:
        message = ReceiptMessage(meter_id=METER, results=entries, highest=99, missing=missing)
        for payload in encode_receipt(message):
            self.device.hears(Channel.RECEIPT, payload)

    def numbers(self, channel: Channel) -> list[int]:
        """Sequence numbers sent on a channel, then forget what was sent."""
        payloads = [payload for sent_on, payload in self.sent if sent_on is channel]
        self.sent = [message for message in self.sent if message[0] is not channel]
        return [
            decode_binary(payload[start : start + BINARY_SIZE]).statement.sequence
            for payload in payloads
            for start in range(0, len(payload), BINARY_SIZE)
        ]


def entry(sequence: int, verdict: Verdict, reason: Reason | None = None) -> ReceiptEntry:
    return ReceiptEntry(sequence=sequence, verdict=verdict, reason=reason)


async def test_an_entry_is_dropped_on_a_final_receipt_alone():
    bench = await Bench().on_line()
    for n in range(1, 6):
        await bench.device.tick(T0 + 900 * n)

    bench.receipt(
        entry(1, Verdict.ACCEPTED),
        entry(2, Verdict.REPEATED),
        entry(3, Verdict.REJECTED, Reason.STALE),
        entry(4, Verdict.REJECTED, Reason.BAD_SIGNATURE),
        entry(5, Verdict.QUARANTINED, Reason.HELD),
    )

    assert list(bench.meter.journal.entries()) == [4, 5]
    assert bench.device.undecided() == [4]


async def test_what_has_no_receipt_is_sent_again_with_growing_pauses():
    bench = await Bench().on_line()
    await bench.device.tick(T0 + 900)
    assert bench.numbers(Channel.READING) == [1]

    pauses: list[float] = []
    for _ in range(4):
        start = bench.seconds
        while not bench.numbers(Channel.JOURNAL):
            bench.seconds += 0.5
            await bench.device.send_what_is_due()
        pauses.append(bench.seconds - start)

    assert pauses == [2.0, 4.0, 8.0, 16.0]


async def test_what_the_platform_misses_is_sent_at_once_unless_it_may_be_on_its_way():
    bench = await Bench().on_line()
    for n in range(1, 4):
        await bench.device.tick(T0 + 900 * n)
    bench.numbers(Channel.READING)

    bench.receipt(entry(3, Verdict.ACCEPTED), missing=((1, 2),))
    await bench.device.send_what_is_due()
    assert bench.numbers(Channel.JOURNAL) == []
    bench.seconds += 2.0
    bench.receipt(missing=((1, 2),))
    await bench.device.send_what_is_due()

    assert bench.numbers(Channel.JOURNAL) == [1, 2]


async def test_a_slow_platform_is_given_time():
    bench = await Bench().on_line()
    await bench.device.tick(T0 + 900)
    bench.seconds += 1.9
    bench.receipt(entry(1, Verdict.ACCEPTED))
    await bench.device.tick(T0 + 1_800)
    bench.sent.clear()

    bench.seconds += 3.7
    await bench.device.send_what_is_due()
    assert bench.sent == []
    bench.seconds += 0.2
    await bench.device.send_what_is_due()

    assert bench.numbers(Channel.JOURNAL) == [2]


async def test_a_quarantined_one_rests_until_its_second_receipt():
    bench = await Bench().on_line()
    await bench.device.tick(T0 + 900)
    bench.receipt(entry(1, Verdict.QUARANTINED, Reason.OVER_CAPACITY))
    bench.seconds += 1_000
    await bench.device.send_what_is_due()
    assert bench.numbers(Channel.JOURNAL) == []
    assert list(bench.meter.journal.entries()) == [1]

    bench.receipt(entry(1, Verdict.ACCEPTED))

    assert bench.meter.journal.entries() == {}


async def test_needless_repeats_make_a_device_more_patient_up_to_a_point():
    bench = await Bench().on_line()
    for _ in range(10):
        bench.receipt(entry(1, Verdict.REPEATED))
    await bench.device.tick(T0 + 900)
    bench.sent.clear()

    bench.seconds += 7.9
    await bench.device.send_what_is_due()
    assert bench.sent == []
    bench.seconds += 0.1
    await bench.device.send_what_is_due()

    assert bench.numbers(Channel.JOURNAL) == [1]


async def test_an_outage_is_filled_back_by_one_journal_in_order():
    bench = await Bench().on_line()
    bench.device.link.down = True
    for n in range(1, 5):
        await bench.device.tick(T0 + 900 * n)
    assert bench.sent == []
    bench.device.link.down = False

    await bench.device.say_hello()
    await bench.device.tick(T0 + 900 * 5)

    assert [channel for channel, _ in bench.sent] == [Channel.STATUS, Channel.HELLO, Channel.JOURNAL]
    assert bench.numbers(Channel.JOURNAL) == [1, 2, 3, 4, 5]


async def test_a_wrong_clock_is_set_right_by_the_answer_to_a_hello():
    bench = await Bench().on_line()
    bench.meter.clock_skew_s = 500
    await bench.device.tick(T0 + 900)
    bench.receipt(entry(1, Verdict.REJECTED, Reason.FUTURE))
    bench.sent.clear()

    await bench.device.tick(T0 + 1_800)
    assert Channel.HELLO in [channel for channel, _ in bench.sent]
    bench.device.hears(Channel.RECEIPT, encode_hello_answer(HelloAnswer(highest=2, time=T0 + 86_400, network=NETWORK)))

    assert bench.meter.clock_skew_s == 0
    assert 1 in bench.meter.journal.entries()


async def test_the_answer_of_another_deployment_counts_for_nothing():
    bench = await Bench().on_line()

    bench.device.hears(Channel.RECEIPT, encode_hello_answer(HelloAnswer(highest=77, time=0, network=b"otherone")))

    assert bench.meter.sequence == 0
    assert bench.meter.clock_skew_s == 0


async def test_a_highest_number_that_no_meter_reaches_is_not_gone_on_after():
    bench = await Bench().on_line()
    await bench.device.tick(T0 + 900)

    bench.device.hears(Channel.RECEIPT, encode_hello_answer(HelloAnswer(highest=2**62, time=T0 + 86_400, network=NETWORK)))

    assert bench.meter.sequence == 1


async def test_a_device_without_its_journal_goes_on_after_the_highest():
    bench = await Bench().on_line()
    bench.meter.lose_its_journal(MemoryJournal())
    await bench.device.tick(T0 + 900)
    assert bench.numbers(Channel.READING) == []
    bench.device.hears(Channel.RECEIPT, encode_hello_answer(HelloAnswer(highest=41, time=T0 + 86_400, network=NETWORK)))

    await bench.device.tick(T0 + 1_800)

    assert bench.numbers(Channel.READING) == [42]


async def test_commands_are_answered_and_a_resync_is_obeyed():
    bench = await Bench().on_line()
    for n in range(1, 4):
        await bench.device.tick(T0 + 900 * n)
    bench.device.hears(Channel.COMMAND, encode_command(Resync(id="a", first=2, last=9)))
    bench.device.hears(Channel.COMMAND, encode_command(Configure(id="b", cadence_s=60, slot_s=1)))
    bench.device.hears(Channel.COMMAND, b"nonsense")

    await bench.device.tend()
    await bench.device.send_what_is_due()

    replies = [decode_command_reply(payload) for channel, payload in bench.sent if channel is Channel.COMMAND_REPLY]
    assert [(reply.id, reply.ok) for reply in replies] == [("a", True), ("b", False)]
    assert bench.numbers(Channel.JOURNAL) == [2, 3]


async def test_faults_are_counted_and_touch_what_carries_energy_alone():
    bench = await Bench(FaultPlan(loss=200, repeat=300, reorder=200, tamper=200)).on_line()
    for n in range(1, 97):
        await bench.device.tick(T0 + 900 * n)
    await bench.device.say_hello()

    counters = bench.counters
    assert counters.stated == counters.sent == 96
    assert min(counters.lost, counters.repeated, counters.reordered, counters.tampered) > 0
    arrived = [payload for channel, payload in bench.sent if channel is Channel.READING]
    held_back = 96 - counters.lost + counters.repeated - len(arrived)
    assert held_back in {0, 1}
    assert Channel.HELLO in [channel for channel, _ in bench.sent]


def test_a_tampered_message_differs_in_one_bit():
    turned = turn_a_bit(bytes(129), Random(3))

    assert sum(byte.bit_count() for byte in turned) == 1
    try:
        decode_binary(turned)
    except InvalidInput:
        pass
    else:
        raise AssertionError("zeros are no envelope")
