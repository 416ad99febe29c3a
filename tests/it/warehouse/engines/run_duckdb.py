"""DuckDB, each database a file, each script a connection."""

import sys
import tempfile
from pathlib import Path

import duckdb
from duckdb_rows import rows_of
from serve import Result, serve

with tempfile.TemporaryDirectory() as folder:

    def run(database: str, script: str, tables: list[str]) -> Result:
        """Run a script."""
        with duckdb.connect(Path(folder) / f"{database}.db") as connection:
            connection.execute(f"SET TimeZone = '{sys.argv[1]}'")
            result = connection.execute(script)
            rows = result.fetchall() if result and result.description else []
            return Result(rows, rows_of(connection, tables))

    serve(run, (duckdb.Error,))
