//! A value of a document.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use super::document::{Document, Node};
use super::escape::unescape;
use super::kind::Kind;
use super::names::Names;
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
        self.document.slice(self.document.span(self.at))
    }

    /// Length of the text of the value in bytes.
    pub fn raw_len(self) -> usize {
        let (start, end) = self.document.span(self.at);
        (end - start) as usize
    }

    /// The kind.
    #[inline]
    pub fn kind(self) -> Kind {
        self.node().kind()
    }

    /// True for an array or object without members and for an empty string. Other values are never empty.
    pub fn is_empty(self) -> bool {
        let node = self.node();
        match node.kind() {
            Kind::Array | Kind::Object => self.document.next(self.at) == self.at + 2,
            Kind::String => node.span() == (node.start, node.start + 2),
            Kind::Null | Kind::Bool | Kind::Number | Kind::NonStandard => false,
        }
    }

    /// True for `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The content of a string, borrowed if it has no escapes. A lone surrogate becomes U+FFFD.
    pub fn text(self) -> Option<Cow<'a, str>> {
        let node = self.node();
        (node.kind() == Kind::String).then(|| self.document.unquoted(node, node.span()))
    }

    /// The members of an object in the order sent, including duplicates. Empty for other kinds.
    pub fn members(self) -> Members<'a> {
        Members(self.keyed())
    }

    /// Like [`Value::members`], with keys whose text is not read.
    #[inline]
    pub fn keyed(self) -> Keyed<'a> {
        let end = if self.node().kind() == Kind::Object { self.document.next(self.at) } else { 0 };
        Keyed { document: self.document, at: self.at + 2, end }
    }

    /// The elements of an array. Empty for other kinds.
    pub fn elements(self) -> Elements<'a> {
        let end = if self.node().kind() == Kind::Array { self.document.next(self.at) } else { 0 };
        Elements { document: self.document, at: self.at + 2, end }
    }

    /// The value of the member `key` of an object. The last one of duplicates.
    pub fn member(self, key: &str) -> Option<Value<'a>> {
        self.members().filter(|(name, _)| name == key).last().map(|(_, value)| value)
    }

    /// The value of the member of an object whose name has this number. The last one of duplicates.
    pub fn numbered_member(self, names: &'static Names, number: u8) -> Option<Value<'a>> {
        self.keyed().filter(|(key, _)| key.number(names) == number).last().map(|(_, value)| value)
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

    #[inline]
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
    /// The content of a string or key.
    #[inline]
    fn unquoted(&self, node: Node, (start, end): (u32, u32)) -> Cow<'_, str> {
        let inside = self.slice((start + 1, end - 1));
        if node.is_escaped() { unescape(inside) } else { Cow::Borrowed(inside) }
    }
}

/// The key of a member.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    document: &'a Document<'a>,
    node: Node,
}

impl<'a> Key<'a> {
    /// The name.
    pub fn name(self) -> Cow<'a, str> {
        self.document.unquoted(self.node, self.node.key_span())
    }

    /// The number of the name in this set; 0 if it is not in it. It takes no look at the text if the document was parsed
    /// with the same set.
    #[inline]
    pub fn number(self, names: &'static Names) -> u8 {
        match self.node.name() {
            Some(number) if std::ptr::eq(self.document.names, names) => number,
            _ => names.number_of(&self.name()),
        }
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// The members of an object with their keys, see [`Value::keyed`].
#[derive(Clone)]
pub struct Keyed<'a> {
    document: &'a Document<'a>,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Keyed<'a> {
    type Item = (Key<'a>, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let key = Key { document: self.document, node: self.document.node(self.at) };
        let value = Value { document: self.document, at: self.at + 1 };
        self.at = self.document.next(self.at + 1);
        Some((key, value))
    }
}

impl std::iter::FusedIterator for Keyed<'_> {}

/// The members of an object, see [`Value::members`].
#[derive(Clone)]
pub struct Members<'a>(Keyed<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key.name(), value))
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
        self.at = self.document.next(self.at);
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
