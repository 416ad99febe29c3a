"""Takes the folder of the build out of a wheel: `wheel-paths.py WHEEL`, in that folder.

maturin's list of components (`*.dist-info/sboms`) names the crates of this workspace by their paths on the machine
that builds them. A release does not show those, and is the same from every folder.
"""

import base64
import hashlib
import pathlib
import sys
import zipfile

NEUTRAL = "/chatzy-export"  # as in the program (scripts/dist.sh)


def main() -> None:
    """Write the wheel again, with the same entries in the same order."""
    wheel = pathlib.Path(sys.argv[1])
    folder = str(pathlib.Path.cwd())
    new = wheel.with_suffix(".new")
    changed: dict[str, bytes] = {}
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(new, "w") as written:
        for entry in old.infolist():
            data = old.read(entry)
            if "/sboms/" in entry.filename:
                data = data.replace(f"file://{folder}".encode(), f"file://{NEUTRAL}".encode())
                if folder.encode() in data:
                    sys.exit(f"wheel-paths: {entry.filename} names {folder} in a form that is not known")
                changed[entry.filename] = data
            elif entry.filename.endswith(".dist-info/RECORD"):  # the last entry
                data = "".join(line(text, changed) for text in data.decode().splitlines(keepends=True)).encode()
            written.writestr(entry, data)
    if not changed:
        sys.exit(f"wheel-paths: {wheel} has no list of components")
    new.replace(wheel)


def line(text: str, changed: dict[str, bytes]) -> str:
    """Return a line of RECORD (path, hash, size) with the hash and size of what its file has now."""
    name = text.split(",")[0]
    if name not in changed:
        return text
    digest = base64.urlsafe_b64encode(hashlib.sha256(changed[name]).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(changed[name])}\n"


main()
