"""Reads the table folders of exports with other readers, by their plainest calls, and compares every value.

    read_tables.py READER...      with JSON on stdin

The JSON has `tables`, the columns of each table with their kinds, and two `accounts`: `ordinary`, and `odd`, with nulls in
partition keys and values that are rare. Each has `truth`, the folder of an export as JSONL, and `layouts`: by partition keys, the
folder of an export as Parquet. For each reader the result is a line of JSON with its version, its plain call, and, for each layout,
what is wrong with the tables, and another call that reads those tables right, if there is one. Each call is run as it is printed,
but for the folder that it names. A reader that is not installed has no line.
"""

import importlib
import json
import math
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# The columns that differ between two runs of the same account.
OF_THE_RUN = ("exported_at", "fetch_started_at", "fetch_finished_at", "pages", "requests", "retries", "rereads")


class Time(int):
    """Microseconds since 1970."""


class LocalTime(Time):
    """A time that came without a zone."""


def columns_of_frame(frame):
    """The columns of a pandas frame."""
    return {name: [plain(value) for value in frame[name]] for name in frame.columns}


def columns_of_table(table):
    """The columns of a table of pyarrow, Polars or DataFusion."""
    columns = table.to_pydict() if hasattr(table, "to_pydict") else table.to_dict(as_series=False)
    return {name: [plain(value) for value in values] for name, values in columns.items()}


def columns_of_relation(relation):
    """The columns of a relation of DuckDB. `fetchall` would need another package for times."""
    return columns_of_table(relation.to_arrow_table())


def columns_of_answer(answer):
    """The columns of an answer of ClickHouse in the format JSONCompact."""
    answer = json.loads(answer.bytes())
    columns = {}
    for at, column in enumerate(answer["meta"]):
        values = [row[at] for row in answer["data"]]
        if "DateTime64(6" in column["type"]:
            zone = timezone.utc if "UTC" in column["type"] else None
            values = [value and datetime.fromisoformat(value).replace(tzinfo=zone) for value in values]
        if "Int64" in column["type"]:
            values = [None if value is None else int(value) for value in values]
        columns[column["name"]] = [plain(value) for value in values]
    return columns


def columns_of_spark(frame):
    """The columns of a Spark frame. Its times are moments, which Python gets as local times."""
    kinds = dict(frame.dtypes)
    moments = [f"unix_micros(`{name}`) AS `{name}`" if kinds[name] == "timestamp" else f"`{name}`" for name in kinds]
    rows = frame.selectExpr(*moments).collect()
    columns = {}
    for name, kind in kinds.items():
        values = [plain(row[name]) for row in rows]
        is_time = kind == "timestamp"
        columns[name] = [Time(value) if is_time and value is not None else value for value in values]
    return columns


def plain(value):
    """A value without the types of a reader."""
    if value is None or value.__class__.__name__ in ("NaTType", "NAType") or isinstance(value, float) and math.isnan(value):
        return None
    if hasattr(value, "asm8"):  # a time of pandas
        micros = int(value.as_unit("us").asm8.view("i8"))
        return Time(micros) if value.tzinfo else LocalTime(micros)
    if isinstance(value, datetime):
        kind = Time if value.tzinfo else LocalTime
        return kind((value.replace(tzinfo=value.tzinfo or timezone.utc) - EPOCH) // timedelta(microseconds=1))
    return value.item() if hasattr(value, "item") else value


def spark():
    """A session that listens on loopback only."""
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "1",
    }
    return SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()


NULL = "__HIVE_DEFAULT_PARTITION__"
# fastparquet takes a month for a time, and null for a text.
FASTPARQUET = f"""\
paths = glob.glob("export/messages/**/*.parquet", recursive=True)
keys = [dict(part.split("=") for part in path.split("/") if "=" in part) for path in paths]
frames = [fastparquet.ParquetFile(path).to_pandas().assign(**keys) for path, keys in zip(paths, keys)]
frame = pd.concat(frames).replace("{NULL}", None)
frame.apply(lambda column: column.dt.tz_localize("UTC") if column.dtype.kind == "M" else column)"""
DATAFUSION = "ctx.sql(\"CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION 'export/messages/'\")\n"
SPARK = ("pyspark", {"spark": spark}, 'spark.read.parquet("export/messages")', [], columns_of_spark)

# By name: module, names in calls, plain call, other calls, and the function that takes the columns of a result. The statements of
# a call are separated by line ends; the last one is its result. `REPLACE` is the part of SQL that makes keys null.
READERS = {
    "pandas": (
        "pandas",
        {"pd": "pandas"},
        'pd.read_parquet("export/messages")',
        ['pd.read_parquet("export/messages", dtype_backend="pyarrow")'],
        columns_of_frame,
    ),
    "pyarrow": (
        "pyarrow",
        {"pq": "pyarrow.parquet"},
        'pq.read_table("export/messages")',
        [],
        columns_of_table,
    ),
    "pyarrow dataset": (
        "pyarrow",
        {"ds": "pyarrow.dataset"},
        'ds.dataset("export/messages").to_table()',
        ['ds.dataset("export/messages", partitioning="hive").to_table()'],
        columns_of_table,
    ),
    "fastparquet": (
        "fastparquet",
        {"fastparquet": "fastparquet", "pd": "pandas", "glob": "glob"},
        'fastparquet.ParquetFile("export/messages").to_pandas()',
        [FASTPARQUET],
        columns_of_frame,
    ),
    "Polars": ("polars", {"pl": "polars"}, 'pl.read_parquet("export/messages")', [], columns_of_table),
    "DuckDB": (
        "duckdb",
        {"duckdb": "duckdb"},
        "duckdb.sql(\"FROM 'export/messages/**/*.parquet'\")",
        [],
        columns_of_relation,
    ),
    "DataFusion": (
        "datafusion",
        {"ctx": lambda: importlib.import_module("datafusion").SessionContext()},
        'ctx.read_parquet("export/messages")',
        [f'{DATAFUSION}ctx.table("t")', f'{DATAFUSION}ctx.sql("SELECT * REPLACE FROM t")'],
        columns_of_table,
    ),
    "ClickHouse": (
        "chdb",
        {"chdb": "chdb"},
        "chdb.query(\"SELECT * FROM file('export/messages/**/*.parquet')\", \"JSONCompact\")",
        ["chdb.query(\"SELECT * REPLACE FROM file('export/messages/**/*.parquet')\", \"JSONCompact\")"],
        columns_of_answer,
    ),
    "Spark 3.5": SPARK,
    "Spark 4": SPARK,
}


def run(call, names, folder):
    """The result of a call on this folder."""
    known = {name: source() if callable(source) else importlib.import_module(source) for name, source in names.items()}
    *before, last = call.replace("export/messages", str(folder)).split("\n")
    for statement in before:
        exec(statement, known)
    return eval(last, known)


def truth_of(folder, tables):
    """The rows of each table as dictionaries, with `month`."""
    truth = {}
    for table in tables:
        paths = sorted((folder / table).glob("*.jsonl"))
        truth[table] = [json.loads(line) for path in paths for line in path.read_text().split("\n") if line]
    months = {message_of(row): row["created_at"] and row["created_at"][:7] for row in truth["messages"]}
    for table, kinds in tables.items():
        for row in truth[table]:
            row["month"] = months.get(message_of(row))
            for name, kind in kinds:
                row[name] = row[name] and moment(row[name]) if kind == "ts" else row[name]
    return truth


def message_of(row):
    """The message that a row of messages or records belongs to."""
    return tuple(row.get(name) for name in ("run_id", "contact_id", "message_id"))


def moment(text):
    """The time that JSONL has."""
    return plain(datetime.fromisoformat(text.replace("Z", "+00:00")))


def canonical(value):
    """JSON without the order of its members."""
    return json.dumps(value, sort_keys=True)


def comparable(name, kind, value, problems):
    """A value of a reader in the form in which the truth is compared. Adds problems of its type."""
    if value is None:
        return None
    if kind == "int" and isinstance(value, float):
        if value > 2**53 - 1:
            problems.append(ROUNDED)
        return int(value)
    if isinstance(value, LocalTime) and kind == "ts":
        problems.append(NO_ZONE)
    expected = {"ts": Time, "int": int, "bool": bool}.get(kind, str)
    if not isinstance(value, expected) or isinstance(value, bool) != (kind == "bool"):
        problems.append(f"`{name}` is {'a time' if isinstance(value, Time) else f'of type {type(value).__name__}'}")
        return value
    if name in OF_THE_RUN:
        return True
    return canonical(json.loads(value)) if kind == "json" else value


NULL_IS_TEXT = f"a null key is the text `{NULL}`"
NULL_FAILS = "a null key fails"
NO_ZONE = "times have no zone"
ROUNDED = "integers from 2^53 on are rounded beside nulls"


def problems_of(read, rows, kinds, keys):
    """What is wrong with the columns of one table."""
    problems = []
    kinds = [(name, kind) for name, kind in kinds if name not in keys] + [(key, "str") for key in keys]
    problems += [f"no column `{name}`" for name, _ in kinds if name not in read]
    problems += [f"a further column `{name}`" for name in read if name not in dict(kinds)]
    kinds = [(name, kind) for name, kind in kinds if name in read]
    counts = {len(values) for values in read.values()}
    if counts != {len(rows)}:
        return [*problems, f"{counts} rows instead of {len(rows)}"]
    in_files = [name for name, _ in kinds if name not in keys]
    if [name for name in read if name in in_files] != in_files:
        problems.append("another order of columns")
    expected, found = [], []
    for name, kind in kinds:
        wrong = []
        values = [comparable(name, kind, value, wrong) for value in read[name]]
        truth = [row[name] for row in rows]
        if kind == "json":
            truth = [value if value is None else canonical(value) for value in truth]
        if name in OF_THE_RUN:
            truth = [value is not None or None for value in truth]
        problems += wrong
        if Counter(values) == Counter(truth):
            expected.append(truth)
            found.append(values)
        elif "__HIVE_DEFAULT_PARTITION__" in values:
            problems.append(NULL_IS_TEXT)
        elif set(wrong) <= {NO_ZONE}:
            problems.append(f"other values in `{name}`")
    if Counter(zip(*expected)) != Counter(zip(*found)):
        problems.append("values of different rows are mixed")
    return problems


class Check:
    """What one reader makes of the exports."""

    def __init__(self, asked, truths, reader):
        self.tables, self.accounts, self.truths = asked["tables"], asked["accounts"], truths
        # By the order in which the file system lists the folders, it is the one or the other.
        one_of_two = "a null key fails, or is a text"
        self.same = {NULL_FAILS: one_of_two, NULL_IS_TEXT: one_of_two} if reader == "fastparquet" else {}
        self.module, self.names, self.call, self.others, self.columns = READERS[reader]

    def layout(self, keys):
        """The problems of the plain call with a layout, and the first other call without any."""
        wrong, self.errors = {}, []
        for table in self.tables:
            problems = self.problems(table, keys, self.call)
            if problems:
                wrong[table] = problems
        others = [other for other in self.others if keys or "REPLACE" not in other]
        for other in others if wrong else []:
            replaced = ", ".join(f"nullif({key}, '{NULL}') AS {key}" for key in keys.split(","))
            call = other.replace("REPLACE", f"REPLACE ({replaced})")
            if not any(self.problems(table, keys, call) for table in wrong):
                break
        else:
            call = None
        problems = dict.fromkeys(self.same.get(problem, problem) for problems in wrong.values() for problem in problems)
        return {"problems": list(problems), "call": call, "errors": self.errors}

    def problems(self, table, keys, call):
        """What is wrong with a table, by this call."""
        applied = keys.split(",") if keys and table in ("messages", "channel_records") else []
        problems = []
        for account in ("ordinary", "odd"):
            folder = Path(self.accounts[account]["layouts"][keys]) / table
            try:
                read = self.columns(run(call, self.names, folder))
            except Exception as error:  # what a user sees
                self.errors.append(f"{call} on {folder}: {error!r}")
                is_null = account == "odd" and not any("fails" in problem for problem in problems)
                problems.append(NULL_FAILS if is_null else f"fails ({type(error).__name__})")
                continue
            problems += problems_of(read, self.truths[account][table], self.tables[table], applied)
        return problems


def main():
    asked = json.load(sys.stdin)
    truths = {name: truth_of(Path(folders["truth"]), asked["tables"]) for name, folders in asked["accounts"].items()}
    for name in sys.argv[1:]:
        check = Check(asked, truths, name)
        try:
            version = importlib.import_module(check.module).__version__
        except ModuleNotFoundError:
            continue
        layouts = {keys: check.layout(keys) for keys in asked["layouts"]}
        print(json.dumps({"reader": name, "version": version, "call": check.call, "layouts": layouts}))


main()
