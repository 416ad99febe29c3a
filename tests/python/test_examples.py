"""The examples for schedulers: their programs take them, and their commands export the contacts."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import unittest
from typing import Any

from chatzy_export import find_bin
from simulated import EXAMPLES, Simulated, program

TOOLS = EXAMPLES.parent / ".tools/examples/bin"
RUN = "20261130T020000Z-nightly"
TO_JSON = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))"
VALIDATE = """
import json, sys
import botocore.session, botocore.validate
shape = botocore.session.get_session().get_service_model("batch").operation_model("SubmitJob").input_shape
for path in sys.argv[1:]:
    job = json.load(open(path))
    unknown = [key for key in job if key not in shape.members]
    retry = shape.members["retryStrategy"].members["evaluateOnExit"].member.members
    unknown += [key for rule in job["retryStrategy"]["evaluateOnExit"] for key in rule if key not in retry]
    print(unknown, botocore.validate.ParamValidator().validate(job, shape).generate_report())
"""


def tool(name: str, *arguments: str) -> str:
    """Run a tool that is to succeed, and return its stdout. Skip the test if it is missing."""
    path = TOOLS / name
    if not path.exists():
        raise unittest.SkipTest(f"needs {name} (scripts/example-tools.sh)")
    ended = subprocess.run([str(path), *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{arguments}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


class Examples(Simulated):
    """Each test runs the commands of an example, with the paths of its own folder."""

    def own(self, text: str) -> str:
        """Return a text of an example with the paths of this test."""
        text = text.replace(" /tmp/", f" {self.folder}/")
        for path, own in (("contacts.csv", self.list), ("chatzy", self.out)):
            for prefix in ("/export/", "s3://example-bucket/"):
                text = text.replace(prefix + path, own)
        return text

    def is_right(self) -> None:
        """Check that the run is published and whole."""
        program("verify", self.out, "--deep")
        report = json.loads(pathlib.Path(self.out, "_runs", RUN, "manifest.json").read_text())
        self.assertEqual((report["status"], report["contacts"]["requested"], report["shards"]), ("complete", 4, 8))

    def test_examples_are_short(self) -> None:
        paths = [path for path in EXAMPLES.iterdir() if "shards" in path.name or "batch" in path.name]
        self.assertEqual(len(paths), 6)
        for path in paths:
            self.assertLess(len(path.read_text().splitlines()), 60, path)

    def test_kubernetes(self) -> None:
        path = str(EXAMPLES / "kubernetes-shards.yaml")
        tool("kubernetes-validate", "--strict", "-k", "1.31", path)
        shards, commit = json.loads(tool("python", "-c", TO_JSON, path))
        count = shards["spec"]["completions"]
        fatal = [rule["onExitCodes"]["values"] for rule in shards["spec"]["podFailurePolicy"]["rules"][1:]]
        self.assertEqual(fatal, [[3], [1, 2, 4, 8, 9]])
        for index in range(count):
            self.container(shards, index)
        self.container(commit, None)
        self.is_right()

    def container(self, job: dict[str, Any], index: int | None) -> None:
        """Run the container of a job."""
        [container] = job["spec"]["template"]["spec"]["containers"]
        arguments = [self.own(word.replace("$(JOB_COMPLETION_INDEX)", str(index))) for word in container["args"]]
        program(*arguments)

    def test_aws_batch(self) -> None:
        paths = [EXAMPLES / "aws-batch-shards.json", EXAMPLES / "aws-batch-commit.json"]
        told = tool("python", "-c", VALIDATE, *map(str, paths))
        self.assertEqual([line.strip() for line in told.splitlines()], ["[]", "[]"])
        shards, commit = (json.loads(path.read_text()) for path in paths)
        for index in range(shards["arrayProperties"]["size"]):
            self.batch(shards, {"AWS_BATCH_JOB_ARRAY_INDEX": str(index)})
        self.batch(commit, {})
        self.is_right()

    def batch(self, job: dict[str, Any], variables: dict[str, str], expected: int = 0) -> None:
        """Run the command of a job with these variables of the service."""
        command = [self.own(word) for word in job["containerOverrides"]["command"]]
        path = f"{pathlib.Path(find_bin()).parent}:{os.environ['PATH']}"
        ended = subprocess.run(
            command, env=os.environ | variables | {"PATH": path}, capture_output=True, text=True, check=False
        )
        self.assertEqual(ended.returncode, expected, ended.stderr)

    def test_exit_codes_of_a_shard_in_aws_batch(self) -> None:
        shards = json.loads((EXAMPLES / "aws-batch-shards.json").read_text())
        pathlib.Path(self.list).write_text("a,b\n")  # no contacts
        self.batch(shards, {"AWS_BATCH_JOB_ARRAY_INDEX": "0"}, expected=2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
