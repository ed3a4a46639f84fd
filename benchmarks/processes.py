"""The platform's parts as processes of their own: started, watched through /proc, stopped."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
STOP_WITHIN_S: Final = 30.0
ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Usage:
    """What a part takes at one moment."""

    memory_kib: int
    """Resident memory; pages that its processes share are counted once."""
    files: int
    threads: int
    cpu_s: float
    """Processor time since its processes began."""


class Part:
    """A running part: one process, or one with children."""

    def __init__(self, name: str, pid: int, process: Process | None = None) -> None:
        self.name = name
        self.pid = pid
        self.process = process

    @property
    def ended(self) -> bool:
        """Whether its process is gone."""
        return not (PROC / str(self.pid)).exists() if self.process is None else self.process.returncode is not None

    def usage(self) -> Usage:
        """Read its figures; a process that ends in this moment counts nothing."""
        pids = family(self.pid)
        found = [usage for pid in pids if (usage := _usage(pid, shared=len(pids) > 1)) is not None]
        return Usage(
            memory_kib=sum(one.memory_kib for one in found),
            files=sum(one.files for one in found),
            threads=sum(one.threads for one in found),
            cpu_s=sum(one.cpu_s for one in found),
        )

    async def stop(self) -> None:
        """Ask it to end, and wait; one that does not is killed."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def start(name: str, arguments: Sequence[str], *, env: Mapping[str, str], log: Path, talks: bool = False) -> Part:
    """Start a Python program of this repository, its errors in a log file.

    Args:
        name: of the part.
        arguments: for the interpreter.
        env: settings; nothing else of the environment is handed on but the path.
        log: where its output goes.
        talks: whether it is spoken to by lines on its standard input and output.
    """
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=PIPE if talks else DEVNULL,
            stdout=PIPE if talks else errors,
            stderr=errors,
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), **env},
            cwd=log.parent,  # no .env of anybody
            limit=1 << 24,
        )
    return Part(name, process.pid, process)


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(one := waiting.pop())
        waiting += children.get(one, [])
    return found


def _parent(entry: Path) -> int | None:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None  # it ended


def _usage(pid: int, *, shared: bool) -> Usage | None:
    home = PROC / str(pid)
    try:
        fields = (home / "stat").read_text().rpartition(")")[2].split()
        memory = _memory_kib(home / "smaps_rollup", "Pss" if shared else "Rss")
        files = sum(1 for _ in (home / "fd").iterdir())
    except OSError:
        return None
    return Usage(memory_kib=memory, files=files, threads=int(fields[17]), cpu_s=(int(fields[11]) + int(fields[12])) / TICKS_PER_S)


def _memory_kib(rollup: Path, kind: str) -> int:
    """Resident pages, or of those that several processes share this one's part."""
    for line in rollup.read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1])
    raise OSError(f"{rollup} tells no {kind}")
