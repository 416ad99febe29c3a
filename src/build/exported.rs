//! Counts of each contact, kept until its coverage is written: one byte for a contact without messages, about 20
//! for others. They are written and read in one order.

use crate::table::Totals;

const HAS_MESSAGES: u8 = 1;
const HAS_FIRST: u8 = 2;
const HAS_LAST: u8 = 4;

/// Totals in the order of the input.
#[derive(Debug, Default)]
pub struct Exported {
    bytes: Vec<u8>,
}

impl Exported {
    /// Adds those of the next contact.
    pub fn push(&mut self, totals: &Totals) {
        let flag = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
        self.bytes.push(
            flag(totals.messages > 0, HAS_MESSAGES)
                | flag(totals.first.is_some(), HAS_FIRST)
                | flag(totals.last.is_some(), HAS_LAST),
        );
        if totals.messages > 0 {
            self.number(totals.messages);
        }
        for time in [totals.first, totals.last].into_iter().flatten() {
            self.bytes.extend(time.to_le_bytes());
        }
    }

    /// The totals of all contacts.
    pub fn iter(&self) -> impl Iterator<Item = Totals> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (flags, after) = rest.split_first()?;
            rest = after;
            let messages = if flags & HAS_MESSAGES == 0 { 0 } else { number(&mut rest)? };
            let first = if flags & HAS_FIRST == 0 { None } else { Some(time(&mut rest)?) };
            let last = if flags & HAS_LAST == 0 { None } else { Some(time(&mut rest)?) };
            Some(Totals { messages, first, last })
        })
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    fn number(&mut self, mut number: u64) {
        while number > 0x7f {
            self.bytes.push(0x80 | (number & 0x7f) as u8);
            number >>= 7;
        }
        self.bytes.push((number & 0x7f) as u8);
    }
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

fn time(rest: &mut &[u8]) -> Option<i64> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(i64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Exported, Totals};

    proptest! {
        #[test]
        fn what_is_pushed_is_read_back(
            all in proptest::collection::vec((0..4_u8, any::<u64>(), any::<Option<i64>>(), any::<Option<i64>>()), 0..50)
        ) {
            let all: Vec<Totals> = all
                .into_iter()
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
