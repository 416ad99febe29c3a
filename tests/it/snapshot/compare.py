"""Compares a snapshot, read as any reader of a folder would, with the views of `schema --latest` over its source.

The SQL of the views is on stdin. Prints each difference; nothing if there is none.

    compare.py SNAPSHOT < latest.sql
"""

import datetime
import json
import re
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

TABLES = ["contacts", "conversations", "messages", "channel_records", "coverage"]
STAMP = ["exported_at", "run_id"]
KEYS = ["export_date", "run", "year", "month", "date"]
JSON = ["extra", "raw"]
EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z")


def microseconds(text):
    year, month, day, hour, minute, second, micro = map(int, TIME.fullmatch(text).groups())
    # Python has no year 0, which is a leap year like the year 400.
    days = datetime.date(year or 400, month, day).toordinal() - EPOCH_DAY - (0 if year else 146_097)
    return ((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + micro


def is_time(name):
    return name.endswith("_at") or name == "frozen_until"


def normal(name, value):
    """A value in the form that all readers share."""
    if value is None:
        return None
    if name in JSON:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return value
    if is_time(name) and isinstance(value, str):
        return microseconds(value)
    return value


def text(row):
    columns = {name: normal(name, value) for name, value in row.items() if name not in STAMP + KEYS}
    return json.dumps(columns, sort_keys=True)


def plain_rows(out, table):
    folder = out / table
    if not folder.exists():
        return
    files = [path for path in folder.rglob("*") if path.is_file()]
    if all(path.suffix == ".parquet" for path in files):
        # As pandas.read_parquet(folder) does.
        columns = pq.read_table(folder)
        for column in KEYS:
            if column in columns.column_names:
                columns = columns.drop_columns([column])
        for at, field in enumerate(columns.schema):
            if pa.types.is_timestamp(field.type):
                columns = columns.set_column(at, field.name, columns.column(at).cast(pa.int64()))
        yield from columns.to_pylist()
        return
    for path in sorted(files):
        folders = dict(part.split("=") for part in path.relative_to(folder).parts[:-1])
        compression = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
        with pa.input_stream(str(path), compression=compression) as stream:
            lines = stream.read().decode("utf-8").split("\n")[:-1]
        for line in lines:
            row = json.loads(line)
            if "channel" in folders:
                channel = folders["channel"]
                row["channel"] = None if channel == "__HIVE_DEFAULT_PARTITION__" else channel
            yield row


def latest_rows(database, table):
    names = [column[0] for column in database.execute(f"DESCRIBE SELECT * FROM latest_{table}").fetchall()]
    select = [f'epoch_us("{name}")' if is_time(name) else f'"{name}"' for name in names]
    result = database.execute(f"SELECT {', '.join(select)} FROM latest_{table}")
    for values in result.fetchall():
        yield dict(zip(names, values))


def main():
    out = Path(sys.argv[1])
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    database.execute(sys.stdin.read())
    for table in TABLES:
        plain = list(plain_rows(out, table))
        if table == "coverage":
            # Contacts that no run has read are not in the view.
            plain = [row for row in plain if row["status"] != "failed"]
        found, expected = Counter(map(text, plain)), Counter(map(text, latest_rows(database, table)))
        for row in (found - expected).elements():
            print(f"{table}: only in the snapshot: {row}")
        for row in (expected - found).elements():
            print(f"{table}: only in the views: {row}")
        if table == "messages" and not expected:
            print("there are no messages to compare")


main()
