//! The conversations: a pure function of the seed and the contact ID. Any ID works, on any machine, and nothing is stored.
//!
//! The model ([`contact`], [`message`], [`timeline`]) knows nothing of JSON objects; [`render`] writes them, with the
//! records of [`whatsapp`] and [`events`].

pub mod canaries;
pub mod contact;
pub mod json_out;
pub mod message;
pub mod render;
pub mod rng;

mod content;
mod events;
mod names;
mod oddities;
mod text;
mod timeline;
mod times;
mod whatsapp;

pub use contact::Contact;
pub use message::Message;
pub use oddities::{Fields, Wild};
pub use rng::Rng;
pub use timeline::{Mask, Timeline};

/// All contacts of one seed.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// The seed.
    pub seed: u64,
    /// Maximum number of messages of a contact whose ID does not set it.
    pub max_messages: u64,
    /// Probability that an outgoing message has receipts.
    pub receipts: f64,
    /// Probability and kind of oddities.
    pub wild: Wild,
    /// True if contacts have canaries.
    pub has_canaries: bool,
}

/// Quantiles of the number of messages per contact, out of a million: half of the contacts have at most 40, 3 % have more
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

/// Maximum number of messages that an ID can set. Times then stay within this century.
const MOST: u64 = 10_000_000;

/// Messages of a poisoned contact whose ID does not set a number.
const POISONED: u64 = 120;

/// The meaning of a contact ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Unknown,
    Messages(u64),
}

impl Story {
    /// The contact of this ID, if it exists.
    pub fn contact(&self, id: &str) -> Option<Contact> {
        match self.size(id) {
            Size::Unknown => None,
            Size::Messages(size) => {
                let mut contact = Contact::new(self.seed, id, size, self.wild);
                contact.receipts = self.receipts;
                Some(if self.has_canaries { contact.with_canaries() } else { contact })
            }
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
        let mut rng = Rng::new(rng::key(self.seed, id), 0);
        match rng.below(100) {
            0 | 1 => Size::Unknown,
            2 | 3 => Size::Messages(0),
            _ => Size::Messages(quantile(rng.below(1_000_000)).min(self.max_messages)),
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
