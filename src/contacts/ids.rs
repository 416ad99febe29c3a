//! Compact list of contact IDs, in the order of insertion.
//!
//! A UUID in lower case takes 16 bytes, and any other ID the bytes of its text. Each ID takes 1.25 bytes
//! more. The list consists of chunks, so it grows without copying.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;

use xxhash_rust::xxh3::xxh3_64;

use crate::id::ContactId;

/// Number of IDs in a chunk.
const CHUNK: usize = 4096;
/// Interval of stored positions. The lengths of the IDs in between give the other positions.
const STEP: usize = 16;
/// Size of a packed UUID.
const UUID_BYTES: usize = 16;
/// Size of a UUID as text.
const UUID_TEXT: usize = 36;
/// Positions of the dashes in the text of a UUID.
const DASHES: [usize; 4] = [8, 13, 18, 23];
/// Length that marks a packed UUID. No ID is empty.
const IS_UUID: u8 = 0;

/// List of IDs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    chunks: Vec<Chunk>,
}

/// Up to [`CHUNK`] IDs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Chunk {
    bytes: Vec<u8>,
    /// Length of each text in bytes, at most [`ContactId::MAX_BYTES`], or [`IS_UUID`].
    lengths: Vec<u8>,
    /// Position in `bytes` of each ID whose index in the chunk is a multiple of [`STEP`].
    starts: Vec<u32>,
}

/// Stored form of an ID. Equal IDs have equal forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    Uuid([u8; UUID_BYTES]),
    Text(&'a str),
}

/// Text of an ID.
pub struct IdText<'a>(Unpacked<'a>);

enum Unpacked<'a> {
    Uuid([u8; UUID_TEXT]),
    Text(&'a str),
}

impl Ids {
    /// Number of IDs.
    pub fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.lengths.len())
    }

    /// True if the list is empty.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Appends an ID.
    pub fn push(&mut self, id: &ContactId) {
        match self.chunks.last_mut() {
            Some(last) if last.lengths.len() < CHUNK => last.push(id.as_str()),
            _ => {
                let mut chunk = Chunk::default();
                chunk.push(id.as_str());
                self.chunks.push(chunk);
            }
        }
    }

    /// Returns the text of the ID at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`Self::len`].
    pub fn get(&self, index: usize) -> IdText<'_> {
        self.form(index).text()
    }

    /// Returns the ID at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`Self::len`].
    pub fn id(&self, index: usize) -> ContactId {
        self.get(index).parse().expect("only checked IDs are pushed")
    }

    /// Iterates over the IDs in order of insertion.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = IdText<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Returns the indexes of all IDs, sorted by their texts.
    pub fn sorted(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).collect();
        order.sort_unstable_by(|left, right| self.form(*left as usize).cmp(&self.form(*right as usize)));
        order
    }

    /// Returns the stored form of the ID at `index`.
    pub(super) fn form(&self, index: usize) -> Form<'_> {
        let (chunk, at) = (&self.chunks[index / CHUNK], index % CHUNK);
        let bytes = |length: u8| if length == IS_UUID { UUID_BYTES } else { usize::from(length) };
        let before = &chunk.lengths[at / STEP * STEP..at];
        let start = chunk.starts[at / STEP] as usize + before.iter().copied().map(bytes).sum::<usize>();
        let stored = &chunk.bytes[start..start + bytes(chunk.lengths[at])];
        match (chunk.lengths[at], stored.first_chunk()) {
            (IS_UUID, Some(uuid)) => Form::Uuid(*uuid),
            _ => Form::Text(str::from_utf8(stored).unwrap_or_default()),
        }
    }
}

impl Chunk {
    fn push(&mut self, id: &str) {
        if self.lengths.len().is_multiple_of(STEP) {
            self.starts.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        }
        match Form::of(id) {
            Form::Uuid(uuid) => {
                self.bytes.extend(uuid);
                self.lengths.push(IS_UUID);
            }
            Form::Text(text) => {
                self.bytes.extend(text.as_bytes());
                self.lengths.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
            }
        }
        if self.lengths.len() == CHUNK {
            self.bytes.shrink_to_fit();
        }
    }
}

impl<'a> Form<'a> {
    /// Returns the stored form of an ID.
    pub(super) fn of(id: &'a str) -> Self {
        packed(id).map_or(Self::Text(id), Self::Uuid)
    }

    pub(super) fn hash(&self) -> u64 {
        match self {
            Self::Uuid(uuid) => xxh3_64(uuid),
            Self::Text(text) => xxh3_64(text.as_bytes()),
        }
    }

    /// Compares the texts. For UUIDs in lower case, the order of the bytes is the same.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Uuid(left), Self::Uuid(right)) => left.cmp(right),
            _ => (*self.text()).cmp(&*other.text()),
        }
    }

    fn text(self) -> IdText<'a> {
        IdText(match self {
            Self::Uuid(uuid) => Unpacked::Uuid(unpacked(uuid)),
            Self::Text(text) => Unpacked::Text(text),
        })
    }
}

/// Returns the bytes of a UUID in lower case, or none for any other text.
fn packed(text: &str) -> Option<[u8; UUID_BYTES]> {
    let text: &[u8; UUID_TEXT] = text.as_bytes().try_into().ok()?;
    let (mut uuid, mut digits) = ([0; UUID_BYTES], 0);
    for (at, byte) in text.iter().enumerate() {
        let digit = match byte {
            b'-' if DASHES.contains(&at) => continue,
            _ if DASHES.contains(&at) => return None,
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        uuid[digits / 2] = uuid[digits / 2] << 4 | digit;
        digits += 1;
    }
    Some(uuid)
}

fn unpacked(uuid: [u8; UUID_BYTES]) -> [u8; UUID_TEXT] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; UUID_TEXT];
    let positions = (0..UUID_TEXT).filter(|at| !DASHES.contains(at));
    let digits = uuid.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    for (position, digit) in positions.zip(digits) {
        text[position] = DIGITS[usize::from(digit)];
    }
    text
}

impl Deref for IdText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Unpacked::Uuid(text) => str::from_utf8(text).unwrap_or_default(),
            Unpacked::Text(text) => text,
        }
    }
}

impl fmt::Debug for IdText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl PartialEq for IdText<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl PartialEq<&str> for IdText<'_> {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(texts: &[String]) -> Ids {
        let mut ids = Ids::default();
        for text in texts {
            ids.push(&text.parse().unwrap());
        }
        ids
    }

    #[test]
    fn only_the_canonical_form_of_a_uuid_is_packed() {
        let canonical = "096662f6-5acc-4699-923c-0123456789ab";
        assert!(matches!(Form::of(canonical), Form::Uuid(_)));
        for other in [
            "096662F6-5acc-4699-923c-0123456789ab",
            "096662f65acc-4699-923c-0123456789abc",
            "096662f6-5acc-4699-923c-0123456789a-",
            "096662f6-5acc-4699-923c-0123456789ag",
            "096662f65acc4699923c0123456789ab",
            "{096662f6-5acc-4699-923c-0123456789ab}",
        ] {
            assert_eq!(Form::of(other), Form::Text(other));
        }
    }

    #[test]
    fn a_uuid_takes_less_than_18_bytes() {
        let texts: Vec<_> = (0..3 * CHUNK).map(|at| format!("096662f6-5acc-4699-923c-{at:012x}")).collect();
        let ids = ids(&texts);
        let of_chunk =
            |chunk: &Chunk| chunk.bytes.capacity() + chunk.lengths.capacity() + 4 * chunk.starts.capacity();
        let bytes: usize = ids.chunks.iter().map(of_chunk).sum();
        assert!(bytes < texts.len() * 18, "{bytes} bytes of {} IDs", texts.len());
    }

    proptest! {
        #[test]
        fn any_ids_read_back_and_sort_as_their_texts(
            mut texts in proptest::collection::vec(
                prop_oneof![
                    "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
                    "[0-9a-fA-F-]{36}",
                    "[a-zé€-]{1,40}",
                ],
                1..100,
            ),
            repeated in prop_oneof![Just(1), Just(60)],
        ) {
            texts = std::iter::repeat_n(texts, repeated).flatten().collect();
            let ids = ids(&texts);
            prop_assert_eq!(ids.len(), texts.len());
            for (index, text) in texts.iter().enumerate() {
                prop_assert_eq!(&*ids.get(index), text);
            }
            let sorted: Vec<_> = ids.sorted().into_iter().map(|index| ids.get(index as usize).to_owned()).collect();
            texts.sort_unstable();
            prop_assert_eq!(sorted, texts);
        }
    }
}
