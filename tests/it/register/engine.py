"""Runs scripts of `schema --register`, and reads the tables: engine.py iceberg|ducklake.

Each line on stdin is a JSON object with one key, each line on stdout its result:

    {"open": FOLDER}    begins anew, with a catalog in this folder
    {"script": PATH}    runs a script: {"code", "text"}, with what it prints or its error
    {"query": SQL}      the rows of a query of DuckDB, cells separated by `|`
    {"files": TABLE}    the files of a table: path, rows and bytes (DuckLake: path and bytes), in order
    {"version": TABLE}  the current version of a table, or of the lake
    {"python": CODE}    the value of `result` after the code, which finds `catalog` or `connection`

The environment may have the endpoint and the keys of an S3 store.
"""

import contextlib
import glob
import importlib
import io
import json
import os
import runpy
import sys
from urllib.parse import urlsplit

import duckdb

EXTENSIONS = {"iceberg": ["avro", "iceberg"], "ducklake": ["ducklake"]}


def connected(kind, with_s3):
    # Nothing is downloaded.
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    for name in EXTENSIONS[kind] + ["httpfs"] * with_s3:
        folder = os.path.dirname(importlib.import_module(f"duckdb_extension_{name}").__file__)
        (extension,) = glob.glob(f"{folder}/extensions/*/*.duckdb_extension")
        connection.execute(f"LOAD '{extension}'")
    if with_s3:
        user, key, endpoint = (
            os.environ[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "ENDPOINT_URL")
        )
        connection.execute(
            f"CREATE SECRET (TYPE s3, KEY_ID '{user}', SECRET '{key}', REGION 'us-east-1', "
            f"ENDPOINT '{urlsplit(endpoint).netloc}', URL_STYLE 'path', USE_SSL false)"
        )
    return connection


class Iceberg:
    def __init__(self, folder):
        self.connection = connected("iceberg", "AWS_ENDPOINT_URL" in os.environ)
        if "AWS_ENDPOINT_URL" in os.environ:
            os.environ["PYICEBERG_CATALOG__CHATZY__S3__ENDPOINT"] = os.environ["AWS_ENDPOINT_URL"]
        from pyiceberg.catalog import load_catalog

        self.uri, self.warehouse = f"sqlite:///{folder}/catalog.db", f"file://{folder}/warehouse"
        self.catalog = load_catalog("chatzy", uri=self.uri, warehouse=self.warehouse)

    def script(self, path):
        printed = io.StringIO()
        sys.argv = [path, self.uri, self.warehouse]
        try:
            with contextlib.redirect_stdout(printed):
                runpy.run_path(path, run_name="__main__")
        except SystemExit as end:
            return {"code": 1, "text": str(end.code)}
        return {"code": 0, "text": printed.getvalue()}

    def table(self, name):
        return self.catalog.load_table(f"chatzy.{name}")

    def files(self, name):
        files = [task.file for task in self.table(name).scan().plan_files()]
        return sorted([file.file_path, file.record_count, file.file_size_in_bytes] for file in files)

    def version(self, name):
        snapshot = self.table(name).current_snapshot()
        return snapshot.snapshot_id if snapshot else None

    def query(self, sql):
        for _, name in self.catalog.list_tables("chatzy"):
            location = self.table(name).metadata_location.replace("'", "''")
            self.connection.execute(f"CREATE OR REPLACE VIEW {name} AS FROM iceberg_scan('{location}')")
        return self.connection.execute(sql).fetchall()

    def python(self, code):
        names = {"catalog": self.catalog, "table": self.table}
        exec(code, names)
        return names.get("result")


class DuckLake:
    def __init__(self, folder):
        self.connection = connected("ducklake", "AWS_ENDPOINT_URL" in os.environ)
        self.attach = f"ATTACH 'ducklake:{folder}/catalog.ducklake' AS lake (DATA_PATH '{folder}/data')"
        self.connection.execute(self.attach)

    def script(self, path):
        with open(path) as file:
            text = file.read()
        try:
            rows = self.connection.execute(text).fetchall()
        except duckdb.Error as error:
            with contextlib.suppress(duckdb.Error):
                self.connection.execute("ROLLBACK")
            return {"code": 1, "text": str(error)}
        return {"code": 0, "text": "".join(f"{row[0]}: {row[1]}\n" for row in rows)}

    def files(self, name):
        try:
            listed = self.connection.execute(f"FROM ducklake_list_files('lake', '{name}')").fetchall()
        except duckdb.CatalogException:
            return []
        return sorted([row[0], row[1]] for row in listed)

    def version(self, _name):
        return self.connection.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()[0]

    def query(self, sql):
        return self.connection.execute(sql).fetchall()

    def python(self, code):
        names = {"connection": self.connection, "attach": self.attach}
        exec(code, names)
        return names.get("result")


def main():
    kind = {"iceberg": Iceberg, "ducklake": DuckLake}[sys.argv[1]]
    engine = None
    for line in sys.stdin:
        ((command, argument),) = json.loads(line).items()
        if command == "open":
            if engine:
                engine.connection.close()
            engine, result = kind(argument), None
        else:
            result = getattr(engine, command)(argument)
        if command == "query":
            result = ["|".join("" if cell is None else str(cell) for cell in row) for row in result]
        print(json.dumps(result), flush=True)


main()
