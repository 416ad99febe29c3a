"""Compares an Arrow IPC stream with the Parquet files of a table: read_stream.py STREAM FILE ...

The files are in the order of their rows. Prints the number of rows.
"""

import sys

import pyarrow
import pyarrow.ipc
import pyarrow.parquet

with pyarrow.ipc.open_stream(sys.argv[1]) as stream:
    streamed = stream.read_all()
files = pyarrow.concat_tables(pyarrow.parquet.ParquetFile(path).read() for path in sys.argv[2:])
kinds = {str(field.type) for field in streamed.schema}
assert kinds <= {"string", "int64", "bool", "timestamp[us, tz=UTC]"}, kinds
for name in streamed.column_names:
    if name in files.column_names:
        assert streamed[name].equals(files[name]), name
assert streamed.schema.names[: len(files.schema.names)] == files.schema.names or "channel" not in files.schema.names
assert set(files.column_names) <= set(streamed.column_names)
print(streamed.num_rows, len(streamed.column_names))
