"""Counts the rows and the IDs of tables in an object store with other programs: read_store.py, with JSON on stdin.

The JSON has `url`, the URL of the export; `environment`, with the variables of the credentials; `tables`, the paths of the files
of each table; `ids`, the column of each table to count. The result is {program: {table: [rows, different IDs]}}.
"""

import glob
import json
import os
import sys
from urllib.parse import urlsplit

asked = json.load(sys.stdin)
url, environment = asked["url"], asked["environment"]
place = urlsplit(url)
if place.scheme == "gs":
    with open(environment["GOOGLE_SERVICE_ACCOUNT"]) as file:
        account = file.read()
    endpoint = json.loads(account)["gcs_base_url"]
elif place.scheme == "az":
    user, key = environment["AZURE_STORAGE_ACCOUNT_NAME"], environment["AZURE_STORAGE_ACCOUNT_KEY"]
    endpoint = environment["AZURE_STORAGE_ENDPOINT"]
    connection = f"DefaultEndpointsProtocol=http;AccountName={user};AccountKey={key};BlobEndpoint={endpoint};"
else:
    user, key = environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    endpoint = environment["AWS_ENDPOINT_URL"]


def with_duckdb():
    import duckdb
    import duckdb_extension_azure
    import duckdb_extension_httpfs

    # Nothing is downloaded.
    connected = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    for module in (duckdb_extension_httpfs, duckdb_extension_azure):
        folder = os.path.dirname(module.__file__)
        (extension,) = glob.glob(f"{folder}/extensions/*/*.duckdb_extension")
        connected.execute(f"LOAD '{extension}'")
    if place.scheme == "az":
        connected.execute(f"CREATE SECRET (TYPE azure, CONNECTION_STRING '{connection}')")
    else:
        kind, user_, key_ = ("s3", user, key) if place.scheme == "s3" else ("gcs", "user", "key")
        host = urlsplit(endpoint).netloc
        connected.execute(
            f"CREATE SECRET (TYPE {kind}, KEY_ID '{user_}', SECRET '{key_}', REGION 'us-east-1', ENDPOINT '{host}', "
            "URL_STYLE 'path', USE_SSL false)"
        )

    def count(paths, column):
        files = ", ".join(f"'{url}/{path}'" for path in paths)
        query = f"SELECT count(*), count(DISTINCT {column}) FROM read_parquet([{files}])"
        return connected.execute(query).fetchone()

    return count


def with_polars():
    import polars

    if place.scheme == "s3":
        options = {
            "aws_access_key_id": user,
            "aws_secret_access_key": key,
            "aws_region": "us-east-1",
            "aws_endpoint_url": endpoint,
        }
    elif place.scheme == "az":
        options = {"account_name": user, "account_key": key, "azure_storage_endpoint": endpoint}
    else:
        options = {"google_service_account_key": account}

    def count(paths, column):
        files = [f"{url}/{path}" for path in paths]
        rows = polars.scan_parquet(files, storage_options={**options, "allow_http": "true"})
        return rows.select(polars.len(), polars.col(column).n_unique().alias("ids")).collect().row(0)

    return count


def with_chdb():
    import chdb

    def count(paths, column):
        rows, ids = 0, 0
        for path in paths:
            full = place.path.lstrip("/") + "/" + path
            if place.scheme == "az":
                source = f"azureBlobStorage('{connection}', '{place.netloc}', '{full}', 'Parquet')"
            elif place.scheme == "s3":
                source = f"s3('{endpoint}/{place.netloc}/{full}', '{user}', '{key}', 'Parquet')"
            else:
                source = f"s3('{endpoint}/{place.netloc}/{full}', NOSIGN, 'Parquet')"
            query = f"SELECT count(), uniqExact({column}) FROM {source}"
            found = json.loads(chdb.query(query, "JSONCompactEachRow").data())
            rows, ids = rows + int(found[0]), ids + int(found[1])
        return rows, ids

    return count


counts = {}
for name, program in {"duckdb": with_duckdb, "polars": with_polars, "chdb": with_chdb}.items():
    try:
        count = program()
    except ImportError:
        continue
    counts[name] = {table: list(count(paths, asked["ids"][table])) for table, paths in asked["tables"].items()}
json.dump(counts, sys.stdout)
