"""Shards as tasks of Spark. It needs `pip install 'chatzy-export[spark]'`, on the workers too."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chatzy_export import shards

__all__ = ["run"]

SCHEMA = "shard long, code int, message string, fatal boolean"


def run(
    spark: Any,  # noqa: ANN401 - pyspark is imported only where it is used
    count: int,
    *,
    run_id: str,
    contacts: str,
    out: str,
    work_dir: str | None = None,
    options: Sequence[str] = (),
    commit_options: Sequence[str] = (),
) -> int:
    """Run `count` shards as tasks of this Spark session, publish them, and return the exit code of `commit`: 0 or 3.

    All workers and the driver see `contacts` and `out`. Each attempt of a task has a work folder of its own in
    `work_dir` of its worker (default: the folder for temporary files), so that speculative attempts do not wait for
    each other. Spark repeats an attempt that raises `shards.Again`. `shards.Fatal` is not repeated: the driver
    raises it.
    """
    arguments = {"run_id": run_id, "contacts": contacts, "out": out, "options": list(options)}

    def export(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        for batch in batches:
            for index in batch.column(0).to_pylist():
                row = _shard(index, count, work_dir, arguments)
                types = [pa.int64(), pa.int32(), pa.string(), pa.bool_()]
                columns = [pa.array([value], kind) for value, kind in zip(row, types)]
                yield pa.RecordBatch.from_arrays(columns, names=["shard", "code", "message", "fatal"])

    results = spark.range(0, count, 1, count).mapInArrow(export, SCHEMA).collect()
    for result in results:
        if result["fatal"]:
            raise shards.Fatal(result["code"], f"shard {result['shard']}/{count}: {result['message']}")
    return shards.commit(out, run_id=run_id, count=count, options=commit_options)


def _shard(index: int, count: int, work_dir: str | None, arguments: dict[str, Any]) -> tuple[int, int, str, bool]:
    with tempfile.TemporaryDirectory(prefix="chatzy-export-", dir=work_dir) as folder:
        try:
            code = shards.run(index, count, work_dir=str(Path(folder, "work")), **arguments)
        except shards.Fatal as error:
            return index, error.code, error.message, True
        return index, code, "", False
