"""Prints the rows of all runs of an export as JSON lines, [run, table, row] each.

Times are microseconds since 1970. A channel that only the path of a file has is among the columns.

    read_runs.py OUT
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Read a file."""
    if ".jsonl" in path.name:
        compression = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
        with pa.input_stream(str(path), compression=compression) as stream:
            text = stream.read().decode()
        for line in text.split("\n")[:-1]:
            yield json.loads(line)
        return
    table = pq.ParquetFile(path).read()
    times = [name for name in table.column_names if pa.types.is_timestamp(table.schema.field(name).type)]
    for name in times:
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.int64()))
    yield from table.to_pylist()


def main() -> None:
    """Print the rows."""
    out = Path(sys.argv[1])
    for manifest in sorted(out.glob("_runs/*/manifest.json")):
        run = json.loads(manifest.read_text())
        for file in run["files"]:
            if file["table"] == "raw":
                continue
            values = dict(part.split("=", 1) for part in Path(file["path"]).parts[1:-1])
            for row in rows_of(out / file["path"]):
                if "channel" in values:
                    channel = unquote(values["channel"])
                    row["channel"] = None if channel == "__HIVE_DEFAULT_PARTITION__" else channel
                print(json.dumps([run["run_id"], file["table"], row]))


main()
