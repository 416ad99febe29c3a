"""The example for Airflow: Airflow parses it, and runs its tasks, with paths of the test: `make airflow`."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import unittest

from simulated import EXAMPLES, Simulated, program


class Airflow(Simulated):
    """The example, in an empty Airflow of its own."""

    def airflow(self, *arguments: str) -> str:
        """Run a command of Airflow that is to succeed, and return what it prints."""
        home = {"AIRFLOW_HOME": str(self.folder), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        command = [str(pathlib.Path(sys.executable).with_name("airflow")), *arguments]
        ended = subprocess.run(command, env=os.environ | home, capture_output=True, text=True, check=False)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        return ended.stdout + ended.stderr

    def test_the_tasks_export_a_run(self) -> None:
        text = (EXAMPLES / "airflow_shards.py").read_text()
        for old, new in (
            ("/export/contacts.csv", self.list),
            ("/export/chatzy", self.out),
            ("SHARDS = 64", "SHARDS = 3"),
        ):
            self.assertIn(old, text)
            text = text.replace(old, new)
        dag = self.folder / "dags/airflow_shards.py"
        dag.parent.mkdir()
        dag.write_text(text)
        self.airflow("db", "migrate")
        self.airflow("pools", "set", "chatzy-api", "2", "shards")
        said = self.airflow("dags", "test", "chatzy_export", "2026-11-30T02:00:00+00:00", "--dagfile-path", str(dag))
        self.assertIn("is complete: 833 messages of 4 contacts", said)
        program("verify", self.out, "--deep")
        self.assertTrue(pathlib.Path(self.out, "_runs/20261130T020000Z-nightly/manifest.json").exists(), said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
