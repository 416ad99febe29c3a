"""The exporter beside what else a user could take, in turn, on the same server and the same data: tables.

    compare.py --binary target/release/chatzy-export --fetch-only target/release/examples/fetch_only [--before BINARY]

CPU is user and system time of the whole process; the server is another process and not counted. Ratios are of medians of one run of
this program on one machine; absolute figures of two machines do not compare. `--before` adds another build of the exporter.
"""

import argparse
import glob
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "against"))

from measure import Server, contacts_file

TABLES = ["contacts", "conversations", "messages", "channel_records", "coverage"]


class Run:
    """What a whole process took."""

    def __init__(self, command):
        environment = {**os.environ, "CHATZY_EMAIL": "owner@shop.example", "CHATZY_PASSWORD": "x"}
        began = time.monotonic()
        process = subprocess.Popen(command, env=environment)
        # Not of the usage below, which counts what this process held when it started the other.
        self.memory = 0
        watcher = threading.Thread(target=self.watch_memory, args=(process.pid,))
        watcher.start()
        # Without waiting for the process, so that its number is not given away while it is watched.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        self.wall = time.monotonic() - began
        watcher.join()
        _, status, usage = os.wait4(process.pid, 0)
        self.cpu = usage.ru_utime + usage.ru_stime
        if status:
            sys.exit(f"{command[0]} failed: {status}")


    def watch_memory(self, pid):
        """The high-water mark of its resident memory, in MiB; there is none once it has ended."""
        while True:
            with open(f"/proc/{pid}/status", encoding="utf-8") as status:
                marks = [line.split()[1] for line in status if line.startswith("VmHWM:")]
            if not marks:
                return
            self.memory = int(marks[0]) / 1024
            time.sleep(0.02)


def rows(out, table="messages"):
    return sum(pq.read_metadata(path).num_rows for path in glob.glob(f"{out}/{table}/**/*.parquet", recursive=True))


def size_against_pyarrow(out, folder):
    """Bytes of the tables, as a share of the same rows written by pyarrow with the same codec and level."""
    ours = theirs = 0
    for table in TABLES:
        for path in glob.glob(f"{out}/{table}/**/*.parquet", recursive=True):
            again = os.path.join(folder, "again.parquet")
            pq.write_table(pq.read_table(path), again, compression="zstd", compression_level=1)
            ours += os.path.getsize(path)
            theirs += os.path.getsize(again)
    return ours / theirs


def tools(args, contacts, with_fetch_only):
    """Name of each program, and its command for the URL of a server and a folder."""
    script = [sys.executable, os.path.join(HERE, "script.py")]

    def export(binary):
        return lambda url, out: [binary, "run", "--quiet", "--base-url", url, "--contacts", contacts, "--out", out]

    found = {"fetch only": lambda url, _: [args.fetch_only, url, contacts]} if with_fetch_only else {}
    found["chatzy-export"] = export(args.binary)
    if args.before:
        found["chatzy-export before"] = export(args.before)
    found["Python script"] = lambda url, out: [*script, url, contacts, out]
    found["Python script, until an empty page"] = lambda url, out: [*script, url, contacts, out, "--until-empty"]
    return found


def compare(args, folder, sizes, switches, with_fetch_only):
    """A table of all programs on contacts of these sizes."""
    messages = sum(sizes)
    contacts = contacts_file(pathlib.Path(folder, "many.csv"), sizes)
    programs = tools(args, contacts, with_fetch_only)
    runs = {name: [] for name in programs}
    with Server(args.binary, "--max-messages", str(10**9), *switches) as server:
        for turn in range(args.rounds):
            for name, command in programs.items():
                out = os.path.join(folder, "out")
                runs[name].append(Run(command(server.url, out)))
                if name != "fetch only" and rows(out) != messages:
                    sys.exit(f"{name} wrote {rows(out)} of {messages} messages")
                if name == "chatzy-export" and turn == 0:
                    size = size_against_pyarrow(out, folder)
                    records = rows(out, "channel_records") / messages
                shutil.rmtree(out, ignore_errors=True)
    print(f"{messages:,} messages of {len(sizes):,} contacts, {records:.2f} channel records each, median of {args.rounds}\n")
    print("| | CPU s per million | wall s | CPU, script = 1 | speed, script = 1 | memory MiB |\n|---|---|---|---|---|---|")
    median = lambda name, what: statistics.median(getattr(run, what) for run in runs[name])
    script = {what: median("Python script", what) for what in ("cpu", "wall")}
    for name in programs:
        cpu, wall = median(name, "cpu"), median(name, "wall")
        print(f"| {name} | {cpu / messages * 1e6:.2f} | {wall:.1f} | {cpu / script['cpu']:.3f} | "
              f"{script['wall'] / wall:.1f} | {median(name, 'memory'):.0f} |")
    print(f"\nBytes of all tables, pyarrow with the same codec and level = 1: {size:.3f}\n")


def throughput(args, folder):
    print("### Equal contacts\n")
    compare(args, folder, [args.messages] * args.contacts, [], True)


def skewed(args, folder):
    """Half of the contacts have at most nine messages, the largest has 6,000. Responses are compressed, as gateways do it."""
    print("### Unequal contacts, gzip\n")
    count = args.unequal_contacts
    sizes = [round(6000 ** ((at / (count - 1)) ** 2)) for at in range(count)]
    random.Random(1).shuffle(sizes)
    # The fetch-only client asks for no compression.
    compare(args, folder, sizes, ["--compress=gzip", "--receipts", "0.5"], False)


def latency(args, folder):
    delay, slots = 0.1, 32
    # Most have a page, some have fifty and more: a few long ones decide when the run ends.
    unequal = [int(20 * 1.0058**at) for at in range(1000)]
    print(f"### {delay * 1000:.0f} ms latency, {slots} in flight\n")
    print("| | requests | fewest | wall s | ideal s | of the ideal |\n|---|---|---|---|---|---|")
    for name, sizes, switches in [("1,000 unequal contacts", unequal, []), ("one contact of 200,000", [200_000], [])]:
        contacts = contacts_file(pathlib.Path(folder, "slow.csv"), sizes)
        fewest = sum(size // 100 + 1 for size in sizes)
        ideal = fewest * delay / slots
        with Server(args.binary, "--latency", "100ms", "--max-messages", str(10**9), *switches) as server:
            out = os.path.join(folder, "out")
            run = Run([args.binary, "run", "--quiet", "--base-url", server.url, "--contacts", contacts, "--out", out,
                       "--concurrency", str(slots)])
            requests = requests_of(out)
            shutil.rmtree(out)
        print(f"| {name} | {requests:,} | {fewest:,} | {run.wall:.1f} | {ideal:.1f} | {ideal / run.wall:.2f} |")


def memory(args, folder):
    """How much memory an export takes does not depend on how much there is to export."""
    print("### Memory\n\n| messages | MiB at most | CPU s per million | messages a second |\n|---|---|---|---|")
    for contacts in (4_000, 40_000):
        path = contacts_file(pathlib.Path(folder, "large.csv"), [500] * contacts)
        with Server(args.binary, "--max-messages", str(10**9)) as server:
            out = os.path.join(folder, "out")
            run = Run([args.binary, "run", "--quiet", "--base-url", server.url, "--contacts", path, "--out", out])
            written = rows(out)
            shutil.rmtree(out)
        if written != 500 * contacts:
            sys.exit(f"{written} of {500 * contacts} messages")
        print(f"| {written:,} | {run.memory:.0f} | {run.cpu / written * 1e6:.2f} | {written / run.wall:,.0f} |")
    print()


def requests_of(out):
    table = pq.read_table(glob.glob(f"{out}/coverage/*.parquet"), columns=["requests"])
    return sum(table["requests"].to_pylist())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--fetch-only", required=True)
    parser.add_argument("--before", help="another build of the exporter")
    parser.add_argument("--contacts", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=500, help="messages of each contact")
    parser.add_argument("--unequal-contacts", type=int, default=1400, help="contacts of 1 to 6,000 messages")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["throughput", "skewed", "latency", "memory"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for part in (throughput, skewed, latency, memory):
            if args.only in (None, part.__name__):
                part(args, folder)


main()
