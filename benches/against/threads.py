"""What `--threads` costs and gains on this machine, the CPU time of each stage, and a model of more cores.

    make bench-threads

Each number of threads is measured in turn, on two sets of contacts. The model is described in BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass

from measure import Server, Taken, contacts_file, medians, run

NUMBERS = (1, 2, 4, 8, 16)
MOST = 8  # threads that flatten, unless --threads gives a number
ALONE = ("encode channel records", "encode messages", "spool", "read again")  # stages of one thread


@dataclass
class Corpus:
    """Contacts of equal length."""

    contacts: int
    messages: int  # of each

    @property
    def all(self) -> int:
        """Return the number of all messages."""
        return self.contacts * self.messages

    def __str__(self) -> str:
        """Return a description."""
        return f"{self.contacts:,} contacts of {self.messages:,} messages"


class Bench:
    """The commands on one corpus: `run` against the built-in API, and `rebuild`, which sends no requests."""

    def __init__(self, binary: str, corpus: Corpus, folder: pathlib.Path, server: Server) -> None:
        """Make the raw archive for `rebuild`."""
        self.binary, self.corpus, self.folder, self.server = binary, corpus, folder, server
        self.out, raw = str(folder / "out"), str(folder / "raw")
        contacts = contacts_file(folder / "contacts.csv", [corpus.messages] * corpus.contacts)
        read = [binary, "run", "--quiet", "--base-url", server.url, "--contacts", contacts]
        shutil.rmtree(raw, ignore_errors=True)
        run([*read, "--keep-raw", "--out", raw], folder)
        self.commands = {
            "run": [*read, "--out", self.out],
            "rebuild": [binary, "rebuild", "--quiet", "--from", raw, "--out", self.out],
        }

    def take(self, command: str, threads: int, cores: int | None = None) -> Taken:
        """Measure a command once, per million messages. The CPU of the server is a stage of `run`."""
        shutil.rmtree(self.out, ignore_errors=True)
        before = self.server.cpu()
        taken = run([*self.commands[command], "--threads", str(threads)], self.folder, cores=cores, watch=True)
        taken.stages["server"] = self.server.cpu() - before
        millions = self.corpus.all / 1e6
        stages = {name: seconds / millions for name, seconds in taken.stages.items()}
        return Taken(taken.cpu / millions, taken.wall / millions, taken.memory, stages)


def table(columns: list[str], rows: list[list[str]]) -> None:
    """Print a table."""
    for row in (columns, ["---"] * len(columns), *rows):
        print(f"| {' | '.join(row)} |")
    print(flush=True)


def compare(bench: Bench, rounds: int) -> dict[tuple[str, int], Taken]:
    """Measure all numbers of threads in turn, and print ratios to one thread."""
    runs: dict[tuple[str, int], list[Taken]] = {(name, number): [] for name in bench.commands for number in NUMBERS}
    for _ in range(rounds):
        for (name, number), so_far in runs.items():
            so_far.append(bench.take(name, number))
    middle = {key: medians(all_of_it) for key, all_of_it in runs.items()}
    print(f"### Threads, {bench.corpus}, medians of {rounds}, per million messages\n")
    rows = []
    for (name, number), taken in middle.items():
        one = middle[name, 1]
        most = max(each.memory for each in runs[name, number])
        rows.append(
            [
                f"`{name}`",
                str(number),
                *(f"{taken.cpu:.2f}", f"{taken.cpu / one.cpu:.3f}"),
                *(f"{taken.wall:.2f}", f"{taken.wall / one.wall:.3f}", f"{most:.0f}"),
            ]
        )
    table(["command", "threads", "CPU s", "ratio", "wall s", "ratio", "maximum MiB"], rows)
    return middle


def own(taken: Taken) -> dict[str, float]:
    """Return the stages of the program itself."""
    return {name: seconds for name, seconds in taken.stages.items() if name != "server"}


def show_stages(middle: dict[tuple[str, int], Taken]) -> None:
    """Print the CPU time of each stage."""
    columns = [(name, number) for name in ("run", "rebuild") for number in (1, 2, 8)]
    names = sorted({stage for column in columns for stage in middle[column].stages})
    rows = [[stage, *(f"{middle[column].stages.get(stage, 0):.2f}" for column in columns)] for stage in names]
    rows.append(["sum of the program", *(f"{sum(own(middle[column]).values()):.2f}" for column in columns)])
    print("### CPU seconds of each stage, per million messages\n")
    table(["stage", *(f"`{name} --threads {number}`" for name, number in columns)], rows)


def bound(stages: dict[str, float], cores: int, threads: int) -> tuple[float, str]:
    """Return the fewest wall seconds per million messages, and the stage that decides."""
    bounds = {"all cores": sum(stages.values()) / cores, "flatten": stages.get("flatten", 0) / min(threads, cores)}
    bounds.update({name: stages.get(name, 0) for name in ALONE})
    slowest = max(bounds, key=lambda name: bounds[name])
    return bounds[slowest], slowest


def model(middle: dict[tuple[str, int], Taken], alone: dict[str, Taken], cores: int) -> None:
    """Print the error of the model on this machine, and what it says about more cores."""
    here = min(cores, MOST)
    rows, losses = [], {}
    for name, one in alone.items():
        taken = middle[name, here]
        expected, _ = bound(taken.stages, cores, here)
        losses[name] = taken.wall / expected
        rows.append([f"`{name}`", f"{cores}", f"{expected:.2f}", f"{taken.wall:.2f}", f"{losses[name]:.2f}"])
        expected, _ = bound(own(middle[name, 1]), 1, 1)
        rows.append([f"`{name}`", "1", f"{expected:.2f}", f"{one.wall:.2f}", f"{one.wall / expected:.2f}"])
    print("### The model on this machine, in seconds per million messages\n")
    print("On one core, the server has another one. Else it shares the cores.\n")
    table(["command", "cores", "model", "measured", "loss"], rows)
    rows = []
    for name, loss in losses.items():
        base = 0.0
        for more in (2, 4, 8, 16):
            threads = min(more, MOST)
            wall, slowest = bound(own(middle[name, threads]), more, threads)
            base = base or wall
            speeds = f"{1e6 / wall:,.0f}", f"{1e6 / wall / loss:,.0f}"
            rows.append([f"`{name}`", str(more), str(threads), *speeds, f"{base / wall:.2f}", slowest])
    print("### The model of more cores, with the server on another machine\n")
    speeds = "messages per second at most", "with the loss above"
    table(["command", "cores", "threads", *speeds, "speed, 2 cores = 1", "limit"], rows)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/chatzy-export")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1, help="part of the contacts")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cores = len(os.sched_getaffinity(0))
    with (
        tempfile.TemporaryDirectory(prefix="bench-threads-") as name,
        Server(options.binary, "--max-messages", str(10**9)) as server,
    ):
        folder = pathlib.Path(name)
        for contacts, messages in ((1000, 500), (84, 6000)):
            corpus = Corpus(max(1, int(contacts * options.scale)), messages)
            bench = Bench(options.binary, corpus, folder, server)
            middle = compare(bench, options.rounds)
            show_stages(middle)
            alone = {
                name: medians([bench.take(name, 1, cores=1) for _ in range(options.rounds)]) for name in bench.commands
            }
            model(middle, alone, cores)
            if max(taken.memory for taken in middle.values()) >= 512:
                sys.exit("a run took more than 512 MiB")


if __name__ == "__main__":
    main()
