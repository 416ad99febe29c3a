"""Exports with Spark, and counts the messages: spark-submit spark_shards.py RUN_ID CONTACTS OUT SHARDS.

The driver and all workers need `pip install 'chatzy-export[spark]'`, CONTACTS and OUT at the same path, and the
credentials in their environment. Leave `spark.speculation` off if the API limits requests: each attempt reads its
shard anew.
"""

import sys

import chatzy_export
from chatzy_export import spark as shards
from pyspark.sql import SparkSession


def main() -> int:
    """Run the shards and the commit, and read the result."""
    run_id, contacts, out, count = sys.argv[1:]
    spark = SparkSession.builder.appName(f"chatzy-export {run_id}").getOrCreate()
    code = shards.run(spark, int(count), run_id=run_id, contacts=contacts, out=out)
    files = chatzy_export.open(out, run=run_id).files("messages")
    print(spark.read.parquet(*files).count(), "messages")
    spark.stop()
    return code  # 3 if contacts failed


if __name__ == "__main__":
    sys.exit(main())
