"""Exports every night with Airflow 3: mapped tasks for the shards, and a task that publishes them.

The workers need `pip install chatzy-export`, the credentials in their environment, and CONTACTS and OUT at the same
path. The pool `chatzy-api` has as many slots as shards may run at the same time. `--rate-limit` is the limit of the
account, divided by them.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException
from chatzy_export import shards

SHARDS = 64
CONTACTS = "/export/contacts.csv"
OUT = "/export/chatzy"
RUN = "{{ ts_nodash }}Z-nightly"


def stops_if_fatal(export: Callable[[], int]) -> int:
    """Fail without a retry if a retry changes nothing."""
    try:
        return export()
    except shards.Fatal as error:
        raise AirflowFailException(str(error)) from error


@dag(
    schedule="0 2 * * *",
    start_date=datetime(2026, 11, 30, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
)
def chatzy_export() -> None:
    """Export all contacts of the file."""

    @task(pool="chatzy-api")
    def shard(index: int, run: str) -> int:
        options = ["--rate-limit", "25", "--wait-lock", "2m"]
        return stops_if_fatal(
            lambda: shards.run(index, SHARDS, run_id=run, contacts=CONTACTS, out=OUT, options=options)
        )

    @task
    def commit(run: str) -> int:
        return stops_if_fatal(lambda: shards.commit(OUT, run_id=run, count=SHARDS))

    shard.partial(run=RUN).expand(index=list(range(SHARDS))) >> commit(RUN)


chatzy_export()
