//! The made-up conversations: a pure function of the seed and the contact ID, so any ID works, on any machine, and
//! nothing is stored.

pub mod contact;
pub mod dice;
pub mod ink;
pub mod message;

mod clock;
mod events;
mod names;
mod text;
mod timeline;
mod whatsapp;
mod wild;

pub use contact::Contact;
pub use dice::Dice;
pub use message::Message;
pub use timeline::{Mask, Timeline};
pub use wild::{Fields, Wild};

/// Who writes with whom, for one seed.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// What everything follows from.
    pub seed: u64,
    /// The most messages of a contact whose ID does not say how many it has.
    pub max_messages: u64,
    /// How odd they are.
    pub wild: Wild,
}

/// Messages of a contact by its place among a million: half of the contacts have at most 40, three in a hundred more
/// than 1,000, and the longest history has 100,000.
const SIZES: [(u64, u64); 9] = [
    (0, 1),
    (100_000, 4),
    (300_000, 14),
    (500_000, 40),
    (900_000, 350),
    (970_000, 1000),
    (990_000, 3000),
    (999_000, 20_000),
    (1_000_000, 100_000),
];

/// The most messages that an ID may ask for, so that times stay within this century.
const MOST: u64 = 10_000_000;

/// Messages of a poisoned contact whose ID does not say how many.
const POISONED: u64 = 120;

/// What a contact ID stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Unknown,
    Messages(u64),
}

impl Story {
    /// The contact of this ID, unless there is none.
    pub fn contact(&self, id: &str) -> Option<Contact> {
        match self.size(id) {
            Size::Unknown => None,
            Size::Messages(size) => Some(Contact::new(self.seed, id, size, self.wild)),
        }
    }

    fn size(&self, id: &str) -> Size {
        match id.split_once('-') {
            Some(("empty", _)) => return Size::Messages(0),
            Some(("unknown", _)) => return Size::Unknown,
            Some(("messages", rest)) => {
                if let Some(size) = leading_number(rest) {
                    return Size::Messages(size);
                }
            }
            Some(("poison", rest)) => return Size::Messages(leading_number(rest).unwrap_or(POISONED)),
            _ => {}
        }
        let mut dice = Dice::new(dice::key(self.seed, id), 0);
        match dice.below(100) {
            0 | 1 => Size::Unknown,
            2 | 3 => Size::Messages(0),
            _ => Size::Messages(quantile(dice.below(1_000_000)).min(self.max_messages)),
        }
    }
}

/// The number before the first `-`.
fn leading_number(text: &str) -> Option<u64> {
    let number = text.split('-').next()?.parse::<u64>().ok()?;
    Some(number.min(MOST))
}

fn quantile(place: u64) -> u64 {
    let above = SIZES.iter().position(|(bound, _)| place < *bound).unwrap_or(SIZES.len() - 1);
    let ((from, low), (to, high)) = (SIZES[above - 1], SIZES[above]);
    low + (high - low) * (place - from) / (to - from)
}

#[cfg(test)]
mod tests;
