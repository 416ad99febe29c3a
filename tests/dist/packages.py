"""The packages in dist/, and the ways to run a program of them."""

from __future__ import annotations

import os
import pathlib
import platform
import re
import shutil
import struct
import subprocess
import unittest
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}


def version() -> str:
    """Return the version in Cargo.toml."""
    found = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert found
    return found[1]


@dataclass(frozen=True)
class Target:
    """A target of rustc and the names of its packages."""

    name: str

    @property
    def machine(self) -> str:
        """The processor."""
        return self.name.split("-")[0]

    @property
    def is_native(self) -> bool:
        """If the programs run on this machine."""
        return self.machine == platform.machine()

    @property
    def stem(self) -> str:
        """The folder in the archive."""
        return f"chatzy-export-{version()}-{self.name}"

    @property
    def archive(self) -> pathlib.Path:
        """The archive."""
        return DIST / f"{self.stem}.tar.gz"

    @property
    def deb(self) -> pathlib.Path:
        """The Debian package."""
        return DIST / f"chatzy-export_{version()}_{DEBIAN[self.machine]}.deb"

    @property
    def wheel(self) -> pathlib.Path:
        """The wheel, for systems with either C library."""
        tags = f"manylinux2014_{self.machine}.manylinux_2_17_{self.machine}.musllinux_1_1_{self.machine}"
        return DIST / f"chatzy_export-{version()}-py3-none-{tags}.whl"

    def emulator(self) -> list[str]:
        """Return the command before a program: nothing, or qemu. Skip the test if there is none."""
        if self.is_native:
            return []
        name = f"qemu-{self.machine}-static"
        ours = ROOT / ".tools/bin" / name
        found = str(ours) if ours.exists() else shutil.which(name)
        if not found:
            raise unittest.SkipTest(f"needs {name} (scripts/dist-tools.sh)")
        return [found]

    def run(self, program: pathlib.Path, *arguments: str, cwd: pathlib.Path | None = None) -> str:
        """Run a program of this target and return its stdout."""
        return checked(*self.emulator(), str(program), *arguments, cwd=cwd)

    def run_alone(self, root: pathlib.Path, program: str, *arguments: str) -> str:
        """Run a program in a root of its own, which has no other file but the emulator."""
        emulator = []
        for path in self.emulator():
            shutil.copy(path, root / "emulator")
            emulator = ["/emulator"]
        # A user who is not root has a name space in which they are.
        enter = ["chroot"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "chroot"]
        return checked(*enter, str(root), *emulator, program, *arguments)


def checked(*command: str, cwd: pathlib.Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command that is to succeed, and return its stdout."""
    ended = subprocess.run(
        command, cwd=cwd, env=None if env is None else os.environ | env, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"{command} ended with {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def targets() -> list[Target]:
    """Return the targets of the archives in dist/."""
    prefix = f"chatzy-export-{version()}-"
    archives = sorted(DIST.glob(f"{prefix}*.tar.gz"))
    return [Target(path.name[len(prefix) : -len(".tar.gz")]) for path in archives]


@dataclass(frozen=True)
class Elf:
    """What the headers of a 64-bit little-endian ELF file say."""

    machine: str
    is_relocatable: bool
    has_interpreter: bool
    sections: frozenset[str]

    @classmethod
    def of(cls, path: pathlib.Path) -> Elf:
        """Read the headers of a program."""
        data = path.read_bytes()
        assert data[:6] == b"\x7fELF\x02\x01", path
        kind, machine = struct.unpack_from("<HH", data, 16)
        programs, sections = struct.unpack_from("<QQ", data, 32)
        program_size, program_count, section_size, section_count, names_index = struct.unpack_from("<5H", data, 54)
        kinds = {struct.unpack_from("<I", data, programs + i * program_size)[0] for i in range(program_count)}
        headers = [struct.unpack_from("<IIQQQQ", data, sections + i * section_size) for i in range(section_count)]
        names_at = headers[names_index][4]
        names = (data[names_at + header[0] :].split(b"\0", 1)[0].decode() for header in headers)
        return cls({62: "x86_64", 183: "aarch64"}[machine], kind == 3, 3 in kinds, frozenset(names))
