//! A value of a document.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use super::document::{Document, Node};
use super::escape::unescape;
use super::kind::Kind;
use super::strict::is_strict;

/// One value as sent, without blanks around it. It is well-formed in the lenient sense.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    pub(super) document: &'a Document<'a>,
    pub(super) at: u32,
}

impl<'a> Value<'a> {
    /// Number of the value in its document, a short reference to it. See [`Document::value`].
    pub fn number(self) -> u32 {
        self.at
    }

    /// The text of the value, byte for byte.
    pub fn raw(self) -> &'a str {
        let Node { start, end, .. } = self.node();
        self.document.slice(start, end)
    }

    /// The kind.
    pub fn kind(self) -> Kind {
        self.node().kind()
    }

    /// True for an array or object without members and for an empty string. Other values are never empty.
    pub fn is_empty(self) -> bool {
        let node = self.node();
        match node.kind() {
            Kind::Array | Kind::Object => node.next() == self.at + 1,
            Kind::String => node.end - node.start == 2,
            Kind::Null | Kind::Bool | Kind::Number | Kind::NonStandard => false,
        }
    }

    /// True for `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The content of a string, borrowed if it has no escapes. A lone surrogate becomes U+FFFD.
    pub fn text(self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| self.document.unquoted(self.at))
    }

    /// The members of an object in the order sent, including duplicates. Empty for other kinds.
    pub fn members(self) -> Members<'a> {
        let node = self.node();
        let end = if node.kind() == Kind::Object { node.next() } else { 0 };
        Members { document: self.document, at: self.at + 1, end }
    }

    /// The elements of an array. Empty for other kinds.
    pub fn elements(self) -> Elements<'a> {
        let node = self.node();
        let end = if node.kind() == Kind::Array { node.next() } else { 0 };
        Elements { document: self.document, at: self.at + 1, end }
    }

    /// The value of the member `key` of an object. The last one of duplicates.
    pub fn member(self, key: &str) -> Option<Value<'a>> {
        self.members().filter(|(name, _)| name == key).last().map(|(_, value)| value)
    }

    /// True if a strict reader (RFC 8259 as yyjson and `serde_json` read it) accepts this text at any depth: no
    /// token of kind [`Kind::NonStandard`], no raw control character, unknown escape or lone surrogate in a string.
    pub fn is_strict(self) -> bool {
        match self.kind() {
            Kind::Null | Kind::Bool | Kind::Number => true,
            Kind::NonStandard => false,
            Kind::String | Kind::Array | Kind::Object => is_strict(self.raw()),
        }
    }

    fn node(self) -> Node {
        self.document.node(self.at)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw())
    }
}

/// Values are equal if their texts are.
impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
    }
}

impl Eq for Value<'_> {}

impl Document<'_> {
    /// The content of the string or key with this number.
    #[inline]
    fn unquoted(&self, at: u32) -> Cow<'_, str> {
        let node = self.node(at);
        let inside = self.slice(node.start + 1, node.end - 1);
        if node.is_escaped() { unescape(inside) } else { Cow::Borrowed(inside) }
    }
}

/// The members of an object, see [`Value::members`].
#[derive(Clone)]
pub struct Members<'a> {
    document: &'a Document<'a>,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let value = Value { document: self.document, at: self.at + 1 };
        let key = self.document.unquoted(self.at);
        self.at = value.node().next();
        Some((key, value))
    }
}

impl std::iter::FusedIterator for Members<'_> {}

/// The elements of an array, see [`Value::elements`].
#[derive(Clone)]
pub struct Elements<'a> {
    document: &'a Document<'a>,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        if self.at >= self.end {
            return None;
        }
        let value = Value { document: self.document, at: self.at };
        self.at = value.node().next();
        Some(value)
    }
}

impl std::iter::FusedIterator for Elements<'_> {}

/// Keeps the last of the members with the same name, at the position of the first.
pub fn last_wins(members: &mut Vec<(Cow<'_, str>, Value<'_>)>) {
    /// From this number of members on, a hash map is faster than a linear search.
    const FEW: usize = 32;
    let mut kept = 0;
    let mut seen = HashMap::new();
    for index in 0..members.len() {
        let earlier = if members.len() < FEW {
            members.iter().take(kept).position(|(name, _)| *name == members[index].0)
        } else {
            let place = *seen.entry(members[index].0.clone()).or_insert(kept);
            (place < kept).then_some(place)
        };
        if let Some(earlier) = earlier {
            members[earlier].1 = members[index].1;
        } else {
            members.swap(kept, index);
            kept += 1;
        }
    }
    members.truncate(kept);
}
