"""Spark in one process, with its tables in a folder. Like `spark-sql -f`, it runs a script statement by statement."""

import os
import sys
import tempfile

os.environ["TZ"] = "UTC"  # of Python, which gets times in its own zone

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from serve import Result, serve, statements

# Tables are small, so compiled queries and parallel tasks would only cost time.
OPTIONS = {
    # Java would write warnings to stdout, which is for answers.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -Xlog:disable",
    "spark.driver.host": "127.0.0.1",
    "spark.log.level": "OFF",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.session.timeZone": sys.argv[1],
    "spark.sql.shuffle.partitions": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}

with tempfile.TemporaryDirectory() as folder:
    builder = SparkSession.builder.master("local[1]").config(map=OPTIONS)
    spark = builder.config("spark.sql.warehouse.dir", folder).getOrCreate()

    def run(database: str, script: str, tables: list[str]) -> Result:
        """Run a script in a session of its own."""
        session = spark.newSession()
        session.sql(f"CREATE DATABASE IF NOT EXISTS {database}")
        session.sql(f"USE {database}")
        rows = []
        for statement in statements(script):
            rows = session.sql(statement).collect()
        found = {name: [row.asDict() for row in session.table(name).collect()] for name in tables}
        return Result(rows, found)

    serve(run, (PySparkException, Py4JError))
    spark.stop()
