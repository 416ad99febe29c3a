//! How long a history is, without reading it: where the first offset is at which nothing stands.

use super::ask::Asker;
use crate::api::Failure;
use crate::id::ContactId;

/// Questions that one history is worth. Doubling takes a page of 100 to 3,000 in five, and to a hundred thousand in ten.
const MOST_ASKS: u32 = 12;

/// About how many messages the contact has, in what `offset` counts. So many are known to be there.
///
/// # Errors
/// When an answer cannot be had.
pub async fn about(asker: &Asker<'_>, contact: &ContactId, known: u64) -> Result<u64, Failure> {
    let mut search = Search::new(known);
    while let Some(offset) = search.next() {
        let page = asker.page(contact, offset, 1).await?;
        search.answer(offset, !page.messages.is_empty());
    }
    Ok(search.about())
}

/// The search for the end: doubling, then halving.
struct Search {
    /// So many are there.
    least: u64,
    /// There are no more than so many.
    most: Option<u64>,
    asks: u32,
}

impl Search {
    fn new(known: u64) -> Self {
        Self { least: known.max(1), most: None, asks: 0 }
    }

    /// The offset to ask for next, unless it is known well enough.
    fn next(&mut self) -> Option<u64> {
        let offset = match self.most {
            None => self.least.saturating_mul(2),
            // To one part in ten; an estimate is not better for less.
            Some(most) if most - self.least <= self.least / 10 => return None,
            Some(most) => self.least + (most - self.least) / 2,
        };
        self.asks += 1;
        (self.asks <= MOST_ASKS).then_some(offset)
    }

    fn answer(&mut self, offset: u64, is_there: bool) {
        if is_there {
            self.least = offset + 1;
        } else {
            self.most = Some(offset);
        }
    }

    fn about(&self) -> u64 {
        self.most.map_or(self.least, |most| self.least + (most - self.least) / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_found_in_a_dozen_questions() {
        for length in (100..2000).chain([9_999, 30_000, 100_000, 150_000]) {
            let mut search = Search::new(100);
            let mut asks = 0;
            while let Some(offset) = search.next() {
                asks += 1;
                search.answer(offset, offset < length);
            }
            assert!(asks <= MOST_ASKS);
            let about = search.about();
            assert!(about.abs_diff(length) * 4 <= length, "{length} is told as {about}");
        }
    }
}
