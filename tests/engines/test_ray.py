"""Shards as tasks of Ray, on this machine: `make ray`."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import unittest

from simulated import EXAMPLES, Simulated, exporters, parent, program, wait_until

SHARDS = 4


class Ray(Simulated):
    """The example, with a cluster that it starts itself."""

    switches = ("--latency", "100ms")
    contacts = tuple(f"messages-2000-{number}" for number in range(12))

    def start(self, run_id: str, contacts: str) -> subprocess.Popen[bytes]:
        """Start the example, and wait until it exports."""
        command = [sys.executable, str(EXAMPLES / "ray_shards.py"), run_id, contacts, self.out, str(SHARDS)]
        log = (self.folder / "log").open("wb")
        self.addCleanup(log.close)
        return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0"})

    def log(self) -> str:
        """Return what the example has printed."""
        return pathlib.Path(self.folder, "log").read_text()

    def test_the_example_repeats_a_killed_task(self) -> None:
        run_id = "20261130T010000Z-killed"
        with self.start(run_id, self.list) as job:
            wait_until("a shard is read", lambda: bool(exporters(run_id)))
            process = next(iter(exporters(run_id)))
            os.kill(parent(process), signal.SIGKILL)
            wait_until("its program ends", lambda: process not in exporters(run_id), 15)
        self.assertEqual(job.returncode, 0, self.log())
        program("verify", self.out, "--deep")
        self.assertIn("is complete: 24,000 messages of 12 contacts", self.log())

    def is_cancelled(self, how: signal.Signals) -> None:
        """Cancel a job by this signal to its driver."""
        run_id = f"20261130T020000Z-{how.name.lower()}"
        with self.start(run_id, self.list) as job:
            wait_until("a shard is read", lambda: bool(exporters(run_id)))
            job.send_signal(how)
            wait_until("the programs end", lambda: not exporters(run_id), 15)

    def test_a_cancelled_job_asks_no_more(self) -> None:
        self.is_cancelled(signal.SIGTERM)

    def test_a_killed_job_asks_no_more(self) -> None:
        self.is_cancelled(signal.SIGKILL)

    def test_a_wrong_list_is_not_repeated(self) -> None:
        with self.start("20261130T030000Z-missing", str(self.folder / "missing.csv")) as job:
            pass
        self.assertEqual(job.returncode, 1)
        self.assertIn("Fatal: chatzy-export ended with 2: ", self.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
