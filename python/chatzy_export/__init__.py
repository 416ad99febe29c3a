"""The program `chatzy-export` that the wheel installs: where it is, and how Python uses it.

`open` lists the files of an export for readers. `chatzy_export.shards` runs shards and commits them, for schedulers.
`chatzy_export.spark` runs shards as tasks of Spark.
"""

from chatzy_export._find import find_bin
from chatzy_export._published import Export, ExportError, File
from chatzy_export._published import open_export as open  # noqa: A004 - only as `chatzy_export.open`

__all__ = ["Export", "ExportError", "File", "find_bin", "open"]
