"""Runs `dbt test` in a project: dbt_run.py PROJECT DATABASE. Prints {test: status} as JSON, for each line on stdin.

Each line is SQL as a JSON string, which runs in the database before the tests.
"""

import json
import os
import sys

import duckdb


def main():
    from dbt.cli.main import dbtRunner

    project, database = sys.argv[1:]
    options = ["--profiles-dir", project, "--no-version-check", "--log-level", "none", "--warn-error"]
    for line in sys.stdin:
        with duckdb.connect(database) as connection:
            connection.execute(json.loads(line))
        result = dbtRunner().invoke(["test", *options])
        if result.exception:
            sys.exit(f"{result.exception}")
        print(json.dumps({test.node.name: test.status for test in result.result.results}), flush=True)


# dbt imports this file in other processes.
if __name__ == "__main__":
    # Nothing is sent.
    os.environ.update(DO_NOT_TRACK="1", DBT_SEND_ANONYMOUS_USAGE_STATS="false")
    os.chdir(sys.argv[1])
    main()
