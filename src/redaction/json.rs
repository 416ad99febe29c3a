//! Rewrites the strings, keys and numbers of a JSON text. Everything else stays byte for byte.

use std::borrow::Cow;
use std::rc::Rc;

use super::find::Kind;
use crate::json::{Document, push_string};

/// Kind of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    Key,
    Text,
    Number,
}

/// A string, key or number.
#[derive(Debug)]
pub(super) struct Item<'t> {
    pub(super) kind: ItemKind,
    /// The text without escapes.
    pub(super) text: Cow<'t, str>,
    /// The key that the value belongs to, and the key of the object around it. Elements of a list belong to the
    /// key of the list, and have no other.
    key: &'t str,
    parent: &'t str,
}

impl Item<'_> {
    /// Returns the kind of personal data that the key promises.
    pub(super) fn meaning(&self) -> Option<Kind> {
        let key = plain(self.key);
        match key.as_str() {
            "firstname" | "lastname" | "middlename" | "fullname" | "formattedname" | "contactname"
            | "profilename" | "givenname" | "familyname" | "surname" | "username" | "displayname"
            | "nickname" | "customername" | "sendername" | "fromname" | "pushname" | "notifyname"
            | "whatsappname" | "igusername" | "recipientname" => Some(Kind::Name),
            "name" => {
                let parents =
                    ["profile", "contact", "contacts", "customer", "sender", "user", "from", "person"];
                parents.contains(&plain(self.parent).as_str()).then_some(Kind::Name)
            }
            "phone" | "phonenumber" | "displayphonenumber" | "mobile" | "mobilenumber" | "msisdn"
            | "waid" | "wanumber" | "from" | "to" | "recipientid" | "senderid" | "input" | "telephone"
            | "tel" | "phoneno" | "alternatephone" | "contactnumber" | "whatsapp" | "whatsappnumber" => {
                Some(Kind::Phone)
            }
            "email" | "mail" | "emailaddress" => Some(Kind::Email),
            _ => None,
        }
    }

    /// Returns the kind of personal data that the key promises in a record of the contact itself.
    pub(super) fn meaning_of_contact(&self) -> Option<Kind> {
        let key = plain(self.key);
        let ends = |endings: &[&str]| endings.iter().any(|ending| key.ends_with(ending));
        self.meaning().or_else(|| match () {
            () if ends(&["name"]) => Some(Kind::Name),
            () if ends(&["phone", "mobile", "number", "waid"]) => Some(Kind::Phone),
            () if ends(&["mail"]) => Some(Kind::Email),
            () => None,
        })
    }
}

/// Returns a key in lower case, without the signs between its words.
fn plain(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '_' | '-' | ' ' | '.')).flat_map(char::to_lowercase).collect()
}

/// The object or list around a token.
struct Frame {
    is_object: bool,
    /// The key before the next value. In a list, the key of the list.
    key: Rc<str>,
}

/// Passes each item, and returns the text with the replacements. `None` if the text is no JSON, even when read
/// leniently. The second result is true if something is replaced.
pub(super) fn rewrite(
    text: &str,
    mut replace: impl FnMut(&Item<'_>) -> Option<String>,
) -> Option<(String, bool)> {
    Document::parse(text).ok()?;
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    let mut frames: Vec<Frame> = Vec::new();
    let mut is_key = false;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                let key = frames.last().map_or_else(|| Rc::from(""), |frame| Rc::clone(&frame.key));
                frames.push(Frame { is_object: byte == b'{', key });
                is_key = byte == b'{';
                at += 1;
            }
            b'}' | b']' => {
                frames.pop();
                is_key = false;
                at += 1;
            }
            b',' => {
                is_key = frames.last().is_some_and(|frame| frame.is_object);
                at += 1;
            }
            b'"' | b'-' | b'0'..=b'9' => {
                let is_string = byte == b'"';
                let end = if is_string { string_end(bytes, at) } else { number_end(bytes, at) };
                let token = text.get(at..end).unwrap_or_default();
                let decoded = if is_string { unquoted(token) } else { Cow::Borrowed(token) };
                let kind = match (is_string, is_key) {
                    (true, true) => ItemKind::Key,
                    (true, false) => ItemKind::Text,
                    (false, _) => ItemKind::Number,
                };
                let (key, parent) = around(&frames);
                let item = Item { kind, text: decoded, key, parent };
                if let Some(new) = replace(&item) {
                    out.push_str(text.get(copied..at).unwrap_or_default());
                    push_string(&mut out, &new);
                    copied = end;
                }
                let name = (kind == ItemKind::Key).then(|| item.text.into_owned());
                if let (Some(name), Some(frame)) = (name, frames.last_mut()) {
                    frame.key = Rc::from(name);
                    is_key = false;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Some((out, copied > 0))
}

/// Returns the key of the next value, and the key of the object around it.
fn around(frames: &[Frame]) -> (&str, &str) {
    let Some((inner, outer)) = frames.split_last() else { return ("", "") };
    let parent = outer.last().filter(|_| inner.is_object);
    (&inner.key, parent.map_or("", |frame| &*frame.key))
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    start + bytes[start..].iter().take_while(is_part).count().max(1)
}

fn unquoted(token: &str) -> Cow<'_, str> {
    let inside = token.get(1..token.len().saturating_sub(1)).unwrap_or_default();
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let document = Document::parse(token).ok();
    let text = document.as_ref().and_then(|document| document.root().text());
    Cow::Owned(text.map_or_else(|| inside.to_owned(), Cow::into_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_else_stays() {
        let text = "{ \"a\": [1.50, NaN, \"\\u0041\\n\", {\"b\" : null}],\n\"c\":\"x\" }";
        assert_eq!(rewrite(text, |_| None), Some((text.to_owned(), false)));
        assert_eq!(rewrite("{", |_| None), None);
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(rewrite(&deep, |_| None).unwrap().0, deep);
    }

    #[test]
    fn strings_keys_and_numbers_are_replaced() {
        let text = r#"{"k\u0031":{"name":"\"Anna\""},"l":[-1.5e3,"x"],"profile":{"name":7}}"#;
        let mut seen = Vec::new();
        let (new, is_changed) = rewrite(text, |item| {
            if item.kind != ItemKind::Key {
                seen.push(format!("{}/{} {} {:?}", item.parent, item.key, item.text, item.meaning()));
            }
            matches!(item.text.as_ref(), "k1" | "\"Anna\"" | "-1.5e3").then(|| "\"\n".to_owned())
        })
        .unwrap();
        assert!(is_changed);
        assert_eq!(new, r#"{"\"\n":{"name":"\"\n"},"l":["\"\n","x"],"profile":{"name":7}}"#);
        insta::assert_snapshot!(seen.join("\n"), @r#"
        k1/name "Anna" None
        /l -1.5e3 None
        /l x None
        profile/name 7 Some(Name)
        "#);
    }
}
