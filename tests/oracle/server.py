"""A small local server of the messages endpoint (docs/api.md#messages-of-a-contact). It answers exactly the bytes it is given and remembers each answer."""

import socket
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import fit
import wire
from contract import Page


@dataclass
class Message:
    """A message's JSON text, the conversation it stands in (None: beside them), and the channels it answers to."""

    text: bytes
    conversation: int | None
    channels: frozenset = frozenset()
    flat_text: bytes | None = None


@dataclass
class Contact:
    """A contact as stored. A conversation is a list of versions; each page shows another one. Versions are the
    members of the object, without braces and `messages`."""

    contact: bytes | None = b"null"  # None: the member is left out
    late_contact: bytes | None = b"null"  # beyond the first page
    messages: list = field(default_factory=list)
    conversations: list = field(default_factory=list)
    odd_conversations: list = field(default_factory=list)  # members of `conversations` as they stand
    without_messages: bytes | None = None  # the whole of `conversations` where it is no list of conversations
    beside: bytes = b""  # more members of data.data, each followed by a comma
    missing: bool = False


@dataclass
class Answer:
    """A page that was served, out of all the messages that the request could have had, and those it had."""

    page: Page
    messages: list
    shown: list


def body(contact, messages, offset, flat):
    """One page, in the service's doubled `data`."""
    page = contact.beside
    shown = contact.contact if offset == 0 else contact.late_contact
    if shown is not None:
        page += b'"contact": ' + shown + b",\n"
    loose = [m for m in messages if flat or m.conversation is None]
    if loose or flat:
        page += b'"messages": [' + b", ".join((flat and m.flat_text) or m.text for m in loose) + b"],"
    if not flat:
        page += b'"conversations": ' + conversations(contact, messages, offset)
    return b'{"data": {"data": {' + page.rstrip(b",\n") + b"}}}"


def conversations(contact, messages, offset):
    if contact.without_messages is not None:
        return contact.without_messages
    groups = defaultdict(list)
    for message in messages:
        if message.conversation is not None:
            groups[message.conversation].append(message.text)
    members = []
    for at, versions in enumerate(contact.conversations):
        if at in groups or not any(m.conversation == at for m in contact.messages):
            head = versions[offset % len(versions)]
            texts = b"[" + b",\r\n ".join(groups[at]) + b"]"
            members.append(b"{" + head + (b", " if head else b"") + b'"messages": ' + texts + b"}")
    return b"[" + b", ".join(members + contact.odd_conversations) + b"]"


def conversation_id(contact, message):
    """The id of the conversation that the message stands in or, standing in none, names; None without one."""
    around = message.text
    if message.conversation is not None:
        around = b"{" + contact.conversations[message.conversation][0] + b"}"
    found = wire.parse(around.decode("utf-8", "replace").encode()).get("conversation_id")
    return fit.as_str(found) if found else None


class Server:
    """Serves `contacts` (id -> Contact) on a free loopback port until `close`. `counting` says what `limit` and `offset`
    count: messages over all conversations, or inside each."""

    def __init__(self, contacts, counting="all"):
        self.contacts = contacts
        self.counting = counting
        self.pages = defaultdict(list)
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                query = {key: values[-1] for key, values in parse_qs(urlsplit(self.path).query).items()}
                status, answer = outer.answer(urlsplit(self.path).path, query)
                head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
                self.wfile.write(head.encode() + answer)

            def log_message(self, *_):
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128
            address_family = socket.AF_INET

        self.http = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, path, query):
        if not path.endswith("/get_contact_conversation_messages"):
            return 404, b'{"message": "no such route"}'
        contact = self.contacts.get(query.get("contact_id"))
        if contact is None or contact.missing:
            return 404, b'{"message": "contact not found"}'
        channel = query.get("channel")
        messages = [m for m in contact.messages if channel is None or channel in m.channels]
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 50))
        flat = query.get("grouped_conversations") == "false"
        shown = self.cut(contact, messages, offset, limit, flat)
        answer = body(contact, shown, offset, flat)
        with self.lock:
            self.pages[query["contact_id"]].append(Answer(Page(channel, answer), messages, shown))
        return 200, answer

    def cut(self, contact, messages, offset, limit, flat):
        if flat or self.counting == "all":
            return messages[offset : offset + limit]
        contact_groups = defaultdict(list)
        for message in messages:
            contact_groups[conversation_id(contact, message)].append(message)
        return [message for group in contact_groups.values() for message in group[offset : offset + limit]]

    def close(self):
        self.http.shutdown()
        self.http.server_close()
