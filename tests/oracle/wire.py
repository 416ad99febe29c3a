"""JSON as a service may really send it: every value keeps the bytes it was written with.

Reads NaN and the infinities, raw control characters, bytes that are no UTF-8, lone surrogate escapes, doubled keys
(the last wins) and any depth. It is written apart from the exporter on purpose: the oracle must not share its mistakes.
"""

import json
import re
import sys
from dataclasses import dataclass

sys.setrecursionlimit(200_000)

BLANKS = re.compile(rb"[ \t\r\n]*")
NUMBER = re.compile(rb"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
WORDS = {b"null": "null", b"true": "bool", b"false": "bool", b"NaN": "number", b"Infinity": "number", b"-Infinity": "number"}
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
SURROGATES = re.compile("[\ud800-\udfff]")
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass
class Value:
    """One JSON value: `kind` is null, bool, number, string, array or object."""

    kind: str
    raw: bytes
    held: object = None  # str; list[Value]; dict[str, Value]

    @property
    def text(self):
        """The JSON text as sent, made fit for a UTF-8 column."""
        return self.raw.decode("utf-8", "replace")

    @property
    def string(self):
        """A string's characters, lone surrogates replaced."""
        return SURROGATES.sub("\ufffd", self.held)

    def get(self, key):
        return self.held.get(key) if self.kind == "object" else None


def parse(source):
    value, at = _value(source, BLANKS.match(source, 0).end())
    if BLANKS.match(source, at).end() != len(source):
        raise ValueError(f"trailing bytes at {at}")
    return value


def parse_or_none(source):
    try:
        return parse(source)
    except (ValueError, IndexError):
        return None


def _value(source, at):
    first = source[at : at + 1]
    if first == b"{":
        return _object(source, at)
    if first == b"[":
        return _array(source, at)
    if first == b'"':
        return _string(source, at)
    for word, kind in WORDS.items():
        if source.startswith(word, at):
            return Value(kind, word), at + len(word)
    found = NUMBER.match(source, at)
    if not found:
        raise ValueError(f"no JSON value at {at}: {source[at:at + 20]!r}")
    return Value("number", found[0]), found.end()


def _string(source, at):
    found = STRING.match(source, at)
    if not found:
        raise ValueError(f"string without an end at {at}")
    return Value("string", found[0], _unescape(found[0][1:-1].decode("utf-8", "replace"))), found.end()


def _unescape(text):
    def one(found):
        if found[1]:
            return chr(int(found[1], 16))
        return SHORT.get(found[2], found[2])

    plain = ESCAPE.sub(one, text)
    return re.sub("[\ud800-\udbff][\udc00-\udfff]", _pair, plain)


def _pair(found):
    high, low = map(ord, found[0])
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _object(source, start):
    held, at = {}, BLANKS.match(source, start + 1).end()
    while source[at : at + 1] != b"}":
        key, at = _string(source, at)
        at = BLANKS.match(source, at).end()
        if source[at : at + 1] != b":":
            raise ValueError(f"no colon at {at}")
        value, at = _value(source, BLANKS.match(source, at + 1).end())
        held.pop(key.held, None)
        held[key.held] = value
        at = _next(source, at, b"}")
    return Value("object", source[start : at + 1], held), at + 1


def _array(source, start):
    held, at = [], BLANKS.match(source, start + 1).end()
    while source[at : at + 1] != b"]":
        value, at = _value(source, at)
        held.append(value)
        at = _next(source, at, b"]")
    return Value("array", source[start : at + 1], held), at + 1


def _next(source, at, end):
    at = BLANKS.match(source, at).end()
    if source[at : at + 1] == b",":
        at = BLANKS.match(source, at + 1).end()
        if source[at : at + 1] == end:
            raise ValueError(f"comma before the end at {at}")
    elif source[at : at + 1] != end:
        raise ValueError(f"no comma at {at}: {source[at:at + 20]!r}")
    return at


def canonical(value):
    """Keys sorted at every level, no blanks, numbers as sent, strings written the shortest way."""
    if value.kind == "object":
        members = (f"{quote(key)}:{canonical(value.held[key])}" for key in sorted(value.held, key=order))
        return "{" + ",".join(members) + "}"
    if value.kind == "array":
        return "[" + ",".join(map(canonical, value.held)) + "]"
    if value.kind == "string":
        return quote(value.held)
    return value.text


def quote(text):
    """A JSON string, lone surrogates as lower-case escapes."""
    return SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def order(text):
    """Strings by their UTF-8 bytes."""
    return text.encode("utf-8", "surrogatepass")


def strictly_valid(source):
    """Whether every reader of RFC 8259 takes these bytes (depth aside)."""
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        return False
    for found in STRING.finditer(source):
        if re.search(rb"[\x00-\x1f]", found[0]) or re.search(rb'\\(?:[^"\\/bfnrtu]|u(?![0-9a-fA-F]{4}))', found[0].replace(b"\\\\", b"")):
            return False
        if SURROGATES.search(_unescape(found[0][1:-1].decode())):
            return False
    outside = STRING.sub(b"", source)
    return not re.search(rb"NaN|Infinity", outside) and parse_or_none(text.encode()) is not None


def on_one_line(source):
    """Line ends between tokens as blanks (in a valid text none stand inside a string)."""
    return source.replace(b"\r", b" ").replace(b"\n", b" ")
