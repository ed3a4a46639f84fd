"""One door's run: inputs in, answers counted, memory and time watched, failures kept as small as they can be made."""

import asyncio
import gc
import signal
import traceback
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Final

from tests.fuzz.black_box import BlackBox
from tests.fuzz.door import Answered, Door, Try

WARM_UP: Final = 0.3
"""Part of a run after which memory must stand still."""
MAX_GROWTH_BYTES: Final = 32 * 1024 * 1024
MAX_INPUT_CPU_S: Final = 1.0
"""No input of any door is worth more; a parser beyond linear shows here first."""
MAX_BATCH_S: Final = 120.0
"""A batch that takes longer hangs."""
MAX_FINDINGS: Final = 8
ENOUGH: Final = 200
"""Inputs from which on a door's coverage is held against its list."""
SHRINK_TRIES: Final = 400


@dataclass(slots=True, kw_only=True)
class Finding:
    """Something broke."""

    door: str
    what: str
    data: bytes = b""
    trace: str = ""


@dataclass(slots=True, kw_only=True)
class Report:
    """What a run found out."""

    door: str
    inputs: int = 0
    answers: Counter[str] = field(default_factory=Counter[str])
    slowest_ms: float = 0.0
    slowest: bytes = b""
    growth_bytes: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list[Finding])


async def run_door(door: Door, count: int, *, seed: int, box: BlackBox | None = None) -> Report:
    """Fuzz one door.

    Args:
        door: a fresh one.
        count: inputs.
        seed: the same one gives the same inputs.
        box: remembers the batch in hand, should the process die.
    """
    report, random, started = Report(door=door.name), Random(f"{seed}/{door.name}"), perf_counter()
    await door.open(random)
    gc.collect()
    gc.freeze()  # so that a collection during one input is no story about that input
    try:
        await _give(door, count, random, report, box or BlackBox.nowhere())
        await _repeat_slowest(door, report)
        await _settle(door, report)
    finally:
        await door.close()
    _check_coverage(door, count, report)
    report.seconds = perf_counter() - started
    return report


async def _give(door: Door, count: int, random: Random, report: Report, box: BlackBox) -> None:
    warm: int | None = None
    while report.inputs < count and len(report.findings) < MAX_FINDINGS:
        if warm is None and report.inputs >= WARM_UP * count:
            warm = resident_bytes()
        batch = [door.make(random) for _ in range(min(door.batch, count - report.inputs))]
        box.note([one.data for one in batch])
        with _no_longer_than(MAX_BATCH_S):
            answers = await door.give_all([one.data for one in batch])
        for one, answer in zip(batch, answers, strict=True):
            await _take(door, one, answer, report)
        report.inputs += len(batch)
    if warm is not None and not report.findings:
        report.growth_bytes = resident_bytes() - warm
        if report.growth_bytes > MAX_GROWTH_BYTES:
            report.findings.append(Finding(door=door.name, what=f"memory grew by {report.growth_bytes >> 20} MiB"))


async def _take(door: Door, one: Try, answer: Answered | Exception, report: Report) -> None:
    if isinstance(answer, Exception):
        report.answers["!"] += 1
        await _found(door, one, answer, report)
        return
    report.answers[answer.label] += 1
    if answer.cpu_s * 1_000 > report.slowest_ms:
        report.slowest_ms, report.slowest = answer.cpu_s * 1_000, one.data
    if answer.label not in door.labels:
        report.findings.append(Finding(door=door.name, what=f"answered {answer.label!r}, which is on no list", data=one.data))
    elif one.expects is not None and answer.label != one.expects:
        what = f"answered {answer.label!r} to what must be {one.expects!r}"
        report.findings.append(Finding(door=door.name, what=what, data=one.data))
    elif answer.cpu_s > MAX_INPUT_CPU_S:
        report.findings.append(Finding(door=door.name, what=f"took {answer.cpu_s:.1f} s of processor time", data=one.data))


async def _found(door: Door, one: Try, problem: Exception, report: Report) -> None:
    place = _place(problem)
    if any(finding.what.startswith(place) for finding in report.findings):
        return
    data = await _shrunk(door, one.data, place) if door.is_stateless else one.data
    trace = "".join(traceback.format_exception(problem)[-8:])
    report.findings.append(Finding(door=door.name, what=f"{place}: {problem}"[:300], data=data, trace=trace))


def _place(problem: Exception) -> str:
    """What was raised and where: two inputs with the same are the same finding."""
    frames = traceback.extract_tb(problem.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{type(problem).__name__} in {where}"


async def _shrunk(door: Door, data: bytes, place: str) -> bytes:
    """Leave out pieces as long as the same thing breaks."""
    tries, size = 0, len(data) // 2
    while size and tries < SHRINK_TRIES:
        at = 0
        while at < len(data) and tries < SHRINK_TRIES:
            less, tries = data[:at] + data[at + size :], tries + 1
            answer = (await door.give_all([less]))[0]
            if isinstance(answer, Exception) and _place(answer) == place:
                data = less
            else:
                at += size
        size //= 2
    return data


async def _repeat_slowest(door: Door, report: Report) -> None:
    """Noise is slow once; a slow parser is slow again."""
    if not door.is_stateless or report.findings:
        return
    for _ in range(3):
        answer = (await door.give_all([report.slowest]))[0]
        if isinstance(answer, Answered):
            report.slowest_ms = min(report.slowest_ms, answer.cpu_s * 1_000)


async def _settle(door: Door, report: Report) -> None:
    try:
        await door.settle()
    except AssertionError as problem:
        trace = "".join(traceback.format_exception(problem)[-6:])
        report.findings.append(Finding(door=door.name, what=f"at the end: {problem}"[:600], trace=trace))


def _check_coverage(door: Door, count: int, report: Report) -> None:
    """A fuzzer that never gets past the first check finds nothing behind it."""
    if report.findings or count < ENOUGH:
        return
    wanted = door.labels if count >= 100 * ENOUGH else door.labels - door.rare
    if missing := wanted - door.unlikely - report.answers.keys():
        report.findings.append(Finding(door=door.name, what=f"never answered {', '.join(sorted(missing))}"))
    for label, per_cent in door.least.items():
        heard = 100 * report.answers[label] / count
        if heard < per_cent:
            what = f"only {heard:.1f} % were answered {label!r}, and {per_cent} % should be"
            report.findings.append(Finding(door=door.name, what=what))


def resident_bytes() -> int:
    """Memory of this process that is in use."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4_096


@contextmanager
def _no_longer_than(seconds: float) -> Generator[None]:
    def interrupt(number: int, frame: object) -> None:
        raise TimeoutError(f"a batch took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run_alone(door: Door, count: int, *, seed: int, box: BlackBox | None = None) -> Report:
    """`run_door` in a loop of its own."""
    return asyncio.run(run_door(door, count, seed=seed, box=box))


def sizes(shares: Sequence[int], total: int) -> list[int]:
    """Split a total by shares, exactly."""
    whole = sum(shares)
    counts = [total * share // whole for share in shares]
    counts[0] += total - sum(counts)
    return counts
