"""Remove each guard in turn, in a copy of the tree, and see that its tests fail.

`mutants.toml` lists them: the file, the guard's text, what stands in its place, and the tests that must die.
A mutant survives when one of its tests still passes; then the guard is not tested and this command fails.
Program mutants are compiled first, which needs the toolchain of `programs/toolchain`.
"""

import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTEST_FAILED = 1  # pytest's exit code when tests ran and some failed; anything else means that the run itself broke


@dataclass(frozen=True)
class Mutant:
    """One guard, removed. `tests` are node ids that must each fail."""

    name: str
    file: str
    find: str
    replace: str
    tests: list[str]

    @property
    def program(self) -> str | None:
        """The on-chain program to compile again, if any."""
        parts = Path(self.file).parts
        return parts[1] if parts[0] == "programs" and self.file.endswith(".rs") else None


def copy_of_the_tree() -> Path:
    """Copy what git tracks into a temporary folder."""
    target = Path(tempfile.mkdtemp(prefix="mutants-"))
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def survivors(tree: Path, mutant: Mutant) -> list[str]:
    """The mutant's tests that do not fail when the guard is gone."""
    alive: list[str] = []
    for test in mutant.tests:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--timeout=170", test]
        ended = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
        if ended.returncode != PYTEST_FAILED:
            last = (ended.stdout.strip().splitlines() or ["no output"])[-1]
            alive.append(f"{test} (exit {ended.returncode}: {last})")
    return alive


def try_mutant(tree: Path, mutant: Mutant) -> list[str]:
    """Apply, compile when needed, test, and put everything back."""
    path = tree / mutant.file
    original = path.read_text()
    if original.count(mutant.find) != 1:
        return [f"the guard's text stands {original.count(mutant.find)} times in {mutant.file}, not once"]
    saved = {artifact: artifact.read_bytes() for artifact in (tree / "programs" / "artifacts").glob("*.so")}
    try:
        path.write_text(original.replace(mutant.find, mutant.replace))
        if mutant.program is not None:
            built = subprocess.run(
                ["bash", "programs/build.sh", "--only-artifacts"],
                cwd=tree,
                capture_output=True,
                text=True,
                check=False,
            )
            if built.returncode:
                return [f"does not compile: {built.stderr.strip().splitlines()[-1:]}"]
        return survivors(tree, mutant)
    finally:
        path.write_text(original)
        for artifact, content in saved.items():
            artifact.write_bytes(content)


def chosen(mutants: list[Mutant], arguments: argparse.Namespace) -> list[Mutant]:
    """Those the command line asks for."""
    if arguments.only:
        mutants = [mutant for mutant in mutants if re.search(arguments.only, mutant.name)]
    if arguments.sample and arguments.sample < len(mutants):
        mutants = random.Random(arguments.seed).sample(mutants, arguments.sample)
    return mutants


def main() -> int:
    """Try the mutants and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="a regular expression over names")
    parser.add_argument("--sample", type=int, default=0, help="try this many, chosen by the seed; 0 tries all")
    parser.add_argument("--seed", type=int, default=0, help="which sample [0]")
    arguments = parser.parse_args()
    table = tomllib.loads((ROOT / "tests" / "mutants" / "mutants.toml").read_text())
    mutants = chosen([Mutant(**entry) for entry in table["mutant"]], arguments)
    tree = copy_of_the_tree()
    killed = 0
    try:
        for mutant in mutants:
            alive = try_mutant(tree, mutant)
            killed += not alive
            print(f"{'killed ' if not alive else 'ALIVE  '} {mutant.name}", flush=True)
            for line in alive:
                print(f"        {line}", flush=True)
    finally:
        shutil.rmtree(tree)
    print(f"mutants: {killed} passed, {len(mutants) - killed} failed")
    return 1 if killed < len(mutants) or not mutants else 0


if __name__ == "__main__":
    sys.exit(main())
