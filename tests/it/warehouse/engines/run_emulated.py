"""BigQuery, Redshift, Trino and Athena, as far as DuckDB can take their part.

sqlglot translates each statement. The object `s3://BUCKET/PATH` is the file `/PATH`, and statements that read objects
become statements that read files. So the order and the conditions of statements are tested. The databases themselves
may still refuse them.
"""

from __future__ import annotations

import functools
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from duckdb_rows import rows_of
from serve import Result, serve, statements

Rewrite = Callable[["re.Match[str]"], str]

DIALECT = sys.argv[2]

# Athena has times without a zone, which are UTC. BigQuery has no other zone.
ZONE = "UTC" if DIALECT in ("athena", "bigquery") else sys.argv[1]

# A literal, and a list of columns with their types.
LITERAL = r"'(?:[^'\\]|\\.|'')*'"
COLUMN = r"[\"`](\w+)[\"`] (\w+)"

# Functions that DuckDB lacks. The names of external tables differ in the two dialects.
FUNCTIONS = """
CREATE OR REPLACE TEMP MACRO from_unixtime_nanos(x) AS
    make_timestamp(CAST(CAST(x AS HUGEINT) // 1000 AS BIGINT)) AT TIME ZONE 'UTC';
"""


def literal(text: str) -> str:
    """Quote a text for DuckDB."""
    return "'" + text.replace("'", "''") + "'"


def text_of(quoted: str) -> str:
    """Read a literal of the dialect. Athena takes those of Hive in such statements."""
    return str(sqlglot.parse_one(quoted, read="hive" if DIALECT == "athena" else DIALECT).this)


def path_of(url: str) -> str:
    """Return the path of an object."""
    return "/" + url.split("/", 3)[3]


def read(paths: list[str], options: str = "") -> str:
    """Read files, without the columns of their paths."""
    return f"read_parquet([{', '.join(map(literal, paths))}], hive_partitioning=false{options})"


def load_data(match: re.Match[str]) -> str:
    """Load files by the names of their columns."""
    paths = [path_of(text_of(uri)) for uri in re.findall(LITERAL, match[2])]
    return f"INSERT INTO {match[1]} BY NAME SELECT * FROM {read(paths)}"


def copy(match: re.Match[str]) -> str:
    """Load a file by the position of its columns."""
    return f"INSERT INTO {match[1]} SELECT * FROM {read([path_of(text_of(match[2]))])}"


def execute(match: re.Match[str]) -> str:
    """Name the dataset in a statement that is a text."""
    return translated(match[1].replace("chatzy_dataset.", ""))


def external_table(match: re.Match[str]) -> str:
    """Read all files of a folder, with times as numbers, and null for columns that they lack."""
    name, columns, url = match[1], match[2], text_of(match[3]).rstrip("/")
    files = read([f"{path_of(url)}/**/*.parquet"], ", union_by_name=true, filename=true")
    found = {row[0]: row[1] for row in duckdb.sql(f"DESCRIBE SELECT * FROM {files}").fetchall()}

    def value(column: str) -> str:
        if column not in found:
            return f'NULL::VARCHAR AS "{column}"'
        return f'epoch_us("{column}") AS "{column}"' if found[column].startswith("TIMESTAMP") else f'"{column}"'

    values = ", ".join(value(column) for column, _ in re.findall(COLUMN, columns))
    scheme = url.removesuffix(path_of(url))
    return f'CREATE VIEW {name} AS SELECT {values}, {literal(scheme)} || filename AS "$path" FROM {files}'


def drop_external_table(match: re.Match[str]) -> str:
    """Drop what `external_table` has created."""
    return f"DROP VIEW IF EXISTS {match[1]}"


# Whole statements.
STATEMENTS: dict[str, list[tuple[str, Rewrite]]] = {
    "bigquery": [
        (r"LOAD DATA INTO TEMP TABLE (\w+) FROM FILES \(format = 'PARQUET', uris = \[(.*)\]\)", load_data),
        (r'EXECUTE IMMEDIATE REPLACE\(r"""(.*)""", \'chatzy_dataset\', CONCAT\(.*\)\)', execute),
    ],
    "redshift": [
        (rf"COPY (\w+) FROM ({LITERAL}) IAM_ROLE default FORMAT AS PARQUET", copy),
        (r"SET timezone TO 'UTC'", lambda _: "SET TimeZone = 'UTC'"),
        (r"DROP TABLE (.*)", lambda match: ";".join(f"DROP TABLE {name}" for name in match[1].split(", "))),
    ],
    "trino": [
        (
            rf"CREATE TABLE (hive\.\S+) \((.*)\) WITH \(external_location = ({LITERAL}), format = 'PARQUET'\)",
            external_table,
        ),
        (r"DROP TABLE (?:IF EXISTS )?(hive\.\S+)", drop_external_table),
    ],
    "athena": [
        (rf"CREATE EXTERNAL TABLE (\S+) \((.*)\) STORED AS PARQUET LOCATION ({LITERAL})", external_table),
        (r"DROP TABLE IF EXISTS (\S+)", drop_external_table),
    ],
}

# Parts of statements: JSON, or a string if it is none.
PARTS = {
    "bigquery": [
        (
            r"IF\((\S+) IS NULL, NULL, "
            r"COALESCE\(SAFE\.PARSE_JSON\(\1, wide_number_mode => 'round'\), TO_JSON\(\1\)\)\)",
            r"IF(JSON_VALID(\1), CAST(\1 AS JSON), TO_JSON(\1))",
        )
    ],
    "redshift": [
        (
            r"CASE WHEN can_json_parse\((\S+)\) THEN json_parse\(\1\) ELSE CAST\(\1 AS SUPER\) END",
            r"CASE WHEN json_valid(\1) THEN CAST(\1 AS JSON) ELSE to_json(\1) END",
        ),
        (r'(" )SUPER\b', r"\1JSON"),
    ],
}


@functools.cache
def translated(statement: str) -> str:
    """Translate a statement."""
    lines = [line for line in statement.splitlines() if not line.startswith("--")]
    body = "\n".join(lines).strip()
    for pattern, rewrite in STATEMENTS[DIALECT]:
        if match := re.fullmatch(pattern, body, re.DOTALL):
            return rewrite(match)
    for pattern, replacement in PARTS.get(DIALECT, []):
        body = re.sub(pattern, replacement, body)
    (tree,) = sqlglot.parse(body, read=DIALECT)
    return str(tree.sql("duckdb", unsupported_level=sqlglot.ErrorLevel.IGNORE))


with tempfile.TemporaryDirectory() as folder:

    def run(database: str, script: str, tables: list[str]) -> Result:
        """Run a script in a session of its own."""
        with duckdb.connect(Path(folder) / f"{database}.db") as connection:
            connection.execute(f"ATTACH {literal(f'{folder}/{database}.hive')} AS hive")
            connection.execute(f"SET TimeZone = {literal(ZONE)};{FUNCTIONS}")
            rows: list[tuple[Any, ...]] = []
            for statement in statements(script):
                result = connection.execute(translated(statement))
                rows = result.fetchall() if result.description else []
            return Result(rows, rows_of(connection, tables))

    serve(run, (duckdb.Error, sqlglot.errors.SqlglotError))
