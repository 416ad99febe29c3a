"""Checks files of the Relativity Short Message Format 2.0, and prints their events as JSON lines.

The rules are those of Relativity's documentation and of its validator, as far as a file of this program can break them.
"""

import email
import email.policy
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import jsonschema

TEXT = {"type": "string"}
NAME = {"type": "string", "minLength": 1}
TIME = {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$"}


def record(required: list[str], **properties: Any) -> dict[str, Any]:
    """The schema of an object without other members."""
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def several(items: dict[str, Any], least: int = 0) -> dict[str, Any]:
    """The schema of a list."""
    return {"type": "array", "items": items, "minItems": least}


PARTICIPANT = record(["id"], id=NAME, display=TEXT, email={"type": "string", "format": "email"}, account_id=TEXT)
CONVERSATION = record(
    ["id", "platform", "participants"],
    id=NAME,
    display=TEXT,
    platform=NAME,
    type={"enum": ["direct", "channel"]},
    participants=several(NAME, 1),
    custodian=NAME,
)
EVENT = record(
    ["type"],
    id=NAME,
    type={"enum": ["message", "disclaimer", "join", "leave", "history", "unknown"]},
    parent=NAME,
    body=TEXT,
    participant=NAME,
    conversation=NAME,
    timestamp=TIME,
    deleted={"type": "boolean"},
    direction={"enum": ["incoming", "outgoing"]},
    reactions=several(
        record(["value"], value=NAME, count={"type": "integer", "minimum": 1}, participants=several(NAME, 1))
    ),
    edits=several(record(["participant", "new"], participant=NAME, timestamp=TIME, previous=TEXT, new=TEXT)),
    read_receipts=several(
        record(
            ["participant", "timestamp", "action"],
            participant=NAME,
            timestamp=TIME,
            action={"enum": ["read", "delivered"]},
        )
    ),
    custom=several(record(["name", "value"], name=NAME, value=NAME)),
)
SCHEMA = record(
    ["version", "participants", "conversations", "events"],
    version={"const": "2.0.0"},
    participants=several(PARTICIPANT, 1),
    conversations=several(CONVERSATION, 1),
    events={**several(EVENT, 1), "maxItems": 10_000},
)
VALIDATOR = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def check(path: Path) -> None:
    """Checks one file, and prints its events."""
    content = path.read_bytes()
    assert b"\n" not in content.replace(b"\r\n", b""), "all lines end with CRLF"
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert not mail.defects, mail.defects
    assert mail["X-RSMF-Version"] == "2.0.0"
    text, attachment = mail.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert attachment.get_filename() == "rsmf.zip"
    with zipfile.ZipFile(io.BytesIO(attachment.get_content())) as archive:
        assert archive.namelist() == ["rsmf_manifest.json"]
        manifest = json.loads(archive.read("rsmf_manifest.json"))
    VALIDATOR.validate(manifest)
    events = manifest["events"]
    people = {participant["id"] for participant in manifest["participants"]}
    (conversation,) = manifest["conversations"]
    ids = [event["id"] for event in events]
    assert len(set(ids)) == len(ids), "IDs of events differ"
    assert int(mail["X-RSMF-EventCount"]) == len(events)
    assert mail["X-RSMF-BeginDate"] == events[0]["timestamp"]
    assert mail["X-RSMF-EndDate"] == events[-1]["timestamp"]
    assert len({event["timestamp"][:10] for event in events}) == 1, "one day"
    assert conversation["custodian"] in conversation["participants"]
    assert set(conversation["participants"]) <= people
    readable = text.get_content()
    for event in events:
        assert event["participant"] in people
        assert event["conversation"] == conversation["id"]
        assert event.get("parent", ids[0]) in ids
        assert event["id"] in readable
        assert " ".join(event["body"].split()) in " ".join(readable.split())
        print(json.dumps(event, ensure_ascii=False))


for name in sys.argv[1:]:
    try:
        check(Path(name))
    except Exception as error:
        raise SystemExit(f"{name}: {error}") from error
