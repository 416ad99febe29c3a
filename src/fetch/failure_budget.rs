//! Decides from the failures of the contacts if the whole run must end.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::FetchError;
use crate::settings::ContactLimit;

/// Number of first contacts that must all fail in the same way before the run ends.
const MIN_ALIKE_FAILURES: u64 = 20;
/// Number of contacts that must show that the server ignores the offset, if no contact shows the contrary.
const MIN_IGNORED_OFFSETS: u64 = 3;

/// Result of a contact, as far as it matters for the budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactResult {
    /// The API responded: the contact is read, empty or not found.
    Answered,
    /// The API refused the contact with this status.
    Refused { status: u16, what: String },
    /// Neither the server nor the network gave a response.
    Unanswered { what: String },
    /// The responses did not have the shape of a page of this contact.
    NotAnAnswer { what: String },
    /// Every offset returned the same messages.
    OffsetIgnored { contact: String },
    /// The contact failed for another reason.
    Failed,
}

/// Facts known about the server when a contact is counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence {
    /// The server returned a page of some contact in this attempt.
    pub has_answered: bool,
    /// The server honours the offset.
    pub honours_offset: bool,
}

#[derive(Debug, Default)]
struct Counts {
    answered: u64,
    refused: u64,
    refused_otherwise: u64,
    unanswered: u64,
    not_an_answer: u64,
    offset_ignored: u64,
    failed: u64,
    /// Description of the latest failure.
    what: String,
    ignored: String,
}

/// An error that ends the run, unless another contact gets a response.
#[derive(Debug)]
pub struct UnconfirmedError(pub FetchError);

/// Counts the results of this attempt, and ends the run if they exceed a limit.
#[derive(Debug)]
pub struct FailureBudget {
    counts: Mutex<Counts>,
    max_failed: ContactLimit,
    contacts: u64,
}

impl FailureBudget {
    pub fn new(max_failed: ContactLimit, contacts: u64) -> Self {
        Self { counts: Mutex::default(), max_failed, contacts }
    }

    /// Counts a contact.
    ///
    /// # Errors
    /// If the failures so far must end the run.
    pub fn count(&self, result: &ContactResult, evidence: Evidence) -> Result<(), FetchError> {
        let mut counts = self.lock();
        counts.add(result);
        if let ContactResult::Refused { what, .. } = result
            && counts.answered == 0
            && counts.refused == counts.failed
            && counts.refused >= MIN_ALIKE_FAILURES
        {
            let unauthorized = counts.refused_otherwise == 0;
            return Err(FetchError::AllRefused {
                contacts: counts.refused,
                unauthorized,
                what: what.clone(),
            });
        }
        if counts.answered == 0
            && counts.not_an_answer >= MIN_ALIKE_FAILURES
            && counts.not_an_answer == counts.failed
        {
            return Err(counts.changed());
        }
        if counts.offset_ignored >= MIN_IGNORED_OFFSETS && !evidence.honours_offset {
            return Err(FetchError::OffsetIgnored { contact: counts.ignored.clone() });
        }
        if self.max_failed.is_exceeded(counts.failed, self.contacts) {
            return Err(FetchError::TooManyFailed { failed: counts.failed });
        }
        Ok(())
    }

    /// Judges all contacts at the end of the run, for runs with too few contacts to judge earlier.
    pub fn conclude(&self, evidence: Evidence) -> Result<Option<UnconfirmedError>, FetchError> {
        let counts = self.lock();
        if counts.offset_ignored > 0 && !evidence.honours_offset {
            return Err(FetchError::OffsetIgnored { contact: counts.ignored.clone() });
        }
        let is_all = counts.failed > 0 && counts.unanswered + counts.not_an_answer == counts.failed;
        if counts.answered > 0 || evidence.has_answered || !is_all {
            return Ok(None);
        }
        Ok(Some(UnconfirmedError(if counts.unanswered == 0 {
            counts.changed()
        } else {
            counts.nothing_answered()
        })))
    }

    /// Returns the error for contacts without a response, if there are such contacts.
    pub fn unanswered(&self) -> Option<FetchError> {
        let counts = self.lock();
        (counts.unanswered > 0).then(|| counts.stopped_answering())
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn add(&mut self, result: &ContactResult) {
        self.failed += u64::from(*result != ContactResult::Answered);
        match result {
            ContactResult::Answered => self.answered += 1,
            ContactResult::Refused { status, .. } => {
                self.refused += 1;
                self.refused_otherwise += u64::from(!matches!(status, 401 | 403));
            }
            ContactResult::Unanswered { what } => {
                self.unanswered += 1;
                self.what.clone_from(what);
            }
            ContactResult::NotAnAnswer { what } => {
                self.not_an_answer += 1;
                self.what.clone_from(what);
            }
            ContactResult::OffsetIgnored { contact } => {
                self.offset_ignored += 1;
                self.ignored.clone_from(contact);
            }
            ContactResult::Failed => {}
        }
    }

    fn changed(&self) -> FetchError {
        FetchError::AnswersChanged { contacts: self.failed, what: self.what.clone() }
    }

    fn stopped_answering(&self) -> FetchError {
        FetchError::StoppedAnswering { failed: self.unanswered, what: self.what.clone() }
    }

    fn nothing_answered(&self) -> FetchError {
        FetchError::NothingAnswered { contacts: self.failed, what: self.what.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> ContactResult {
        ContactResult::Refused { status, what: status.to_string() }
    }

    #[test]
    fn twenty_refusals_and_nothing_else_stop_the_run() {
        let budget = FailureBudget::new(ContactLimit::Percent(100.0), 1000);
        for _ in 0..19 {
            budget.count(&refused(403), Evidence::default()).unwrap();
        }
        let error = budget.count(&refused(401), Evidence::default()).unwrap_err();
        assert!(matches!(error, FetchError::AllRefused { unauthorized: true, .. }));
        let error = budget.count(&refused(400), Evidence::default()).unwrap_err();
        assert!(matches!(error, FetchError::AllRefused { unauthorized: false, .. }));
    }

    #[test]
    fn refusals_after_a_response_do_not_stop_the_run() {
        let budget = FailureBudget::new(ContactLimit::Percent(100.0), 1000);
        budget.count(&ContactResult::Answered, Evidence::default()).unwrap();
        for _ in 0..500 {
            budget.count(&refused(403), Evidence::default()).unwrap();
        }
    }

    #[test]
    fn more_failures_than_allowed_stop_the_run() {
        let by_count = FailureBudget::new(ContactLimit::Count(1), 10);
        by_count.count(&ContactResult::Failed, Evidence::default()).unwrap();
        assert!(matches!(
            by_count.count(&ContactResult::Failed, Evidence::default()),
            Err(FetchError::TooManyFailed { failed: 2 })
        ));
        let by_part = FailureBudget::new(ContactLimit::Percent(20.0), 10);
        by_part.count(&ContactResult::Failed, Evidence::default()).unwrap();
        by_part.count(&ContactResult::Failed, Evidence::default()).unwrap();
        by_part.count(&ContactResult::Failed, Evidence::default()).unwrap_err();
    }

    fn not_an_answer() -> ContactResult {
        ContactResult::NotAnAnswer { what: "the answer has no `data`".to_owned() }
    }

    #[test]
    fn twenty_invalid_responses_and_nothing_else_stop_the_run() {
        let budget = FailureBudget::new(ContactLimit::Percent(100.0), 1000);
        for _ in 0..19 {
            budget.count(&not_an_answer(), Evidence::default()).unwrap();
        }
        let error = budget.count(&not_an_answer(), Evidence::default()).unwrap_err();
        assert!(matches!(error, FetchError::AnswersChanged { contacts: 20, .. }));
        let mixed = FailureBudget::new(ContactLimit::Percent(100.0), 1000);
        mixed.count(&ContactResult::Answered, Evidence::default()).unwrap();
        for _ in 0..500 {
            mixed.count(&not_an_answer(), Evidence::default()).unwrap();
        }
        assert!(mixed.conclude(Evidence::default()).unwrap().is_none());
    }

    #[test]
    fn a_run_without_responses_ends_with_its_last_failure() {
        let unanswered = || ContactResult::Unanswered { what: "503".to_owned() };
        let conclude = |results: &[ContactResult], has_answered| {
            let budget = FailureBudget::new(ContactLimit::Percent(100.0), 10);
            let evidence = Evidence { has_answered, honours_offset: false };
            for result in results {
                budget.count(result, evidence).unwrap();
            }
            budget.conclude(evidence).unwrap().map(|error| error.0)
        };
        let outage = |error| matches!(error, Some(FetchError::NothingAnswered { contacts: 2, .. }));
        assert!(outage(conclude(&[unanswered(), unanswered()], false)));
        assert!(outage(conclude(&[unanswered(), not_an_answer()], false)));
        let changed = conclude(&[not_an_answer(), not_an_answer()], false);
        assert!(matches!(changed, Some(FetchError::AnswersChanged { contacts: 2, .. })));
        for (results, has_answered) in [
            (&[unanswered(), ContactResult::Answered][..], false),
            (&[unanswered(), refused(403)], false),
            (&[unanswered(), unanswered()], true),
            (&[], false),
        ] {
            assert!(conclude(results, has_answered).is_none(), "{results:?}");
        }
    }

    #[test]
    fn an_ignored_offset_stops_the_run_unless_another_contact_disproves_it() {
        let ignored = || ContactResult::OffsetIgnored { contact: "c".to_owned() };
        let budget = FailureBudget::new(ContactLimit::Percent(100.0), 10);
        let honoured = Evidence { honours_offset: true, has_answered: true };
        let unknown = Evidence { honours_offset: false, has_answered: true };
        for _ in 0..5 {
            budget.count(&ignored(), honoured).unwrap();
        }
        assert!(budget.conclude(honoured).unwrap().is_none());
        assert!(matches!(budget.conclude(unknown), Err(FetchError::OffsetIgnored { .. })));
        assert!(matches!(budget.count(&ignored(), unknown), Err(FetchError::OffsetIgnored { .. })));
    }
}
