"""The exporter under load, for as long as a night: `make soak`.

The simulator limits the rate by 429s, gives tokens that live a minute, and fails one request in a hundred in every way
it knows. After a third of the time it goes down for a minute. The release binary exports from it, and this looks on:

- once settled, it is granted at least 90 % of the limit, and at most 1 % of its requests are refused;
- 90 % of the limit again within 30 seconds after the outage;
- memory and open files stay flat;
- at the end every message of every contact is there, once, as the simulator says.

    .tools/venv/bin/python tests/soak/soak.py --minutes 60 --rate 100
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet

TICK = 5  # seconds between two looks
SETTLING = 30  # seconds after the start and after the outage in which it may still be looking for the limit
OUTAGE = 60  # seconds
GOODPUT, REFUSED = 0.90, 0.01
# What the memory may grow by after the first quarter: allocator noise, and a few bytes for each contact.
GROWTH_KB = 24 << 10
FILES_SLACK = 40  # connections that come and go
MESSAGES = [12, 30, 45, 99, 100, 101, 230]  # of the contacts, in turn; one in 500 has a long history
LONG = 5000


def pages(messages: int) -> int:
    """Requests that a contact costs: a page that is full is followed by another, which begins with its last message."""
    return 1 if messages < 100 else 2 + (messages - 100) // 99


def contacts(requests: float) -> list[str]:
    names, cost = [], 0.0
    while cost < requests:
        at = len(names)
        messages = LONG if at % 500 == 250 else MESSAGES[at % len(MESSAGES)]
        names.append(f"messages-{messages}-{at}")
        cost += pages(messages)
    return names


class Service:
    """The simulator, which can be taken down and brought up again at the same address."""

    def __init__(self, binary: str, rate: int, retry_after: str):
        self.rate = rate
        self.command = [
            *(binary, "simulate", "--seed", "7", "--token-life", "60s", "--latency", "5ms", "--jitter", "20ms"),
            *("--rate-limit", str(rate), "--retry-after", retry_after),
            *("--errors", "0.002", "--resets", "0.002", "--cut", "0.002", "--html", "0.001", "--empty-body", "0.001"),
            *("--error-answers", "0.001", "--slow", "0.0005", "--stalls", "0.0002", "--compress"),
        ]
        # What was counted before it went down.
        self.gone = {"200": 0, "429": 0, "all": 0}
        self.up("0")

    def up(self, port: str) -> None:
        self.process = subprocess.Popen([*self.command, "--port", port], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def down(self) -> None:
        self.gone = self.counts()
        self.process.kill()
        self.process.wait()

    def up_again(self) -> None:
        self.up(self.url.rsplit(":", 1)[1])

    def counts(self) -> dict[str, int]:
        """Answers by status since the start."""
        if self.process.poll() is not None:
            return self.gone
        with urllib.request.urlopen(f"{self.url}/_stats") as answer:
            by_status = json.load(answer)["by_status"]
        now = {"200": by_status.get("200", 0), "429": by_status.get("429", 0), "all": sum(by_status.values())}
        return {key: count + self.gone[key] for key, count in now.items()}

    def truth(self, contact: str) -> set[str]:
        with urllib.request.urlopen(f"{self.url}/_truth?contact_id={contact}") as answer:
            return {json.loads(line)["message_id"] for line in answer}


def look(pid: int) -> tuple[int, int]:
    """Memory in KiB and open files of a process."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    rss = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(rss.split()[1]), len(os.listdir(f"/proc/{pid}/fd"))


def watch(run: subprocess.Popen, service: Service, outage_at: float) -> list[dict]:
    """Looks at the run until it ends; takes the service down on the way."""
    print(f"{'time':>6} {'granted/s':>9} {'200/s':>6} {'429s':>6} {'RSS MiB':>8} {'files':>5}")
    start, looks, is_down = time.monotonic(), [], False
    before = (start, service.counts())
    changes = [(outage_at, service.down, "goes down"), (outage_at + OUTAGE, service.up_again, "is back")]
    while run.poll() is None:
        if changes and time.monotonic() - start >= changes[0][0]:
            _, change, what = changes.pop(0)
            change()
            is_down = not is_down
            print(f"{time.monotonic() - start:6.0f} the service {what}")
        time.sleep(TICK)
        if run.poll() is not None:
            break
        at, counts = time.monotonic(), service.counts()
        took = at - before[0]
        new = {key: counts[key] - before[1][key] for key in counts}
        before = (at, counts)
        try:
            rss, files = look(run.pid)
        except (FileNotFoundError, StopIteration):
            break
        row = {
            "at": at - start, "took": took, "granted": new["all"] - new["429"], "ok": new["200"], "all": new["all"],
            "429": new["429"], "rss": rss, "files": files, "down": is_down,
        }
        looks.append(row)
        granted, ok = row["granted"] / took, row["ok"] / took
        print(f"{row['at']:6.0f} {granted:9.1f} {ok:6.1f} {new['429']:6} {rss / 1024:8.1f} {files:5}", flush=True)
    return looks


def judge(looks: list[dict], rate: int) -> list[str]:
    """What does not hold."""
    wrong = []
    down = [row["at"] for row in looks if row["down"]]
    back = max(down, default=0.0)
    phases = {
        "before the outage": [row for row in looks if row["at"] > SETTLING and row["at"] < min(down, default=1e9)],
        "after the outage": [row for row in looks if row["at"] > back + TICK + SETTLING],
    }
    for name, rows in phases.items():
        rows = [row for row in rows if not row["down"]]
        # At the end only the last few contacts are waited for, perhaps those whose answers have stalled.
        while rows and rows[-1]["granted"] / rows[-1]["took"] < rate / 2:
            rows.pop()
        if not rows:
            wrong.append(f"{name}: too short to tell")
            continue
        seconds = sum(row["took"] for row in rows)
        goodput = sum(row["granted"] for row in rows) / seconds / rate
        refused = sum(row["429"] for row in rows) / max(1, sum(row["all"] for row in rows))
        print(f"{name}: {goodput:.1%} of the limit granted, {refused:.2%} of the requests refused, {seconds:.0f} s")
        if goodput < GOODPUT:
            wrong.append(f"{name} only {goodput:.1%} of the limit was used")
        if refused > REFUSED:
            wrong.append(f"{name} {refused:.2%} of the requests were refused")
    if not down:
        wrong.append("there was no outage: the export ended too early")
    else:
        after = [row for row in looks if row["at"] > back + TICK]
        first = next((row["at"] for row in after if row["granted"] / row["took"] >= GOODPUT * rate), None)
        took = "never" if first is None else f"{first - back:.0f} s"
        print(f"{GOODPUT:.0%} of the limit again after {took}")
        if first is None or first - back > SETTLING + TICK:
            wrong.append(f"after the outage it took {took} to {GOODPUT:.0%} of the limit")
    quarter = len(looks) // 4
    early, late = looks[quarter : 2 * quarter], looks[-quarter:]
    if not early or not late:
        return [*wrong, "too short to tell of memory"]
    for key, slack, unit in (("rss", GROWTH_KB, "KiB of memory"), ("files", FILES_SLACK, "open files")):
        was, now = (sorted(row[key] for row in rows)[len(rows) // 2] for rows in (early, late))
        print(f"{unit}: {was} in the second quarter, {now} in the last, at most {max(row[key] for row in looks)}")
        if now > was + slack:
            wrong.append(f"{unit} grew from {was} to {now}")
    return wrong


def compare(out: pathlib.Path, service: Service, names: list[str]) -> list[str]:
    """What the export holds that it should not, or does not hold that it should."""
    exported: dict[str, list[str]] = {}
    for part in (out / "messages").rglob("*.parquet"):
        table = pyarrow.parquet.read_table(part, columns=["contact_id", "message_id"])
        for contact, message in zip(table["contact_id"].to_pylist(), table["message_id"].to_pylist()):
            exported.setdefault(contact, []).append(message)
    rows = sum(map(len, exported.values()))
    wrong = []
    with ThreadPoolExecutor(8) as pool:
        for name, truth in zip(names, pool.map(service.truth, names)):
            got = exported.pop(name, [])
            if len(got) != len(set(got)) or set(got) != truth:
                wrong.append(f"{name}: {len(got)} rows, {len(set(got))} different, {len(truth)} in truth")
    wrong += [f"{name} was not asked for" for name in exported]
    print(f"{rows} messages of {len(names)} contacts compared: {len(wrong)} contacts differ")
    return wrong[:20]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60, help="how long the export is to take, about")
    parser.add_argument("--rate", type=int, default=100, help="requests a second that the service grants")
    parser.add_argument("--retry-after", default="1", help="what its 429s say: none, seconds, date or garbage")
    parser.add_argument("--binary", default="target/release/chatzy-export")
    options = parser.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    names = contacts((options.minutes * 60 - OUTAGE) * options.rate * 0.93)
    print(f"{len(names)} contacts, about {options.minutes:g} minutes at {options.rate} requests a second")
    service = Service(binary, options.rate, options.retry_after)
    with tempfile.TemporaryDirectory() as folder:
        listed, out = pathlib.Path(folder, "contacts.csv"), pathlib.Path(folder, "export")
        listed.write_text("contact_id\n" + "\n".join(names) + "\n")
        command = [binary, "run", "--contacts", str(listed), "--out", str(out), "--base-url", service.url, "--progress", "never"]
        login = {"CHATZY_EMAIL": "owner@shop.example", "CHATZY_PASSWORD": "correct-horse-battery"}
        told = pathlib.Path(folder, "stderr")
        try:
            with told.open("w") as stderr:
                run = subprocess.Popen([*command, "-q"], env={**os.environ, **login}, stderr=stderr)
                looks = watch(run, service, options.minutes * 60 / 3)
                run.wait()
            wrong = [] if run.returncode == 0 else [f"exit code {run.returncode}: {told.read_text()[-500:]}"]
            wrong += judge(looks, options.rate)
            wrong += compare(out, service, names)
        finally:
            run.kill()
            service.process.kill()
    for what in wrong:
        print(f"FAILED: {what}")
    print("soak: " + ("all holds" if not wrong else f"{len(wrong)} things do not hold"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
