"""A PostgreSQL server of our own for one test session: temporary, on loopback, without fsync."""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

DEBIAN_BINARIES: Final = "/usr/lib/postgresql"
START_TIMEOUT_S: Final = 30
OPTIONS: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=40", "shared_buffers=32MB")


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl, newest version first; None when this machine has none it can run."""
    found = sorted(Path(DEBIAN_BINARIES).glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]), reverse=True)
    elsewhere = shutil.which("pg_ctl")
    candidates = [*found, *([Path(elsewhere)] if elsewhere else [])]
    usable = os.getuid() != 0 or shutil.which("runuser") is not None
    return candidates[0].parent if candidates and usable else None


class PostgresServer:
    """Use as `with PostgresServer() as server`; `server.new_database()` gives the URL of an empty one."""

    def __init__(self, options: Sequence[str] = OPTIONS) -> None:
        folder = binaries()
        if folder is None:
            raise RuntimeError("PostgreSQL is not installed")
        self._binaries = folder
        self._home = Path(tempfile.mkdtemp(prefix="gtx-pg-"))
        self.port = _free_port()
        self._options = options

    @property
    def data(self) -> Path:
        return self._home / "data"

    @property
    def pid(self) -> int:
        return int((self._home / "data" / "postmaster.pid").read_text().split()[0])

    def __enter__(self) -> Self:
        if os.getuid() == 0:
            shutil.chown(self._home, "postgres")
        self._run("initdb", "-D", str(self._home / "data"), "-A", "trust", "-U", "gridtokenx", "--no-sync", "-E", "UTF8")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.stop("immediate")
        shutil.rmtree(self._home, ignore_errors=True)

    def start(self) -> None:
        """Start again after a stop or a crash, where it was."""
        settings = " ".join(f"-c {option}" for option in self._options)
        listen = f"-p {self.port} -h 127.0.0.1 -k {self._home} {settings}"
        log = str(self._home / "log")
        self._run("pg_ctl", "-D", str(self.data), "-l", log, "-w", "-t", str(START_TIMEOUT_S), "-o", listen, "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def new_database(self) -> str:
        """Create an empty database; its SQLAlchemy URL."""
        name = f"test_{uuid.uuid4().hex}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "gridtokenx", name)
        return f"postgresql+asyncpg://gridtokenx@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        """The server refuses to run as root, so root lends it the user that Debian made for it."""
        prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        subprocess.run(  # fixed programs, our own arguments
            [*prefix, str(self._binaries / program), *arguments], check=True, stdout=subprocess.DEVNULL, cwd=self._home
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
