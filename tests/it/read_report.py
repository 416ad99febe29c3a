"""Reads a report as a browser would, and prints what a person finds in it as one JSON document.

`tables` are the rows of each table by the id on it or around it, cells as text without their hints; `charts` are title,
description and how many shapes; `faults` is what a page without scripts and network must not have.

    read_report.py FILE
"""

import base64
import hashlib
import json
import re
import sys
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "base"}
# Elements and attributes that run something, or ask for something.
FORBIDDEN = {"script", "link", "img", "image", "iframe", "object", "embed", "base", "form", "audio", "video", "use", "a"}
ASKING = {"src", "href", "xlink:href", "srcset", "action", "background", "poster", "data", "style"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.faults, self.ids = [], [], set()
        self.metas, self.styles = {}, []
        self.tables, self.charts, self.text = {}, {}, []
        self.rows = self.cell = self.chart = None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in FORBIDDEN:
            self.faults.append(f"<{tag}>")
        for name, value in attributes.items():
            if name in ASKING or name.startswith("on") or "url(" in (value or ""):
                self.faults.append(f"{name}={value}")
        if "id" in attributes:
            if attributes["id"] in self.ids:
                self.faults.append(f"two of the id {attributes['id']}")
            self.ids.add(attributes["id"])
        for target in (attributes.get("aria-labelledby") or "").split():
            self.expected = getattr(self, "expected", set()) | {target}
        if tag == "meta":
            self.metas[attributes.get("http-equiv") or attributes.get("name") or "charset"] = attributes.get("content")
            return
        if tag not in VOID:
            self.open.append((tag, attributes))
        if tag == "table":
            around = [found["id"] for _, found in self.open if found.get("id")]
            self.rows = self.tables.setdefault(around[-1] if around else "", [])
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.cell = []
        elif tag == "svg" and attributes.get("role") == "img":
            self.chart = {"shapes": 0, "title": "", "desc": ""}
        elif self.chart is not None and tag in ("rect", "path"):
            self.chart["shapes"] += 1

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        opened, attributes = self.open.pop()
        if opened != tag:
            self.faults.append(f"</{tag}> closes <{opened}>")
        if tag in ("td", "th"):
            self.rows[-1].append("".join(self.cell))
            self.cell = None
        elif tag == "svg" and attributes.get("role") == "img":
            self.charts[attributes["aria-labelledby"].split()[0].removesuffix("-title")] = self.chart
            self.chart = None

    def handle_data(self, text):
        tags = [tag for tag, _ in self.open]
        if "style" in tags:
            self.styles.append(text)
            return
        if self.chart is not None and tags[-1] in ("title", "desc") and tags[-2] == "svg":
            self.chart[tags[-1]] += text
        if any(attributes.get("class") == "hint" for _, attributes in self.open):
            return
        if self.cell is not None:
            self.cell.append(text)
        self.text.append(text)


def main():
    source = open(sys.argv[1], encoding="utf-8").read()
    page = Page()
    page.feed(source)
    page.close()
    faults = page.faults + [f"<{tag}> stays open" for tag, _ in page.open]
    faults += [f"nothing has the id {target}" for target in getattr(page, "expected", set()) - page.ids]
    faults += re.findall(r"@import|url\(|javascript:", source)
    hashes = ["sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in page.styles]
    policy = dict(part.split(None, 1) for part in page.metas["Content-Security-Policy"].split("; "))
    expected = {"default-src": "'none'", "style-src": f"'{hashes[0]}'", "base-uri": "'none'", "form-action": "'none'"}
    if policy != expected:
        faults.append(f"the policy is {policy}, and should be {expected}")
    found = {"faults": faults, "tables": page.tables, "charts": page.charts, "text": " ".join(page.text)}
    print(json.dumps(found))


main()
