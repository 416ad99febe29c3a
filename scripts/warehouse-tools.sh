#!/usr/bin/env bash
# Makes .tools/warehouse: engines that load exports and programs that read them. Does nothing when they are there already. What
# cannot be installed is reported, and the tests that need it are skipped, and say so.
#
#   .tools/warehouse/venv         chdb (ClickHouse), DuckDB with extensions, Polars, deltalake, pyiceberg, DataFusion, sqlglot: 1.8 GB
#   .tools/warehouse/snowflake    fakesnow, which takes statements of Snowflake: 350 MB
#   .tools/warehouse/spark        Spark 4: 520 MB, and it needs Java 17
#   .tools/warehouse/dbt          dbt with DuckDB: 200 MB
#
# PostgreSQL is in scripts/test-tools.sh. The extensions of DuckDB fit one version of it, which is another than the one of that script.
# fakesnow fits other versions of DuckDB and sqlglot.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=.tools/warehouse

missing() {
    echo "warehouse-tools: $1 cannot be installed; the tests that need it will be skipped" >&2
}

# Installs packages of PyPI into a virtual environment, once: part VENV NAME PIN…
part() {
    local venv=$tools/$1 pins=("${@:3}") stamp=$tools/$1/has-$2
    if [[ -f $stamp && $(<"$stamp") == "${pins[*]}" ]]; then
        return
    fi
    [[ -x $venv/bin/pip ]] || "${PYTHON:-python3}" -m venv "$venv" || return 1
    "$venv/bin/pip" install --quiet --disable-pip-version-check "${pins[@]}" || return 1
    printf '%s' "${pins[*]}" >"$stamp"
}

# Java 17 or later, by the number before the first dot: `openjdk version "17.0.15"`.
java_17() {
    local version
    version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || return 1
    [[ -n $version ]] && ((version >= 17))
}

duckdb=1.5.5
extensions=(httpfs azure aws delta iceberg avro ducklake)
extensions=("${extensions[@]/#/duckdb-extension-}")
part venv clickhouse chdb-core==26.9.0 || missing "chdb (ClickHouse)"
part venv duckdb "duckdb==$duckdb" "${extensions[@]/%/==$duckdb}" || missing "DuckDB with its extensions"
part venv polars polars==2.1.0 || missing Polars
part venv deltalake deltalake==1.6.6 pyarrow==26.0.1 || missing deltalake
part venv iceberg 'pyiceberg[pyarrow,sql-sqlite]==0.12.0' pyarrow==26.0.1 || missing pyiceberg
part venv datafusion datafusion==55.0.0 pyarrow==26.0.1 || missing DataFusion
part venv sqlglot sqlglot==30.30.0 || missing sqlglot
# Later connectors lack a module that fakesnow imports.
part snowflake fakesnow fakesnow==0.12.1 snowflake-connector-python==4.4.0 duckdb==2.0.1 || missing fakesnow
# dbt-core 1.12 needs a package that is not published.
part dbt dbt dbt-core==1.11.16 dbt-duckdb==1.11.1 "duckdb==$duckdb" || missing dbt
if java_17; then
    part spark pyspark pyspark==4.3.0 || missing Spark
else
    echo "warehouse-tools: Spark needs Java 17; the tests that need it will be skipped" >&2
fi
