"""What examples/Dockerfile does with the files in dist/, without Docker: its ADD and COPY steps, into folders."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field

from packages import ROOT


@dataclass
class Stage:
    """A stage: what it is made of, and its steps."""

    base: str
    steps: list[list[str]] = field(default_factory=list)


def build(root: pathlib.Path, architecture: str) -> list[str]:
    """Put the files of the last stage, without its base image, into `root` and return its command."""
    stages = parse((ROOT / "examples/Dockerfile").read_text().replace("${TARGETARCH}", architecture))
    last = list(stages)[-1]
    make(last, stages, root)
    entry = next(step for step in stages[last].steps if step[0] == "ENTRYPOINT")
    command: list[str] = json.loads(" ".join(entry[1:]))
    return command


def parse(text: str) -> dict[str, Stage]:
    """Return the stages in their order. The last one needs no name."""
    stages: dict[str, Stage] = {}
    for line in text.splitlines():
        match line.split():
            case ["FROM", base, *name]:
                stages[name[-1] if name else ""] = Stage(base)
            case [word, *_] if not word.startswith("#"):
                stages[list(stages)[-1]].steps.append(line.split())
    return stages


def make(name: str, stages: dict[str, Stage], here: pathlib.Path) -> None:
    """Put the files of a stage into a new folder. Like docker, make the stages that it needs, and no others."""
    stage = stages[name]
    if stage.base in stages:
        make(stage.base, stages, here)
    else:
        here.mkdir()
    for step in stage.steps:
        match step:
            case ["ADD", source, target]:
                for archive in found(ROOT, source):
                    subprocess.run(["tar", "-xzf", archive, "-C", inside(here, target)], check=True)
            case ["COPY", origin, source, target]:
                with tempfile.TemporaryDirectory() as folder:
                    other = pathlib.Path(folder, "stage")
                    make(origin.removeprefix("--from="), stages, other)
                    inside(here, target).mkdir(parents=True, exist_ok=True)
                    for file in found(other, source):
                        shutil.copy(file, inside(here, target))


def found(folder: pathlib.Path, pattern: str) -> list[pathlib.Path]:
    """Return the files that a source means: there is at least one."""
    files = list(folder.glob(pattern.lstrip("/")))
    assert files, f"{pattern} of the Dockerfile means no file"
    return files


def inside(root: pathlib.Path, path: str) -> pathlib.Path:
    """Return an absolute path of a stage as one of this machine."""
    return root / path.lstrip("/")
