"""`chatzy_export.open`: the files of a published run, also after an erasure, and for readers."""

from __future__ import annotations

import hashlib
import json
import pathlib

import chatzy_export
import duckdb
import fsspec
import pandas
import pyarrow.dataset
from simulated import Simulated, program

FIRST, SECOND = "20261129T020000Z-nightly", "20261130T020000Z-nightly"


class Open(Simulated):
    """Exports of two runs."""

    switches = ("--account-contacts", "5", "--max-messages", "50")

    def export(self, *options: str, runs: tuple[str, ...] = (FIRST, SECOND)) -> None:
        """Export all contacts once or twice."""
        for run in runs:
            program("run", "--contacts", self.list, "--out", self.out, "--run-id", run, *options)

    def manifest(self, run: str) -> pathlib.Path:
        """Return the path of a manifest."""
        return pathlib.Path(self.out, "_runs", run, "manifest.json")

    def test_readers_read_the_files_of_a_run(self) -> None:
        self.export()
        for export, run in ((chatzy_export.open(self.out), SECOND), (chatzy_export.open(self.out, run=FIRST), FIRST)):
            files = export.files("messages")
            self.assertEqual(export.run_id, run)
            self.assertEqual(export.manifest["tables"]["messages"]["rows"], 833)
            counts = (
                len(pandas.concat(map(pandas.read_parquet, files))),
                len(duckdb.read_parquet(files)),
                pyarrow.dataset.dataset(files).count_rows(),
                sum(file.rows for file in export.all_files if file.table == "messages"),
            )
            self.assertEqual(counts, (833, 833, 833, 833))
            self.assertEqual(duckdb.read_parquet(files).aggregate("min(run_id)").fetchall(), [(run,)])

    def test_partitions_and_jsonl(self) -> None:
        self.export("--format", "jsonl", "--partition-by", "date", runs=(FIRST,))
        files = chatzy_export.open(pathlib.Path(self.out)).files("messages")
        self.assertEqual(sum(len(pathlib.Path(file).read_text().splitlines()) for file in files), 833)
        self.assertGreater(len(files), 1)

    def test_a_file_that_was_erased_is_not_listed(self) -> None:
        self.export("--target-file-size", "1", runs=(FIRST,))
        self.export(runs=(SECOND,))
        pathlib.Path(self.list).write_text("messages-700-c\nmessages-130-b\n")
        program("erase", self.out, "--contacts", self.list, "--reference", "DSAR-17")
        for run in (FIRST, SECOND):
            export = chatzy_export.open(self.out, run=run)
            self.assertEqual(duckdb.read_parquet(export.files("messages")).count("*").fetchall(), [(3,)])
            on_disk = {
                str(path)
                for table in export.manifest["tables"]
                for path in pathlib.Path(self.out, table).glob(f"*{run}*")
            }
            self.assertEqual({file.location for file in export.all_files}, on_disk)
            for file in export.all_files:
                self.assertEqual(file.bytes, pathlib.Path(file.location).stat().st_size)
        pathlib.Path(self.list).write_text("messages-3-a\n")
        program("erase", self.out, "--contacts", self.list, "--reference", "DSAR-18")
        self.assertEqual(chatzy_export.open(self.out).files("messages"), [])

    def test_a_pruned_run_is_not_found_and_its_predecessor_is(self) -> None:
        third = "20261201T020000Z-nightly"
        # The first run holds the newest rows of all contacts, since they do not change.
        for run in (FIRST, SECOND, third):
            program("run", "--all-contacts", "--incremental", "--out", self.out, "--run-id", run)
        program("prune", self.out, "--keep-last", "1")
        self.assertEqual(chatzy_export.open(self.out, run=FIRST).run_id, FIRST)
        with self.assertRaisesRegex(FileNotFoundError, f"no published run {SECOND}"):
            chatzy_export.open(self.out, run=SECOND)

    def test_what_is_not_an_export(self) -> None:
        with self.assertRaisesRegex(FileNotFoundError, "has no published run: _runs/latest.json is missing"):
            chatzy_export.open(self.folder)
        self.export(runs=(FIRST,))
        with self.assertRaisesRegex(FileNotFoundError, "no published run 2026"):
            chatzy_export.open(self.out, run="2026")
        with self.assertRaisesRegex(ValueError, "there is no table 'calls'; the tables are contacts, "):
            chatzy_export.open(self.out).files("calls")

    def test_damage(self) -> None:
        self.export()
        manifest = self.manifest(FIRST)
        manifest.write_bytes(manifest.read_bytes() + b" ")
        chatzy_export.open(self.out)
        with self.assertRaisesRegex(chatzy_export.ExportError, f"_runs/{FIRST}/manifest.json in .* is damaged"):
            chatzy_export.open(self.out, run=FIRST)
        latest = pathlib.Path(self.out, "_runs/latest.json")
        for text in ("", "[]", "{}", '{"run_id": "../x", "sha256": "0"}', latest.read_text().replace(SECOND, FIRST)):
            latest.write_text(text)
            with self.subTest(text), self.assertRaises(chatzy_export.ExportError):
                chatzy_export.open(self.out)

    def test_urls_are_read_through_a_file_system(self) -> None:
        self.export(runs=(FIRST,))
        memory = fsspec.filesystem("memory")
        memory.put(self.out, "/bucket/export", recursive=True)
        self.addCleanup(memory.rm, "/bucket", recursive=True)
        with self.assertRaisesRegex(ValueError, "is a URL: pass filesystem="):
            chatzy_export.open("memory://bucket/export")
        export = chatzy_export.open("memory://bucket/export", filesystem=memory)
        files = export.files("messages")
        self.assertTrue(all(file.startswith("memory://bucket/export/messages/") for file in files), files)
        self.assertEqual(sum(len(pandas.read_parquet(file)) for file in files), 833)

    def test_a_path_that_leads_outside_is_damage(self) -> None:
        self.export(runs=(FIRST,))
        for path in ("../x.parquet", "/etc/passwd", "messages/../../x"):
            self.forge(path)
            with self.subTest(path), self.assertRaisesRegex(chatzy_export.ExportError, "leads outside"):
                chatzy_export.open(self.out)

    def forge(self, path: str) -> None:
        """Name another file in the manifest, with the right hash in `latest.json`."""
        manifest = json.loads(self.manifest(FIRST).read_text())
        manifest["files"][0]["path"] = path
        content = json.dumps(manifest).encode()
        self.manifest(FIRST).write_bytes(content)
        latest = pathlib.Path(self.out, "_runs/latest.json")
        latest.write_text(json.dumps(json.loads(latest.read_text()) | {"sha256": hashlib.sha256(content).hexdigest()}))
