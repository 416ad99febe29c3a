"""Wild data sets by seed: everything that docs/api.md leaves open and every payload of its channel records, as JSON text.

The texts are made by hand, not by a JSON writer, so that what no writer would write can stand in them.
"""

import json
import random

import wire
from server import Contact, Message

CHANNELS = ("whatsapp", "instagram", "messenger", "website")
TIMES = rb"""[
"2026-05-01T10:00:00Z", "2026-05-01T10:00:00+00:00", "2026-05-01T10:00:00+05:30", "2026-05-01 10:00:00",
"2026-05-01T10:00:00.5Z", "2026-05-01T10:00:00.123456789Z", "2026-05-01 10:00:00.25+05:30", "2026-05-01T10:00:00",
"2026-05-01T10:00:00.000001-08:00", "2026-05-01t10:00:00z", "2026-05-01", "2026-05-01T10:00:60Z", "2026-05-01T24:00:00Z",
"0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.75Z", "2024-02-29T00:00:00Z",
"2026-02-29T00:00:00Z", "10000-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "yesterday", "", " ", "null", "2026-13-01T00:00:00Z",
"2026-05-01T10:00:00+24:00", "2026-05-01T10:00:00-00:00", "1752577991", "1752577991000", "1752577991000000",
"1752577991000000000", "-5", "0", "99999999999", "100000000000", 1752577991, 1752577991000, 1752577991000000,
1752577991000000000, 1752577991.25, 1.752577991e9, -1, 0, -0, 1e11, 99999999999, 99999999999999, 100000000000000, 1e400, 1e20, 1e21,
18446744073709551615, 340282366920938463463374607431768211455, true, {}, [], [1752577991], NaN, "\u0032026-05-01T10:00:00Z",
"2026-05-01T10:00:00.Z", "2026-5-1T10:00:00Z", "+1752577991", "1752577991.5", "0001752577991", "2026-05-01T10:00:00,5Z",
"2026-03-01T12:00Z", "2026-03-01T12:00+01:00", "2026-03-01 12:00", "2026-03-01T12Z", "2016-12-31T23:59:60Z", "2017-01-01T00:59:60.5+01:00",
"2026-03-01T24:00", "2026-12-31T24:00:00+01:00", "2026-03-01T24:00:01Z", "0000-01-01", "20260301", "20260301T120000Z", "20260301T1200+01",
"20260301 120000.25", "2026-03-01 12:00:00 UTC", "2026-03-01 12:00:00 +0000 UTC", "2026-03-01 12:00:00.5 +0100 CET m=+0.1",
"2026-03-01 12:00:00 +0100 UTC", "2026-03-01 12:00:00 CET", "2026-03-01T12:00:00+01:00[Europe/Paris]", "2026-03-01T12:00:00[Europe/Paris]",
"03/01/2026", "2026/03/01", "2026-W09-7", "2026-060", "Sun, 01 Mar 2026 12:00:00 GMT", "0000-01-01T00:00:00+01:00", "9999-12-31T24:00Z",
"2026-05-01  10:00:00", "-2026-05-01T10:00:00Z", "\u0661\u0662\u0663", {"seconds":1}
]"""
TIMES = [value.raw for value in wire.parse(TIMES).held]
STRINGS = [
    b'"hello"', b'""', b'" "', b'"caf\xc3\xa9"', b'"\xf0\x9f\x98\x80"', b'"\\ud83d\\ude00"', b'"\\u00e9"', b'"a\\/b"', b'"123"', b'"true"',
    b'"line\\nend"', b'"tab\\t\\"quoted\\" back\\\\slash"', b'"\\u0000"', b'"\\ufeffbom"', b'"=cmd()"', b'"\\u001b[31mred"',
    b'"\\u202eabc"', b'"\xe2\x80\xa8"', b'"\\\\ud83d"', b'"{\\"a\\":1}"', b'"x-y"', b'"null"', b'"\\uffff"', b'"\x7f"',
]  # fmt: skip
ODD_STRINGS = [
    b'"\\ud83d"', b'"a\\udc00b"', b'"\\ud83d\\ud83d\\ude00"', b'"\\ude00\\ud83d"', b'"\xff\xfe"', b'"\xe2\x82"', b'"\xed\xa0\xbd"',
    b'"raw\nline"', b'"raw\ttab"', b'"\x00"', b'"\x1b[0m"', b'"\r\n"', b'"\\uD83D"',
]  # fmt: skip
NUMBERS = (
    b"0 1 -1 -0 42 1.0 1e3 1.5 -2.5e-3 9007199254740993 9223372036854775807 9223372036854775808 -9223372036854775808 "
    b"18446744073709551615 340282366920938463463374607431768211456 1E400 0.1 1e2 10.00 123456789012345678901234567890"
).split()
ODD_NUMBERS = [b"NaN", b"Infinity", b"-Infinity"]
INT_STRINGS = [b'"5"', b'"-7"', b'"007"', b'" 5"', b'"5 "', b'"+5"', b'"1.0"', b'"1e3"', b'"five"', b'"9223372036854775808"', b'"-0"']


class Wild:
    """One data set. `odd` is the share of texts that no strict reader takes."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.odd = self.dice.choice([0, 0, 0.02, 0.2])
        self.mess = self.dice.choice([0.02, 0.1, 0.3])
        self.counter = 0

    def chance(self, share):
        return self.dice.random() < share

    def one(self, choices):
        return self.dice.choice(choices)

    # Values

    def string(self):
        return self.one(ODD_STRINGS) if self.chance(self.odd) else self.one(STRINGS)

    def number(self):
        return self.one(ODD_NUMBERS) if self.chance(self.odd) else self.one(NUMBERS)

    def value(self, depth=0):
        kind = self.dice.randrange(8 if depth < 3 else 5)
        if kind < 2:
            return self.string()
        if kind == 2:
            return self.number()
        if kind == 3:
            return self.one([b"null", b"true", b"false"])
        if kind == 4:
            return self.deep() if self.chance(self.odd / 2) else self.one([b"[]", b"{}", b"[ ]", b"{ }"])
        members = [self.value(depth + 1) for _ in range(self.dice.randrange(4))]
        if kind == 5:
            return self.array(members)
        return self.object([(self.one(["a", "b", "Z", "\u00e9", "", "\U0001f600", "\uffee", "a\tb"]), member) for member in members])

    def deep(self):
        depth = self.one([50, 126, 127, 128, 129, 200, 500, 1000, 5000])
        if self.chance(0.5):
            return b"[" * depth + b"]" * depth
        return b'{"a":' * depth + b"1" + b"}" * depth

    def blank(self):
        return self.one([b"", b"", b"", b" ", b"\n", b"\r\n\t"])

    def array(self, members):
        return b"[" + self.blank() + (self.blank() + b"," + self.blank()).join(members) + self.blank() + b"]"

    def members(self, pairs):
        parts = []
        for name, text in pairs:
            key = json.dumps(name, ensure_ascii=self.chance(0.1)).encode()
            parts.append(key + self.blank() + b":" + self.blank() + text)
            if self.chance(self.mess / 10):
                parts.insert(0, key + b":" + self.value(2))
        return (b"," + self.blank()).join(parts)

    def object(self, pairs):
        return b"{" + self.blank() + self.members(pairs) + self.blank() + b"}"

    def time(self):
        if self.chance(0.3 + self.mess):
            text = self.one(TIMES)
            return text if text != b"NaN" or self.odd else b"null"
        second = self.dice.randrange(60)
        return f'"2026-0{self.dice.randrange(1, 4)}-1{self.dice.randrange(3)}T10:00:{second:02}Z"'.encode()

    def field(self, kind, good=None):
        """A field's text, or None where it is missing."""
        if self.chance(self.mess):
            return self.one([None, b"null", self.value()])
        if good is not None:
            return good
        if kind == "ts":
            return self.time()
        if kind == "int":
            return self.one([b"1", b"7", b"12", *INT_STRINGS, *NUMBERS] if self.chance(0.4) else [b"1", b"2", b"3"])
        if kind == "bool":
            return self.one([b"true", b"false", b'"true"', b'"false"', b'"True"', b"1", b"0"])
        return self.string()

    def fields(self, known, more=()):
        """Known fields by kind, unknown ones between them."""
        pairs = [(name, self.field(kind)) for name, kind in known.items()] + list(more)
        for name in ("unread", "tags", "Extra Field", "channel", "extra", "exported_at", "message_count", "run_id", "data"):
            if self.chance(self.mess / 5):
                pairs.append((name, self.value()))
        self.dice.shuffle(pairs)
        return [(name, text) for name, text in pairs if text is not None]

    # Contacts

    def contacts(self, count):
        return {contact_id: self.contact(contact_id) for contact_id in map(self.contact_id, range(count))}

    def contact_id(self, at):
        return self.one([f"c-{at}", f"{at} &=%/ü", f"00{at}", f"id+{at}"])

    def contact(self, contact_id):
        kind = self.dice.randrange(20)
        if kind == 0:
            return Contact(missing=True)
        if kind == 1:
            return Contact()
        own_id = json.dumps(contact_id).encode()
        contact = Contact(contact=self.contact_object(own_id))
        contact.late_contact = self.one([contact.contact, contact.contact, self.contact_object(own_id), b"null", None])
        if kind == 2:
            contact.without_messages = self.one([b"null", b"[]"])
        if contact.without_messages == b"null":  # an answer only where nothing else could hold the list
            contact.contact = contact.late_contact = b'{"contact_id": ' + own_id + b"}"
            return contact
        if self.chance(self.mess / 2):
            contact.contact = self.one([None, b"null", b'"someone"', b"[]", b"5"])
        if self.chance(self.mess):
            contact.beside = b'"total": ' + self.value() + b', "next": ' + self.value() + b", "
        self.conversations(contact)
        if kind > 2:
            self.messages(contact)
        return contact

    def contact_object(self, own_id):
        kinds = {"user_email_id": "str", "first_name": "str", "last_name": "str", "phone_number": "str", "created_at": "ts",
                 "last_interacted_at": "ts", "contact_queries": "int", "is_blacklisted": "bool", "is_frozen": "bool",
                 "frozen_until": "ts"}  # fmt: skip
        return self.object(self.fields(kinds, [("contact_id", self.one([own_id, own_id, b"null", None]))]))

    def conversations(self, contact):
        for at in range(self.dice.randrange(4)):
            count = self.one([1, 1, 2, 3])
            found = self.one([f'"conv-{at}"'.encode()] * 6 + [b"5", b'"5"', b"null", None])
            contact.conversations.append([self.conversation(found) for _ in range(count)])
        if self.chance(self.mess):
            contact.odd_conversations = [self.one([b"null", b"[]", b'""', b"{}", b'{"messages":null}',
                                                   b'{"conversation_id":"odd","x":null}'])]  # fmt: skip

    def conversation(self, found):
        known = {"conversation_status": "str", "assigned_to": "str", "chatbot_id": "str"}
        kind = self.one([b'"whatsapp"', b'"whatsapp-template"', b'"instagram"', b'"messenger"', b'"website"', b'"bot"'])
        more = [("conversation_type", self.field("str", kind)), ("conversation_id", found)]
        if self.chance(self.mess / 2):
            more.append(("contact_id", self.field("str")))
        return self.members(self.fields(known, more))

    # Messages

    def messages(self, contact):
        places = [*range(len(contact.conversations)), None]
        for _ in range(self.one([1, 3, 5, 8, 12, 25])):
            if contact.messages and self.chance(self.mess / 2):
                before = self.one(contact.messages)
                again = Message(before.text, self.one(places), self.channels(), before.flat_text)
                contact.messages.append(again)
                continue
            place = self.one(places[:-1]) if len(places) > 1 and not self.chance(self.mess / 3) else None
            text = self.message(place)
            contact.messages.append(Message(text, place, self.channels(), self.flat(text, place)))
        self.dice.shuffle(contact.messages)

    def flat(self, text, place):
        """The message as a flat answer has it: likely with the id of its conversation."""
        if place is None or not text.startswith(b"{") or self.chance(self.mess):
            return None
        rest = text[1:].lstrip()
        return b'{"conversation_id": "conv-%d"' % place + (b"" if rest.startswith(b"}") else b", ") + rest

    def channels(self):
        count = self.one([1, 1, 1, 2])
        return frozenset(self.dice.sample(CHANNELS, count))

    def message(self, place):
        if self.chance(self.mess / 10):
            # A list, or JSON in a string, may hold messages: no answer.
            return next(value for value in iter(self.value, None) if value[:1] not in (b"[", b'"'))
        self.counter += 1
        good = f'"m{self.counter}"'.encode()
        if self.chance(self.mess / 2):
            good = self.one([b"null", b'""', None, b"17", b"{}", b'"m1"', b'"m2"', b"1e3", self.string()])
        more = [("message_id", good)]
        if self.chance(0.4 if place is None else self.mess / 3):
            more.append(("conversation_id", self.one([b'"conv-0"', b'"conv-1"', b'"other"', b"5", b"null", self.value()])))
        for name in ("conversation_status", "conversation_type", "assigned_to", "chatbot_id", "contact_id"):
            if self.chance(self.mess / 3):
                more.append((name, self.field("str")))
        for name, make in (("wa_messages", self.wa_record), ("instagram_messages", self.meta_record), ("messenger_messages", self.meta_record)):
            more.append((name, self.record_array(make)))
        return self.object(self.fields({"content": "str", "role": "str", "created_at": "ts", "message_order": "int"}, more))

    def record_array(self, make):
        if self.chance(self.mess / 3):
            return self.one([b"null", b'"none"', b"{}", b"5", self.value()])
        if self.chance(0.6):
            return self.one([None, b"[]", b"null"])
        members = [make() if not self.chance(self.mess / 2) else self.value() for _ in range(self.dice.randrange(1, 4))]
        if self.chance(0.2):
            members.append(members[0])
        return self.array(members)

    # Payloads

    def wa_record(self):
        payload = self.whatsapp() if self.chance(0.85) else self.meta()
        if self.chance(0.15):
            payload = json.dumps(payload.decode("utf-8", "replace"), ensure_ascii=self.chance(0.5)).encode()
        if self.chance(0.1):
            return payload
        return self.object(self.fields({"created_at": "ts"}, [("status", self.field("str", self.one([b'"sent"', b'"read"', None]))), ("data", payload)]))

    def meta_record(self):
        payload = self.meta() if self.chance(0.85) else self.whatsapp()
        return payload if self.chance(0.7) else self.object([("data", payload), ("status", self.string())])

    def shape(self, **known):
        """An object of these members, each now and then missing, null or of another type."""
        pairs = []
        for name, text in known.items():
            if text is not None and self.chance(self.mess / 4):
                text = self.one([None, b"null", self.value()])
            if text is not None:
                pairs.append((name.rstrip("_"), text))
        if self.chance(self.mess / 4):
            pairs.append((self.one(["type", "id", "from", "status", "errors", "message", "contacts", "recipient_id", "referral"]), self.value()))
        return self.object(pairs)

    def maybe(self, text, share=0.4):
        return text if self.chance(share) else None

    def id(self):
        return self.one([b'"wamid.1"', b'"mid.2"', b'"US.1349"', b'"919999"', b"17841400", b'""'])

    def whatsapp(self):
        made = self.one([self.wa_status, self.wa_message, self.wa_send_answer, self.wa_errors])()
        name = {"wa_status": "statuses", "wa_message": "messages"}.get(made[0])
        text = made[1]
        if name is None:
            return text if self.chance(0.7) else self.wa_envelope(text)
        if self.chance(0.4):
            return text
        value = self.shape(
            messaging_product=b'"whatsapp"',
            metadata=b'{"phone_number_id":"1"}',
            contacts=self.maybe(self.array([self.shape(wa_id=self.id(), profile=b'{"name":"A"}')])),
            **{name: self.array([text])},
        )
        return value if self.chance(0.4) else self.wa_envelope(value)

    def wa_envelope(self, value):
        change = self.shape(field=b'"messages"', value=value)
        entry = self.shape(id=self.id(), changes=self.array([change]))
        return self.shape(object=b'"whatsapp_business_account"', entry=self.array([entry]))

    def wa_error(self):
        return self.shape(
            code=self.one([b"131047", b'"131026"', b"1.5"]),
            title=self.maybe(b'"Re-engagement"', 0.7),
            message=b'"told"',
            error_data=self.maybe(self.shape(details=self.string())),
        )

    def wa_errors(self):
        return None, self.shape(errors=self.array([self.wa_error()]))

    def wa_status(self):
        return "wa_status", self.shape(
            id=self.id(),
            status=self.one([b'"sent"', b'"delivered"', b'"read"', b'"failed"', b'"played"']),
            timestamp=self.time(),
            recipient_id=self.maybe(self.id(), 0.9),
            conversation=self.maybe(b'{"id":"x","origin":{"type":"service"}}'),
            pricing=self.maybe(self.shape(billable=b"true", category=self.string())),
            errors=self.maybe(self.array([self.wa_error()])),
        )

    def wa_send_answer(self):
        return None, self.shape(
            messaging_product=b'"whatsapp"',
            contacts=self.array([self.shape(input=b'"+91"', wa_id=self.id())]),
            messages=self.array([self.shape(id=self.id(), message_status=self.maybe(b'"accepted"'))]),
        )

    def wa_message(self):
        kind = self.one("text image audio video document sticker location contacts interactive button order reaction template unsupported".split())
        body = {
            "text": lambda: self.shape(body=self.string()),
            "location": lambda: b'{"latitude":1.5,"longitude":-0}',
            "contacts": lambda: b'[{"name":{"formatted_name":"A"}}]',
            "interactive": lambda: self.shape(
                type=b'"button_reply"',
                **{self.one(["button_reply", "list_reply", "nfm_reply"]): self.shape(id=self.id(), title=self.string())},
            ),
            "button": lambda: self.shape(text=self.string(), payload=self.string()),
            "reaction": lambda: self.shape(message_id=self.id(), emoji=b'"\\ud83d\\ude00"'),
            "template": lambda: self.shape(name=self.string(), language=b'{"code":"en"}'),
        }.get(kind, lambda: self.shape(id=self.id(), mime_type=b'"image/png"', sha256=b'"x"', caption=self.maybe(self.string()),
                                      link=self.maybe(b'"https://a/b"'), url=self.maybe(b'"https://c/d"')))  # fmt: skip
        return "wa_message", self.shape(
            from_=self.maybe(self.id(), 0.8),
            to=self.maybe(self.id()),
            id=self.id(),
            timestamp=self.time(),
            type=f'"{kind}"'.encode(),
            context=self.maybe(self.shape(from_=self.id(), id=self.id())),
            referral=self.maybe(b'{"source_id":"ad"}', 0.1),
            **{kind: body()},
        )

    def meta(self):
        base = {
            "sender": self.shape(id=self.id()),
            "recipient": self.shape(id=self.id()),
            "timestamp": self.one([b"1752577991000", self.time(), None]),
        }
        attachments = self.array([self.shape(type=b'"image"', payload=self.shape(url=b'"https://x/y"'))])
        kind, body = self.one([
            ("message", lambda: self.shape(mid=self.id(), text=self.maybe(self.string(), 0.7), attachments=self.maybe(attachments),
                                           reply_to=self.maybe(self.shape(mid=self.id())), is_echo=self.maybe(self.one([b"true", b"false", b'"true"', b"1"])),
                                           quick_reply=self.maybe(b'{"payload":"p"}'), is_deleted=self.maybe(b"true", 0.1))),
            ("reaction", lambda: self.shape(mid=self.id(), action=b'"react"', emoji=self.string(), reaction=b'"love"')),
            ("read", lambda: self.shape(mid=self.maybe(self.id()), watermark=self.maybe(b"1752577991000"))),
            ("delivery", lambda: self.shape(mids=self.array([self.id(), self.id()]), watermark=b"1752577991000")),
            ("postback", lambda: self.shape(mid=self.id(), title=self.string(), payload=b'"p"')),
            ("referral", lambda: self.shape(ref=b'"r"', source=b'"ADS"')),
            ("message_edit", lambda: self.shape(mid=self.id(), text=self.string(), num_edit=b"1")),
        ])  # fmt: skip
        event = self.shape(**base, **{kind: body()})
        wrap = self.dice.randrange(8)
        if wrap == 0:
            return self.shape(object=b'"page"', entry=self.array([self.shape(id=self.id(), messaging=self.array([event]))]))
        if wrap == 1:
            return self.shape(object=b'"page"', entry=self.array([self.shape(standby=self.array([event]))]))
        if wrap == 2:
            return self.shape(messaging=self.array([event, event]))
        if wrap == 3:
            return self.shape(entry=self.array([self.shape(changes=self.array([self.shape(field=b'"x"', value=event)]))]))
        return event
