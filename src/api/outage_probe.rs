//! Distinguishes an outage of the API from the failure of one request.
//!
//! A contact that worked before is probed with a small request. If that fails too, the API is down.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::client::Client;
use super::fatal::Fatal;
use super::fault::Fault;
use super::limiter::Diagnosis;
use super::query::PageQuery;
use super::token::Token;
use crate::event::Event;
use crate::id::ContactId;
use crate::json::Document;
use crate::record::ContactAnswer;
use crate::settings::{AskedShape, OutagePolicy};

/// Probes that must fail at the end of a run before the API counts as down.
const LAST_PROBES: u32 = 3;
/// Mean pause after each of them.
const PROBE_PAUSE: Duration = Duration::from_millis(500);

impl Client {
    /// Requests one message of a contact that worked before.
    pub(super) async fn probe(&self, good: &ContactId, token: &Token, since: Instant) -> Result<(), Fault> {
        let query =
            PageQuery { contact: good, channel: None, offset: 0, limit: 1, shape: AskedShape::Grouped };
        let read = |document: &Document<'_>| ContactAnswer::validate(document, good).map(drop);
        if let Err(fault) =
            self.attempt(&query.target(&self.connection.base_url), token, &mut None, &read).await
            && fault.is_failure()
        {
            return Err(fault);
        }
        self.answered(since, Some(good));
        Ok(())
    }

    /// Requests one message of a contact that worked before, a few times. True if the API responds.
    ///
    /// # Errors
    /// If the run must end.
    pub async fn still_answers(&self, good: &ContactId) -> Result<bool, Fatal> {
        let mut shortages = 0;
        let mut failures = 0;
        while failures < LAST_PROBES {
            let token = self.token().await?;
            let permit = self.limiter.admit_ahead().await;
            let since = permit.since;
            let probe = self.probe(good, &token, since).await;
            drop(permit);
            match probe {
                Ok(()) => return Ok(true),
                Err(Fault::NoFiles) => self.send_fewer(&mut shortages, since).await?,
                Err(_) => {
                    failures += 1;
                    tokio::time::sleep(PROBE_PAUSE.mul_f64(0.5 + fastrand::f64())).await;
                }
            }
        }
        Ok(false)
    }

    /// Reports that the API does not respond, at most once per minute as a warning.
    fn report_outage(&self, reason: String) {
        let count = self.outage_warning.count();
        self.is_outage_repeated.store(count.is_none(), Ordering::Relaxed);
        let (suppressed, repeated) = (count.unwrap_or_default(), count.is_none());
        self.observer.event(Event::OutageBegan { reason, suppressed, repeated });
    }

    /// Reports that the API responds again after an outage of this duration.
    pub(super) fn report_end_of_outage(&self, lasted: Duration) {
        let repeated = self.is_outage_repeated.load(Ordering::Relaxed);
        self.observer.event(Event::OutageEnded { seconds: lasted.as_secs(), repeated });
    }

    /// True if the failure belongs to an outage, so that it does not count against the request.
    ///
    /// # Errors
    /// If the run must end, because the outage is too long.
    pub(super) async fn is_outage(&self, contact: Option<&ContactId>, fault: &Fault) -> Result<bool, Fatal> {
        if self.connection.retrying.outages == OutagePolicy::Fail {
            let is_over = self.silence.is_too_long();
            return if is_over { Err(Fatal::Silent { what: fault.describe() }) } else { Ok(false) };
        }
        match self.limiter.failed(contact, fault.reach()) {
            Diagnosis::Alone => Ok(false),
            Diagnosis::Outage(_) => Ok(true),
            Diagnosis::GivenUp(lasted) => {
                Err(Fatal::Unavailable { minutes: lasted.as_secs() / 60, what: fault.describe() })
            }
            Diagnosis::Suspected(known_good) => {
                let is_up = match (known_good, self.tokens.any()) {
                    (Some(good), Some(token)) => {
                        let permit = self.limiter.admit_ahead().await;
                        let probe = self.probe(&good, &token, permit.since).await;
                        drop(permit);
                        // A shortage on this machine does not show that the service is down.
                        matches!(probe, Ok(()) | Err(Fault::NoFiles))
                    }
                    _ => false,
                };
                if !is_up && self.limiter.begin_outage() {
                    self.report_outage(fault.describe());
                }
                Ok(!is_up)
            }
        }
    }
}
