//! The records of finished contacts, in 11 bytes each.
//!
//! One list of large chunks holds them. A small allocation per contact, for millions of contacts, would
//! fragment the memory between short-lived allocations. The list grows without a copy.

use super::{Pass, RecordLocation, SEGMENT_BYTES, SpooledPage};
use crate::id::Channel;

/// Number of records per chunk.
const CHUNK: usize = 1 << 16;
/// Every record starts in the first [`SEGMENT_BYTES`] of its segment.
const OFFSET_BITS: u32 = SEGMENT_BYTES.trailing_zeros();
const POSITION_BYTES: usize = 6;
/// Maximum position. Segment numbers up to a million fit.
const MAX_POSITION: u64 = (1 << (8 * POSITION_BYTES)) - 1;

/// Bits of a record's mark for the channel of the pass.
const PASS: u8 = 0b111;
/// A page of the same contact follows.
const HAS_NEXT: u8 = 1 << 3;
/// The outcome is withdrawn.
const IS_WITHDRAWN: u8 = 1 << 4;

/// A packed record: position, length and mark.
#[derive(Clone, Copy, Debug)]
struct Packed([u8; POSITION_BYTES + 5]);

impl Packed {
    fn new(place: RecordLocation, mark: u8) -> Self {
        let position = u64::from(place.segment) << OFFSET_BITS | place.offset;
        let mut packed = [0; POSITION_BYTES + 5];
        packed[..POSITION_BYTES].copy_from_slice(&position.min(MAX_POSITION).to_le_bytes()[..POSITION_BYTES]);
        packed[POSITION_BYTES..POSITION_BYTES + 4].copy_from_slice(&place.bytes.to_le_bytes());
        packed[POSITION_BYTES + 4] = mark;
        Self(packed)
    }

    fn place(self) -> RecordLocation {
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let position = number(&self.0[..POSITION_BYTES]);
        let number_of_bytes = number(&self.0[POSITION_BYTES..POSITION_BYTES + 4]);
        RecordLocation {
            segment: u32::try_from(position >> OFFSET_BITS).unwrap_or(u32::MAX),
            offset: position & (SEGMENT_BYTES - 1),
            bytes: u32::try_from(number_of_bytes).unwrap_or(u32::MAX),
        }
    }

    fn mark(self) -> u8 {
        self.0[POSITION_BYTES + 4]
    }

    fn has_next(self) -> bool {
        self.mark() & HAS_NEXT != 0
    }
}

fn mark_of(pass: Pass) -> u8 {
    let number = pass.and_then(|channel| (1..).zip(Channel::ALL).find(|(_, each)| *each == channel));
    number.map_or(0, |(number, _)| number)
}

fn pass_of(mark: u8) -> Pass {
    usize::from(mark & PASS).checked_sub(1).and_then(|at| Channel::ALL.get(at)).copied()
}

/// Start of a contact's records, counted from 1; 0 if it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start(u32);

/// The records. The outcome of each contact comes first, then its pages.
#[derive(Debug, Default)]
pub struct FinishedRecords {
    chunks: Vec<Vec<Packed>>,
}

impl FinishedRecords {
    /// Adds the records of a contact.
    pub fn push(&mut self, done: RecordLocation, pages: &[SpooledPage]) -> Start {
        let start = self.len() + 1;
        let has_next = |is_last: bool| if is_last { 0 } else { HAS_NEXT };
        self.add(Packed::new(done, has_next(pages.is_empty())));
        for (at, page) in (1..).zip(pages) {
            self.add(Packed::new(page.place, mark_of(page.pass) | has_next(at == pages.len())));
        }
        Start(u32::try_from(start).unwrap_or(0))
    }

    /// Location of the outcome, unless it is withdrawn.
    pub fn done(&self, start: Start) -> Option<RecordLocation> {
        let record = self.get(index(start)?);
        (record.mark() & IS_WITHDRAWN == 0).then(|| record.place())
    }

    /// Replaces the outcome of a contact.
    pub fn replace_done(&mut self, start: Start, done: RecordLocation) {
        self.change(start, |before| Packed::new(done, before.mark() & !IS_WITHDRAWN));
    }

    /// Withdraws the outcome of a contact.
    pub fn withdraw(&mut self, start: Start) {
        self.change(start, |before| Packed::new(before.place(), before.mark() | IS_WITHDRAWN));
    }

    /// The pages in order.
    pub fn pages(&self, start: Start) -> impl Iterator<Item = SpooledPage> {
        let mut before = index(start);
        std::iter::from_fn(move || {
            let at = before?;
            before = self.get(at).has_next().then_some(at + 1);
            let record = self.get(before?);
            Some(SpooledPage { pass: pass_of(record.mark()), place: record.place() })
        })
    }

    fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    fn add(&mut self, record: Packed) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(record),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(record);
                self.chunks.push(chunk);
            }
        }
    }

    fn get(&self, at: usize) -> Packed {
        self.chunks[at / CHUNK][at % CHUNK]
    }

    fn change(&mut self, start: Start, change: impl FnOnce(Packed) -> Packed) {
        if let Some(at) = index(start) {
            let record = &mut self.chunks[at / CHUNK][at % CHUNK];
            *record = change(*record);
        }
    }
}

fn index(start: Start) -> Option<usize> {
    (start.0 as usize).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place() -> impl Strategy<Value = RecordLocation> {
        (0..1_u32 << 20, any::<u32>(), 0..SEGMENT_BYTES).prop_map(|(segment, bytes, offset)| RecordLocation {
            segment,
            bytes,
            offset,
        })
    }

    fn page() -> impl Strategy<Value = SpooledPage> {
        let pass = proptest::option::of(proptest::sample::select(Channel::ALL.to_vec()));
        (pass, place()).prop_map(|(pass, place)| SpooledPage { pass, place })
    }

    /// Millions of contacts have one page: two records, and four bytes for their start.
    #[test]
    fn a_contact_with_one_page_takes_26_bytes() {
        assert_eq!(2 * size_of::<Packed>() + size_of::<Start>(), 26);
    }

    proptest! {
        #[test]
        fn records_round_trip(
            contacts in proptest::collection::vec((place(), proptest::collection::vec(page(), 0..5)), 1..20),
            other in place(),
        ) {
            let mut finished = FinishedRecords::default();
            let starts: Vec<_> = contacts.iter().map(|(done, pages)| finished.push(*done, pages)).collect();
            for (start, (done, pages)) in starts.iter().zip(&contacts) {
                prop_assert_eq!(finished.done(*start), Some(*done));
                prop_assert_eq!(&finished.pages(*start).collect::<Vec<_>>(), pages);
                finished.withdraw(*start);
                prop_assert_eq!(finished.done(*start), None);
                prop_assert_eq!(&finished.pages(*start).collect::<Vec<_>>(), pages);
                finished.replace_done(*start, other);
                prop_assert_eq!(finished.done(*start), Some(other));
                prop_assert_eq!(&finished.pages(*start).collect::<Vec<_>>(), pages);
            }
            prop_assert_eq!(finished.done(Start::default()), None);
            prop_assert_eq!(finished.pages(Start::default()).count(), 0);
        }
    }
}
