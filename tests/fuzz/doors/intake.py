"""The one intake on a real database: every input gets its verdict, its reason and its row, and no false one moves a Wh."""

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from time import process_time
from typing import Final, final

import sqlalchemy as sa

from core.domain.readings import Statement, StatementKind
from core.domain.verdicts import Reason, Verdict
from core.runtime.clock import FixedClock
from core.runtime.metrics import Metrics
from core.store import Store, meters
from core.store.tables.readings import MeterReadingRow, RefusalRow
from devices.acceptance import STANDARD
from devices.intake import Intake, Outcome, SignatureVerifier, Submission
from tests.fuzz.door import Answered, Door, Try
from tests.fuzz.mutations import bent, bent_object, fields_of, noise
from tests.fuzz.samples import interval_object
from tests.fuzz.village import LIES, HonestMeter, WildMeter, boundaries, other_content, settled_village
from tests.support.enrolled import BASE_AT, CADENCE_S, FLEET, NETWORK, Device

BATCH_S: Final = 120
"""The platform's clock moves this much a batch."""
FIRST_AT: Final = BASE_AT + 20 * CADENCE_S
PER_MINUTE: Final = 20
SEVERAL: Final = "several verdicts"
_REJECTIONS: Final = {f"rejected {reason.value}" for reason in Reason}
_DOUBTS: Final = {
    Reason.STALE,
    Reason.REPEATED_WINDOW,
    Reason.TOO_FREQUENT,
    Reason.OVER_CAPACITY,
    Reason.IMPLAUSIBLE,
    Reason.HELD,
}


@final
class IntakeDoor(Door):
    """`m`, `j`, `h` or `i` (MQTT reading or journal, HTTP envelope or interval body), the topic's meter, a zero, the message."""

    name = "intake"
    share = 100
    batch = 64
    is_stateless = False
    labels = frozenset(
        {
            "accepted",
            "repeated",
            SEVERAL,
            *(_REJECTIONS - {f"rejected {reason.value}" for reason in (Reason.OVER_CAPACITY, Reason.IMPLAUSIBLE, Reason.HELD)}),
            *(f"quarantined {reason.value}" for reason in _DOUBTS),
        }
    )
    least: Mapping[str, float] = {
        "accepted": 10,
        "repeated": 1,
        "rejected malformed": 5,
        "rejected bad_signature": 1,
        SEVERAL: 0.5,
    }
    rare = frozenset(
        {f"quarantined {reason.value}" for reason in _DOUBTS} | {"rejected register_backwards", "rejected sequence_conflict"}
    )

    async def open(self, random: Random) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gridtokenx-fuzz-")
        self._store = Store(f"sqlite+aiosqlite:///{Path(self._folder.name) / 'platform.db'}")
        await self._store.migrate()
        self._village = await settled_village(self._store)
        self._clock = FixedClock(FIRST_AT)
        self._metrics = Metrics()
        self._intake = Intake(
            store=self._store,
            clock=self._clock,
            network=NETWORK,
            profile=STANDARD,
            verifier=SignatureVerifier(),
            metrics=self._metrics,
            messages_per_minute=PER_MINUTE,
        )
        self._tally = Counter[tuple[str, bool]]()
        self._used = set[str]()
        self._queue: list[Try] = []
        self._signed: dict[bytes, tuple[WildMeter, Statement]] = {}
        self._honest_queue: list[HonestMeter] = []

    async def close(self) -> None:
        await self._store.close()
        self._folder.cleanup()

    def make(self, random: Random) -> Try:
        if not self._queue:
            self._queue = self._some(random)
        return self._queue.pop()

    async def give(self, data: bytes) -> str:
        [outcomes] = (await self._intake.submit([self._submission(data)])).outcomes
        return self._counted(outcomes)

    async def give_all(self, batch: Sequence[bytes]) -> list[Answered | Exception]:
        """One transaction for all; should it fail, each alone, to find the one."""
        started = process_time()
        try:
            result = await self._intake.submit([self._submission(data) for data in batch])
        except Exception:  # noqa: BLE001  # what it was shows below
            return await super().give_all(batch)
        each_s = (process_time() - started) / len(batch)
        answers: list[Answered | Exception] = []
        for data, outcomes in zip(batch, result.outcomes, strict=True):
            answers.append(Answered(self._counted(outcomes), each_s))
            self._remember(data, outcomes)
        self._clock.now_s += BATCH_S
        self._used.clear()
        self._signed.clear()
        return answers

    async def settle(self) -> None:
        """Received = accepted + repeated + quarantined + rejected; each refusal has its count, each honest Wh its place."""
        await self._check_honest()
        await self._check_rows()

    # --- answers -------------------------------------------------------------------------------------------------------

    def _submission(self, data: bytes) -> Submission:
        letter, topic, payload = data[:1], *data[1:].split(b"\0", 1)
        now = self._clock.now()
        if letter in b"mj":
            kind = "journal" if letter == b"j" else "reading"
            return Submission(raw=payload, source="mqtt", kind=kind, fleet=FLEET, topic_meter_id=topic.decode(), received_at=now)
        return Submission(raw=payload, source="http", kind="interval" if letter == b"i" else "reading", received_at=now)

    def _counted(self, outcomes: Sequence[Outcome]) -> str:
        assert outcomes, "a message without any answer"
        names = set[str]()
        for outcome in outcomes:
            assert (outcome.reason is None) == (outcome.verdict in (Verdict.ACCEPTED, Verdict.REPEATED)), outcome
            is_refused = outcome.reading_id is None
            assert not is_refused or outcome.verdict is Verdict.REJECTED, outcome
            name = outcome.verdict.value + (f" {outcome.reason.value}" if outcome.reason else "")
            self._tally[outcome.verdict.value, is_refused] += 1
            names.add(name)
        return names.pop() if len(names) == 1 else SEVERAL

    def _remember(self, data: bytes, outcomes: Sequence[Outcome]) -> None:
        known = self._signed.get(data)
        if known is not None and outcomes[0].verdict is Verdict.ACCEPTED:
            meter, statement = known
            meter.last = statement

    # --- inputs --------------------------------------------------------------------------------------------------------

    def _some(self, random: Random) -> list[Try]:
        """One input, or a burst of them, last first."""
        choice = random.random()
        if choice < 0.22:
            return [self._honest(random)]
        if choice < 0.28:
            return [self._again(random)]
        if choice < 0.50:
            return [self._damaged(random)]
        if choice < 0.80:
            return [self._lying(random)]
        if choice < 0.86:
            return [self._journal(random)]
        if choice < 0.93:
            return [self._interval_body(random)]
        if choice < 0.995:
            return [self._from_elsewhere(random)]
        return [self._chatter(random) for _ in range(2 * PER_MINUTE)]

    def _honest(self, random: Random) -> Try:
        if not self._honest_queue:
            self._honest_queue = [meter for meter in self._village.honest if meter.due_at() <= self._clock.now()]
            random.shuffle(self._honest_queue)
            self._honest_queue.sort(key=lambda meter: meter.sequence, reverse=True)
        if not self._honest_queue:
            return self._again(random)
        meter = self._honest_queue.pop()
        statement = meter.next(random)
        if meter.device.kind is StatementKind.INTERVAL and random.random() < 0.5:
            return Try(_http(b"i", json.dumps(interval_object(meter.device, statement)).encode()), "accepted")
        return Try(_carried(random, meter.device, statement), "accepted")

    def _again(self, random: Random) -> Try:
        """What was sent some batches ago changes nothing."""
        told = [meter for meter in random.choices(self._village.honest, k=8) if len(meter.sent) > 2]
        if not told:
            return self._damaged(random)
        return Try(_carried(random, told[0].device, random.choice(told[0].sent)))

    def _damaged(self, random: Random) -> Try:
        """An honest meter's words, bent on their way: whatever becomes of them, its energy is untouched."""
        meter = random.choice(self._village.honest)
        if not meter.sent:
            return self._honest(random)
        statement = random.choice(meter.sent)
        choice = random.random()
        if choice < 0.4:
            return Try(_mqtt(meter.device, bent(random, meter.device.binary(statement))))
        fields = fields_of(json.loads(meter.device.json(statement)))
        data = bent_object(random, fields) if choice < 0.9 else noise(random)
        return Try(_http(b"h", data) if random.random() < 0.5 else _mqtt(meter.device, data))

    def _lying(self, random: Random) -> Try:
        """A wild meter signs a lie; each is asked once a batch, so that a lie is judged by what was accepted before."""
        free = [meter for meter in random.choices(self._village.wild, k=6) if meter.device.meter_id not in self._used]
        if random.random() < 0.25 or not free:
            meter = random.choice(self._village.lost)
            lie = random.choice((boundaries, other_content))
            return self._told(random, meter, lie(meter, random))
        meter = free[0]
        self._used.add(meter.device.meter_id)
        return self._told(random, meter, random.choice(LIES)(meter, random, self._clock.now()))

    def _told(self, random: Random, meter: WildMeter, statement: Statement) -> Try:
        if statement.network != NETWORK:
            device = replace(meter.device, network=statement.network)
            return Try(_mqtt(meter.device, device.binary(statement)))
        data = _carried(random, meter.device, statement)
        self._signed[data] = (meter, statement)
        return Try(data)

    def _journal(self, random: Random) -> Try:
        """Honest and bent entries of one meter in one message."""
        meter = random.choice(self._village.honest)
        if not meter.sent:
            return self._honest(random)
        entries = [meter.device.binary(statement) for statement in meter.sent[-5:]]
        if meter.due_at() <= self._clock.now() and random.random() < 0.3 and meter not in self._honest_queue:
            entries.append(meter.device.binary(meter.next(random)))
            return Try(_mqtt(meter.device, b"".join(entries), b"j"))
        spoilt = [bent(random, entry)[:129].ljust(129, b"\0") if random.random() < 0.3 else entry for entry in entries]
        return Try(
            _mqtt(meter.device, b"".join(spoilt) if random.random() < 0.7 else bent(random, b"".join(entries), entries), b"j")
        )

    def _interval_body(self, random: Random) -> Try:
        meter = random.choice([meter for meter in self._village.wild if meter.device.kind is StatementKind.INTERVAL])
        statement = meter.next(self._clock.now(), generation_wh=random.randrange(1, 50))
        fields = interval_object(meter.device, statement)
        choice = random.random()
        if choice < 0.15:
            return Try(_http(b"i", json.dumps(fields | {"wallet_address": "A"}).encode()), "rejected wallet_invalid")
        if choice < 0.3:
            other = self._village.honest[0].device.wallet
            return Try(_http(b"i", json.dumps(fields | {"wallet_address": other}).encode()))
        return Try(_http(b"i", bent_object(random, fields_of(fields))))

    def _from_elsewhere(self, random: Random) -> Try:
        """Strangers, owners nobody verified, and honest words on a topic that is not theirs."""
        choice = random.random()
        if choice < 0.3:
            meter = random.choice(self._village.strangers)
            return Try(_http(b"h", meter.device.json(meter.next(self._clock.now()))), "rejected unknown_meter")
        meter, other = random.sample(self._village.honest, 2)
        if choice < 0.6 or not other.sent:
            meter = random.choice(self._village.unverified)
            return Try(_http(b"h", meter.device.json(meter.next(self._clock.now()))))
        return Try(_mqtt(meter.device, other.device.binary(other.sent[-1])), "rejected malformed")

    def _chatter(self, random: Random) -> Try:
        del random
        meter = self._village.chatty[0]
        return Try(_mqtt(meter.device, meter.device.binary(meter.next(self._clock.now()))))

    # --- what must hold ------------------------------------------------------------------------------------------------

    async def _check_honest(self) -> None:
        names = [meter.device.meter_id for meter in self._village.honest]
        async with self._store.read() as session:
            standings = await meters.standings(session, names)
        for meter in self._village.honest:
            standing = standings[meter.device.meter_id]
            booked = (standing.credited_generation_wh, standing.credited_consumption_wh, standing.highest_sequence)
            said = (meter.credited_generation_wh, meter.credited_consumption_wh, meter.sequence)
            unsent = [one for one in self._queue if one.expects == "accepted"]
            assert booked == said or unsent, f"{meter.device.meter_id}: booked {booked}, and it said {said}"

    async def _check_rows(self) -> None:
        async with self._store.read() as session:
            connection = await session.connection()
            rows = (await connection.execute(sa.select(sa.func.count()).select_from(MeterReadingRow.__table__))).scalar_one()  # pyright: ignore[reportAttributeAccessIssue]  # sqlmodel adds it
            seen = (await connection.execute(sa.select(sa.func.sum(RefusalRow.__table__.c.seen)))).scalar_one()  # pyright: ignore[reportAttributeAccessIssue]  # likewise
        refused = sum(count for (_, is_refused), count in self._tally.items() if is_refused)
        assert seen == refused, f"{refused} were refused, and the refusals count {seen}"
        counted = sum(
            sample.value
            for family in self._metrics.readings_total.collect()
            for sample in family.samples
            if sample.name.endswith("_total")
        )
        assert counted == self._tally.total(), f"{self._tally.total()} were answered, and the metrics count {counted}"
        stored = self._tally["accepted", False]
        assert rows >= stored, f"{stored} were accepted, and there are {rows} rows"


def _mqtt(device: Device, payload: bytes, letter: bytes = b"m") -> bytes:
    return letter + device.meter_id.encode() + b"\0" + payload


def _http(letter: bytes, payload: bytes) -> bytes:
    return letter + b"\0" + payload


def _carried(random: Random, device: Device, statement: Statement) -> bytes:
    """A statement by one of the ways in."""
    choice = random.random()
    if choice < 0.4:
        return _mqtt(device, device.binary(statement))
    return _mqtt(device, device.json(statement)) if choice < 0.7 else _http(b"h", device.json(statement))
