//! One text for all spellings of a value. Synthetic identifiers are hashes of it.

use std::borrow::Cow;

use super::escape::{Piece, pieces, push_escaped, push_unit};
use super::kind::Kind;
use super::scan::{scalar, string};
use super::value::Value;

/// Appends `value` in its canonical form. The member `leave_out` of the outermost object is not written.
///
/// Keys are sorted by code point at every level, and the last of duplicate keys stays. There are no blanks. Numbers stay
/// as sent. Strings have the fewest escapes, and a lone surrogate is `\udxxx`.
///
/// One pass over the text. Nesting takes memory on the heap, not on the stack.
pub fn canonical(value: Value<'_>, leave_out: Option<&str>, out: &mut String) {
    let mut tree = Tree::read(value.raw());
    if let Some(key) = leave_out
        && value.kind() == Kind::Object
    {
        tree.leave_out(key);
    }
    tree.write(out);
}

/// A key in WTF-8, an extension of UTF-8 with lone surrogates. Its byte order is the order of code points, and keys that
/// differ in a lone surrogate stay different.
type Key<'a> = Cow<'a, [u8]>;

/// "No node": the end of a list of siblings.
const NONE: usize = usize::MAX;

/// All nodes in one vector, so that a deep tree is dropped without recursion.
struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

struct Node<'a> {
    key: Option<Key<'a>>,
    kind: NodeKind<'a>,
    next: usize,
}

enum NodeKind<'a> {
    /// A string, number or word, as sent.
    Scalar(&'a str),
    Array(usize),
    Object(usize),
}

/// A container that is being read, with its children so far.
struct Open {
    node: usize,
    children: Vec<usize>,
}

impl<'a> Tree<'a> {
    /// Reads a text that is known to be well-formed.
    fn read(raw: &'a str) -> Self {
        let bytes = raw.as_bytes();
        let mut tree = Self { nodes: Vec::new() };
        let mut open: Vec<Open> = Vec::new();
        let mut key = None;
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'{' | b'[' => {
                    let kind = if *byte == b'{' { NodeKind::Object(NONE) } else { NodeKind::Array(NONE) };
                    let node = tree.push(key.take(), kind, open.last_mut());
                    open.push(Open { node, children: Vec::new() });
                    at += 1;
                }
                b'}' | b']' => {
                    if let Some(closed) = open.pop() {
                        tree.close(closed);
                    }
                    at += 1;
                }
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => at += 1,
                _ => {
                    let end = if *byte == b'"' {
                        string(bytes, at).map(|s| s.0)
                    } else {
                        scalar(bytes, at).map(|s| s.0)
                    };
                    let end = end.unwrap_or(bytes.len());
                    let token = raw.get(at..end).unwrap_or_default();
                    at = end;
                    let in_object = open
                        .last()
                        .is_some_and(|open| matches!(tree.nodes[open.node].kind, NodeKind::Object(_)));
                    if in_object && key.is_none() {
                        key = Some(wtf8(inside(token)));
                    } else {
                        tree.push(key.take(), NodeKind::Scalar(token), open.last_mut());
                    }
                }
            }
        }
        tree
    }

    fn push(&mut self, key: Option<Key<'a>>, kind: NodeKind<'a>, parent: Option<&mut Open>) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node { key, kind, next: NONE });
        if let Some(parent) = parent {
            parent.children.push(node);
        }
        node
    }

    fn close(&mut self, Open { node, mut children }: Open) {
        if matches!(self.nodes[node].kind, NodeKind::Object(_)) {
            // Stable, so that of equal keys the last stays last.
            children.sort_by(|a, b| self.nodes[*a].key.cmp(&self.nodes[*b].key));
            let next = children.iter().skip(1).copied().map(Some).chain([None]).collect::<Vec<_>>();
            let mut next = next.into_iter();
            children.retain(|child| match next.next().flatten() {
                Some(next) => self.nodes[*child].key != self.nodes[next].key,
                None => true,
            });
        }
        let first = children.first().copied().unwrap_or(NONE);
        for (child, next) in children.iter().zip(children.iter().skip(1)) {
            self.nodes[*child].next = *next;
        }
        match &mut self.nodes[node].kind {
            NodeKind::Array(children) | NodeKind::Object(children) => *children = first,
            NodeKind::Scalar(_) => {}
        }
    }

    /// Unlinks the member `key` of the outermost object.
    fn leave_out(&mut self, key: &str) {
        let Some(NodeKind::Object(first)) = self.nodes.first().map(|root| &root.kind) else { return };
        let (mut before, mut node) = (NONE, *first);
        while node != NONE {
            let next = self.nodes[node].next;
            if self.nodes[node].key.as_deref() != Some(key.as_bytes()) {
                before = node;
            } else if before != NONE {
                self.nodes[before].next = next;
            } else {
                self.nodes[0].kind = NodeKind::Object(next);
            }
            node = next;
        }
    }

    fn write(&self, out: &mut String) {
        let mut open: Vec<(char, usize)> = Vec::new();
        let mut node = 0;
        loop {
            while node != NONE {
                let Node { key, kind, next } = &self.nodes[node];
                if let Some(key) = key {
                    push_wtf8(out, key);
                    out.push(':');
                }
                node = match kind {
                    NodeKind::Array(first) => {
                        out.push('[');
                        open.push((']', *next));
                        *first
                    }
                    NodeKind::Object(first) => {
                        out.push('{');
                        open.push(('}', *next));
                        *first
                    }
                    NodeKind::Scalar(token) => {
                        push_scalar(out, token);
                        comma_before(out, *next)
                    }
                };
            }
            let Some((bracket, next)) = open.pop() else { return };
            out.push(bracket);
            node = comma_before(out, next);
        }
    }
}

fn comma_before(out: &mut String, next: usize) -> usize {
    if next != NONE {
        out.push(',');
    }
    next
}

fn push_scalar(out: &mut String, token: &str) {
    if !token.starts_with('"') {
        return out.push_str(token);
    }
    out.push('"');
    pieces(inside(token), |piece| match piece {
        Piece::Plain(plain) => push_escaped(out, plain),
        Piece::Escaped(character) => push_escaped(out, character.encode_utf8(&mut [0; 4])),
        Piece::LoneSurrogate(unit) => push_unit(out, unit),
        Piece::UnknownEscape => {}
    });
    out.push('"');
}

fn inside(token: &str) -> &str {
    token.strip_prefix('"').and_then(|token| token.strip_suffix('"')).unwrap_or_default()
}

fn wtf8(inside: &str) -> Key<'_> {
    if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        return Cow::Borrowed(inside.as_bytes());
    }
    let mut key = Vec::with_capacity(inside.len());
    pieces(inside, |piece| match piece {
        Piece::Plain(plain) => key.extend_from_slice(plain.as_bytes()),
        Piece::Escaped(character) => key.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        Piece::LoneSurrogate(unit) => {
            let [high, low] = unit.to_be_bytes();
            key.extend_from_slice(&[0xed, 0x80 | (high & 0xf) << 2 | low >> 6, 0x80 | low & 0x3f]);
        }
        Piece::UnknownEscape => {}
    });
    Cow::Owned(key)
}

fn push_wtf8(out: &mut String, key: &[u8]) {
    out.push('"');
    let mut rest = key;
    while !rest.is_empty() {
        let valid = match std::str::from_utf8(rest) {
            Ok(text) => {
                push_escaped(out, text);
                break;
            }
            Err(error) => error.valid_up_to(),
        };
        let (text, surrogate) = rest.split_at(valid);
        push_escaped(out, std::str::from_utf8(text).unwrap_or_default());
        if let [_, high, low, ..] = surrogate {
            push_unit(out, 0xd000 | u16::from(high & 0x3f) << 6 | u16::from(low & 0x3f));
        }
        rest = surrogate.get(3..).unwrap_or_default();
    }
    out.push('"');
}
