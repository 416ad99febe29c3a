"""DuckDB, each database a file, each script a connection."""

import json
import sys
import tempfile
from pathlib import Path

import duckdb
from serve import Result, serve

with tempfile.TemporaryDirectory() as folder:

    def run(database: str, script: str, tables: list[str]) -> Result:
        """Run a script."""
        with duckdb.connect(Path(folder) / f"{database}.db") as connection:
            connection.execute(f"SET TimeZone = '{sys.argv[1]}'")
            result = connection.execute(script)
            rows = result.fetchall() if result and result.description else []
            connection.execute("SET TimeZone = 'UTC'")
            found = {}
            for name in tables:
                texts = connection.execute(f"SELECT to_json(t) FROM {name} AS t").fetchall()
                found[name] = [json.loads(text) for (text,) in texts]
        return Result(rows, found)

    serve(run, (duckdb.Error,))
