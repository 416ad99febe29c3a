"""Reads the Parquet files of an export's tables with fastparquet, which shares no code with Arrow, and compares
each column with what pyarrow reads: fastparquet_values.py OUT.
"""

import sys
from pathlib import Path

TABLES = ("contacts", "conversations", "messages", "channel_records", "coverage")


def by_pyarrow(path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.ParquetFile(path).read()
    for name, column in zip(table.column_names, table.columns):
        is_time = pa.types.is_timestamp(column.type)
        yield name, is_time, (column.cast(pa.int64()) if is_time else column).to_pylist()


def plain(value, is_time):
    import pandas as pd

    if value is None or not isinstance(value, (str, bytes)) and pd.isna(value):
        return None
    if is_time:
        return int(pd.Timestamp(value).as_unit("us").asm8.view("i8"))
    return value.decode() if isinstance(value, bytes) else value


def compare(out):
    import fastparquet

    wrong, compared = 0, 0
    for path in sorted(path for table in TABLES for path in (out / table).glob("*.parquet")):
        frame = fastparquet.ParquetFile(str(path)).to_pandas()
        for name, is_time, expected in by_pyarrow(path):
            read = [plain(value, is_time) for value in frame[name]]
            assert len(read) == len(expected), f"{path}: {name}"
            differ = sum(one != other for one, other in zip(read, expected))
            if differ:
                print(f"{path.parent.name}.{name}: {differ} of {len(expected)} values differ")
            wrong += differ
            compared += len(expected)
    print(f"{compared} values compared")
    return wrong == 0 and compared > 0


sys.exit(0 if compare(Path(sys.argv[1])) else 1)
