//! Estimates the length of a history without reading it: a search for the first offset without messages.

use super::probe_page::PageReader;
use super::range::Amount;
use crate::api::Failure;
use crate::id::ContactId;

/// Maximum number of requests per history. From a page of 100, doubling reaches 3,000 in five and 100,000 in
/// ten.
const MAX_REQUESTS: u32 = 12;

/// Estimates the number of messages of a contact, in the unit of `offset`. `known` of them exist for sure.
///
/// # Errors
/// If a page cannot be read.
pub async fn estimate(reader: &PageReader<'_>, contact: &ContactId, known: u64) -> Result<Amount, Failure> {
    let mut search = Search::new(known);
    while let Some(offset) = search.next() {
        let page = reader.page(contact, offset, 1).await?;
        search.narrow(offset, !page.messages.is_empty());
    }
    Ok(search.estimate())
}

/// Search for the end of a history: doubling, then bisection.
struct Search {
    /// Lower bound of the length.
    min: u64,
    /// Upper bound of the length.
    max: Option<u64>,
    requests: u32,
}

impl Search {
    fn new(known: u64) -> Self {
        Self { min: known.max(1), max: None, requests: 0 }
    }

    /// Returns the next offset to request, or none if the estimate is good enough.
    fn next(&mut self) -> Option<u64> {
        let offset = match self.max {
            None => self.min.saturating_mul(2),
            // An error of 10 % is good enough for an estimate.
            Some(max) if max - self.min <= self.min / 10 => return None,
            Some(max) => self.min + (max - self.min) / 2,
        };
        self.requests += 1;
        (self.requests <= MAX_REQUESTS).then_some(offset)
    }

    fn narrow(&mut self, offset: u64, has_message: bool) {
        if has_message {
            self.min = offset + 1;
        } else {
            self.max = Some(offset);
        }
    }

    /// The bounds, and their middle. Without an upper bound, the next offset would have been twice as large.
    fn estimate(&self) -> Amount {
        match self.max {
            Some(max) => Amount { low: self.min, likely: self.min + (max - self.min) / 2, high: max },
            None => Amount { high: self.min.saturating_mul(2), ..Amount::exact(self.min) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_estimated_within_a_dozen_requests() {
        for length in (100..2000).chain([9_999, 30_000, 100_000, 150_000]) {
            let mut search = Search::new(100);
            let mut requests = 0;
            while let Some(offset) = search.next() {
                requests += 1;
                search.narrow(offset, offset < length);
            }
            assert!(requests <= MAX_REQUESTS);
            let Amount { low, likely: estimate, high } = search.estimate();
            assert!((low..=high).contains(&length), "{length} is in {low} to {high}");
            assert!(estimate.abs_diff(length) * 4 <= length, "{length} is estimated as {estimate}");
        }
    }
}
