"""Servers and processes, and how much CPU, time and memory they take. Linux only; no package is needed."""

from __future__ import annotations

import contextlib
import os
import pathlib
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass, field

TICK = 0.01  # seconds between two looks at the threads of a process
# The stage of each thread, by its name. Linux keeps 15 characters of a name. The writers of small tables are "other".
STAGES = {
    "spool": "spool",
    "read-again": "read again",
    "write-channel_r": "encode channel records",
    "write-messages": "encode messages",
}
MISUSE = 2  # exit code for an option that does not exist


class UnknownOptionError(Exception):
    """The program lacks a command or an option."""


@dataclass
class Taken:
    """Resources of one or more processes, one after the other."""

    cpu: float = 0  # seconds, user and system
    wall: float = 0  # seconds
    memory: float = 0  # MiB at most
    stages: dict[str, float] = field(default_factory=dict)  # CPU seconds of each, if they were watched


def environment() -> dict[str, str]:
    """Return the variables of all commands: sign-in, and no settings of the user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATZY_")}
    return {**kept, "CHATZY_EMAIL": "owner@shop.example", "CHATZY_PASSWORD": "x"}


def run(command: list[str], folder: pathlib.Path, *, cores: int | None = None, watch: bool = False) -> Taken:
    """Run a command to its end, on some or all cores. Its stderr goes to a file in the folder. It must succeed."""
    usable = sorted(os.sched_getaffinity(0))[:cores]
    if cores is not None:
        command = ["taskset", "--cpu-list", ",".join(map(str, usable)), *command]
    taken = Taken()
    with (folder / "stderr").open("w+", encoding="utf-8") as stderr:
        began = time.monotonic()
        process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=stderr)
        watcher = threading.Thread(target=lambda: taken.stages.update(stages(process.pid)))
        if watch:
            watcher.start()
        # The process stays a zombie until `wait4`, so the watcher sees no other process with its number.
        try:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        except BaseException:
            process.kill()  # or it would write into a folder that is being removed
            process.wait()
            raise
        taken.wall = time.monotonic() - began
        if watch:
            watcher.join()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        taken.cpu = usage.ru_utime + usage.ru_stime
        taken.memory = usage.ru_maxrss / 1024
        if process.returncode:
            stderr.seek(0)
            reason = stderr.read().strip()
            if process.returncode == MISUSE and ("unexpected argument" in reason or "unrecognized" in reason):
                raise UnknownOptionError(reason)
            raise SystemExit(f"{' '.join(command)}\nended with {process.returncode}: {reason}")
    return taken


def stages(process: int) -> dict[str, float]:
    """Return the CPU seconds of each stage of a process, at its end. A stage is one thread or several.

    What a thread takes between the last look and its end is missing: at most the time between two looks.
    """
    seen: dict[int, tuple[str, float]] = {}
    receiving = set()
    # A zombie has no memory.
    with contextlib.suppress(OSError):
        while "VmRSS" in pathlib.Path(f"/proc/{process}/status").read_text():
            for task in pathlib.Path(f"/proc/{process}/task").iterdir():
                with contextlib.suppress(OSError):
                    nanoseconds = int((task / "schedstat").read_text().split()[0])
                    seen[int(task.name)] = ((task / "comm").read_text().strip(), nanoseconds / 1e9)
                    if any(name in (task / "wchan").read_text() for name in ("epoll", "ep_poll")):
                        receiving.add(int(task.name))
            time.sleep(TICK)
    sums: dict[str, float] = {}
    for thread, (name, seconds) in seen.items():
        stage = "other"
        if name == "tokio-rt-worker":
            # Those that receive and decode wait for sockets (`do_epoll_wait` or `ep_poll`). The rest is for work that
            # blocks: the first thread that flattens is one of them, and the others have almost nothing to do.
            stage = "receive" if thread in receiving else "flatten"
        elif name.startswith("flatten"):
            stage = "flatten"
        elif name in STAGES:
            stage = STAGES[name]
        sums[stage] = sums.get(stage, 0) + seconds
    return sums


class Server:
    """The built-in API, in a process of its own."""

    def __init__(self, binary: str, *options: str) -> None:
        """Start the API, and wait for its URL."""
        command = [binary, "simulate", "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()

    def __enter__(self) -> Server:
        """Return the server."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait()

    def cpu(self) -> float:
        """Return the CPU seconds that the server has taken so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def contacts_file(path: pathlib.Path, sizes: list[int]) -> str:
    """Write a list of simulated contacts with these numbers of messages, and return its path."""
    path.write_text("contact_id\n" + "".join(f"messages-{size}-{at}\n" for at, size in enumerate(sizes)))
    return str(path)


def medians(runs: list[Taken]) -> Taken:
    """Return the median of each resource."""
    names = sorted({stage for run in runs for stage in run.stages})
    return Taken(
        cpu=statistics.median(run.cpu for run in runs),
        wall=statistics.median(run.wall for run in runs),
        memory=statistics.median(run.memory for run in runs),
        stages={name: statistics.median(run.stages.get(name, 0) for run in runs) for name in names},
    )
