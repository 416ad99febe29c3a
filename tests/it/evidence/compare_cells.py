"""Compares the cells of a CSV file (first argument) with those of an XLSX file (second argument)."""

import csv
import re
import sys
import xml.etree.ElementTree as ElementTree
import zipfile

NAME = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
csv.field_size_limit(1 << 30)


def text_of(element):
    text = "".join(part.text or "" for part in element.iter(NAME + "t"))
    # XLSX writes characters that XML cannot hold as _x000D_.
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


def column(reference):
    number = 0
    for letter in re.match("[A-Z]+", reference)[0]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def sheet(path):
    with zipfile.ZipFile(path) as archive:
        shared = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
        texts = [text_of(item) for item in shared.findall(NAME + "si")]
        rows = []
        for row in ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml")).iter(NAME + "row"):
            cells = {}
            for cell in row.findall(NAME + "c"):
                assert cell.find(NAME + "f") is None, f"{cell.get('r')} is a formula"
                value = cell.find(NAME + "v")
                if value is not None:
                    assert cell.get("t") == "s", f"{cell.get('r')} is no text but {value.text}"
                    cells[column(cell.get("r"))] = texts[int(value.text)]
            rows.append(cells)
        return rows


with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
    expected = list(csv.reader(file))
found = sheet(sys.argv[2])
assert len(found) == len(expected), f"{len(found)} rows instead of {len(expected)}"
for number, (row, cells) in enumerate(zip(expected, found, strict=True), 1):
    for at, text in enumerate(row):
        shown = cells.get(at, "").replace("\r\n", "\n")
        assert shown == text.replace("\r\n", "\n"), f"row {number}, {expected[0][at]}: {shown!r} instead of {text!r}"
