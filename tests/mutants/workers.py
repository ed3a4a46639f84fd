"""Several mutants at once: each worker has a copy of the tree of its own and takes the next mutant that nobody tries."""

import queue
import shutil
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.listed import ROOT, Mutant
from tests.mutants.trial import Verdict, all_ended, copy_of_the_tree, set_up_programs, try_mutant

Tried = tuple[Mutant, Verdict]


@contextmanager
def copies(count: int) -> Generator[list[Path]]:
    """So many copies of the tree; gone afterwards, with what still runs in them."""
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    try:
        yield [copy_of_the_tree(ROOT, folder / str(number)) for number in range(count)]
    finally:
        with all_ended():
            shutil.rmtree(folder, ignore_errors=True)


def try_all(trees: Sequence[Path], mutants: Sequence[Mutant], *, others: bool) -> Iterator[Tried]:
    """Each mutant with its verdict, as they end; the first tree's programs are compiled already.

    The workers are daemons: a run that is stopped does not wait for them.
    """
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    ended: queue.SimpleQueue[Tried | Exception] = queue.SimpleQueue()
    for mutant in mutants:
        waiting.put(mutant)
    for number, tree in enumerate(trees):
        compiled = number == 0
        threading.Thread(
            target=_work, args=(tree, waiting, ended), kwargs={"compiled": compiled, "others": others}, daemon=True
        ).start()
    for _ in mutants:
        one = ended.get()
        if isinstance(one, Exception):
            raise one
        yield one


def _work(
    tree: Path,
    waiting: "queue.SimpleQueue[Mutant]",
    ended: "queue.SimpleQueue[Tried | Exception]",
    *,
    compiled: bool,
    others: bool,
) -> None:
    try:
        while True:
            mutant = waiting.get_nowait()
            if mutant.compiles and not compiled:
                trouble = set_up_programs(tree)
                compiled = not trouble
            verdict = try_mutant(tree, mutant, others=others)
            ended.put((mutant, verdict))
    except queue.Empty:
        return
    except Exception as problem:  # noqa: BLE001  # handed to the thread that waits, which raises it
        ended.put(problem)
