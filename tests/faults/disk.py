"""A disk that the harness can fill: a small one mounted for this process alone, or a limit on the sizes of files."""

import ctypes
import errno
import os
import resource
from pathlib import Path
from typing import Final

from tests.faults.parts import ForkedPart

SIZE: Final = 64 * 1024 * 1024
LIMIT: Final = 64 * 1024
"""Where nothing may be mounted: no file of the part grows beyond this."""
_NEW_NAMESPACE: Final = 0x00020000
_PRIVATE_AND_BELOW: Final = 0x4000 | (1 << 18)
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def own_mounts() -> bool:
    """See to it that what is mounted from now on is gone with this process; False where that is not allowed."""
    if _LIBC.unshare(_NEW_NAMESPACE) != 0:
        return False
    return _LIBC.mount(b"none", b"/", None, _PRIVATE_AND_BELOW, None) == 0


class SmallDisk:
    """A folder that can be full.

    Args:
        folder: where the disk is mounted.
        may_mount: the answer of `own_mounts`.
    """

    def __init__(self, folder: Path, *, may_mount: bool) -> None:
        self._folder = folder
        self._may_mount = may_mount
        self._ballast = folder / "ballast"
        self._limited: int | None = None

    def mount(self) -> None:
        """An empty disk."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._may_mount:
            _checked(_LIBC.mount(b"small", os.fsencode(self._folder), b"tmpfs", 0, f"size={SIZE}".encode()))

    def fill(self, part: ForkedPart) -> None:
        """Not a byte is left."""
        if self._may_mount:
            _fill(self._ballast)
        elif part.pid is not None:
            self._limited = part.pid
            resource.prlimit(part.pid, resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))

    def free(self) -> None:
        """Somebody made room."""
        self._ballast.unlink(missing_ok=True)
        if self._limited is not None and Path(f"/proc/{self._limited}").exists():
            resource.prlimit(self._limited, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def unmount(self) -> None:
        """Give the memory back."""
        if self._may_mount:
            _LIBC.umount2(os.fsencode(self._folder), 2)  # lazily: somebody may still have a file open


def _fill(ballast: Path) -> None:
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for chunk in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    os.write(descriptor, bytes(chunk))
            except OSError as problem:
                if problem.errno != errno.ENOSPC:
                    raise
    finally:
        os.close(descriptor)


def _checked(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
