"""The search for the installed program."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path

NAME = "chatzy-export"


def find_bin() -> str:
    """Return the path of the program that was installed with this package.

    Raises FileNotFoundError if the program is in none of the folders that installers use.
    """
    folders = list(dict.fromkeys(_folders(Path(__file__).parent)))
    for folder in folders:
        program = folder / NAME
        if program.is_file():
            return str(program)
    places = ", ".join(str(folder) for folder in folders)
    raise FileNotFoundError(
        f"the program {NAME} is in none of these folders: {places}; "
        f"to install it, run: pip install --force-reinstall {NAME}"
    )


def _folders(package: Path) -> Iterator[Path]:
    # Beside this package first: another environment may have another version.
    # An environment, --prefix, --user: PREFIX/lib/python3.X/site-packages/chatzy_export and PREFIX/bin.
    if len(package.parents) > 3 and package.parents[2].name.startswith("lib"):
        yield package.parents[3] / "bin"
    # --target: FOLDER/chatzy_export and FOLDER/bin.
    yield package.parent / "bin"
    # Elsewhere, as in an editable installation: the interpreter's own folder of programs.
    yield Path(sysconfig.get_path("scripts"))
