"""Rows of tables in DuckDB, for the programs that run scripts in it."""

from __future__ import annotations

import json
from typing import Any

import duckdb


def rows_of(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of each table by column, with times in UTC."""
    connection.execute("SET TimeZone = 'UTC'")
    found = {}
    for name in tables:
        texts = connection.execute(f"SELECT to_json(t) FROM {name} AS t").fetchall()
        found[name] = [json.loads(text) for (text,) in texts]
    return found
