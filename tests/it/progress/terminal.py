"""Runs a command in a pseudo-terminal: `terminal.py COMMAND ...`.

Output goes to the file `screen`. The file `columns` holds the width of the terminal; each change resizes it.
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios


def columns():
    try:
        with open("columns") as file:
            return int(file.read() or 0)
    except FileNotFoundError:
        return 0


def resize(terminal, width):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))


def main():
    width = columns()
    child, terminal = pty.fork()
    if child == 0:
        # The size must be set before the command reads it.
        resize(sys.stderr.fileno(), width)
        os.execvp(sys.argv[1], sys.argv[1:])
    with open("screen", "wb", buffering=0) as screen:
        while True:
            ready, _, _ = select.select([terminal], [], [], 0.02)
            if ready:
                try:
                    output = os.read(terminal, 65536)
                except OSError:  # the command has ended
                    break
                if not output:
                    break
                screen.write(output)
            wanted = columns()
            if wanted and wanted != width:
                width = wanted
                resize(terminal, width)
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


main()
