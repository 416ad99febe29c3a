"""ClickHouse inside the process (chdb)."""

import json
import sys
import tempfile
from typing import Any

from chdb import ChdbError
from chdb.session import Session
from serve import Result, serve, statements

with tempfile.TemporaryDirectory() as folder:
    session = Session(folder)

    def query(sql: str, form: str) -> list[Any]:
        """Run a statement and parse its lines of JSON."""
        lines = str(session.query(sql, form)).splitlines()
        return [json.loads(line) for line in lines]

    def run(database: str, script: str, tables: list[str]) -> Result:
        """Run a script, statement by statement."""
        session.query(f"CREATE DATABASE IF NOT EXISTS {database}")
        session.query(f"USE {database}")
        session.query(f"SET session_timezone = '{sys.argv[1]}'")
        rows = []
        for statement in statements(script):
            rows = [tuple(row) for row in query(statement, "JSONCompactEachRow")]
        session.query("SET session_timezone = 'UTC'")
        return Result(rows, {name: query(f"SELECT * FROM {name}", "JSONEachRow") for name in tables})

    serve(run, (ChdbError, RuntimeError))
