//! The names of members that are read of every message and record. The parser numbers the keys with these names, so that a
//! member is found without a look at its text.

use crate::json::{Key, Names, Value};

macro_rules! member_names {
    ($($variant:ident: $name:literal),* $(,)?) => {
        /// A name of a member.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum MemberName {
            $($variant),*
        }

        impl MemberName {
            const ALL: &[Self] = &[$(Self::$variant),*];
        }

        /// The names in the order of [`MemberName::ALL`].
        pub static NAMES: Names = Names::new(&[$($name),*]);
    };
}

member_names! {
    AssignedTo: "assigned_to",
    Attachments: "attachments",
    Audio: "audio",
    Body: "body",
    Button: "button",
    ButtonReply: "button_reply",
    Caption: "caption",
    Category: "category",
    Changes: "changes",
    ChatbotId: "chatbot_id",
    Code: "code",
    ContactId: "contact_id",
    Contacts: "contacts",
    Content: "content",
    Context: "context",
    ConversationId: "conversation_id",
    ConversationStatus: "conversation_status",
    ConversationType: "conversation_type",
    Conversations: "conversations",
    CreatedAt: "created_at",
    Data: "data",
    Delivery: "delivery",
    Details: "details",
    Document: "document",
    Emoji: "emoji",
    Entry: "entry",
    ErrorData: "error_data",
    Errors: "errors",
    From: "from",
    Id: "id",
    Image: "image",
    InstagramMessages: "instagram_messages",
    Interactive: "interactive",
    IsEcho: "is_echo",
    Link: "link",
    ListReply: "list_reply",
    Location: "location",
    Message: "message",
    MessageEdit: "message_edit",
    MessageId: "message_id",
    MessageOrder: "message_order",
    MessageStatus: "message_status",
    Messages: "messages",
    Messaging: "messaging",
    MessengerMessages: "messenger_messages",
    Mid: "mid",
    Mids: "mids",
    MimeType: "mime_type",
    Name: "name",
    NfmReply: "nfm_reply",
    Payload: "payload",
    Postback: "postback",
    Pricing: "pricing",
    Reaction: "reaction",
    Read: "read",
    Recipient: "recipient",
    RecipientId: "recipient_id",
    Referral: "referral",
    ReplyTo: "reply_to",
    Role: "role",
    Sender: "sender",
    Standby: "standby",
    Status: "status",
    Statuses: "statuses",
    Sticker: "sticker",
    Template: "template",
    Text: "text",
    Timestamp: "timestamp",
    Title: "title",
    Type: "type",
    Url: "url",
    Value: "value",
    Video: "video",
    WaId: "wa_id",
    WaMessages: "wa_messages",
}

impl MemberName {
    /// The name of a key; `None` if it is another one.
    #[inline]
    pub fn of(key: Key<'_>) -> Option<Self> {
        Self::ALL.get(usize::from(key.number(&NAMES)).checked_sub(1)?).copied()
    }

    fn number(self) -> u8 {
        self as u8 + 1
    }
}

/// The member of an object with this name. The last one of duplicates.
pub fn member(object: Value<'_>, name: MemberName) -> Option<Value<'_>> {
    object.numbered_member(&NAMES, name.number())
}

/// The member of an object with a name that is not known beforehand. The last one of duplicates.
pub fn member_named<'a>(object: Value<'a>, name: &str) -> Option<Value<'a>> {
    match NAMES.number_of(name) {
        0 => object.member(name),
        number => object.numbered_member(&NAMES, number),
    }
}

#[cfg(test)]
mod tests {
    use super::{MemberName, member, member_named};
    use crate::json::{Document, Value};
    use crate::record::read_json;

    #[test]
    fn members_are_found_by_name_in_any_document() {
        let text = r#"{"text":1,"te\u0078t":2,"other":3,"instagram_messages":4}"#;
        for document in [read_json(text).unwrap(), Document::parse(text).unwrap()] {
            let raw = |value: Option<Value<'_>>| value.map(|value| value.raw().to_owned());
            let root = document.root();
            assert_eq!(raw(member(root, MemberName::Text)).as_deref(), Some("2"));
            assert_eq!(raw(member(root, MemberName::InstagramMessages)).as_deref(), Some("4"));
            assert_eq!(raw(member(root, MemberName::Body)), None);
            assert_eq!(raw(member_named(root, "text")).as_deref(), Some("2"));
            assert_eq!(raw(member_named(root, "other")).as_deref(), Some("3"));
            let names: Vec<_> = root.keyed().map(|(key, _)| MemberName::of(key)).collect();
            let text = Some(MemberName::Text);
            assert_eq!(names, [text, text, None, Some(MemberName::InstagramMessages)]);
        }
    }
}
