"""fakesnow, which translates statements of Snowflake for DuckDB."""

import sys
import warnings

import duckdb
import fakesnow
import snowflake.connector
from serve import Result, serve

warnings.simplefilter("ignore")


def run(database: str, script: str, tables: list[str]) -> Result:
    """Run a script."""
    parameters = {"TIMEZONE": sys.argv[1]}
    with snowflake.connector.connect(database=database, schema="public", session_parameters=parameters) as connection:
        rows = []
        # COPY INTO of fakesnow does not find temporary tables. The scripts replace them in any case.
        for cursor in connection.execute_string(script.replace("TEMPORARY TABLE", "TABLE")):
            rows = cursor.fetchall()
        found = {}
        for name in tables:
            cursor = connection.cursor().execute(f"SELECT * FROM {name}")
            columns = [column.name.lower() for column in cursor.description]
            found[name] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return Result(rows, found)


with fakesnow.patch():
    serve(run, (snowflake.connector.Error, duckdb.Error, OSError))
