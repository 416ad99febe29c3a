"""The packages of a release, installed into fresh places and run: `make dist-test`.

Tests of programs for another processor need qemu. A test that lacks what it needs is skipped, and says so.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest
import venv
import zipfile

import image
from packages import DEBIAN, DIST, ROOT, Elf, Target, checked, targets, version

LARGEST = 24 << 20  # bytes of the program
VERSION = f"chatzy-export {version()}\n"
SIMULATED = ("run", "--simulated", "--all-contacts", "--out")


class Release(unittest.TestCase):
    """All packages together."""

    def test_every_package_is_there_and_nothing_else(self) -> None:
        asked = os.environ["DIST_TARGETS"].split()
        self.assertEqual(sorted(asked), sorted(target.name for target in targets()))
        expected = {path for target in targets() for path in (target.archive, target.deb, target.wheel)}
        self.assertEqual(expected | {DIST / "SHA256SUMS"}, set(DIST.iterdir()))

    def test_checksums(self) -> None:
        checked("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS", cwd=DIST)
        listed = {line.split()[1] for line in (DIST / "SHA256SUMS").read_text().splitlines()}
        self.assertEqual(listed, {path.name for path in DIST.iterdir()} - {"SHA256SUMS"})


class Packages(unittest.TestCase):
    """The packages of one target."""

    target: Target

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    # Where the packages are installed.

    def from_archive(self) -> pathlib.Path:
        prefix = self.folder / "usr/local"
        prefix.mkdir(parents=True)
        checked("tar", "-xzf", str(self.target.archive), "-C", str(prefix), "--strip-components=1")
        return prefix / "bin/chatzy-export"

    def from_deb(self) -> pathlib.Path:
        if not shutil.which("dpkg"):
            self.skipTest("needs dpkg")
        database = self.folder / "root/var/lib/dpkg"
        for name in ("info", "updates"):
            (database / name).mkdir(parents=True)
        (database / "status").touch()
        self.dpkg("--install", str(self.target.deb))
        return self.folder / "root/usr/bin/chatzy-export"

    def dpkg(self, *arguments: str) -> str:
        root = f"--root={self.folder / 'root'}"
        return checked("dpkg", root, "--force-not-root", "--force-architecture", "--force-bad-path", *arguments)

    def from_wheel(self) -> pathlib.Path:
        """Install the wheel into a virtual environment; for another processor, into a folder."""
        python, quiet = str(self.python()), ("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")
        if self.target.is_native:
            checked(python, "-m", "pip", "install", *quiet, str(self.target.wheel))
            return self.folder / "venv/bin/chatzy-export"
        platform = ("--platform", f"manylinux2014_{self.target.machine}", "--only-binary", ":all:")
        place = self.folder / "packages"
        checked(python, "-m", "pip", "install", *quiet, *platform, "--target", str(place), str(self.target.wheel))
        return place / "bin/chatzy-export"

    def python(self) -> pathlib.Path:
        """Return the Python of a virtual environment."""
        place = self.folder / "venv"
        if not place.exists():
            venv.create(place, with_pip=True)
        return place / "bin/python"

    # What is checked.

    def works(self, program: pathlib.Path) -> None:
        """Check that the program exports and verifies."""
        self.assertEqual(self.target.run(program, "--version"), VERSION)
        self.target.run(program, *SIMULATED, "export", cwd=self.folder)
        self.target.run(program, "verify", "export", "--deep", cwd=self.folder)
        self.assertTrue(list(self.folder.glob("export/messages/*.parquet")))

    def test_the_archive_is_a_prefix(self) -> None:
        program = self.from_archive()
        self.works(program)
        share = program.parents[1] / "share"
        for path in (
            "man/man1/chatzy-export.1",
            "man/man1/chatzy-export-run.1",
            "bash-completion/completions/chatzy-export",
            "zsh/site-functions/_chatzy-export",
            "fish/vendor_completions.d/chatzy-export.fish",
        ):
            self.assertTrue((share / path).is_file(), path)

    def test_the_documents_of_the_archive_link_to_each_other(self) -> None:
        documents = self.from_archive().parents[1] / "share/doc/chatzy-export"
        for name in ("LICENSE-APACHE", "LICENSE-MIT", "CHANGELOG.md", "sample_contacts.csv"):
            self.assertTrue((documents / name).is_file(), name)
        links = re.findall(r"\]\(([^)#:]+)", (documents / "README.md").read_text())
        self.assertGreater(len(links), 10)
        for link in links:
            self.assertTrue((documents / link).exists(), link)

    def test_the_archive_has_checksums_of_its_files(self) -> None:
        prefix = self.from_archive().parents[1]
        sums = prefix / "share/doc/chatzy-export/SHA256SUMS"
        checked("sha256sum", "--check", "--strict", "--quiet", str(sums), cwd=prefix)
        listed = {line.split(maxsplit=1)[1] for line in sums.read_text().splitlines()}
        there = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
        self.assertEqual(listed, there - {str(sums.relative_to(prefix))})

    def test_the_archive_changes_no_folder_and_has_safe_modes(self) -> None:
        with tarfile.open(self.target.archive) as archive:
            for entry in archive:
                self.assertEqual(entry.name.split("/")[0], self.target.stem)
                self.assertEqual((entry.uid, entry.gid, entry.uname, entry.gname), (0, 0, "", ""))
                # A folder's entry would change the folder that is there, such as /usr/local/bin.
                self.assertTrue(entry.isfile(), entry.name)
                is_program = entry.name.endswith("/bin/chatzy-export")
                self.assertEqual(entry.mode, 0o755 if is_program else 0o644, entry.name)

    def test_the_archive_is_reproducible(self) -> None:
        program = self.from_archive()
        generator = next((target for target in targets() if target.is_native), None)
        if generator is None:
            self.skipTest("needs a program for this processor")
        place = self.folder / "native"
        place.mkdir()
        checked("tar", "-xzf", str(generator.archive), "-C", str(place), "--strip-components=1")
        script, maker = str(ROOT / "scripts/archive.sh"), str(place / "bin/chatzy-export")
        os.utime(program)
        again = checked(script, str(program), self.target.name, str(self.folder), maker).strip()
        self.assertEqual(pathlib.Path(again).read_bytes(), self.target.archive.read_bytes())

    def test_the_program_is_static_and_stripped(self) -> None:
        program = self.from_archive()
        elf = Elf.of(program)
        self.assertEqual(elf.machine, self.target.machine)
        self.assertTrue(elf.is_relocatable, "the kernel chooses its addresses")
        self.assertFalse(elf.has_interpreter, "a dynamic program names its loader")
        self.assertFalse([name for name in elf.sections if name.startswith((".debug", ".zdebug", ".symtab"))])
        size = program.stat().st_size
        print(f"{self.target.name}: {size:,} bytes, {self.target.archive.stat().st_size:,} in the archive")
        self.assertLess(size, LARGEST)

    def test_the_program_needs_no_other_file(self) -> None:
        program = self.from_archive()
        root = self.folder / "root"
        (root / "tmp").mkdir(parents=True)
        shutil.copy(program, root)
        self.assertEqual(self.target.run_alone(root, "/chatzy-export", "--version"), VERSION)
        self.target.run_alone(root, "/chatzy-export", *SIMULATED, "/export")
        self.target.run_alone(root, "/chatzy-export", "verify", "/export", "--deep")
        self.assertTrue(list(root.glob("export/messages/*.parquet")))

    def test_the_deb_installs_and_purges(self) -> None:
        program = self.from_deb()
        self.works(program)
        root = self.folder / "root"
        for path in (
            "man/man1/chatzy-export.1.gz",
            "man/man1/chatzy-export-run.1.gz",
            "bash-completion/completions/chatzy-export",
            "zsh/vendor-completions/_chatzy-export",
            "fish/vendor_completions.d/chatzy-export.fish",
            "doc/chatzy-export/copyright",
            "doc/chatzy-export/README.md",
            "doc/chatzy-export/docs/reference.md",
        ):
            self.assertTrue((root / "usr/share" / path).is_file(), path)
        fields = checked(
            "dpkg-deb", "--field", str(self.target.deb), "Package", "Version", "Architecture", "Recommends"
        )
        self.assertIn(f"Version: {version()}\n", fields)
        self.assertIn("Recommends: ca-certificates\n", fields)
        self.assertEqual(checked("dpkg-deb", "--field", str(self.target.deb), "Depends").strip(), "")
        self.dpkg("--purge", "chatzy-export")
        self.assertEqual([path for path in root.rglob("*") if "chatzy" in path.name], [])

    def test_the_wheel_installs_and_uninstalls(self) -> None:
        program = self.from_wheel()
        self.works(program)
        find = "from chatzy_export import find_bin; print(find_bin())"
        environment = {} if self.target.is_native else {"PYTHONPATH": str(program.parents[1])}
        python = str(self.python())
        self.assertEqual(checked(python, "-c", find, env=environment), f"{program}\n")
        metadata = "from importlib.metadata import version; print(version('chatzy-export'))"
        self.assertEqual(checked(python, "-c", metadata, env=environment), f"{version()}\n")
        if not self.target.is_native:
            return
        self.assertEqual(checked(python, "-m", "chatzy_export", "--version"), VERSION)
        refused = subprocess.run([python, "-m", "chatzy_export", "run"], capture_output=True, check=False)
        self.assertEqual(refused.returncode, 2)
        checked(python, "-m", "pip", "uninstall", "--quiet", "--yes", "chatzy-export")
        self.assertFalse(program.exists())

    def test_no_package_names_the_folder_of_the_build(self) -> None:
        with zipfile.ZipFile(self.target.wheel) as wheel:
            entries = {entry.filename: wheel.read(entry) for entry in wheel.infolist()}
        self.assertTrue(any("/sboms/" in name for name in entries))
        cargo = os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo")
        folders = (f"file://{ROOT}", f"{ROOT}/src/", f"{cargo}/registry/")
        for name, data in entries.items():
            self.assertEqual([folder for folder in folders if folder.encode() in data], [], name)
        # RECORD has the hashes of what is there. pip does not compare them.
        record = next(data for name, data in entries.items() if name.endswith("/RECORD")).decode()
        for name, digest, size in csv.reader(record.splitlines()):
            if digest:
                hashed = base64.urlsafe_b64encode(hashlib.sha256(entries[name]).digest()).rstrip(b"=").decode()
                self.assertEqual((digest, size), (f"sha256={hashed}", str(len(entries[name]))), name)

    def test_the_image_of_the_dockerfile_runs(self) -> None:
        root = self.folder / "root"
        command = image.build(root, DEBIAN[self.target.machine])
        self.assertEqual(self.target.run_alone(root, *command, "--version"), VERSION)

    def test_all_packages_have_the_same_program(self) -> None:
        programs = (self.from_archive(), self.from_deb(), self.from_wheel())
        self.assertEqual(len({hashlib.sha256(path.read_bytes()).digest() for path in programs}), 1)

    def test_the_allocator_fits_the_kernels_of_the_processor(self) -> None:
        program = self.from_archive()
        command = [*self.target.emulator(), str(program), "--version"]
        environment = os.environ | {"_RJEM_MALLOC_CONF": "stats_print:true", "MALLOC_CONF": "stats_print:true"}
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr
        # An allocator made for pages of 4 KiB aborts on kernels with larger ones.
        page = {"x86_64": 4096, "aarch64": 65536}[self.target.machine]
        self.assertRegex(told, rf"Page size: {page}\n")
        self.assertRegex(told, r"opt.background_thread: true ")
        self.assertRegex(told, r"opt.narenas: 4\n")


def load_tests(loader: unittest.TestLoader, *_: object) -> unittest.TestSuite:
    """Add the tests of one target for each target in dist/."""
    suite = unittest.TestSuite([loader.loadTestsFromTestCase(Release)])
    for target in targets():
        case = type(target.name, (Packages,), {"target": target})
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    unittest.main(verbosity=2)
