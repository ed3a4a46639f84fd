"""Each door in a process of its own, two at a time, so that memory is each door's and a crash is one door's."""

import multiprocessing
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final, cast

from core.runtime import logging
from tests.fuzz.black_box import BlackBox, read_back
from tests.fuzz.door import Door
from tests.fuzz.running import Finding, Report, run_alone

LONGEST_S: Final = 3_600.0
_PRELOADED: Final = ["tests.fuzz.doors.listed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One door's part of a run."""

    door: type[Door]
    inputs: int
    seed: int
    folder: Path

    @property
    def box(self) -> Path:
        """Where the batch in hand is remembered."""
        return self.folder / f"{self.door.name}.in-hand"


@dataclass(frozen=True, slots=True)
class _Running:
    task: Task
    process: ForkServerProcess
    results: Connection


def run_all(tasks: Sequence[Task], *, workers: int, started: Callable[[Task], None]) -> Iterator[Report]:
    """Run the tasks, at most `workers` at a time, the longest first; yields reports as they come."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    waiting, running = list(tasks), list[_Running]()
    while waiting or running:
        while waiting and len(running) < workers:
            task = waiting.pop(0)
            started(task)
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(task, theirs), name=f"fuzz-{task.door.name}")
            process.start()
            theirs.close()
            running.append(_Running(task, process, cast("Connection", ours)))
        ready = wait([one.results for one in running], timeout=LONGEST_S)
        for one in [one for one in running if one.results in ready or not ready]:
            running.remove(one)
            yield _report(one)


def _work(task: Task, results: Connection) -> None:
    logging.configure("critical", "text")
    try:
        report = run_alone(task.door(), task.inputs, seed=task.seed, box=BlackBox.at(task.box))
    except BaseException as problem:  # noqa: BLE001  # the parent must hear of whatever ended the run
        trace = "".join(traceback.format_exception(problem)[-30:])
        report = Report(door=task.door.name, findings=[Finding(door=task.door.name, what=f"run ended: {problem!r}", trace=trace)])
    results.send(report)
    results.close()


def _report(one: _Running) -> Report:
    """What the process says, or what it had in hand when it died."""
    try:
        if not one.results.poll():
            one.process.kill()
        report = cast("Report", one.results.recv())
    except EOFError:
        one.process.join(10)
        what = f"the process died with exit code {one.process.exitcode}; one of these inputs did it"
        findings = [Finding(door=one.task.door.name, what=what, data=data) for data in read_back(one.task.box)] or [
            Finding(door=one.task.door.name, what=what)
        ]
        report = Report(door=one.task.door.name, findings=findings)
    one.process.join(30)
    one.task.box.unlink(missing_ok=True)
    return report
