//! Totals of each contact, kept until its row of `coverage` is written.
//!
//! They take one byte for a contact without messages, and 12 to 18 bytes for others. They are read in the
//! order of writing.

use crate::table::Totals;

const HAS_MESSAGES: u8 = 1;
const HAS_FIRST: u8 = 2;
const HAS_LAST: u8 = 4;
/// Units of times, in microseconds. The largest unit that divides both times is used.
const UNITS: [i64; 3] = [1_000_000, 1_000, 1];
/// Position of the unit's number in the flags, in bits.
const UNIT_SHIFT: u32 = 3;
/// Bytes per chunk. The list grows by chunks, so growth copies nothing.
const CHUNK: usize = 1 << 16;

/// Totals in the order of the input.
#[derive(Debug, Default)]
pub struct Exported {
    chunks: Vec<Vec<u8>>,
    /// Buffer for the bytes of the next contact.
    next: Vec<u8>,
}

impl Exported {
    /// Adds the totals of the next contact.
    pub fn push(&mut self, totals: &Totals) {
        let flag = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
        let times = [totals.first, totals.last];
        let is_whole = |unit: i64| times.iter().flatten().all(|time| time % unit == 0);
        let (number, unit) = (0_u8..).zip(UNITS).find(|(_, unit)| is_whole(*unit)).unwrap_or((2, 1));
        self.next.clear();
        self.next.push(
            flag(totals.messages > 0, HAS_MESSAGES)
                | flag(totals.first.is_some(), HAS_FIRST)
                | flag(totals.last.is_some(), HAS_LAST)
                | number << UNIT_SHIFT,
        );
        if totals.messages > 0 {
            write(&mut self.next, totals.messages);
        }
        let mut before = 0;
        for time in times.into_iter().flatten() {
            // The last message is written as its distance from the first.
            write(&mut self.next, folded((time / unit).wrapping_sub(before)));
            before = time / unit;
        }
        if self.chunks.last().is_none_or(|last| last.len() + self.next.len() > CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        if let Some(last) = self.chunks.last_mut() {
            last.extend(&self.next);
        }
    }

    /// The totals of all contacts.
    pub fn iter(&self) -> impl Iterator<Item = Totals> {
        self.chunks.iter().flat_map(|chunk| {
            let mut rest = chunk.as_slice();
            std::iter::from_fn(move || read(&mut rest))
        })
    }
}

fn read(rest: &mut &[u8]) -> Option<Totals> {
    let (flags, after) = rest.split_first()?;
    *rest = after;
    let unit = UNITS.get(usize::from(flags >> UNIT_SHIFT))?;
    let messages = if flags & HAS_MESSAGES == 0 { 0 } else { number(rest)? };
    let mut before = 0;
    let mut time = |flag: u8| {
        if flags & flag == 0 {
            return Some(None);
        }
        before = unfolded(number(rest)?).wrapping_add(before);
        Some(Some(before.wrapping_mul(*unit)))
    };
    let (first, last) = (time(HAS_FIRST)?, time(HAS_LAST)?);
    Some(Totals { messages, first, last })
}

/// Writes seven bits per byte, the lowest first. The highest bit marks that more bytes follow.
fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(0x80 | (number & 0x7f) as u8);
        number >>= 7;
    }
    bytes.push((number & 0x7f) as u8);
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

/// Maps a signed number to an unsigned one. Numbers near zero stay small.
fn folded(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

fn unfolded(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Exported, Totals};

    #[test]
    fn times_in_milliseconds_take_few_bytes() {
        let mut exported = Exported::default();
        let first = 1_763_600_000_123_000;
        for at in 0..10_000 {
            let (first, last) = (Some(first + at * 1_000), Some(first + at * 77_777_000));
            exported.push(&Totals { messages: 40, first, last });
        }
        let bytes: usize = exported.chunks.iter().map(Vec::len).sum();
        assert!(bytes <= 10_000 * 13, "{bytes} bytes of 10,000 contacts");
        assert_eq!(exported.iter().map(|totals| totals.messages).sum::<u64>(), 400_000);
    }

    proptest! {
        #[test]
        fn totals_round_trip(
            all in proptest::collection::vec((0..4_u8, any::<u64>(), any::<Option<i64>>(), any::<Option<i64>>()), 0..50)
        ) {
            // Whole seconds and milliseconds are common.
            let all = all.into_iter().map(|(size, messages, first, last)| {
                let unit = super::UNITS[usize::from(size) % 3];
                let whole = |time: Option<i64>| time.map(|time| time / unit * unit);
                (size, messages, whole(first), whole(last))
            });
            let all: Vec<Totals> = all
                .map(|(size, messages, first, last)| Totals { messages: messages >> (16 * size) >> (15 * size), first, last })
                .collect();
            let mut exported = Exported::default();
            for totals in &all {
                exported.push(totals);
            }
            prop_assert_eq!(exported.iter().collect::<Vec<_>>(), all);
        }
    }
}
