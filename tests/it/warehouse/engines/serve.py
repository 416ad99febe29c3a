"""Keeps a database engine alive for the tests.

A request is a line of JSON on stdin: `database`, a name; `script`, SQL; `tables`, names of tables and views; and
`folder`, in which the script runs. Each script runs in a session of its own, in a database that its first script
creates. The answer is a line on stdout: `rows`, those of the last query, as text; and `tables`, all rows of each of
them by column. Or `error`, a text. The programs take the time zone of sessions as their argument.
"""

from __future__ import annotations

import datetime
import decimal
import json
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple


class Result(NamedTuple):
    """The rows of the last query of a script, and those of some tables."""

    rows: list[tuple[Any, ...]]
    tables: dict[str, list[dict[str, Any]]]


Run = Callable[[str, str, list[str]], Result]


def statements(script: str) -> list[str]:
    """Split a script as its users do: at each semicolon that ends a line."""
    parts = [part.strip() for part in (script + "\n").split(";\n")]
    return [part for part in parts if not all(line.startswith("--") or not line for line in part.splitlines())]


def _cell(value: object) -> object:
    """Convert a value of Python to one of JSON."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return int(value)
    return value


def serve(run: Run, errors: tuple[type[BaseException], ...]) -> None:
    """Answer requests until the end of stdin. `run` gets a database, a script and names of tables."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Engines print messages.
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        os.chdir(request["folder"])
        answer: dict[str, Any]
        try:
            result = run(request["database"], request["script"], request["tables"])
            rows = [["" if cell is None else str(cell) for cell in row] for row in result.rows]
            tables = {
                name: [{column: _cell(value) for column, value in row.items()} for row in table]
                for name, table in result.tables.items()
            }
            answer = {"rows": rows, "tables": tables}
        except errors as error:
            answer = {"error": str(error)}
        finally:
            os.chdir("/")
        print(json.dumps(answer), file=answers, flush=True)
