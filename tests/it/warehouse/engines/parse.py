"""Parses scripts statement by statement: lines of JSON on stdin, a dialect of sqlglot and a script each.

Prints each statement that the parser refuses, or takes for a command without reading the rest of it. EXECUTE IMMEDIATE
of BigQuery is such a command: the text in it is parsed instead.
"""

import json
import logging
import re
import sys

import sqlglot
from serve import statements
from sqlglot import exp

# A statement in a text, as the scripts for BigQuery have it.
IN_TEXT = re.compile(r'EXECUTE IMMEDIATE REPLACE\(r"""(.*)""", \'chatzy_dataset\', CONCAT\((.*)\)\)', re.DOTALL)


def parts(statement: str) -> list[str]:
    """Return the statement, or those in its text."""
    body = "\n".join(line for line in statement.splitlines() if not line.startswith("--")).strip()
    if match := IN_TEXT.fullmatch(body):
        return [match[1].strip(), f"SELECT {match[2]}"]
    return [body]


def main() -> None:
    """Parse the scripts."""
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    found: dict[tuple[str, str], None] = {}
    for line in sys.stdin:
        dialect, script = json.loads(line)
        found.update(((dialect, part), None) for statement in statements(script) for part in parts(statement))
    for dialect, part in found:
        try:
            trees = sqlglot.parse(part, read=dialect)
        except sqlglot.errors.SqlglotError as error:
            print(f"{dialect} refuses: {part}: {error}")
            continue
        if len(trees) != 1 or trees[0] is None or trees[0].find(exp.Command):
            print(f"{dialect} skips: {part}")


main()
