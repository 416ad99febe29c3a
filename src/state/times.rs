//! Listed times of the contacts of a list, by index, in nine bytes per contact.
//!
//! A text is split into a shape and a number. The shape is the text with its digits replaced by zeros, except
//! for the first digit and a zone at the end. The number has the replaced digits. The times of an account
//! have one or a few shapes. Every text is restored exactly, even if it is not a time.

use std::collections::HashMap;

/// Contacts per chunk. The list grows by chunks, without a copy.
const CHUNK: usize = 4096;
/// Maximum number of digits, after the first one, that fit in a number.
const MAX_DIGITS: usize = 19;
/// Shape number of a contact without a time.
const NONE: u8 = 0;
/// Shape number of a text in `others`.
const OTHER: u8 = u8::MAX;

/// Listed times, by index of the contact.
#[derive(Debug, Default)]
pub struct Times {
    chunks: Vec<Chunk>,
    /// Shapes. The shape with number `n` has the index `n - 1`.
    shapes: Vec<Box<str>>,
    /// Texts with too many digits, or with a shape after the last free number.
    others: HashMap<usize, Box<str>>,
}

#[derive(Debug)]
struct Chunk {
    shapes: Vec<u8>,
    numbers: Vec<u64>,
}

impl Times {
    /// Sets or removes the time of a contact.
    pub fn set(&mut self, place: usize, time: Option<&str>) {
        let (shape, number) = time.map_or((NONE, 0), |time| self.parts(time));
        let at = place / CHUNK;
        if at >= self.chunks.len() {
            if shape == NONE {
                return;
            }
            let empty = || Chunk { shapes: vec![NONE; CHUNK], numbers: vec![0; CHUNK] };
            self.chunks.resize_with(at + 1, empty);
        }
        let chunk = &mut self.chunks[at];
        let before = std::mem::replace(&mut chunk.shapes[place % CHUNK], shape);
        chunk.numbers[place % CHUNK] = number;
        if before == OTHER {
            self.others.remove(&place);
        }
        if let Some(time) = time.filter(|_| shape == OTHER) {
            self.others.insert(place, time.into());
        }
    }

    /// The time of a contact.
    pub fn get(&self, place: usize) -> Option<String> {
        let chunk = self.chunks.get(place / CHUNK)?;
        match chunk.shapes[place % CHUNK] {
            NONE => None,
            OTHER => self.others.get(&place).map(|text| text.clone().into()),
            shape => Some(text_of(&self.shapes[usize::from(shape) - 1], chunk.numbers[place % CHUNK])),
        }
    }

    /// Memory in bytes, without the few shapes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let of_chunk = |chunk: &Chunk| size_of_val(&*chunk.shapes) + size_of_val(&*chunk.numbers);
        let others = self.others.values().map(|text| text.len() + size_of::<usize>() * 4);
        self.chunks.iter().map(of_chunk).sum::<usize>() + others.sum::<usize>()
    }

    /// Shape number and digits of a text.
    fn parts(&mut self, text: &str) -> (u8, u64) {
        let Some((number, shape)) = number_of(text).and_then(|number| Some((number, self.shape(text)?)))
        else {
            return (OTHER, 0);
        };
        (shape, number)
    }

    /// Shape number of a text. `None` if there are too many shapes.
    fn shape(&mut self, text: &str) -> Option<u8> {
        let known = self.shapes.iter().position(|shape| has_shape(text, shape));
        let at = known.or_else(|| {
            let is_free = self.shapes.len() + 1 < usize::from(OTHER);
            is_free.then(|| {
                self.shapes.push(text_of(text, 0).into());
                self.shapes.len() - 1
            })
        })?;
        u8::try_from(at + 1).ok()
    }
}

/// The digits after the first one, as a number. `None` if there are too many.
fn number_of(text: &str) -> Option<u64> {
    let digits = text.bytes().take(zone(text)).filter(u8::is_ascii_digit).skip(1);
    if digits.clone().count() > MAX_DIGITS {
        return None;
    }
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// The text with this shape and these digits after the first one.
fn text_of(shape: &str, mut number: u64) -> String {
    let zone = zone(shape);
    let mut after_first = shape.bytes().take(zone).filter(u8::is_ascii_digit).count().saturating_sub(1);
    let mut text = Vec::with_capacity(shape.len());
    for (at, byte) in shape.bytes().enumerate().rev() {
        if at < zone && byte.is_ascii_digit() && after_first > 0 {
            text.push(b'0' + (number % 10) as u8);
            number /= 10;
            after_first -= 1;
        } else {
            text.push(byte);
        }
    }
    text.reverse();
    // Digits replace digits, so the text stays valid UTF-8.
    String::from_utf8(text).unwrap_or_default()
}

fn has_shape(text: &str, shape: &str) -> bool {
    let (zone, mut is_first) = (zone(shape), true);
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).enumerate().all(|(at, (byte, shape))| {
            let is_later_digit = at < zone && shape.is_ascii_digit() && !std::mem::take(&mut is_first);
            if is_later_digit { byte.is_ascii_digit() } else { byte == shape }
        })
}

/// Start of a zone such as `+00:00`, or the end of the text.
fn zone(text: &str) -> usize {
    match text.as_bytes() {
        [before @ .., b'+' | b'-', _, _, b':', _, _] => before.len(),
        _ => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_usual_forms_take_a_number_and_a_shape() {
        let mut times = Times::default();
        let usual = [
            "2026-11-20T02:00:00Z",
            "2026-11-20T02:00:00.123Z",
            "2026-11-20T02:00:00.123456+00:00",
            "2026-11-20 02:00:00",
            "1763600000",
            "1763600000123",
        ];
        for (place, time) in usual.iter().enumerate() {
            times.set(place, Some(time));
        }
        // Later ones have the same shapes.
        for (place, time) in usual.iter().enumerate() {
            times.set(10_000 + place, Some(&time.replace("11", "12").replace("76", "89")));
        }
        assert_eq!((times.shapes.len(), times.others.len()), (usual.len(), 0));
        assert_eq!(times.get(10_001).as_deref(), Some("2026-12-20T02:00:00.123Z"));
    }

    proptest! {
        #[test]
        fn any_texts_read_back(
            texts in proptest::collection::vec(
                (0..20_000_usize, proptest::option::of(prop_oneof!["[0-9:T.Zé-]{0,30}", "2[0-9]{3}-[0-9]{2}", "[0-9.]{0,8}[+-][0-9]{2}:[0-9]{2}"])),
                1..400,
            )
        ) {
            let mut times = Times::default();
            let mut expected = HashMap::new();
            for (place, text) in texts {
                times.set(place, text.as_deref());
                expected.insert(place, text);
            }
            for (place, text) in expected {
                prop_assert_eq!(times.get(place), text);
            }
            prop_assert_eq!(times.get(30_000), None);
        }
    }
}
