"""Compares Delta tables with the files that the manifests name: read_delta.py, with JSON on stdin.

The JSON is a list of exports: `path`, the folder whose manifests and files count; `url`, where the Delta tables are, if elsewhere;
`environment`, with the credentials of a URL; and `newest`, the folder of a snapshot that has the same messages as the queries for the
newest versions in `docs/warehouse.md`. The result is a list with, for each export, {reader: {table: rows}}. Instead of the
number of rows there is a text if a reader shows other rows or columns than pyarrow finds in the files. Readers that are not
installed are missing.
"""

import glob
import json
import os
import sys
from urllib.parse import urlsplit

TABLES = ["contacts", "conversations", "messages", "channel_records", "coverage"]


def files_of(export):
    """The rows of each table, as pyarrow reads them from the files that are there and that a manifest names."""
    import pyarrow
    import pyarrow.parquet

    root = export["path"]
    manifests = []
    for path in sorted(glob.glob(f"{glob.escape(root)}/_runs/*/manifest.json")):
        with open(path) as file:
            manifests.append(json.load(file))
    if any(manifest.get("snapshot_of") for manifest in manifests):
        with open(f"{root}/_runs/latest.json") as file:
            newest = json.load(file)["run_id"]
        manifests = [manifest for manifest in manifests if manifest["run_id"] == newest]
    tables = {table: [] for table in TABLES}
    for manifest in manifests:
        for entry in manifest["files"]:
            path = f"{root}/{entry['path']}"
            # `erase` removes files of which nothing is left, and keeps the manifests.
            if entry["table"] in tables and os.path.exists(path):
                rows = pyarrow.parquet.ParquetFile(path).read()
                for key, value in entry["partition"].items():
                    column = pyarrow.array([value] * len(rows), pyarrow.string())
                    assert key not in rows.column_names, "a key that is a column is not in the files"
                    rows = rows.append_column(key, column)
                tables[entry["table"]].append(rows)
    return {table: pyarrow.concat_tables(rows) if rows else None for table, rows in tables.items()}


def storage(export):
    environment = export["environment"]
    return {
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
        "aws_region": "us-east-1",
        "aws_endpoint_url": environment["AWS_ENDPOINT_URL"],
        "aws_allow_http": "true",
    }


def with_deltalake():
    import deltalake

    def read(url, options):
        table = deltalake.DeltaTable(url, storage_options=options)
        assert table.protocol().min_reader_version == 1
        assert all(engine["engineInfo"].startswith("chatzy-export/") for engine in table.history())
        return table.to_pyarrow_table()

    return read


def with_polars():
    import polars

    return lambda url, options: polars.read_delta(url, storage_options=options).to_arrow()


def duckdb_of_delta():
    import duckdb
    import duckdb_extension_delta
    import duckdb_extension_httpfs

    # Nothing is downloaded.
    connected = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    for module in (duckdb_extension_httpfs, duckdb_extension_delta):
        (extension,) = glob.glob(f"{os.path.dirname(module.__file__)}/extensions/*/*.duckdb_extension")
        connected.execute(f"LOAD '{extension}'")
    return connected


def with_duckdb():
    connected = duckdb_of_delta()

    def read(url, options):
        if options:
            endpoint = urlsplit(options["aws_endpoint_url"]).netloc
            connected.execute(
                f"CREATE OR REPLACE SECRET (TYPE s3, KEY_ID '{options['aws_access_key_id']}', "
                f"SECRET '{options['aws_secret_access_key']}', REGION 'us-east-1', ENDPOINT '{endpoint}', "
                "URL_STYLE 'path', USE_SSL false)"
            )
        return connected.execute(f"SELECT * FROM delta_scan('{url}')").to_arrow_table()

    return read


def plain(table):
    """Columns with their types, and rows in an order, however a reader represents text and times."""
    import pyarrow

    columns = {}
    for name in table.column_names:
        column = table.column(name)
        kind = column.type
        if pyarrow.types.is_timestamp(kind):
            assert kind.tz, f"{name} has no time zone"
            column, kind = column.cast(pyarrow.timestamp("us", "UTC")).cast(pyarrow.int64()), "time"
        elif pyarrow.types.is_large_string(kind) or pyarrow.types.is_string_view(kind):
            kind = pyarrow.string()
        columns[name] = (str(kind), column.to_pylist())
    kinds = {name: kind for name, (kind, _) in columns.items()}
    names = sorted(columns)
    rows = sorted((repr(row) for row in zip(*(columns[name][1] for name in names))))
    return kinds, rows


def newest_by_documents(root):
    """The newest messages of each contact, by the queries in the documents."""
    with open(f"{os.path.dirname(__file__)}/../../../docs/warehouse.md") as file:
        section = file.read().split("## Delta tables")[1].split("\n## ")[0]
    query = section.split("```sql\n")[1].split("```")[0].replace("./lake/", f"{root}/")
    code = section.split("The same in Polars:")[1].split("```python\n")[1].split("```")[0]
    *lines, last = code.replace('"lake/', f'"{root}/').strip().split("\n")
    names = {}
    exec("\n".join(lines), names)
    return [duckdb_of_delta().execute(query).to_arrow_table(), eval(last, names).to_arrow()]


def compared(expected, found):
    kinds, rows = plain(found)
    if expected is None:
        return len(rows) if not rows else f"{len(rows)} rows of no file"
    expected_kinds, expected_rows = plain(expected)
    if kinds != expected_kinds:
        return f"columns {kinds}, expected {expected_kinds}"
    if rows != expected_rows:
        other = next((pair for pair in zip(rows, expected_rows) if pair[0] != pair[1]), None)
        return f"{len(rows)} rows, expected {len(expected_rows)}; {other}"
    return len(rows)


exports = json.load(sys.stdin)
expected = [files_of(export) for export in exports]
results = [{} for _ in exports]
for name, reader in {"deltalake": with_deltalake, "polars": with_polars, "duckdb": with_duckdb}.items():
    try:
        read = reader()
    except ImportError:
        continue
    for export, files, result in zip(exports, expected, results):
        options = storage(export) if export.get("url") else None
        root = export.get("url") or export["path"]
        result[name] = {table: compared(files[table], read(f"{root}/{table}", options)) for table in TABLES}
for export, result in zip(exports, results):
    if export.get("newest") and {"duckdb", "polars"} <= result.keys():
        _, wanted = plain(files_of({"path": export["newest"]})["messages"].select(["contact_id", "message_id", "content"]))
        for found in newest_by_documents(export["path"]):
            _, rows = plain(found.select(["contact_id", "message_id", "content"]))
            assert rows == wanted, f"{len(rows)} rows, expected {len(wanted)}"
json.dump(results, sys.stdout)
