"""Exports of the built-in API, for the tests of the Python package."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest
import urllib.request
from collections.abc import Callable

from chatzy_export import find_bin

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


def program(*arguments: str, expected: int = 0) -> str:
    """Run the program and return its stdout."""
    ended = subprocess.run([find_bin(), *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == expected, f"{arguments} ended with {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def wait_until(what: str, is_so: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for a condition that must become true."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what}"
        time.sleep(0.05)


def exporters(run_id: str) -> dict[int, str]:
    """Return the processes that export shards of this run, by ID, with the shard of each."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_text().split("\0")
        except (OSError, UnicodeDecodeError):
            continue
        if pathlib.Path(words[0]).name == "chatzy-export" and run_id in words and "--shard" in words:
            found[int(folder.name)] = words[words.index("--shard") + 1]
    return found


def parent(process: int) -> int:
    """Return the parent of a process."""
    return int(pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])


class Simulated(unittest.TestCase):
    """A simulated API, and a folder for each test."""

    switches: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ("messages-3-a", "messages-130-b", "messages-700-c", "messages-0-d")
    url: str

    @classmethod
    def setUpClass(cls) -> None:
        """Start the API."""
        command = [find_bin(), "simulate", "--token", "any", *cls.switches]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert server.stdout
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.kill)
        cls.addClassCleanup(server.stdout.close)
        cls.url = server.stdout.readline().strip()
        os.environ.update(CHATZY_BASE_URL=cls.url, CHATZY_EMAIL="a@example.com", CHATZY_TOKEN="any")

    def setUp(self) -> None:
        """Make the folder, with the list of contacts."""
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.out = str(self.folder / "export")
        self.list = str(self.folder / "contacts.csv")
        pathlib.Path(self.list).write_text("\n".join(("contact_id", *self.contacts)) + "\n")

    def requests(self) -> int:
        """Return the number of requests to the API so far."""
        with urllib.request.urlopen(f"{self.url}/_stats") as answer:
            count: int = json.load(answer)["requests"]
        return count
