"""Shards of a run, as tasks of a scheduler: `run` one, and `commit` all of them.

Exit codes become exceptions: `Again` if a scheduler is to repeat the task, `Fatal` if that would change nothing.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO, Callable

from chatzy_export._find import find_bin

__all__ = ["Again", "Failed", "Fatal", "commit", "run"]

COMPLETE = 0
PARTIAL = 3
REPEATABLE = {5, 6, 7}  # API unavailable or shards missing, storage, locked
LAST_SIGNAL = 128  # a shell or container adds the number of the signal that ended a program
PR_SET_PDEATHSIG = 1
POLL_SECONDS = 1.0


class Failed(Exception):  # noqa: N818 - the names say what a scheduler does
    """The program failed: its exit code, and the last line that it printed."""

    def __init__(self, code: int, message: str) -> None:
        """Take the exit code, which is negative after a signal."""
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        """Return the exit code and the message."""
        return f"chatzy-export ended with {self.code}: {self.message}"


class Again(Failed):
    """Repeat the task: exit codes 5, 6 and 7, and signals."""


class Fatal(Failed):
    """Do not repeat the task: any other exit code but 0 and 3."""


def run(
    index: int,
    count: int,
    *,
    run_id: str,
    contacts: str,
    out: str,
    work_dir: str | None = None,
    options: Sequence[str] = (),
) -> int:
    """Run shard `index` of `count`, from 0, and return its exit code: 0, or 3 if contacts failed.

    `options` are further options of `chatzy-export run`, the same for all shards. Credentials come from the
    environment. On Linux the program ends when this process does, even if that is killed. Its output goes to stderr.
    """
    arguments = ["run", "--shard", f"{index}/{count}", "--run-id", run_id, "--contacts", contacts, "--out", out]
    if work_dir is not None:
        arguments += ["--work-dir", work_dir]
    return _call([*arguments, *options])


def commit(out: str, *, run_id: str, count: int, options: Sequence[str] = ()) -> int:
    """Publish the shards of a run, and return the exit code: 0, or 3 if contacts failed.

    `options` are further options of `chatzy-export commit`. Raises Again if shards are missing.
    """
    return _call(["commit", out, "--run-id", run_id, "--shards", str(count), *options])


def _call(arguments: Sequence[str]) -> int:
    process = subprocess.Popen(
        [find_bin(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # A group of its own: signals to this process do not end the program before it is asked to.
        start_new_session=True,
        preexec_fn=_end_with(os.getpid()),
    )
    last: collections.deque[str] = collections.deque(maxlen=1)
    assert process.stdout
    reader = threading.Thread(target=_copy, args=(process.stdout, last), daemon=True)
    reader.start()
    try:
        code = _wait(process)
    except BaseException:
        # Cancelled: the program saves what it has, and stops.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        _wait(process)
        raise
    finally:
        reader.join()
    if code in (COMPLETE, PARTIAL):
        return code
    message = last[0] if last else "it printed nothing"
    is_signal = code < 0 or code > LAST_SIGNAL
    raise (Again if is_signal or code in REPEATABLE else Fatal)(code, message)


def _wait(process: subprocess.Popen[bytes]) -> int:
    # Schedulers raise exceptions in a thread that runs Python. A wait without end does not.
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(POLL_SECONDS)


def _copy(lines: IO[bytes], last: collections.deque[str]) -> None:
    with lines:
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            if text:
                last.append(text)
            print(text, file=sys.stderr, flush=True)


def _end_with(parent: int) -> Callable[[], None] | None:
    """Return what the new process calls before it is the program: the kernel is to end it when this thread ends."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl

    def bind() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # It was killed before the call.
            os._exit(128 + signal.SIGTERM)

    return bind
