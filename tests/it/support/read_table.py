"""Prints the tables of an export as JSON lines, [table, row] each, in the order of the manifest's files.

Timestamps are integers, microseconds since 1970, for Python's own end at the year 9999. Columns of the type `json` are
JSON values where they parse, which is how JSONL has them; numbers that are no integers are their text, for 1e400 is
none of Python's floats.

    read_table.py OUT [--duckdb]
"""

import datetime
import json
import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
TIME = re.compile(r"(-?\d+)-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z")


def microseconds(text):
    year, month, day, hour, minute, second, micro = map(int, TIME.fullmatch(text).groups())
    days = datetime.date(year, month, day).toordinal() - EPOCH_DAY
    return ((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + micro


def refuse(constant):
    raise ValueError(constant)


def value_of(text):
    try:
        return json.loads(text, parse_constant=refuse, parse_float=str)
    except ValueError:
        return text


def rows_of_parquet(path, kinds):
    table = pq.ParquetFile(path).read()
    columns = {}
    for name, column in zip(table.column_names, table.columns):
        if kinds[name] == "ts":
            assert column.type == pa.timestamp("us", tz="UTC"), f"{name} is {column.type}"
            column = column.cast(pa.int64())
        values = column.to_pylist()
        if kinds[name] == "json":
            values = [None if value is None else value_of(value) for value in values]
        columns[name] = values
    for index in range(table.num_rows):
        yield {name: values[index] for name, values in columns.items()}


def rows_of_jsonl(path, kinds):
    compression = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
    with pa.input_stream(str(path), compression=compression) as stream:
        text = stream.read().decode("utf-8")
    for line in text.split("\n")[:-1]:
        row = json.loads(line, parse_constant=refuse, parse_float=str)
        for name, value in row.items():
            if kinds[name] == "ts" and value is not None:
                row[name] = microseconds(value)
        yield row


def rows_by_duckdb(path, kinds):
    import duckdb

    reader = "read_parquet" if path.suffix == ".parquet" else "read_json"
    options = "" if reader == "read_parquet" else ", format='newline_delimited', sample_size=-1"
    source = f"{reader}('{path}', hive_partitioning=false{options})"
    names = [column[0] for column in duckdb.sql(f"DESCRIBE SELECT * FROM {source}").fetchall()]
    select = [f'epoch_us("{name}")' if kinds[name] == "ts" else f'"{name}"' for name in names]
    for values in duckdb.sql(f"SELECT {', '.join(select)} FROM {source}").fetchall():
        row = dict(zip(names, values))
        for name, value in row.items():
            if kinds[name] == "json" and value is not None:
                row[name] = value_of(value)
        yield row


def main():
    out = Path(sys.argv[1])
    latest = json.loads((out / "_runs/latest.json").read_text())
    manifest = json.loads((out / latest["manifest"]).read_text())
    for file in manifest["files"]:
        path, table = out / file["path"], file["table"]
        kinds = {column["name"]: column["type"] for column in manifest["tables"][table]["columns"]}
        if "--duckdb" in sys.argv:
            rows = rows_by_duckdb(path, kinds)
        elif path.suffix == ".parquet":
            rows = rows_of_parquet(path, kinds)
        else:
            rows = rows_of_jsonl(path, kinds)
        count = 0
        for row in rows:
            count += 1
            print(json.dumps([table, row]))
        assert count == file["rows"], f"{path} has {count} rows, the manifest says {file['rows']}"


main()
