"""Shards as tasks of Spark, on a cluster of two workers on loopback: `make spark`."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import pyspark
from chatzy_export import shards as plain_shards
from chatzy_export import spark as shards
from pyspark.sql import SparkSession
from simulated import EXAMPLES, Simulated, exporters, parent, program, wait_until

BIN = pathlib.Path(pyspark.__file__).parent / "bin"
SHARDS = 4
SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.executor.memory": "512m",
    "spark.speculation": "true",
    "spark.speculation.quantile": "0.5",
    "spark.ui.enabled": "false",
}


class Spark(Simulated):
    """Two workers on different hosts: Spark never starts a speculative attempt on the host of the first one."""

    switches = ("--latency", "100ms")
    contacts = tuple(f"messages-2000-{number}" for number in range(24))
    logs: pathlib.Path
    master: str

    @classmethod
    def setUpClass(cls) -> None:
        """Start the cluster."""
        super().setUpClass()
        temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(temporary.cleanup)
        cls.logs = pathlib.Path(temporary.name)
        os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_WORKER_DIR=str(cls.logs / "workers"))
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port: int = listener.getsockname()[1]
        cls.master = f"spark://127.0.0.1:{port}"
        cls.start("master.Master", "127.0.0.1", "--port", str(port))
        workers = [
            cls.start("worker.Worker", host, "--cores", "2", "--memory", "1g", cls.master)
            for host in ("127.0.0.1", "127.0.0.2")
        ]
        is_ready = "Successfully registered"
        wait_until("the workers have registered", lambda: all(is_ready in log.read_text() for log in workers))

    @classmethod
    def start(cls, role: str, host: str, *arguments: str) -> pathlib.Path:
        """Start a process of the cluster, and return its log."""
        log = cls.logs / f"{role}-{host}.log"
        command = [str(BIN / "spark-class"), f"org.apache.spark.deploy.{role}", "--host", host, "--webui-port", "0"]
        with log.open("w") as stderr:
            environment = os.environ | {"SPARK_LOCAL_IP": host}
            process = subprocess.Popen([*command, *arguments], stdout=stderr, stderr=stderr, env=environment)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.terminate)
        return log

    def session(self) -> SparkSession:
        """Return a session with executors on both workers."""
        builder = SparkSession.builder.master(self.master)
        for name, value in SETTINGS.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        self.addCleanup(spark.stop)
        status = spark.sparkContext._jsc.sc().statusTracker()
        wait_until("both executors are there", lambda: len(status.getExecutorInfos()) == 3)
        return spark

    def test_the_example_repeats_a_killed_task(self) -> None:
        run_id = "20261130T010000Z-killed"
        options = [option for name, value in SETTINGS.items() for option in ("--conf", f"{name}={value}")]
        command = [str(BIN / "spark-submit"), "--master", self.master, *options, str(EXAMPLES / "spark_shards.py")]
        arguments = [run_id, self.list, self.out, str(SHARDS)]
        with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as submitted:
            wait_until("a shard is read", lambda: bool(exporters(run_id)))
            process = next(iter(exporters(run_id)))
            os.kill(parent(process), signal.SIGKILL)
            wait_until("its program ends", lambda: process not in exporters(run_id), 15)
            assert submitted.stdout
            self.assertIn("48000 messages", submitted.stdout.read())
        self.assertEqual(submitted.returncode, 0)
        program("verify", self.out, "--deep")

    def test_a_speculative_attempt_replaces_one_that_hangs(self) -> None:
        run_id, spark = "20261130T020000Z-hung", self.session()
        with ThreadPoolExecutor() as pool:
            result = pool.submit(shards.run, spark, SHARDS, run_id=run_id, contacts=self.list, out=self.out)
            wait_until("all shards are read", lambda: len(exporters(run_id)) == SHARDS)
            process = next(iter(exporters(run_id)))
            os.kill(process, signal.SIGSTOP)
            try:
                self.assertEqual(result.result(), 0)
                self.assertIn(process, exporters(run_id), "the first attempt still hangs")
            finally:
                os.kill(process, signal.SIGCONT)
        wait_until("the first attempt ends", lambda: not exporters(run_id), 15)
        program("verify", self.out, "--deep")
        rows = spark.read.parquet(f"{self.out}/messages")
        self.assertEqual((rows.count(), rows.select("message_id").distinct().count()), (48_000, 48_000))

    def test_a_cancelled_job_asks_no_more(self) -> None:
        run_id, spark = "20261130T030000Z-cancelled", self.session()
        with ThreadPoolExecutor() as pool:
            result = pool.submit(shards.run, spark, SHARDS, run_id=run_id, contacts=self.list, out=self.out)
            wait_until("all shards are read", lambda: len(exporters(run_id)) == SHARDS)
            spark.sparkContext.cancelAllJobs()
            self.assertIn("cancelled", str(result.exception()))
        wait_until("the programs end", lambda: not exporters(run_id), 15)

    def test_a_wrong_option_is_not_repeated(self) -> None:
        spark, before = self.session(), self.requests()
        with self.assertRaisesRegex(plain_shards.Fatal, r"ended with 2: shard 0/4: error: .*--bogus"):
            shards.run(spark, SHARDS, run_id="x", contacts=self.list, out=self.out, options=["--bogus"])
        self.assertEqual(self.requests(), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
