"""Registers the runs of an export in Iceberg tables, without copying their files.

It needs pyiceberg 0.12:

    pip install "pyiceberg[pyarrow,sql-sqlite]==0.12.*"
    python register.py sqlite:///catalog.db file:///data/warehouse

Run it again with the script of a later night: it registers what is new, and removes what the export no longer
has. Other settings of the catalog, and the credentials of an object store, are read from the environment and from
.pyiceberg.yaml under the name chatzy, as in PYICEBERG_CATALOG__CHATZY__S3__ENDPOINT.

The files stay those of the export. Never drop a table together with its files, and let no other program remove or
rewrite them.
"""

import argparse
import datetime
import logging
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

try:
    import pyarrow
    import pyarrow.parquet
    from pyiceberg.catalog import load_catalog
    from pyiceberg.exceptions import CommitFailedException
    from pyiceberg.expressions import In
    from pyiceberg.schema import Schema
    from pyiceberg.types import BooleanType, LongType, NestedField, StringType, TimestamptzType
except ImportError as error:
    sys.exit(f'error: {error}; install it with: pip install "pyiceberg[pyarrow,sql-sqlite]==0.12.*"')

# begin of the export
# Folder or URL of the export.
EXPORT = ""
# True if the runs hold only parts of contacts.
IS_PART = False
# Tables with their meaning, each with the names, types and meanings of its columns.
TABLES = {}
# Runs to register, each with the paths, rows and bytes of its files.
RUNS = {}
# Other runs that the export has.
OTHERS = []
# All known runs: the run before each, its start in microseconds, and its position in the chain of manifests.
ORDER = []
# end of the export

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
TYPES = {"str": StringType(), "ts": TimestamptzType(), "int": LongType(), "bool": BooleanType(), "json": StringType()}
# The order of the runs, for queries of the newest version of a contact.
ORDER_TABLE = "chatzy_runs"
ORDER_MEANING = "One row per known run: the order of the runs."
ORDER_COLUMNS = [
    ("run_id", "str", "ID of the run."),
    ("previous_run_id", "str", "ID of the run before it."),
    ("exported_at", "ts", "Start of the run; null if it is unknown."),
    ("is_part", "bool", "True if the run holds only parts of contacts."),
    ("chain", "str", "ID of the first run of the chain of manifests."),
    ("position", "int", "Number of the run in its chain."),
]
PROPERTIES = {
    # Other programs must not remove the files of the export.
    "gc.enabled": "false",
    # Whole files are dropped by the statistics of run_id. Those of other columns would keep texts and names.
    "write.metadata.metrics.default": "counts",
    "write.metadata.metrics.column.run_id": "full",
    "write.metadata.metrics.column.created_at": "full",
    "write.metadata.metrics.column.exported_at": "full",
    # A second program that registers the same runs fails, instead of adding their files again.
    "commit.retry.num-retries": "0",
    "commit.manifest-merge.enabled": "true",
}


class Failure(Exception):
    """A reason to stop, in one line."""


def main():
    parser = argparse.ArgumentParser(description="Register the runs of an export in Iceberg tables.")
    parser.add_argument("catalog", help="URI of the catalog, such as sqlite:///catalog.db or https://catalog.example")
    parser.add_argument("warehouse", help="location of the warehouse, such as file:///data/warehouse, or its name")
    parser.add_argument("namespace", nargs="?", default="chatzy", help="namespace of the tables (default: chatzy)")
    arguments = parser.parse_args()
    # A column without statistics is no reason to warn.
    logging.getLogger("pyiceberg").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pyiceberg")
    try:
        catalog = load_catalog("chatzy", uri=arguments.catalog, warehouse=arguments.warehouse)
        catalog.create_namespace_if_not_exists(arguments.namespace)
        register(catalog, arguments.namespace)
    except Failure as failure:
        sys.exit(f"error: {failure}")
    except CommitFailedException:
        sys.exit("error: another program changes these tables: run this script again when it has ended")
    except Exception as error:
        text = " ".join(str(error).split())
        sys.exit(f"error: {type(error).__name__}: {text}")


def register(catalog, namespace):
    tables = {name: opened(catalog, namespace, name, *TABLES[name]) for name in TABLES}
    order = opened(catalog, namespace, ORDER_TABLE, ORDER_MEANING, ORDER_COLUMNS)
    known = known_order(order)
    contents = {name: Content(table) for name, table in tables.items()}
    do_not_mix(contents["coverage"], known)
    gone = gone_runs(contents.values())
    plans = {name: Plan(name, contents[name], gone) for name in tables}
    with ThreadPoolExecutor(16) as pool:
        # All files are checked before a table changes.
        checks = [pool.submit(check, order.io, *file) for plan in plans.values() for file in plan.add.items()]
        for each in checks:
            each.result()

    # Queries see the runs that coverage names: it loses a run first, and gets it last.
    coverage = plans.pop("coverage")
    commit(tables["coverage"], coverage.remove, [])
    for name, plan in plans.items():
        commit(tables[name], plan.remove, plan.add)
    write_order(order, known)
    commit(tables["coverage"], [], coverage.add)
    tell({**plans, "coverage": coverage}, gone)


def opened(catalog, namespace, name, meaning, columns):
    """Returns the table. Creates it, or adds the columns that it lacks."""
    identifier = (*namespace.split("."), name)
    fields = [NestedField(at, name, TYPES[kind], doc=doc) for at, (name, kind, doc) in enumerate(columns, 1)]
    properties = {"comment": meaning, **PROPERTIES}
    table = catalog.create_table_if_not_exists(identifier, Schema(*fields), properties=properties)
    with table.transaction() as transaction:
        changed = {key: value for key, value in PROPERTIES.items() if table.properties.get(key) != value}
        if changed:
            transaction.set_properties(changed)
        missing = [field for field in fields if field.name not in table.schema().column_names]
        if missing:
            with transaction.update_schema() as update:
                for field in missing:
                    update.add_column(field.name, field.field_type, field.doc)
    return table


class Content:
    """The data files of a table."""

    def __init__(self, table):
        self.io = table.io
        # The files of the export by run, with rows and bytes.
        self.runs = {}
        # Runs in files that other programs wrote, or in those of another folder.
        self.elsewhere = set()
        run_id = table.schema().find_field("run_id").field_id
        for task in table.scan().plan_files():
            file = task.file
            low, high = ((bounds or {}).get(run_id) for bounds in (file.lower_bounds, file.upper_bounds))
            run = low.decode() if low is not None and low == high else None
            if run is not None and file.file_path.startswith(EXPORT + "/"):
                self.runs.setdefault(run, {})[file.file_path] = (file.record_count, file.file_size_in_bytes)
            elif run is not None:
                self.elsewhere.add(run)
            else:
                with self.io.new_input(file.file_path).open() as stream:
                    rows = pyarrow.parquet.read_table(stream, columns=["run_id"])
                self.elsewhere.update(rows["run_id"].unique().to_pylist())


class Plan:
    """The changes to a table."""

    def __init__(self, name, content, gone):
        # Runs whose files are dropped.
        self.remove = [run for run in content.runs if run in gone]
        # Paths with rows and bytes.
        self.add = {}
        # Runs that are left as they are, since the table has them in other files.
        self.kept = []
        self.new = []
        self.changed = []
        for run, files in RUNS.items():
            found = content.runs.get(run, {})
            wanted = {f"{EXPORT}/{path}": (rows, size) for path, rows, size in files if path.startswith(name + "/")}
            if run in content.elsewhere:
                self.kept.append(run)
            elif found != wanted:
                self.remove.extend([run] if found else [])
                self.add.update(wanted)
                (self.changed if found else self.new).append(run)


def gone_runs(contents):
    """Returns the runs that the export no longer has."""
    pruned = {run for run, *_ in ORDER if run not in RUNS and run not in OTHERS}
    gone = set()
    for content in contents:
        for run, files in content.runs.items():
            if run in pruned:
                gone.add(run)
            elif run not in RUNS and run not in OTHERS:
                # A run with all of its files is newer than this script.
                if not all(content.io.new_input(path).exists() for path in files):
                    gone.add(run)
    return gone


def check(io, path, expected):
    """Fails unless the file is as the manifest says."""
    file = io.new_input(path)
    if not file.exists():
        raise Failure(f"{path} is missing: run chatzy-export verify, or print this script again")
    size = len(file)
    with file.open() as stream:
        rows = pyarrow.parquet.read_metadata(stream).num_rows
    if (rows, size) != expected:
        raise Failure(
            f"{path} has {rows} rows and {size} bytes instead of {expected[0]} and {expected[1]}: "
            "run chatzy-export verify, or print this script again"
        )


def commit(table, remove, add):
    """Drops the files of runs and adds files, in one step."""
    if remove or add:
        with table.transaction() as transaction:
            if remove:
                transaction.delete(In("run_id", remove))
            if add:
                transaction.add_files(list(add), check_duplicate_files=False)


def known_order(table):
    """Returns the known runs: those of the table, which stay as they are, and the new ones of this script."""
    known = {row["run_id"]: row for row in table.scan().to_arrow().to_pylist()}
    # A later script may know less of the beginning of a chain. Its runs continue the chain of the table.
    chains = {}
    for run, _, _, _, chain, position in ORDER:
        if run in known:
            shift = max(chains.get(chain, (chain, 0))[1], known[run]["position"] - position)
            chains[chain] = (known[run]["chain"], shift)
    for run, previous, started, is_part, chain, position in ORDER:
        if run not in known:
            exported_at = None if started is None else EPOCH + datetime.timedelta(microseconds=started)
            known_chain, shift = chains.get(chain, (chain, 0))
            values = (run, previous, exported_at, is_part, known_chain, position + shift)
            known[run] = dict(zip((column[0] for column in ORDER_COLUMNS), values, strict=True))
    return known


def write_order(table, known):
    """Writes the order of the runs, unless the table has it."""
    rows = [known[run] for run in sorted(known)]
    if rows != sorted(table.scan().to_arrow().to_pylist(), key=lambda row: row["run_id"]):
        table.overwrite(pyarrow.Table.from_pylist(rows, table.schema().as_arrow()))


def do_not_mix(coverage, known):
    """Fails if the tables would hold whole contacts and parts of contacts."""
    kinds = {known[run]["is_part"] for run in (*coverage.runs, *coverage.elsewhere) if run in known}
    if RUNS and (not IS_PART) in kinds:
        there, these = ("whole contacts", "parts of contacts") if IS_PART else ("parts of contacts", "whole contacts")
        raise Failure(f"the tables hold {there}, and this script registers {these}: use another namespace")


def tell(plans, gone):
    """Prints the changes, by run."""
    for run in sorted(gone):
        print(f"{run}: removed, since the export no longer has it")
    unchanged = 0
    for run in RUNS:
        kept = [name for name, plan in plans.items() if run in plan.kept]
        if any(run in plan.changed for plan in plans.values()):
            print(f"{run}: registered again, since its files have changed")
        elif any(run in plan.new for plan in plans.values()):
            print(f"{run}: registered")
        elif not kept:
            unchanged += 1
        if kept:
            print(f"{run}: left as it is in {', '.join(kept)}, where it is in other files")
    if unchanged:
        print(f"registered before: {unchanged} of {len(RUNS)} runs")


if __name__ == "__main__":
    main()
