"""Remove each guard in turn, in a copy of the tree, and see that its tests fail.

The lists lie in `tests/mutants/*.toml` and in `mutants.toml` beside the hostile tests: the file, the guard's text, what stands
in its place, and the tests that must die. A mutant survives when one of its tests still passes; then that guard is not tested
and this command fails. Guards of the on-chain programs are compiled out first, which needs the toolchain of `programs/toolchain`.
What became of each is written to `build/mutants.json`.
"""

import argparse
import random
import re
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.mutants.listed import ROOT, Mutant, listed
from tests.mutants.proved import proved, record, unproved
from tests.mutants.trial import has_toolchain, run_tests, set_up_programs
from tests.mutants.workers import Tried, copies, try_all
from tests.support.groups import runs_in_ci

REPORT: Final = ROOT / "build/mutants.json"

INSTALL = "bash programs/toolchain/setup.sh"


def sampled(mutants: list[Mutant], size: int, seed: int) -> list[Mutant]:
    """So many mutants: half of them of the programs, as far as there are any."""
    chance = random.Random(seed)
    of_programs = [mutant for mutant in mutants if mutant.compiles]
    of_python = [mutant for mutant in mutants if not mutant.compiles]
    half = min(len(of_programs), max(size // 2, size - len(of_python)))
    picked = chance.sample(of_python, min(size - half, len(of_python))) + chance.sample(of_programs, half)
    return [mutant for mutant in mutants if mutant in picked]


def chosen(arguments: argparse.Namespace) -> tuple[list[Mutant], bool]:
    """What the command line asks for and this machine can try; the flag says that program mutants were left out."""
    mutants = [mutant for mutant in listed() if re.search(arguments.only or "", mutant.name)]
    if arguments.changed:
        mutants = unproved(mutants, proved())
    if arguments.python:
        mutants = [mutant for mutant in mutants if not mutant.compiles]
    left_out = any(mutant.compiles for mutant in mutants) and not has_toolchain()
    if left_out:
        mutants = [mutant for mutant in mutants if not mutant.compiles]
    if 0 < arguments.sample < len(mutants):
        mutants = sampled(mutants, arguments.sample, arguments.seed)
    return mutants, left_out


def healthy(tree: Path, mutants: list[Mutant], workers: int) -> bool:
    """Whether every named test passes while all guards are in place; says which do not.

    The programs are compiled as their mutants will be, so that a test that fails later fails for the guard alone.
    """
    trouble = set_up_programs(tree) if any(mutant.compiles for mutant in mutants) else []
    for line in trouble:
        print(line)
    if trouble:
        return False
    named = sorted({test for mutant in mutants for test in mutant.tests})
    ended = run_tests(tree, named, limit_s=1800, workers=workers)
    if ended.code == 0:
        return True
    print(f"not all tests pass with every guard in place (pytest ended with {ended.code}):")
    for line in ended.bad or ended.output[-20:]:
        print(f"        {line}")
    return False


def told(one: Tried) -> str:
    """What became of a mutant, in lines."""
    mutant, verdict = one
    head = f"{'ALIVE ' if verdict.alive else 'killed'}  {mutant.name}  ({verdict.seconds:.0f} s)"
    return "\n        ".join([head, *verdict.alive, *(f"dies too: {line}" for line in verdict.others)])


def report(tried: Iterable[Tried], *, others: bool) -> bytes:
    """The same for machines: a list of objects; `others` is null when nobody asked for them."""
    rows = [
        {
            "name": mutant.name,
            "files": [removal.file for removal in mutant.removals],
            "killed": not verdict.alive,
            "alive_because": verdict.alive,
            "tests": mutant.tests,
            "others": verdict.others if others else None,
            "seconds": round(verdict.seconds, 1),
        }
        for mutant, verdict in tried
    ]
    return msgspec.json.format(msgspec.json.encode(rows))


def try_them(mutants: list[Mutant], *, workers: int, others: bool) -> list[Tried]:
    """Try all and print a line each; nothing when a test fails though every guard stands."""
    tried: list[Tried] = []
    with copies(min(workers, len(mutants))) as trees:
        if not healthy(trees[0], mutants, workers):
            return []
        for one in try_all(trees, mutants, others=others):
            print(told(one), flush=True)
            tried.append(one)
    return tried


def killed_of(tried: Sequence[Tried]) -> list[Mutant]:
    """Those whose tests all failed."""
    return [mutant for mutant, verdict in tried if not verdict.alive]


def command_line() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="REGEX", help="those whose name matches")
    parser.add_argument(
        "--sample", type=int, default=0, metavar="N", help="try so many, half of them of the programs; 0 tries all [0]"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which sample [0]")
    parser.add_argument("--python", action="store_true", help="no program mutants, so that nothing is compiled")
    parser.add_argument(
        "--changed", action="store_true", help="all of Python, and of the programs what proved.toml does not know as it is"
    )
    parser.add_argument("--record", action="store_true", help="write the program mutants that were killed to proved.toml")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="try so many at once [2]")
    parser.add_argument("--others", action="store_true", help="run the whole files of the named tests, and tell what else dies")
    parser.add_argument("--list", action="store_true", help="name the chosen mutants and try none")
    return parser.parse_args()


def main() -> int:
    """Try the mutants and print a line each."""
    arguments = command_line()
    mutants, left_out = chosen(arguments)
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant.name}  [{mutant.file}]")
        return 0
    failed = 0
    if left_out:
        print(f"not run: program mutants (install with: {INSTALL})")
        failed += runs_in_ci()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the copies are removed then too
    tried = try_them(mutants, workers=arguments.workers, others=arguments.others) if mutants else []
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_bytes(report(tried, others=arguments.others))
    killed = killed_of(tried)
    if arguments.record:
        print(f"recorded {record(killed, listed())} of the programs in tests/mutants/proved.toml")
    failed += len(mutants) - len(killed)
    print(f"{len(killed)} passed, {failed} failed")
    return 1 if failed or not mutants else 0


if __name__ == "__main__":
    sys.exit(main())
