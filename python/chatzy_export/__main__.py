"""`python -m chatzy_export` runs the program, with the same arguments and exit codes."""

import os
import sys

from chatzy_export import find_bin


def main() -> None:
    """Replace this process with the program, so that signals reach it."""
    try:
        program = find_bin()
    except FileNotFoundError as error:
        sys.exit(f"error: {error}")
    os.execv(program, [program, *sys.argv[1:]])


if __name__ == "__main__":
    main()
