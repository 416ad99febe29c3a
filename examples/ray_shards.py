"""Exports with Ray: python ray_shards.py RUN_ID CONTACTS OUT SHARDS.

All nodes need `pip install chatzy-export`, CONTACTS and OUT at the same path, and the credentials in their environment.
"""

import sys

import ray
from chatzy_export import shards


# Ray repeats a task whose worker dies, and one that raises Again. Fatal ends the job. A repeated task waits for the
# program of the lost attempt to end, and resumes the shard.
@ray.remote(max_retries=3, retry_exceptions=[shards.Again])
def export(index: int, count: int, run_id: str, contacts: str, out: str) -> int:
    """Export a shard."""
    options = ["--wait-lock", "2m"]
    return shards.run(index, count, run_id=run_id, contacts=contacts, out=out, options=options)


def main() -> int:
    """Run the shards, and then the commit."""
    run_id, contacts, out, count = sys.argv[1:]
    ray.init()
    ray.get([export.remote(index, int(count), run_id, contacts, out) for index in range(int(count))])
    return shards.commit(out, run_id=run_id, count=int(count))  # 3 if contacts failed


if __name__ == "__main__":
    sys.exit(main())
