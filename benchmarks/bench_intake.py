"""Intake on SQLite from prepared messages, as a ratio to raw single-thread signature checks in the same run.

Prints one JSON object. Run it as `python -m benchmarks.bench_intake`.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.prepared_fleet import FLEET, NETWORK, NOW, Signed, draw_keys, enrol, sign_readings
from core.domain.readings import Statement
from core.domain.verdicts import Verdict
from core.runtime.clock import FixedClock
from core.store import Store
from devices.acceptance import STANDARD
from devices.envelope import encode_binary, encode_journal, encode_json
from devices.intake import Intake, SignatureVerifier, Submission
from devices.keys import DeviceKey, signature_is_valid
from devices.statement import encode_statement

BATCH: Final = 256
"""Messages in a micro-batch of single envelopes."""
JOURNALS_PER_BATCH: Final = 8

Journey = list[list[Submission]]
Prepared = list[Signed]


@dataclass(slots=True)
class Cost:
    """What a journey took, and what checking its signatures alone takes."""

    readings: int = 0
    intake_s: float = 0.0
    processor_s: float = 0.0
    raw_s: float = 0.0


def main() -> None:
    """Measure and print."""
    print(json.dumps(asyncio.run(measure()), indent=1))


async def measure() -> dict[str, float]:
    """Rates per second of wall clock, processor time in microseconds, and the ratios of the rates."""
    keys = draw_keys()
    prepared = sign_readings(keys)
    figures: dict[str, float] = {"readings": len(prepared)}
    for name, batches in (
        ("journal", _journals(prepared)),
        ("binary_envelope", _singles(prepared, encode_binary)),
        ("json_envelope", _singles(prepared, encode_json)),
    ):
        cost = await _cost(keys, batches, prepared)
        figures[f"{name}_per_s"] = cost.readings / cost.intake_s
        figures[f"{name}_processor_us"] = cost.processor_s / cost.readings * 1e6
        figures[f"{name}_raw_single_thread_per_s"] = cost.readings / cost.raw_s
        figures[f"{name}_ratio"] = cost.raw_s / cost.intake_s
    return {name: round(value, 3) for name, value in figures.items()}


def _check_raw(some: Prepared) -> float:
    """Seconds that one thread takes to check these signatures and nothing else."""
    checks = [(encode_statement(statement), signature, key.public_key) for statement, signature, key in some]
    started = time.perf_counter()
    for message, signature, public_key in checks:
        if not signature_is_valid(message, signature, public_key):
            raise RuntimeError("a prepared signature is not valid")
    return time.perf_counter() - started


def _journals(prepared: Prepared) -> Journey:
    """One journal of 256 statements a meter."""
    by_meter: dict[str, list[bytes]] = {}
    for statement, signature, _ in prepared:
        by_meter.setdefault(statement.meter_id, []).append(encode_binary(statement, signature))
    messages = [
        _submission(meter_id, journal, "journal")
        for meter_id, all_of_it in by_meter.items()
        for journal in encode_journal(all_of_it)
    ]
    return [messages[start : start + JOURNALS_PER_BATCH] for start in range(0, len(messages), JOURNALS_PER_BATCH)]


def _singles(prepared: Prepared, encode: Callable[[Statement, bytes], bytes]) -> Journey:
    messages = [_submission(statement.meter_id, encode(statement, signature), "reading") for statement, signature, _ in prepared]
    return [messages[start : start + BATCH] for start in range(0, len(messages), BATCH)]


def _submission(meter_id: str, payload: bytes, kind: str) -> Submission:
    return Submission(
        raw=payload,
        source="mqtt",
        kind="journal" if kind == "journal" else "reading",
        fleet=FLEET,
        topic_meter_id=meter_id,
        received_at=NOW,
    )


async def _cost(keys: dict[str, DeviceKey], batches: Journey, prepared: Prepared) -> Cost:
    """Take all batches in, each beside as many raw checks, so that both meet the same state of the machine."""
    cost, accepted = Cost(), 0
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}")
        await store.migrate()
        clock = FixedClock(NOW)
        await enrol(store, keys, clock)
        verifier = SignatureVerifier(threads=2)
        intake = Intake(
            store=store, clock=clock, network=NETWORK, profile=STANDARD, verifier=verifier, messages_per_minute=1_000_000
        )
        for batch in batches:
            started, processor = time.perf_counter(), time.process_time()
            result = await intake.submit(batch)
            cost.intake_s += time.perf_counter() - started
            cost.processor_s += time.process_time() - processor
            outcomes = [outcome for message in result.outcomes for outcome in message]
            accepted += sum(outcome.verdict is Verdict.ACCEPTED for outcome in outcomes)
            cost.raw_s += _check_raw(prepared[cost.readings : cost.readings + len(outcomes)])
            cost.readings += len(outcomes)
        verifier.close()
        await store.close()
    if accepted != len(prepared):
        raise RuntimeError(f"{accepted} of {len(prepared)} prepared readings were accepted")
    return cost


if __name__ == "__main__":
    main()
