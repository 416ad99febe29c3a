//! What the contacts' failures say about the whole run.

use std::sync::{Mutex, PoisonError};

use super::FetchError;
use crate::settings::MaxFailed;

/// Contacts that must be refused, and none answered, before it is the address or the account that is wrong.
const REFUSED_AT_FIRST: u64 = 20;

/// How a contact fared, for this purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The API answered for it: read, empty or not found.
    Answered,
    /// Refused with this status.
    Refused { status: u16, what: String },
    /// It failed otherwise.
    Failed,
}

#[derive(Debug, Default)]
struct Counts {
    answered: u64,
    refused: u64,
    refused_otherwise: u64,
    failed: u64,
}

/// The counts of this attempt.
#[derive(Debug)]
pub struct Verdicts {
    counts: Mutex<Counts>,
    max_failed: MaxFailed,
    contacts: u64,
}

impl Verdicts {
    pub fn new(max_failed: MaxFailed, contacts: u64) -> Self {
        Self { counts: Mutex::default(), max_failed, contacts }
    }

    /// Counts a contact; an error when the run should stop for it.
    pub fn count(&self, fate: &Fate) -> Result<(), FetchError> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match fate {
            Fate::Answered => counts.answered += 1,
            Fate::Refused { status, .. } => {
                counts.refused += 1;
                counts.refused_otherwise += u64::from(!matches!(status, 401 | 403));
                counts.failed += 1;
            }
            Fate::Failed => counts.failed += 1,
        }
        if let Fate::Refused { what, .. } = fate
            && counts.answered == 0
            && counts.refused == counts.failed
            && counts.refused >= REFUSED_AT_FIRST
        {
            let unauthorized = counts.refused_otherwise == 0;
            return Err(FetchError::AllRefused {
                contacts: counts.refused,
                unauthorized,
                what: what.clone(),
            });
        }
        if self.max_failed.is_exceeded(counts.failed, self.contacts) {
            return Err(FetchError::TooManyFailed { failed: counts.failed });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> Fate {
        Fate::Refused { status, what: status.to_string() }
    }

    #[test]
    fn twenty_refusals_and_nothing_else_stop_the_run() {
        let verdicts = Verdicts::new(MaxFailed::Percent(100.0), 1000);
        for _ in 0..19 {
            verdicts.count(&refused(403)).unwrap();
        }
        let error = verdicts.count(&refused(401)).unwrap_err();
        assert!(matches!(error, FetchError::AllRefused { unauthorized: true, .. }));
        let error = verdicts.count(&refused(400)).unwrap_err();
        assert!(matches!(error, FetchError::AllRefused { unauthorized: false, .. }));
    }

    #[test]
    fn one_answer_makes_refusals_the_contacts_own() {
        let verdicts = Verdicts::new(MaxFailed::Percent(100.0), 1000);
        verdicts.count(&Fate::Answered).unwrap();
        for _ in 0..500 {
            verdicts.count(&refused(403)).unwrap();
        }
    }

    #[test]
    fn more_failures_than_allowed_stop_the_run() {
        let by_count = Verdicts::new(MaxFailed::Count(1), 10);
        by_count.count(&Fate::Failed).unwrap();
        assert!(matches!(by_count.count(&Fate::Failed), Err(FetchError::TooManyFailed { failed: 2 })));
        let by_part = Verdicts::new(MaxFailed::Percent(20.0), 10);
        by_part.count(&Fate::Failed).unwrap();
        by_part.count(&Fate::Failed).unwrap();
        by_part.count(&Fate::Failed).unwrap_err();
    }
}
