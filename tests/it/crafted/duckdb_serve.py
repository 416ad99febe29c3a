"""Runs scripts in DuckDB, each in a database of its own.

Each line on stdin is a JSON list: the SQL that creates the tables, and the script. Each line on stdout is an object: the
error, or null, and whether the database has a table called `owned`.
"""

import json
import sys

import duckdb

for line in sys.stdin:
    tables, script = json.loads(line)
    connection = duckdb.connect()
    connection.execute(tables)
    error = None
    try:
        connection.execute(script)
    except duckdb.Error as failure:
        error = str(failure)
        try:
            connection.execute("ROLLBACK")
        except duckdb.Error:
            pass
    owned = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name IN ('owned', 't')").fetchone()[0]
    connection.close()
    print(json.dumps({"error": error, "owned": owned > 0}), flush=True)
