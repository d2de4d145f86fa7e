"""A small disk of its own, to be filled: what is written to it meets a disk that is truly full."""

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HOW_TO_GET_IT = "no disk can be filled: mounting a tmpfs takes root, or --cap-add SYS_ADMIN in a container"
MEGABYTE = 1024 * 1024
TRIES = 100


class FullDisk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    @classmethod
    @contextmanager
    def mounted(cls, megabytes: int = 16) -> Iterator["FullDisk"]:
        """An empty disk, filled by nobody yet. Where it cannot be mounted the test is skipped."""
        # Not in pytest's own folder: PostgreSQL's user may not enter there.
        folder = Path(tempfile.mkdtemp(prefix="fildactu-disk-"))
        options = f"size={megabytes}m,mode=0777"
        done = subprocess.run(
            _as_root("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder), capture_output=True, check=False
        )
        if done.returncode != 0:
            folder.rmdir()
            pytest.skip(f"{HOW_TO_GET_IT} ({done.stderr.decode().strip()})")
        try:
            yield cls(folder)
        finally:
            # Lazily: a process that has not ended yet must not keep the mount.
            subprocess.run(_as_root("umount", "--lazy", folder), check=True)
            folder.rmdir()

    @property
    def free_bytes(self) -> int:
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Leave so many bytes, in whole pages of memory."""
        with self._filler.open("ab", buffering=0) as filler:
            for _ in range(TRIES):
                try:
                    os.posix_fallocate(filler.fileno(), 0, filler.tell() + self.free_bytes - leave_bytes)
                except OSError as error:
                    # Whoever works there took some of it meanwhile.
                    if error.errno != errno.ENOSPC:
                        raise
                else:
                    return
        raise RuntimeError(f"{self.folder} could not be filled")

    def empty(self) -> None:
        """As it was before it was filled."""
        self._filler.unlink(missing_ok=True)


def _as_root(*command: str | Path) -> list[str | Path]:
    if os.geteuid() == 0 or shutil.which("sudo") is None:
        return [*command]
    return ["sudo", "--non-interactive", *command]
