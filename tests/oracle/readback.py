"""An export read back by other people's readers: pyarrow, Python's json, DuckDB.

Rows come in file order, with timestamps as microseconds, `raw` as the JSON value it stands for and `extra` as a dict of JSON values."""

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import fit
import wire

TABLES = ("contacts", "conversations", "messages", "channel_records", "coverage")
JSON_COLUMNS = {"extra", "raw"}
DUCKDB_TYPES = {"str": "VARCHAR", "int": "BIGINT", "bool": "BOOLEAN", "ts": "TIMESTAMPTZ", "json": "JSON"}
ARROW_TYPES = {
    "str": pa.string(), "int": pa.int64(), "bool": pa.bool_(), "ts": pa.timestamp("us", tz="UTC"), "json": pa.string()
}  # fmt: skip
DUCKDB_DEPTH = 128  # levels, the row among them: where DuckDB guesses the columns, it refuses more
DUCKDB = duckdb.connect(config={"threads": 1})


class Unreadable(Exception):
    """A file that a third party's reader refuses."""


def files(out, table):
    return sorted(p for p in (Path(out) / table).rglob("part-*") if p.is_file())


def partitions(out, table):
    """The folders of a table that hold files, relative to it."""
    return sorted({str(path.parent.relative_to(Path(out) / table)) for path in files(out, table)})


def parquet(out, table, kinds):
    rows = []
    for path in files(out, table):
        found = pq.ParquetFile(path).read()
        types = {field.name: field.type for field in found.schema}
        if list(types.items()) != [(name, ARROW_TYPES[kind]) for name, kind in kinds.items()]:
            raise Unreadable(f"{path}: columns are {types}")
        for at, (name, kind) in enumerate(kinds.items()):
            if kind == "ts":
                found = found.set_column(at, name, found.column(at).cast(pa.int64()))
        rows += found.to_pylist()
        counted = DUCKDB.execute("select count(*) from (select * from read_parquet(?, hive_partitioning = false))", [str(path)]).fetchone()[0]
        if counted != found.num_rows:
            raise Unreadable(f"{path}: DuckDB reads {counted} rows of {found.num_rows}")
    for row in rows:
        if row.get("extra") is not None:
            row["extra"] = texts(wire.parse(row["extra"].encode()))
    return rows


def jsonl(out, table, kinds):
    rows = []
    for path in files(out, table):
        for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
            try:
                json.loads(line, parse_constant=refuse)
                rows.append(jsonl_row(wire.parse(line), kinds))
            except (ValueError, RecursionError) as error:
                raise Unreadable(f"{path}:{number}: {error}: {line[:2000]}") from error
        duckdb_reads_json(path, kinds, len(rows))
    return rows


def refuse(word):
    raise ValueError(f"{word} is not JSON")


def duckdb_reads_json(path, kinds, count):
    """With the columns named, DuckDB takes any depth and doubled keys; where it guesses, `maximum_depth = 1` is needed for
    doubled keys, and nothing helps depth."""
    columns = ", ".join(f"\"{name}\": '{DUCKDB_TYPES[kind]}'" for name, kind in kinds.items())
    readings = [f"columns = {{{columns}}}"]
    if depth(path.read_bytes()) <= DUCKDB_DEPTH:
        readings.append("maximum_depth = 1, sample_size = -1")
    for options in readings:
        query = f"select count(*) from (select * from read_json('{path}', format = 'newline_delimited', hive_partitioning = false, {options}))"
        try:
            counted = DUCKDB.execute(query).fetchone()[0]
        except duckdb.Error as error:
            raise Unreadable(f"DuckDB: {query}: {error}") from error
        if counted != count:
            raise Unreadable(f"{path}: DuckDB reads {counted} rows of {count}")


def depth(text):
    """The deepest nesting, lines being one level apart from each other."""
    deepest = level = 0
    for byte in wire.STRING.sub(b"", text):
        if byte in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif byte in b"]}":
            level -= 1
    return deepest


def jsonl_row(line, kinds):
    row = {}
    if list(line.held) != list(kinds):
        raise ValueError(f"keys are {list(line.held)}")
    for name, value in line.held.items():
        kind = kinds[name]
        if value.kind == "null" and name != "raw":
            row[name] = None
        elif kind == "json":
            row[name] = value if name == "raw" else texts(value)
        elif kind == "ts":
            row[name] = fit.from_text(value.held)
            if len(value.held) != len("2026-11-20T02:00:00.000000Z"):
                raise ValueError(f"not the one form of a timestamp: {value.held}")
        else:
            row[name] = json.loads(value.text)
    return row


def texts(value):
    """The members of an `extra`."""
    if value.kind != "object":
        raise ValueError(f"extra is no object: {value.text[:200]}")
    return value.held
