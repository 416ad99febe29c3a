"""Runs the SQL on stdin in a DuckDB database; prints the rows of the last query, one a line, cells separated by `|`.

    duckdb_run.py DATABASE
"""

import sys

import duckdb

connection = duckdb.connect(sys.argv[1])
try:
    result = connection.execute(sys.stdin.read())
    for row in result.fetchall() if result.description else []:
        print("|".join("" if cell is None else str(cell) for cell in row))
except duckdb.Error as error:
    sys.exit(str(error))
