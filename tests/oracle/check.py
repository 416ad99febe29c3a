"""Compares the exporter with the oracle over wild data sets: `check.py --binary PATH --seeds A..B`.

Exits 1 at the first difference, having printed the table, row, column, both values and the source.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import contract
import fit
import readback
import wire
from server import Server
from wild import Wild

PARTITIONED = ("messages", "channel_records")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
UNCOMPARED = {"exported_at", "run_id"}
LONGEST_SHOWN = 1000


@dataclass
class Variant:
    """One way to run the exporter over a data set."""

    name: str
    format: str
    options: list = field(default_factory=list)
    flat: bool = False
    since: str | None = None
    until: str | None = None
    channels: list = field(default_factory=list)
    counting: str = "all"
    partitioned: bool = False

    def arguments(self):
        found = ["--format", self.format, *self.options]
        found += ["--flat"] if self.flat else []
        found += ["--since", self.since] if self.since else []
        found += ["--until", self.until] if self.until else []
        return found + [word for name in self.channels for word in ("--channel", name)]


class Difference(Exception):
    """The exporter and the oracle do not agree."""


def variants(seed):
    dice = random.Random(f"variants {seed}")
    either = ["parquet", "jsonl"]
    small = ["--page-size", str(dice.choice([2, 3, 5, 100])), "--consistency", dice.choice(["anchored", "strict"])]
    channels = dice.sample(["whatsapp", "instagram", "messenger", "website"], dice.choice([1, 1, 2]))
    return [
        Variant("parquet", "parquet", small),
        Variant("jsonl", "jsonl", small),
        Variant("flat", dice.choice(either), small, flat=True),
        Variant("range", dice.choice(either), small, since="2026-01-11T10:00:30Z", until="2026-03-11T10:00:30Z"),
        Variant("inside", dice.choice(either), small, counting="each"),
        Variant("partitions", dice.choice(either), [*small, "--partition-by", "month,channel"], partitioned=True),
        Variant("channel", dice.choice(either), small, channels=channels),
    ]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--binary", required=True, type=Path)
    options.add_argument("--seeds", default="0..25", help="A..B, B not included")
    options.add_argument("--contacts", type=int, default=12)
    options.add_argument("--variant", help="only this one")
    options.add_argument("--keep-going", action="store_true", help="one difference a seed, then the next seed")
    options = options.parse_args()
    options.binary = options.binary.resolve()
    start, end = map(int, options.seeds.split(".."))
    failed, rows = 0, 0
    for seed in range(start, end):
        try:
            rows += check(seed, options)
        except (Difference, readback.Unreadable) as difference:
            print(f"seed {seed}, {difference}", flush=True)
            failed += 1
            if not options.keep_going:
                break
    if not failed:
        print(f"{rows} rows of {end - start} seeds are as documented")
    sys.exit(1 if failed else 0)


def check(seed, options):
    contacts = Wild(seed).contacts(options.contacts)
    rows = 0
    for variant in variants(seed):
        if options.variant in (None, variant.name):
            rows += check_variant(contacts, variant, options.binary)
    return rows


def check_variant(contacts, variant, binary):
    server = Server(contacts, variant.counting)
    with tempfile.TemporaryDirectory() as folder:
        try:
            export(server, list(contacts), variant, binary, folder)
            verify(binary, folder, variant)
            want = expected(server, list(contacts), variant)
            kinds = column_kinds()
            rows = 0
            for table in readback.TABLES:
                if variant.partitioned and table in PARTITIONED:
                    rows += compare_partitions(table, want, folder, kinds[table], variant, server)
                else:
                    rows += compare(table, want[table], read(folder, table, variant, kinds[table]), variant, server)
            return rows
        except readback.Unreadable as error:
            raise Difference(f"{variant.name}: {error}") from error
        finally:
            server.close()


def export(server, asked, variant, binary, folder):
    contacts = Path(folder) / "contacts.csv"
    contacts.write_text("contact_id\n" + "\n".join(asked) + "\n")
    command = [binary, "run", "-q", "--base-url", server.url, "--contacts", contacts, "--out", f"{folder}/out"]
    # What is expected rests on the order of the answers. With more requests in flight pages are asked for ahead of their
    # turn, some in vain, and the order in which they are served is not that of the history.
    command += ["--concurrency", "1"]
    command += variant.arguments()
    environment = {"PATH": os.environ["PATH"], "CHATZY_TOKEN": "x", "HOME": folder}
    ended = subprocess.run(command, env=environment, capture_output=True, timeout=300, cwd=folder)
    if ended.returncode != 0:
        errors = [row["error"] for row in coverage_rows(folder, variant) if row["error"]]
        raise Difference(f"{variant.name}: exit code {ended.returncode}\n{ended.stderr.decode()}\n{errors}")


def verify(binary, folder, variant):
    """The exporter finds its own export whole."""
    ended = subprocess.run([binary, "verify", f"{folder}/out", "--deep"], capture_output=True, timeout=300, cwd=folder)
    if ended.returncode != 0:
        raise Difference(f"{variant.name}: verify: exit code {ended.returncode}\n{ended.stderr.decode()}")


def coverage_rows(folder, variant):
    return read(folder, "coverage", variant, column_kinds()["coverage"])


def expected(server, asked, variant):
    pages = {}
    for contact_id in asked:
        answers = server.pages.get(contact_id, [])
        for asked_for in variant.channels or [None]:
            found = [answer for answer in answers if answer.page.channel == asked_for]
            complete(contact_id, found)
            pages.setdefault(contact_id, []).extend(answer.page for answer in found)
        if not pages[contact_id]:
            pages[contact_id] = None
    return contract.expected(asked, pages, since=micros(variant.since), until=micros(variant.until))


def complete(contact_id, answers):
    """Every message was asked for: else the rows would agree on too little."""
    served = {id(message) for answer in answers for message in answer.shown}
    unread = [message for answer in answers[:1] for message in answer.messages if id(message) not in served]
    if unread:
        raise Difference(f"contact {contact_id!r}: {len(unread)} messages were never asked for, first {unread[0]}")


def micros(text):
    return fit.from_text(text) if text else None


KINDS = {}


def column_kinds():
    """The columns of each table and their types, in order, as columns.txt lists them."""
    if not KINDS:
        text = (Path(__file__).parent / "columns.txt").read_text()
        for line in text.splitlines():
            table, columns = line.split(": ")
            KINDS[table] = dict(column.split(" ") for column in columns.split(", "))
    return KINDS


def read(folder, table, variant, kinds):
    if variant.format == "parquet":
        return readback.parquet(f"{folder}/out", table, kinds)
    return readback.jsonl(f"{folder}/out", table, kinds)


def compare_partitions(table, want, folder, kinds, variant, server):
    """Each partition holds its rows in their order, and the column `channel` stands in the path only."""
    times = {(row["contact_id"], row["message_id"]): row["created_at"] for row in want["messages"]}
    parts = {}
    for row in want[table]:
        month = time_to_month(times[row["contact_id"], row["message_id"]])
        place = f"month={month or NO_VALUE}/channel={row['channel'] or NO_VALUE}"
        parts.setdefault(place, []).append({name: value for name, value in row.items() if name != "channel"})
    found = readback.partitions(f"{folder}/out", table)
    if found != sorted(parts):
        raise Difference(f"{variant.name}: {table}: partitions {sorted(parts)} expected, {found} written")
    kinds = {name: kind for name, kind in kinds.items() if name != "channel"}
    return sum(
        compare(table, rows, read(folder, f"{table}/{place}", variant, kinds), variant, server)
        for place, rows in parts.items()
    )


def time_to_month(micros):
    """`2026-11` of a time, or None."""
    if micros is None:
        return None
    days, era = micros // 86_400_000_000, 0
    if days < fit.YEAR_1:  # Python has no year 0: 400 years on, the calendar is the same
        days, era = days + fit.DAYS_OF_400_YEARS, 400
    moment = fit.EPOCH + timedelta(days=days)
    return f"{moment.year - era:04}-{moment.month:02}"


def compare(table, want, got, variant, server):
    for at, (expected_row, row) in enumerate(zip(want, got)):
        for column in expected_row:
            if column in UNCOMPARED:
                continue
            if column not in row:
                raise Difference(f"{variant.name}: {table} has no column {column}")
            wanted = comparable(column, expected_row[column], variant.format)
            found = row[column]
            if column in readback.JSON_COLUMNS and found is not None:
                found = as_wanted(found, wanted)
            if wanted != found:
                raise Difference(describe(variant, table, at, column, wanted, found, expected_row, row, server))
    if len(want) != len(got):
        more, whose = (want, "expected") if len(want) > len(got) else (got, "written")
        odd = more[min(len(want), len(got))]
        raise Difference(
            f"{variant.name}: {table}: {len(want)} rows expected, {len(got)} written; only {whose}:\n{odd}\n"
            + source(server, odd)
        )
    return len(got)


@dataclass(frozen=True)
class Quoted:
    """A text that is no strict JSON: it stands as a JSON string that holds it."""

    text: str


def comparable(column, value, form):
    """An expected value as the format writes it."""
    if value is None or column not in readback.JSON_COLUMNS:
        return value
    if column == "raw":
        return value.decode("utf-8", "replace") if form == "parquet" else embedded(value, form)
    return {
        name: listed(parsed) if (parsed := list_of_conversations(name, text)) else embedded(text, form)
        for name, text in value.items()
    }


def embedded(source, form):
    if not wire.strictly_valid(source):
        return Quoted(source.decode("utf-8", "replace"))
    return (wire.on_one_line(source) if form == "jsonl" else source).decode()


def list_of_conversations(name, source):
    value = wire.parse_or_none(source) if name.removeprefix("data.") == "conversations" else None
    return value if value is not None and value.kind == "array" else None


def listed(value):
    """Conversations in a contact's extra are put together anew: their spelling and order are free."""
    return sorted(wire.canonical(unquoted(member)) for member in value.held)


def unquoted(value):
    inner = wire.parse_or_none(value.held.encode("utf-8", "replace")) if value.kind == "string" else None
    return inner if inner is not None and inner.kind == "object" else value


def as_wanted(found, wanted):
    """What was written, in the form of what was expected."""
    if isinstance(found, str):
        return found
    if isinstance(found, wire.Value):
        return Quoted(found.held) if isinstance(wanted, Quoted) and found.kind == "string" else found.text
    wanted = wanted or {}
    return {
        name: listed(value) if list_of_conversations(name, value.raw) else as_wanted(value, wanted.get(name))
        for name, value in found.items()
    }


def describe(variant, table, at, column, wanted, found, expected_row, row, server):
    return "\n".join(
        [
            f"{variant.name} ({' '.join(variant.arguments())}): table {table}, row {at}, column {column}",
            f"  expected  {shown(wanted)}",
            f"  written   {shown(found)}",
            f"  row       contact {expected_row['contact_id']!r}, expected ids {ids(expected_row)}, written {ids(row)}",
            source(server, expected_row),
        ]
    )


def ids(row):
    return {name: row[name] for name in ("conversation_id", "message_id", "record_index") if name in row}


def shown(value):
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + f"… ({len(text)})"


def source(server, row):
    """The JSON the row came from: the record, the message, or the contact's first page."""
    if isinstance(row.get("raw"), bytes):
        return f"  source    {shown(row['raw'])}"
    pages = [answer.page.body for answer in server.pages.get(row["contact_id"], [])]
    found = []
    for body in pages:
        inner = wire.parse(body).held["data"].held["data"]
        found += [message.raw for message in messages_of(inner) if has_id(message, row.get("message_id"))]
    texts = found or ([pages[0], pages[-1]] if pages else [])
    return "\n".join(f"  source    {shown(text)}" for text in dict.fromkeys(texts))


def messages_of(inner):
    places = [inner]
    conversations = inner.get("conversations")
    places += conversations.held if conversations and conversations.kind == "array" else []
    for place in places:
        messages = place.get("messages")
        yield from messages.held if messages and messages.kind == "array" else []


def has_id(message, message_id):
    own = message.get("message_id")
    return message_id is not None and own is not None and fit.as_str(own) == message_id


if __name__ == "__main__":
    main()
