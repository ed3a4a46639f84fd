"""Remove each guard in turn, in a copy of the tree, and see that its tests fail.

The lists lie in `tests/mutants/*.toml` and in `mutants.toml` beside the hostile tests: the file, the guard's text, what stands
in its place, and the tests that must die. A mutant survives when one of its tests still passes; then that guard is not tested
and this command fails. Guards of the on-chain programs are compiled out first, which needs the toolchain of `programs/toolchain`.
"""

import argparse
import random
import re
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.mutants.listed import ROOT, Mutant, listed
from tests.mutants.trial import copy_of_the_tree, has_toolchain, run_tests, set_up_programs, try_mutant
from tests.support.groups import runs_in_ci

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
    if arguments.python:
        mutants = [mutant for mutant in mutants if not mutant.compiles]
    left_out = any(mutant.compiles for mutant in mutants) and not has_toolchain()
    if left_out:
        mutants = [mutant for mutant in mutants if not mutant.compiles]
    if 0 < arguments.sample < len(mutants):
        mutants = sampled(mutants, arguments.sample, arguments.seed)
    return mutants, left_out


def healthy(tree: Path, mutants: list[Mutant]) -> bool:
    """Whether every named test passes while all guards are in place; says which do not.

    The programs are compiled as their mutants will be, so that a test that fails later fails for the guard alone.
    """
    trouble = set_up_programs(tree) if any(mutant.compiles for mutant in mutants) else []
    for line in trouble:
        print(line)
    if trouble:
        return False
    named = sorted({test for mutant in mutants for test in mutant.tests})
    ended = run_tests(tree, named, limit_s=1800)
    if ended.code == 0:
        return True
    print(f"not all tests pass with every guard in place (pytest ended with {ended.code}):")
    for line in ended.bad or ended.output[-20:]:
        print(f"        {line}")
    return False


def try_all(tree: Path, mutants: list[Mutant], *, others: bool) -> int:
    """Print a line for each mutant; returns how many were killed."""
    killed = 0
    for mutant in mutants:
        verdict = try_mutant(tree, mutant, others=others)
        killed += not verdict.alive
        print(f"{'ALIVE ' if verdict.alive else 'killed'}  {mutant.name}  ({verdict.seconds:.0f} s)", flush=True)
        for line in verdict.alive:
            print(f"        {line}", flush=True)
        for line in verdict.others:
            print(f"        dies too: {line}", flush=True)
    return killed


def command_line() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="REGEX", help="those whose name matches")
    parser.add_argument(
        "--sample", type=int, default=0, metavar="N", help="try so many, half of them of the programs; 0 tries all [0]"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which sample [0]")
    parser.add_argument("--python", action="store_true", help="no program mutants, so that nothing is compiled")
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the copy is removed then too
    tree = copy_of_the_tree(ROOT, Path(tempfile.mkdtemp(prefix="mutants-")))
    killed = 0
    try:
        if healthy(tree, mutants):
            killed = try_all(tree, mutants, others=arguments.others)
    finally:
        shutil.rmtree(tree)
    failed += len(mutants) - killed
    print(f"{killed} passed, {failed} failed")
    return 1 if failed or not mutants else 0


if __name__ == "__main__":
    sys.exit(main())
