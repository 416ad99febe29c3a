"""`chatzy_export.shards`: results, exceptions, and the end of the program when its caller ends."""

from __future__ import annotations

import os
import pathlib
import pickle
import signal
import subprocess
import sys
import unittest
import unittest.mock

from chatzy_export import shards
from simulated import Simulated, exporters, program, wait_until

RUN = "20261130T020000Z-nightly"
CALLER = """
import sys
from chatzy_export import shards
contacts, out, run_id = sys.argv[1:]
shards.run(0, 1, run_id=run_id, contacts=contacts, out=out)
"""


class Shards(Simulated):
    """The helpers with the program itself."""

    def shard(self, index: int, *options: str) -> int:
        """Run one of two shards."""
        return shards.run(index, 2, run_id=RUN, contacts=self.list, out=self.out, options=options)

    def test_shards_and_commit_make_a_run(self) -> None:
        self.assertEqual(self.shard(1), 0)
        with self.assertRaisesRegex(shards.Again, "ended with 5: error: .* lacks 1 of its 2 shards: 0") as missing:
            shards.commit(self.out, run_id=RUN, count=2)
        self.assertEqual(missing.exception.code, 5)
        self.assertEqual(self.shard(0), 0)
        self.assertEqual(shards.commit(self.out, run_id=RUN, count=2), 0)
        program("verify", self.out, "--deep")

    def test_doubts_are_a_result(self) -> None:
        doubtful = self.folder / "doubtful.csv"
        doubtful.write_text("".join(f"unknown-{number}\n" for number in range(40)))
        # Only of all shards together it is known that no contact exists.
        self.assertEqual(shards.run(0, 1, run_id=RUN, contacts=str(doubtful), out=self.out), 0)
        self.assertEqual(shards.commit(self.out, run_id=RUN, count=1), 3)

    def test_a_wrong_command_is_fatal(self) -> None:
        before = self.requests()
        with self.assertRaisesRegex(shards.Fatal, "ended with 2: error: .*shards count from 0"):
            self.shard(2)
        with self.assertRaisesRegex(shards.Fatal, "ended with 2: error: .*--bogus"):
            self.shard(0, "--bogus")
        self.assertEqual(self.requests(), before)


class Codes(unittest.TestCase):
    """The exceptions of exit codes."""

    def ends(self, command: str) -> int:
        """Return the result of a program that is this shell command."""
        with unittest.mock.patch.object(shards, "find_bin", return_value="/bin/sh"):
            return shards._call(["-c", command])

    def test_exit_codes_are_results_or_exceptions(self) -> None:
        for code in (0, 3):
            self.assertEqual(self.ends(f"exit {code}"), code)
        kinds = {shards.Again: (5, 6, 7, 130, 137, 143), shards.Fatal: (1, 2, 4, 8, 9, 10, 101, 127)}
        for kind, codes in kinds.items():
            for code in codes:
                with self.subTest(code), self.assertRaises(kind) as raised:
                    self.ends(f"echo one; echo two >&2; echo; exit {code}")
                self.assertEqual((raised.exception.code, raised.exception.message), (code, "two"))

    def test_a_signal_is_to_be_repeated(self) -> None:
        for name in ("KILL", "TERM", "SEGV"):
            with self.subTest(name), self.assertRaises(shards.Again) as raised:
                self.ends(f"kill -{name} $$")
            self.assertEqual(raised.exception.code, -signal.Signals[f"SIG{name}"])

    def test_exceptions_travel_between_processes(self) -> None:
        error = pickle.loads(pickle.dumps(shards.Fatal(4, "refused")))
        self.assertIs(type(error), shards.Fatal)
        self.assertEqual(str(error), "chatzy-export ended with 4: refused")


class Ends(Simulated):
    """The program ends with its caller."""

    switches = ("--latency", "500ms")
    contacts = tuple(f"messages-5000-{number}" for number in range(100))

    def ends_with_its_caller(self, how: signal.Signals) -> int:
        """Send this signal to a caller of the program, and return how it ends."""
        run_id = f"20261130T020000Z-{how.name.lower()}-{os.getpid()}"
        arguments = [self.list, self.out, run_id]
        with subprocess.Popen([sys.executable, "-c", CALLER, *arguments], stderr=subprocess.DEVNULL) as caller:
            before = self.requests()
            wait_until("the program asks", lambda: bool(exporters(run_id)) and self.requests() > before + 3)
            caller.send_signal(how)
        wait_until("the program ends", lambda: not exporters(run_id), 15)
        self.assertFalse(pathlib.Path(self.out, "_runs").exists(), "it ended before its work did")
        return caller.returncode

    def test_a_killed_caller(self) -> None:
        self.assertEqual(self.ends_with_its_caller(signal.SIGKILL), -signal.SIGKILL)

    def test_an_interrupted_caller(self) -> None:
        self.assertEqual(self.ends_with_its_caller(signal.SIGINT), -signal.SIGINT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
