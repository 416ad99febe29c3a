//! A parsed text: the positions of all values, in the order of the text.
//!
//! A key or a value takes a node of eight bytes, and the text remains the only copy of the content. A list or object takes
//! two nodes: its start with the number of the next node after it, and its end. So skipping it takes constant time.

use std::borrow::Cow;

use super::guess::Guesses;
use super::kind::Kind;
use super::names::Names;
use super::scan::{blanks, scalar, string};
use super::value::Value;
use super::{MOST_NODES, Malformed, TOO_MANY_NODES};

/// A text that is one JSON value, read leniently, with the positions of all values in it.
#[derive(Clone, Debug)]
pub struct Document<'t> {
    text: Cow<'t, str>,
    nodes: Vec<Node>,
    pub(super) names: &'static Names,
}

/// A value or a key. The value of a key is the next node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Start in the text, in bytes. In the second node of a list or object: its end. While it is read: the number of the
    /// container around it.
    pub(super) start: u32,
    /// Kind in the upper bits. Below it the length of a scalar or string, or the number of the next node after a list or
    /// object. A key without escapes has the number of its name above its length.
    kind_and_rest: u32,
}

/// Bits below the kind in [`Node::kind_and_rest`].
const REST_BITS: u32 = 29;
const REST: u32 = (1 << REST_BITS) - 1;
/// Bits of the length of a key with the number of its name above it.
const KEY_LENGTH_BITS: u32 = REST_BITS - 8;
const KEY_LENGTH: u32 = (1 << KEY_LENGTH_BITS) - 1;
/// The container around the outermost value.
const NOWHERE: u32 = REST;
/// Maximum length of a text, so that the length of each value fits its node.
const MOST_TEXT: usize = REST as usize;

/// Code of a [`Kind`]. Strings with escapes have a code of their own. Keys that are too long for the number of a name
/// have it too: it only says that the content must be looked at.
const NULL: u32 = 0;
const BOOL: u32 = 1;
const NUMBER: u32 = 2;
const NON_STANDARD: u32 = 3;
const STRING: u32 = 4;
const ESCAPED: u32 = 5;
const ARRAY: u32 = 6;
const OBJECT: u32 = 7;

impl Node {
    fn new(start: usize, code: u32, rest: u32) -> Self {
        Self { start: short(start), kind_and_rest: code << REST_BITS | rest }
    }

    #[inline]
    fn code(self) -> u32 {
        self.kind_and_rest >> REST_BITS
    }

    #[inline]
    fn rest(self) -> u32 {
        self.kind_and_rest & REST
    }

    #[inline]
    pub(super) fn is_container(self) -> bool {
        self.code() >= ARRAY
    }

    #[inline]
    pub(super) fn kind(self) -> Kind {
        match self.code() {
            NULL => Kind::Null,
            BOOL => Kind::Bool,
            NUMBER => Kind::Number,
            NON_STANDARD => Kind::NonStandard,
            STRING | ESCAPED => Kind::String,
            ARRAY => Kind::Array,
            _ => Kind::Object,
        }
    }

    pub(super) fn is_escaped(self) -> bool {
        self.code() == ESCAPED
    }

    /// Start and end in the text of a scalar or string.
    pub(super) fn span(self) -> (u32, u32) {
        (self.start, self.start + self.rest())
    }

    /// Start and end in the text of a key.
    pub(super) fn key_span(self) -> (u32, u32) {
        (self.start, self.start + if self.is_escaped() { self.rest() } else { self.rest() & KEY_LENGTH })
    }

    /// Number of the name of a key; `None` if the content must be looked at.
    #[inline]
    pub(super) fn name(self) -> Option<u8> {
        (self.code() == STRING).then(|| u8::try_from(self.rest() >> KEY_LENGTH_BITS).unwrap_or(0))
    }
}

/// A position or number as stored. The length of the text is checked before.
fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl<'t> Document<'t> {
    /// Parses a text. A byte order mark at the start is skipped.
    ///
    /// # Errors
    /// The text is not a JSON value, even when read leniently, or has more than [`MOST_NODES`] values and keys.
    pub fn parse(text: impl Into<Cow<'t, str>>) -> Result<Self, Malformed> {
        Self::parse_with(text, Names::NONE)
    }

    /// Parses a text, and numbers its keys with these names. See [`Key::number`](super::Key::number).
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_with(text: impl Into<Cow<'t, str>>, names: &'static Names) -> Result<Self, Malformed> {
        let text = text.into();
        let nodes = Reader::new(&text, names)?.read()?;
        Ok(Self { text, nodes, names })
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value { document: self, at: 0 }
    }

    /// The value with this number, from [`Value::number`] of the same text.
    pub fn value(&self, number: u32) -> Option<Value<'_>> {
        self.nodes.get(number as usize).map(|_| Value { document: self, at: number })
    }

    /// The whole text, including blanks around the value.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Approximate memory in bytes.
    pub fn memory(&self) -> usize {
        self.text.len() + self.nodes.len() * size_of::<Node>()
    }

    #[inline]
    pub(super) fn node(&self, at: u32) -> Node {
        self.nodes[at as usize]
    }

    /// The number of the next node after the value with this number and its content.
    #[inline]
    pub(super) fn next(&self, at: u32) -> u32 {
        let node = self.node(at);
        if node.is_container() { node.rest() } else { at + 1 }
    }

    /// Start and end of the value with this number.
    #[inline]
    pub(super) fn span(&self, at: u32) -> (u32, u32) {
        let node = self.node(at);
        if node.is_container() { (node.start, self.node(at + 1).start) } else { node.span() }
    }

    #[inline]
    pub(super) fn slice(&self, (start, end): (u32, u32)) -> &str {
        self.text.get(start as usize..end as usize).expect("a token starts and ends at ASCII bytes")
    }
}

/// The state of a parser.
struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
    nodes: Vec<Node>,
    names: &'static Names,
    guesses: Guesses,
    /// The innermost open container, and its kind.
    open: u32,
    in_object: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, names: &'static Names) -> Result<Self, Malformed> {
        /// Typical size of text per node, in bytes, rounded down.
        const TEXT_OF_NODE: usize = 9;
        if text.len() > MOST_TEXT {
            return Err(Malformed { offset: 0, what: "a text of over 512 MiB" });
        }
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let nodes = Vec::with_capacity((text.len() / TEXT_OF_NODE + 8).min(MOST_NODES));
        let (bytes, guesses) = (text.as_bytes(), Guesses::new());
        Ok(Self { bytes, at, nodes, names, guesses, open: NOWHERE, in_object: false })
    }

    fn read(mut self) -> Result<Vec<Node>, Malformed> {
        self.skip_blanks();
        loop {
            // Expect a value.
            let start = self.at;
            match self.bytes.get(start) {
                Some(b'"') => self.string()?,
                Some(b'{') => {
                    if self.enter(OBJECT, b'}')? {
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    if self.enter(ARRAY, b']')? {
                        continue;
                    }
                }
                _ => {
                    let (end, kind) = scalar(self.bytes, start)?;
                    let code = match kind {
                        Kind::Null => NULL,
                        Kind::Bool => BOOL,
                        Kind::Number => NUMBER,
                        Kind::NonStandard | Kind::String | Kind::Array | Kind::Object => NON_STANDARD,
                    };
                    self.leaf(end, code)?;
                }
            }
            // A value ended.
            loop {
                self.skip_blanks();
                if self.open == NOWHERE {
                    return self.end();
                }
                match self.bytes.get(self.at) {
                    Some(b',') => {
                        self.at += 1;
                        self.skip_blanks();
                        if self.in_object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if self.in_object => self.leave(),
                    Some(b']') if !self.in_object => self.leave(),
                    None => return Err(self.malformed("the text ends inside an object or array")),
                    Some(_) if self.in_object => return Err(self.malformed("',' or '}' was expected")),
                    Some(_) => return Err(self.malformed("',' or ']' was expected")),
                }
            }
        }
    }

    /// Reads a string.
    fn string(&mut self) -> Result<(), Malformed> {
        let (end, escaped) = string(self.bytes, self.at)?;
        self.leaf(end, if escaped { ESCAPED } else { STRING })
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<(), Malformed> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(self.malformed("a key in quotes was expected"));
        }
        let (start, guess) = (self.at, self.guesses.next());
        if let Some(end) = self.names.end_of(guess, self.bytes, start + 1) {
            self.numbered_key(end, guess)?;
        } else {
            let (end, escaped) = string(self.bytes, start)?;
            if escaped || short(end - start) > KEY_LENGTH {
                self.leaf(end, ESCAPED)?;
            } else {
                self.numbered_key(end, self.names.number_in(self.bytes, start + 1, end - 1))?;
            }
        }
        self.skip_blanks();
        if self.bytes.get(self.at) != Some(&b':') {
            return Err(self.malformed("':' was expected"));
        }
        self.at += 1;
        self.skip_blanks();
        Ok(())
    }

    /// Adds a key without escapes, which ends here and has this number.
    #[inline]
    fn numbered_key(&mut self, end: usize, number: u8) -> Result<(), Malformed> {
        self.check_room()?;
        self.guesses.learn(number);
        let length = short(end - self.at);
        self.nodes.push(Node::new(self.at, STRING, u32::from(number) << KEY_LENGTH_BITS | length));
        self.at = end;
        Ok(())
    }

    fn leaf(&mut self, end: usize, code: u32) -> Result<(), Malformed> {
        self.check_room()?;
        self.nodes.push(Node::new(self.at, code, short(end - self.at)));
        self.at = end;
        Ok(())
    }

    /// Opens a container. Returns false if it is empty, and so closed already.
    fn enter(&mut self, code: u32, close: u8) -> Result<bool, Malformed> {
        self.check_room()?;
        let number = short(self.nodes.len());
        self.nodes.push(Node::new(self.at, code, 0));
        self.nodes.push(Node { start: self.open, kind_and_rest: 0 });
        (self.open, self.in_object) = (number, code == OBJECT);
        self.at += 1;
        self.skip_blanks();
        if self.bytes.get(self.at) == Some(&close) {
            self.leave();
            return Ok(false);
        }
        Ok(true)
    }

    /// Closes the innermost container at its bracket.
    fn leave(&mut self) {
        self.at += 1;
        let (open, next) = (self.open as usize, short(self.nodes.len()));
        let [node, end] = &mut self.nodes[open..open + 2] else { return };
        *node = Node::new(node.start as usize, node.code(), next);
        self.open = std::mem::replace(&mut end.start, short(self.at));
        self.in_object = self.nodes.get(self.open as usize).is_some_and(|node| node.code() == OBJECT);
    }

    /// Checks that the text ends here.
    fn end(self) -> Result<Vec<Node>, Malformed> {
        if self.at == self.bytes.len() {
            return Ok(self.nodes);
        }
        Err(self.malformed("more bytes after the value"))
    }

    /// Checks that there is room for one more key or value.
    #[inline]
    fn check_room(&self) -> Result<(), Malformed> {
        if self.nodes.len() < MOST_NODES { Ok(()) } else { Err(self.malformed(TOO_MANY_NODES)) }
    }

    fn skip_blanks(&mut self) {
        self.at = blanks(self.bytes, self.at);
    }

    fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { offset: self.at, what }
    }
}
