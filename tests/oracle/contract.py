"""The rows of an export as docs/tables.md says: written from that page alone, for reading, not for speed.

`expected` takes what was asked and the pages that were answered, and gives each table's rows in order. A `json` column is
a dict of JSON texts (`extra`) or one JSON text (`raw`).
"""

import hashlib
from dataclasses import dataclass, field

import fit
import payload
import wire

CHANNELS = ("whatsapp", "instagram", "messenger", "website")
ARRAYS = {"wa_messages": "whatsapp", "instagram_messages": "instagram", "messenger_messages": "messenger"}
SHARED = ("conversation_id", "conversation_type", "conversation_status", "assigned_to", "chatbot_id")

CONTACT = {
    "user_email_id": "str", "first_name": "str", "last_name": "str", "phone_number": "str", "created_at": "ts",
    "last_interacted_at": "ts", "contact_queries": "int", "is_blacklisted": "bool", "is_frozen": "bool",
    "frozen_until": "ts",
}  # fmt: skip
CONVERSATION = {"conversation_status": "str", "conversation_type": "str", "assigned_to": "str", "chatbot_id": "str"}
MESSAGE = {"message_order": "int", "role": "str", "content": "str", "created_at": "ts"}
EMPTY = wire.Value("object", b"{}", {})


@dataclass
class Page:
    """One answer: the channel that was asked for (or None) and the body."""

    channel: str | None
    body: bytes


@dataclass
class History:
    """What the pages of one contact hold."""

    contact: wire.Value | None = None
    beside: dict = field(default_factory=dict)  # siblings in data.data, by name
    conversations: dict = field(default_factory=dict)  # id -> the later version, None where only an id was met
    loose: dict = field(default_factory=dict)  # conversations without an id
    messages: dict = field(default_factory=dict)  # message_id -> (object, conversation id, conversation, channel)


def expected(asked, pages, *, since=None, until=None):
    tables = {name: [] for name in ("contacts", "conversations", "messages", "channel_records", "coverage")}
    for contact_id in asked:
        one_contact(tables, contact_id, pages.get(contact_id), since, until)
    return tables


def one_contact(tables, contact_id, pages, since, until):
    history = read(pages or [])
    if pages is None or (not history.messages and all(map(is_absent, pages))):
        tables["coverage"].append(coverage(contact_id, "not_found", []))
        return
    rows = [message_row(contact_id, message_id, *rest, history) for message_id, rest in history.messages.items()]
    rows = [(row, found) for row, found in rows if in_range(row["created_at"], since, until)]
    conversations = [conversation_row(contact_id, key, found, rows) for key, found in history.conversations.items()]
    conversations.sort(key=lambda row: (last(row["first_message_at"]), wire.order(row["conversation_id"])))
    place = {row["conversation_id"]: at for at, row in enumerate(conversations)}
    rows.sort(key=lambda pair: message_order(pair[0], place))
    messages = [row for row, _ in rows]
    tables["contacts"].append(contact_row(contact_id, history, messages, conversations))
    tables["conversations"] += conversations
    tables["messages"] += messages
    for row, found in rows:
        tables["channel_records"] += record_rows(row, found)
    status = "exported" if history.messages else "empty"
    tables["coverage"].append(coverage(contact_id, status, messages))


# Reading the pages


def read(pages):
    history = History()
    for page in pages:
        inner = wire.parse(repaired(page.body)).held["data"].held["data"]
        seen = {}
        for name, value in sorted(inner.held.items(), key=stands_in_no_conversation):
            read_part(history, name, value, page.channel, seen)
    return history


def is_absent(page):
    """A page without messages shows no contact: the contact is null, or there is nothing but empty lists."""
    inner = wire.parse(repaired(page.body)).held["data"].held["data"]
    contact = inner.held.get("contact")
    if contact is not None:
        return contact.kind == "null"
    return all(name in ("conversations", "messages") and not value.held for name, value in inner.held.items())


def stands_in_no_conversation(part):
    """Messages beside the conversations are read after those inside."""
    return part[0] == "messages"


def repaired(body):
    """Bytes that are no UTF-8 cannot stand in a column: from here on they are U+FFFD."""
    return body.decode("utf-8", "replace").encode()


def read_part(history, name, value, channel, seen):
    if name == "contact":
        history.contact = value if value.kind != "null" else history.contact
    elif name == "conversations" and value.kind in ("array", "null"):
        for conversation in value.held or []:
            read_conversation(history, conversation, channel, seen)
    elif name == "messages" and value.kind in ("array", "null"):
        for message in value.held or []:
            conversation_id = own_conversation(message)
            if conversation_id is not None:
                history.conversations.setdefault(conversation_id, None)
            read_message(history, message, conversation_id, None, channel, seen)
    else:
        history.beside[name] = value


def read_conversation(history, conversation, channel, seen):
    if conversation.kind != "object":
        history.loose[wire.canonical(conversation)] = conversation
        return
    found = conversation.get("conversation_id")
    conversation_id = fit.as_str(found) if found else None
    if conversation_id is None:
        conversation_less = less_messages(conversation)
        if any(value.kind != "null" for value in conversation_less.held.values()):
            history.loose[wire.canonical(conversation_less)] = conversation_less
    else:
        history.conversations[conversation_id] = conversation
    messages = conversation.get("messages")
    for message in messages.held if messages and messages.kind == "array" else []:
        named = own_conversation(message) if conversation_id is None else conversation_id
        if named is not None:  # a conversation met only so is known by the nameless object around its message
            history.conversations.setdefault(named, conversation)
        read_message(history, message, named, conversation, channel, seen)


def less_messages(conversation):
    kept = {
        key: value
        for key, value in conversation.held.items()
        if key != "messages" or value.kind not in ("array", "null")
    }
    return wire.Value("object", wire.canonical(wire.Value("object", b"", kept)).encode("utf-8", "surrogatepass"), kept)


def own_conversation(message):
    own = message.get("conversation_id")
    return fit.as_str(own) if own else None


def read_message(history, message, conversation_id, conversation, channel, seen):
    found = message.get("message_id")
    message_id = fit.as_str(found) if found else None
    if not message_id:
        message_id = made_up_id(message, seen)
    before = history.messages.get(message_id)
    if before is None or not same(before, message, conversation_id, conversation):
        history.messages[message_id] = (message, conversation_id, conversation, channel)


def same(before, message, conversation_id, conversation):
    """An identical message changes nothing, not even the channel it was first met under; of two versions the later
    read wins."""
    return before[0].raw == message.raw and before[1] == conversation_id and lends(before[2]) == lends(conversation)


def lends(conversation):
    """What a conversation without an id is told apart by."""
    if conversation is None:
        return None
    if conversation.get("conversation_id") and conversation.get("conversation_id").kind != "null":
        return None
    return wire.canonical(less_messages(conversation))


def made_up_id(message, seen):
    if message.kind == "object":
        kept = {key: value for key, value in message.held.items() if key != "conversation_id"}
        message = wire.Value("object", b"", kept)
    digest = "x-" + sha256(wire.canonical(message).encode())
    before = seen.get(digest, 0)
    seen[digest] = before + 1
    return f"{digest}-{before}" if before else digest


def sha256(content):
    return hashlib.sha256(content).hexdigest()[:32]


# Rows


def contact_row(contact_id, history, messages, conversations):
    row = {"contact_id": contact_id}
    extra = {}
    source = history.contact or EMPTY
    if source.kind != "object":
        extra["contact"], source = source.raw, EMPTY
    columns(row, extra, source, CONTACT, known={"contact_id"})
    differing(extra, source, "contact_id", contact_id)
    surroundings(extra, history)
    row |= {"conversation_count": len(conversations), "message_count": len(messages)} | span(messages)
    row["extra"] = extra or None
    return row


def surroundings(extra, history):
    """What stood beside the contact; a name that is taken gets `data.` in front."""
    beside = {name: value.raw for name, value in history.beside.items()}
    found = list(beside.items())
    if history.loose:
        found.append(("conversations", b"[" + b",".join(value.raw for value in history.loose.values()) + b"]"))
    for name, raw in found:
        while name in extra:
            name = "data." + name
        extra[name] = raw


def conversation_row(contact_id, conversation_id, conversation, rows):
    row = {"conversation_id": conversation_id, "contact_id": contact_id}
    extra = {}
    source = conversation or EMPTY
    messages = source.get("messages")
    known = {"conversation_id", "contact_id"}
    if messages is None or messages.kind in ("array", "null"):
        known.add("messages")
    columns(row, extra, source, CONVERSATION, known)
    differing(extra, source, "contact_id", contact_id)
    mine = [message for message, _ in rows if message["conversation_id"] == conversation_id]
    row |= {"message_count": len(mine)} | span(mine)
    row["extra"] = extra or None
    return row


def message_row(contact_id, message_id, message, conversation_id, conversation, channel, history):
    if message.kind != "object":
        message = wire.Value("object", b"", {"message": message})
    if conversation_id is not None:  # the later version of it
        conversation = history.conversations[conversation_id]
    row = {"message_id": message_id, "contact_id": contact_id}
    extra = {}
    known = {"message_id", "contact_id", *SHARED}
    known |= {name for name in ARRAYS if message.get(name) and message.get(name).kind in ("array", "null")}
    columns(row, extra, message, MESSAGE, known)
    differing(extra, message, "contact_id", contact_id)
    for name in SHARED:
        theirs = conversation.get(name) if conversation else None
        row[name] = fit.as_str(theirs) if theirs else None
        own = message.get(name)
        if row[name] is None:
            row[name] = fit.as_str(own) if own else None
        else:
            differing(extra, message, name, row[name])
    row["channel"] = channel or channel_of(message, row["conversation_type"])
    row["extra"] = extra or None
    return row, message


def channel_of(message, conversation_type):
    filled = [channel for name, channel in ARRAYS.items() if members(message, name)]
    if len(filled) == 1:
        return filled[0]
    return next((channel for channel in CHANNELS if (conversation_type or "").startswith(channel)), None)


def members(message, name):
    found = message.get(name)
    return found.held if found and found.kind == "array" else []


def record_rows(row, message):
    for name, channel in ARRAYS.items():
        before = {}
        for index, member in enumerate(members(message, name)):
            count = before.get(member.raw, 0)
            before[member.raw] = count + 1
            parts = (row["message_id"].encode(), channel.encode(), member.raw, str(count).encode())
            yield {
                "record_id": sha256(b"\x1f".join(parts)),
                "message_id": row["message_id"],
                "conversation_id": row["conversation_id"],
                "contact_id": row["contact_id"],
                "channel": channel,
                "record_index": index,
                **payload.lift(member),
                "raw": member.raw,
            }


def coverage(contact_id, status, messages):
    return {"contact_id": contact_id, "status": status, "messages": len(messages)} | span(messages)


def columns(row, extra, source, kinds, known):
    """Each column its value; what has no column, or does not fit it, goes to `extra`."""
    for name, kind in kinds.items():
        value = source.get(name)
        fitted = fit.FITS[kind](value) if value else None
        if fitted is fit.MISFIT:
            extra[name] = value.raw
            fitted = None
        row[name] = fitted
    for name, value in source.held.items():
        if name not in kinds and name not in known:
            extra[wire.SURROGATES.sub("\ufffd", name)] = value.raw


def differing(extra, source, name, taken):
    own = source.get(name)
    if own and fit.as_str(own) is not None and fit.as_str(own) != taken:
        extra[name] = own.raw


def span(messages):
    times = [row["created_at"] for row in messages if row["created_at"] is not None]
    return {"first_message_at": min(times, default=None), "last_message_at": max(times, default=None)}


# Order


def in_range(created_at, since, until):
    if created_at is None:
        return True
    return (since is None or created_at >= since) and (until is None or created_at < until)


def last(value):
    return (value is None, value or 0)


def message_order(row, place):
    where = place.get(row["conversation_id"], len(place))
    return (where, last(row["created_at"]), last(row["message_order"]), wire.order(row["message_id"]))
