//! Distinguishes an outage of the API from the failure of one request.
//!
//! A contact that worked before is probed with a small request. If that fails too, the API is down.

use std::time::Duration;

use tokio::time::Instant;

use super::client::Client;
use super::fault::Fault;
use super::health::Diagnosis;
use super::query::PageQuery;
use super::stop::Stop;
use super::token::Token;
use crate::event::Event;
use crate::id::ContactId;
use crate::json::Document;
use crate::record::ContactAnswer;
use crate::settings::AskedShape;

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
    pub async fn still_answers(&self, good: &ContactId) -> Result<bool, Stop> {
        let mut shortages = 0;
        let mut failures = 0;
        while failures < LAST_PROBES {
            let token = self.token().await?;
            let permit = self.governor.admit_ahead().await;
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

    /// True if the failure belongs to an outage, so that it does not count against the request.
    pub(super) async fn is_outage(&self, contact: Option<&ContactId>, fault: &Fault) -> Result<bool, Stop> {
        match self.governor.failed(contact, fault.reach()) {
            Diagnosis::Alone => Ok(false),
            Diagnosis::Outage(_) => Ok(true),
            Diagnosis::GivenUp(lasted) => {
                Err(Stop::Unavailable { minutes: lasted.as_secs() / 60, what: fault.describe() })
            }
            Diagnosis::Suspected(known_good) => {
                let is_up = match (known_good, self.tokens.any()) {
                    (Some(good), Some(token)) => {
                        let permit = self.governor.admit_ahead().await;
                        let probe = self.probe(&good, &token, permit.since).await;
                        drop(permit);
                        // A shortage on this machine does not show that the service is down.
                        matches!(probe, Ok(()) | Err(Fault::NoFiles))
                    }
                    _ => false,
                };
                if !is_up && self.governor.begin_outage() {
                    self.observer.event(Event::OutageBegan { reason: fault.describe() });
                }
                Ok(!is_up)
            }
        }
    }
}
