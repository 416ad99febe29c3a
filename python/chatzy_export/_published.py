"""The files of a published run, as its manifest lists them."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

TABLES = ("contacts", "conversations", "messages", "channel_records", "coverage")
LATEST = "_runs/latest.json"
PRUNED = "_runs/pruned.json"
ERASED = "_runs/erased.json"
VERSION = 1  # the newest manifest_version that this package reads


class ExportError(Exception):
    """An export whose files cannot be listed: it is damaged, or was written by a newer version."""


class FileSystem(Protocol):
    """The part of an fsspec file system that is used."""

    def cat_file(self, path: str) -> bytes:
        """Return the content of a file."""


@dataclass(frozen=True)
class File:
    """A data file of a run."""

    table: str
    path: str  # from the folder of the export
    location: str  # the full path or URL
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Export:
    """A published run of an export. An erasure is taken into account."""

    path: str
    run_id: str
    manifest: dict[str, Any]
    all_files: list[File]

    def files(self, table: str) -> list[str]:
        """Return the paths or URLs of the files of a table, in the order of the run. The list may be empty."""
        if table not in TABLES:
            raise ValueError(f"there is no table {table!r}; the tables are {', '.join(TABLES)}")
        return [file.location for file in self.all_files if file.table == table]


def open_export(path: str | os.PathLike[str], run: str | None = None, filesystem: FileSystem | None = None) -> Export:
    """Return a published run of an export: the newest one, or the one with the ID `run`.

    The manifest's SHA-256 is checked, along the chain of manifests from `latest.json` on. Data files are not read:
    `chatzy-export verify` checks these.

    `path` is a folder, or a URL that `filesystem`, an fsspec file system, can read.

    Raises FileNotFoundError if there is no such export or run, and ExportError if it is damaged.
    """
    source = _Source(os.fspath(path), filesystem)
    latest = source.json(LATEST)
    if latest is None:
        raise FileNotFoundError(
            f"{source.root} has no published run: {LATEST} is missing. Use the path that --out of chatzy-export had."
        )
    run_id, manifest = _manifest(source, latest, run)
    version = manifest.get("manifest_version")
    if not isinstance(version, int) or version > VERSION:
        raise ExportError(f"run {run_id} in {source.root} has manifest version {version}: install a newer package")
    erased = source.json(ERASED) or {}
    try:
        replaced = {
            file["path"]: file["after"]
            for erasure in erased.get("erasures", [])
            for erased_run in erasure["runs"]
            if erased_run["run_id"] == run_id
            for file in erased_run["files"]
        }
        files = []
        for entry in manifest["files"]:
            now = replaced.get(entry["path"], entry)
            if now is None:
                continue  # An erasure left no row in it.
            location = source.location(entry["path"])
            files.append(File(entry["table"], entry["path"], location, now["rows"], now["bytes"], now["sha256"]))
    except (AttributeError, KeyError, TypeError) as error:
        raise ExportError(_damaged(f"the manifest of run {run_id} or {ERASED}", source.root)) from error
    return Export(source.root, run_id, manifest, files)


def _manifest(source: _Source, latest: dict[str, Any], run: str | None) -> tuple[str, dict[str, Any]]:
    """Follow the chain of manifests to the newest one, or to that of `run`."""
    removed = {}
    if run is not None:
        pruned = source.json(PRUNED) or {}
        removed = {(entry["run_id"], entry["sha256"]): entry.get("previous") for entry in pruned.get("pruned", [])}
    link: dict[str, Any] | None = latest
    while link is not None:
        try:
            run_id, sha256 = str(link["run_id"]), str(link["sha256"])
        except (KeyError, TypeError) as error:
            raise ExportError(_damaged("the chain of manifests", source.root)) from error
        if (run_id, sha256) in removed:
            # Each entry is used once, so that a damaged record ends.
            link = removed.pop((run_id, sha256))
            continue
        name = f"_runs/{run_id}/manifest.json"
        manifest = source.json(name, sha256)
        if manifest is None:
            raise ExportError(_damaged(f"{name} is missing, and", source.root))
        if run in (None, run_id):
            return run_id, manifest
        link = manifest.get("previous")
    raise FileNotFoundError(f"{source.root} has no published run {run}. chatzy-export runs lists the runs.")


def _damaged(what: str, root: str) -> str:
    return f"{what} in {root} is damaged. To see the damage, run: chatzy-export verify {root}"


class _Source:
    """Reads small files of an export."""

    def __init__(self, root: str, filesystem: FileSystem | None) -> None:
        self.root = root.rstrip("/") or "/"
        if "://" in root and filesystem is None:
            raise ValueError(
                f"{root} is a URL: pass filesystem=, an fsspec file system such as s3fs.S3FileSystem(), "
                "or the path of a local folder"
            )
        self.filesystem = filesystem

    def location(self, path: str) -> str:
        """Return the full path or URL of a file. A manifest names only files inside the export."""
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or "\0" in path:
            raise ExportError(_damaged(f"the path {path!r} leads outside, so a manifest", self.root))
        return f"{self.root.rstrip('/')}/{path}"

    def json(self, path: str, sha256: str | None = None) -> dict[str, Any] | None:
        """Return the content of a JSON file, or None if it is missing. Check its hash if there is one."""
        location = self.location(path)
        try:
            content = self.filesystem.cat_file(location) if self.filesystem else Path(location).read_bytes()
        except FileNotFoundError:
            return None
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise ExportError(_damaged(path, self.root))
        try:
            value = json.loads(content)
        except ValueError as error:
            raise ExportError(_damaged(path, self.root)) from error
        if not isinstance(value, dict):
            raise ExportError(_damaged(path, self.root))
        return value
