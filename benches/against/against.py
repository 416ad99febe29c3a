"""The release binary against another one, such as that of the previous release: a table of ratios.

    make bench-against BINARY=path/to/another/chatzy-export

Both run the same commands in turn, on the same server, and each reads the exports that it has written. CPU is user and
system time of the whole process, without the server. A row whose ratio of CPU exceeds the limit is measured once more.
If it exceeds the limit again, the exit code is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field

from measure import Server, Taken, UnknownOptionError, contacts_file, medians, run

GIB = 1 << 30
OTHER, NOW = 0, 1  # the programs
MEMORY = ("MiB other", "MiB now")


@dataclass
class Program:
    """One of the two binaries, and its folder."""

    binary: str
    folder: pathlib.Path

    def path(self, name: str) -> str:
        """Return the path of a file or folder of this program."""
        return str(self.folder / name)


@dataclass
class Case:
    """A command, and its measurements for both programs."""

    name: str
    command: Callable[[Program], list[str]]
    batch: int = 1  # processes per measurement: short ones are measured together
    share: float = 1  # part of the rounds: less for what takes long
    out: str | None = None  # folder that is removed before each process
    unit: Callable[[Program], float] = lambda _: 1  # what the figures are for: seconds per unit
    runs: list[list[Taken]] = field(default_factory=lambda: [[], []])

    def measure(self, program: Program, number: int) -> None:
        """Measure the program once."""
        taken = []
        for _ in range(self.batch):
            if self.out:
                shutil.rmtree(program.folder / self.out, ignore_errors=True)
            taken.append(run([program.binary, *self.command(program)], program.folder))
        total = Taken(
            cpu=sum(each.cpu for each in taken) / self.batch,
            wall=sum(each.wall for each in taken) / self.batch,
            memory=max(each.memory for each in taken),
        )
        self.runs[number].append(total)

    def figures(self, programs: list[Program], number: int) -> Taken:
        """Return the medians of a program, per unit."""
        taken, unit = medians(self.runs[number]), self.unit(programs[number])
        return Taken(cpu=taken.cpu / unit, wall=taken.wall / unit, memory=taken.memory)

    def ratio(self, programs: list[Program]) -> float:
        """Return the CPU of this release, divided by that of the other program."""
        return self.figures(programs, NOW).cpu / self.figures(programs, OTHER).cpu

    def row(self, programs: list[Program]) -> str:
        """Return the row of the table."""
        other, now = self.figures(programs, OTHER), self.figures(programs, NOW)
        cpu, wall = f"**{now.cpu / other.cpu:.2f}**", f"{now.wall / other.wall:.2f}"
        memory = f"{other.memory:.0f} | {now.memory:.0f}"
        cpus, walls = f"{seconds(other.cpu)} | {seconds(now.cpu)}", f"{seconds(other.wall)} | {seconds(now.wall)}"
        return f"| {self.name} | {cpus} | {cpu} | {walls} | {wall} | {memory} |"

    def row_without_other(self, programs: list[Program]) -> str:
        """Return the row for a command that the other program lacks."""
        now = self.figures(programs, NOW)
        cells = ["not there", seconds(now.cpu), "", "", seconds(now.wall), "", "", f"{now.memory:.0f}"]
        return f"| {self.name} | {' | '.join(cells)} |"


def seconds(figure: float) -> str:
    """Return a figure with enough digits."""
    return f"{figure:.4f}" if figure < 0.1 else f"{figure:.2f}"


def size(path: str) -> float:
    """Return the GiB of all files below a folder."""
    return sum(file.stat().st_size for file in pathlib.Path(path).rglob("*") if file.is_file()) / GIB


def cases(options: argparse.Namespace, many: Server, account: Server, folder: pathlib.Path) -> list[Case]:
    """Return the commands to compare. Those that read need what an earlier one has written."""
    each = 500
    large = contacts_file(folder / "large.csv", [each] * (options.messages // each))
    one = contacts_file(folder / "one.csv", [100])

    def read(server: Server, *arguments: str) -> list[str]:
        return ["run", "--quiet", "--base-url", server.url, *arguments]

    whole = f"{options.messages:,} messages"
    people = f"{options.contacts:,} contacts"
    incremental = ["--all-contacts", "--incremental"]
    return [
        Case("`--version`", lambda _: ["--version"], batch=options.batch),
        Case(
            "`run`, one contact of 100 messages",
            lambda program: read(many, "--contacts", one, "--out", program.path("one")),
            batch=max(1, options.batch // 4),
            out="one",
        ),
        Case(
            f"`run`, {whole}",
            lambda program: read(many, "--contacts", large, "--out", program.path("large")),
            out="large",
        ),
        Case(
            f"`run --threads 1`, {whole}",
            lambda program: read(many, "--contacts", large, "--threads", "1", "--out", program.path("single")),
            out="single",
        ),
        Case(
            "`verify --deep`, per GiB",
            lambda program: ["verify", "--deep", program.path("large")],
            unit=lambda program: size(program.path("large")),
        ),
        Case(
            f"`report`, {whole}",
            lambda program: ["report", program.path("large"), "-o", program.path("report.html")],
        ),
        Case(f"`cat messages`, {whole}", lambda program: ["cat", program.path("large"), "messages"]),
        Case(
            f"`run --incremental`, {people} of 1 to 3 messages",
            lambda program: read(account, *incremental, "--out", program.path("account")),
            share=1 / 3,
            out="account",
        ),
        Case(
            f"`run --incremental --dry-run`, {people}",
            lambda program: read(account, *incremental, "--dry-run", "--out", program.path("account")),
        ),
    ]


def compare(case: Case, programs: list[Program], rounds: int, limit: float) -> bool:
    """Measure a case and print its row. Return whether it fails."""
    present = []
    for number, program in enumerate(programs):
        with contextlib.suppress(UnknownOptionError):
            case.measure(program, number)
            present.append(number)
    # The first measurement of each filled the caches.
    case.runs = [[], []]
    if NOW not in present:
        other = "" if OTHER in present else "not there"
        print(f"| {case.name} | {other} | not there | | | | | | |", flush=True)
        return OTHER in present
    for _ in range(2):
        for _ in range(max(1, round(rounds * case.share))):
            for number in present:
                case.measure(programs[number], number)
        if OTHER not in present or case.ratio(programs) <= limit:
            break
    if OTHER not in present:
        print(case.row_without_other(programs), flush=True)
        return False
    print(case.row(programs), flush=True)
    return case.ratio(programs) > limit


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/chatzy-export", help="this release")
    parser.add_argument("--other", required=True, help="the binary to compare with")
    parser.add_argument("--limit", type=float, default=1.1, help="highest ratio of CPU")
    parser.add_argument("--rounds", type=int, default=9, help="measurements of each command")
    parser.add_argument("--batch", type=int, default=20, help="processes in a measurement of a short command")
    parser.add_argument("--messages", type=int, default=200_000, help="messages of the large run")
    parser.add_argument("--contacts", type=int, default=100_000, help="contacts of the account")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="bench-against-") as name:
        folder = pathlib.Path(name)
        programs = [Program(options.other, folder / "other"), Program(options.binary, folder / "release")]
        for program in programs:
            program.folder.mkdir()
            if not pathlib.Path(program.binary).is_file():
                sys.exit(f"{program.binary} is not a file: build the program, or give the path of its binary")
        print(f"Medians of {options.rounds}. *Other* is the binary to compare with, *now* the release.\n")
        columns = ["", *(f"{what} {of}" for what in ("CPU s", "wall s") for of in ("other", "now", "ratio")), *MEMORY]
        print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)
        account = ("--account-contacts", str(options.contacts), "--max-messages", "3")
        above = []
        with Server(options.binary, "--max-messages", str(10**9)) as many, Server(options.binary, *account) as few:
            for case in cases(options, many, few, folder):
                if compare(case, programs, options.rounds, options.limit):
                    above.append(case.name)
    if above:
        sys.exit(f"\nabove {options.limit} times the CPU of the other binary, or gone: {', '.join(above)}")


if __name__ == "__main__":
    main()
