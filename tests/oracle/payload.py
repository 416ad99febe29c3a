"""What is lifted out of one member of a record array: docs/api.md#columns-of-a-record, word for word."""

import fit
import wire

COLUMNS = (
    "status created_at event_at event_type message_type direction platform_message_id related_message_id sender_id "
    "recipient_id text template_name media_id media_url media_mime_type error_code error_title error_details "
    "pricing_category"
).split()


def lift(member):
    row = dict.fromkeys(COLUMNS)
    row["event_type"] = "unknown"
    if member.kind != "object":
        return row
    u, container = unwrap(member)
    kind = u.get("type").held if u.get("type") and u.get("type").kind == "string" else None
    event = event_type(u, container)
    sender = text(u, "from", "sender.id")
    row.update(
        status=first_text(at(member, "status"), at(u, "status"), at(u, "message_status")),
        created_at=time(at(member, "created_at")),
        event_at=time(at(u, "timestamp")),
        event_type=event,
        message_type=text(u, "type", "message.attachments.0.type"),
        platform_message_id=text(u, "id", "message.mid", "postback.mid", "delivery.mids.0", "messages.0.id"),
        related_message_id=text(
            u, "context.id", "message.reply_to.mid", "reaction.message_id", "reaction.mid", "read.mid", "message_edit.mid"
        ),
        sender_id=sender,
        recipient_id=text(u, "recipient_id", "recipient.id"),
        text=first_text(
            at(u, "text.body"),
            at(u, "message.text"),
            at(u, kind, "caption"),
            at(u, "button.text"),
            at(u, "interactive.button_reply.title"),
            at(u, "interactive.list_reply.title"),
            at(u, "interactive.nfm_reply.title"),
            at(u, "postback.title"),
            at(u, "message_edit.text"),
            at(u, "reaction.emoji"),
        ),
        template_name=text(u, "template.name"),
        media_id=as_text(at(u, kind, "id")),
        media_url=first_text(at(u, kind, "link"), at(u, kind, "url"), at(u, "message.attachments.0.payload.url")),
        media_mime_type=as_text(at(u, kind, "mime_type")),
        error_code=number(at(u, "errors.0.code")),
        error_title=text(u, "errors.0.title", "errors.0.message"),
        error_details=text(u, "errors.0.error_data.details"),
        pricing_category=text(u, "pricing.category"),
    )
    if row["message_type"] is None and text(u, "message.text") is not None:
        row["message_type"] = "text"
    if row["recipient_id"] is None and event == "send_ack":
        row["recipient_id"] = text(u, "contacts.0.wa_id")
    if event in ("status", "send_ack", "echo"):
        row["direction"] = "outbound"
    elif event in ("message", "reaction", "postback") and sender is not None:
        row["direction"] = "inbound"
    return row


def unwrap(member):
    """U, and the object that held it beside `contacts` and `messages`."""
    start = at(member, "data")
    if start is not None and start.kind == "string":
        start = wire.parse_or_none(start.held.encode("utf-8", "surrogatepass"))
    if start is None or start.kind != "object":
        start = member
    value = object_at(start, "entry.0.changes.0.value")
    if value is not None:
        return inner(value)
    for path in ("entry.0.messaging.0", "entry.0.standby.0", "messaging.0"):
        found = object_at(start, path)
        if found is not None:
            return found, found
    return inner(start)


def inner(value):
    status = object_at(value, "statuses.0")
    if status is not None:
        return status, status
    message = object_at(value, "messages.0")
    if message is not None:
        beside = {key: value.held[key] for key in ("contacts", "metadata") if key in value.held}
        own = {key: found for key, found in message.held.items() if there(found)}
        return wire.Value("object", message.raw, {**beside, **own}), value
    return value, value


def event_type(u, container):
    def has(*paths):
        return any(there(at(u, path)) for path in paths)

    def tells(path):
        return has(path) and at(u, path).raw != b"false"

    rules = (
        ("status", has("status") and has("recipient_id", "recipient.id")),
        ("delivery", tells("delivery")),
        ("read", tells("read")),
        ("reaction", tells("reaction")),
        ("postback", tells("postback")),
        ("edit", tells("message_edit")),
        ("echo", is_true(at(u, "message.is_echo"))),
        ("message", tells("message") or (has("type") and has("from"))),
        ("send_ack", there(at(container, "contacts")) and there(at(container, "messages")) and not has("from")),
        ("referral", tells("referral")),
        ("error", has("errors.0")),
    )
    return next((name for name, holds in rules if holds), "unknown")


def there(value):
    return value is not None and value.kind != "null"


def is_true(value):
    return value is not None and fit.as_bool(value) is True


def at(value, path, *more):
    """The value at a dotted path (a number is a place in an array), or None."""
    if path is None:
        return None
    for step in (path.split(".") if not more else (path, *more)):
        if value is None:
            return None
        if value.kind == "array" and step.isdigit():
            value = value.held[int(step)] if int(step) < len(value.held) else None
        else:
            value = value.get(step)
    return value


def object_at(value, path):
    found = at(value, path)
    return found if found is not None and found.kind == "object" else None


def first(value, *paths):
    return next((found for found in (at(value, path) for path in paths) if there(found)), None)


def text(value, *paths):
    return first_text(*(at(value, path) for path in paths))


def first_text(*values):
    return next((found for found in map(as_text, values) if found is not None), None)


def as_text(value):
    return None if value is None else fit.as_str(value)


def number(value):
    fitted = fit.as_int(value) if value is not None else None
    return None if fitted is fit.MISFIT else fitted


def time(value):
    fitted = fit.as_ts(value) if value is not None else None
    return None if fitted is fit.MISFIT else fitted
