//! Names of members that a reader looks for. The parser numbers the keys with these names, so that later passes over a
//! document compare numbers and do not touch the text.

/// The most names of one set. Their numbers fit a byte.
const MOST: usize = 127;
/// Places of the hash table: twice the names, so that a search ends after one or two of them.
const PLACES: usize = 256;
/// Bytes of a name that are compared as one number.
const HEAD: usize = size_of::<u128>();

/// A set of names.
#[derive(Debug)]
pub struct Names {
    names: &'static [&'static str],
    /// The first bytes of each name as a number, and the bits of such a number that count.
    heads: [(u128, u128); MOST],
    /// Number of the name at each place, 0 if it is empty.
    places: [u8; PLACES],
}

impl Names {
    /// The empty set.
    pub(super) const NONE: &'static Self = &Self::new(&[]);

    /// Creates a set. The number of a name is its position, from 1.
    ///
    /// # Panics
    /// If there are more than 127 names, or one contains a quote or a backslash.
    pub const fn new(names: &'static [&'static str]) -> Self {
        assert!(names.len() <= MOST);
        let (mut heads, mut places) = ([(0, 0); MOST], [0; PLACES]);
        let mut at = 0;
        while at < names.len() {
            let name = names[at].as_bytes();
            assert!(is_plain(name));
            heads[at] = (short_head(name), mask(name.len()));
            let mut place = place_of(heads[at].0, name.len());
            while places[place] != 0 {
                place = (place + 1) % PLACES;
            }
            places[place] = number(at);
            at += 1;
        }
        Self { names, heads, places }
    }

    /// Number of a name; 0 if it is not in the set.
    pub fn number_of(&self, name: &str) -> u8 {
        self.find(short_head(name.as_bytes()), name.as_bytes())
    }

    /// Number of the name between `start` and `end` in a longer text.
    #[inline]
    pub(super) fn number_in(&self, text: &[u8], start: usize, end: usize) -> u8 {
        let Some(name) = text.get(start..end) else { return 0 };
        let head = match text.get(start..).and_then(<[u8]>::first_chunk) {
            // Cut to the length of the name, without a branch per byte.
            Some(head) => u128::from_le_bytes(*head) & mask(name.len()),
            None => short_head(name),
        };
        self.find(head, name)
    }

    /// End of the key at `start`, after its closing quote, if it is the name of this number.
    #[inline]
    pub(super) fn end_of(&self, number: u8, text: &[u8], start: usize) -> Option<usize> {
        let at = usize::from(number).checked_sub(1)?;
        let (name, (head, mask)) = (self.names[at].as_bytes(), self.heads[at]);
        let end = start + name.len();
        let is_same = u128::from_le_bytes(*text.get(start..)?.first_chunk()?) & mask == head
            && (name.len() <= HEAD || text.get(start + HEAD..end) == name.get(HEAD..))
            && text.get(end) == Some(&b'"');
        is_same.then_some(end + 1)
    }

    #[inline]
    fn find(&self, head: u128, name: &[u8]) -> u8 {
        let mut place = place_of(head, name.len());
        loop {
            let number = self.places[place];
            let Some(at) = usize::from(number).checked_sub(1) else { return 0 };
            if self.heads[at].0 == head {
                let known = self.names[at].as_bytes();
                if known.len() == name.len() && known.get(HEAD..) == name.get(HEAD..) {
                    return number;
                }
            }
            place = (place + 1) % PLACES;
        }
    }
}

/// True if a key in a text is this name as soon as the name and a quote are at its start.
const fn is_plain(name: &[u8]) -> bool {
    let mut at = 0;
    while at < name.len() {
        if matches!(name[at], b'"' | b'\\') {
            return false;
        }
        at += 1;
    }
    true
}

/// The first bytes of a name as a number.
const fn short_head(name: &[u8]) -> u128 {
    let (mut head, mut at) = (0, 0);
    while at < name.len() && at < HEAD {
        head |= (name[at] as u128) << (8 * at);
        at += 1;
    }
    head
}

/// The bits of the first bytes of a name of this length.
#[inline]
const fn mask(length: usize) -> u128 {
    if length >= HEAD { u128::MAX } else { (1 << (8 * length)) - 1 }
}

/// The place at which the search for a name begins.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a hash takes any bits")]
const fn place_of(head: u128, length: usize) -> usize {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (head as u64) ^ ((head >> 64) as u64).rotate_left(23) ^ length as u64;
    (mixed.wrapping_mul(MULTIPLIER) >> 56) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "at most 127")]
const fn number(at: usize) -> u8 {
    at as u8 + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Names;
    use crate::Document;

    const LIST: &[&str] = &[
        "",
        "a",
        "b",
        "ab",
        "é",
        "message_id",
        "message_order",
        "0123456789abcdef",
        "0123456789abcdefg",
        "0123456789abcdefh",
    ];
    static NAMES: Names = Names::new(LIST);

    #[test]
    fn each_name_has_its_number_anywhere_in_a_text() {
        for (at, name) in (1..).zip(LIST) {
            assert_eq!(NAMES.number_of(name), at);
            for after in ["", "\"", "\":\"a longer text after it\""] {
                let text = format!("{{\"{name}{after}");
                assert_eq!(NAMES.number_in(text.as_bytes(), 2, 2 + name.len()), at, "{text}");
            }
        }
        assert_eq!(Names::NONE.number_of("a"), 0);
    }

    #[test]
    #[should_panic(expected = "is_plain")]
    fn a_name_with_a_quote_is_refused() {
        Names::new(&["a", "a\"b"]);
    }

    /// A name, or a key that begins with one.
    fn key() -> impl Strategy<Value = String> {
        (prop::sample::select(LIST), prop::sample::select(&["", "", "h", "\\\"", "\\\",", " "][..]))
            .prop_map(|(name, after)| format!("{name}{after}"))
    }

    proptest! {
        #[test]
        fn other_names_have_none(name in "[ab]{0,3}|message_[a-z]{0,6}|0123456789abcdef[a-h]{0,2}|.{0,20}") {
            let position = LIST.iter().position(|known| *known == name);
            let number = position.map_or(0, |at| u8::try_from(at).unwrap() + 1);
            prop_assert_eq!(NAMES.number_of(&name), number);
            let text = format!("{name}\":1}}                   ");
            prop_assert_eq!(NAMES.number_in(text.as_bytes(), 0, name.len()), number);
        }

        /// Two keys alternate at random, so many guesses are wrong.
        #[test]
        fn keys_have_their_numbers_whatever_was_guessed(
            two in prop::array::uniform2(key()),
            order in prop::collection::vec((0..2_usize, prop::sample::select(&["", "", " ", "\r\n"][..])), 1..40),
        ) {
            let member = |(which, blank): &(usize, &str)| format!("\"{}\"{blank}:{blank}1{blank}", two[*which]);
            let text = format!("{{{}}} ", order.iter().map(member).collect::<Vec<_>>().join(", "));
            let document = Document::parse_with(text.as_str(), &NAMES).unwrap();
            let found: Vec<_> =
                document.root().keyed().map(|(key, _)| (key.name(), key.number(&NAMES))).collect();
            let keys = order.iter().map(|(which, _)| two[*which].replace("\\\"", "\""));
            let expected: Vec<_> = keys
                .map(|key| {
                    let number = NAMES.number_of(&key);
                    (key.into(), number)
                })
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
