//! Counts a command's events and computes its progress.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::rates::{Counts, Rates};
use crate::event::{Event, Phase, Progress};

/// Counts since the start of the command.
#[derive(Debug, Default)]
pub struct Meter {
    /// None before the first phase, and between a list of contacts and the work on them.
    phase: Option<Phase>,
    /// Number of contacts of the phase, if it is known.
    of: Option<u64>,
    counts: Counts,
    failed: u64,
    /// Distinct messages of the contacts that are done, and those received of the others.
    messages: u64,
    /// Messages received of each contact that is not done.
    received: HashMap<String, u64>,
    /// Written rows. They are counted in the phase `reading` too, because files are written at the same time.
    built: Built,
    rates: Rates,
    outage_since: Option<Instant>,
    throttled_until: Option<Instant>,
    upload_bytes_left: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Built {
    contacts: u64,
    of: Option<u64>,
    messages: u64,
}

impl Meter {
    /// Counts a request.
    pub fn request_sent(&mut self) {
        self.counts.requests += 1;
    }

    /// Counts an event.
    pub fn event(&mut self, event: &Event, now: Instant) {
        match event {
            Event::ListingBegan => self.begin(Phase::Listing, None, 0, 0, now),
            Event::ListingRead { so_far, contacts, .. } if self.phase == Some(Phase::Listing) => {
                self.counts.contacts = so_far + contacts;
            }
            Event::ListingEnded { .. } => self.phase = None,
            Event::Started { contacts, already_read, already_read_messages, .. } => {
                self.begin(Phase::Reading, Some(*contacts), *already_read, *already_read_messages, now);
            }
            Event::PackageStarted { contacts, .. } => self.begin(Phase::Reading, Some(*contacts), 0, 0, now),
            Event::PageRead { contact, messages, .. } => {
                self.counts.messages += messages;
                self.messages += messages;
                *self.received.entry(contact.clone()).or_default() += messages;
            }
            Event::ContactDone { contact, status, messages, .. } => {
                // Pages overlap, so fewer messages may be distinct. An earlier attempt may have received more.
                let received = self.received.remove(contact).unwrap_or_default();
                self.messages = self.messages.saturating_sub(received) + messages;
                self.counts.contacts += 1;
                self.failed += u64::from(*status == "failed");
            }
            Event::ContactReopened { messages, .. } => {
                self.messages = self.messages.saturating_sub(*messages);
                self.counts.contacts = self.counts.contacts.saturating_sub(1);
            }
            Event::Copied { contacts, messages } => {
                self.counts.contacts = *contacts;
                self.counts.messages = *messages;
                self.messages = *messages;
            }
            Event::ArchiveRead { contacts } => self.counts.contacts = *contacts,
            Event::Built { contacts, of, messages } => {
                self.built = Built { contacts: *contacts, of: Some(*of), messages: *messages };
                if self.phase == Some(Phase::Building) {
                    self.show_built();
                }
            }
            Event::Fetched => {
                let Built { contacts, of, messages } = self.built;
                self.begin(Phase::Building, of.or(self.of), contacts, messages, now);
            }
            Event::Uploading { bytes_left } => self.upload_bytes_left = Some(*bytes_left),
            Event::Publishing { .. } => {
                self.begin(Phase::Publishing, self.of, self.counts.contacts, self.messages, now);
            }
            Event::OutageBegan { .. } => self.outage_since = Some(now),
            Event::OutageEnded { .. } => {
                if let Some(since) = self.outage_since.take() {
                    self.rates.skip(now.saturating_duration_since(since));
                }
            }
            Event::Throttled { delay_ms } => {
                self.throttled_until = Some(now + Duration::from_millis(*delay_ms));
            }
            _ => return,
        }
        self.record(now);
    }

    fn begin(&mut self, phase: Phase, of: Option<u64>, contacts: u64, messages: u64, now: Instant) {
        self.phase = Some(phase);
        self.of = of;
        self.counts = Counts { contacts, ..self.counts };
        self.messages = messages;
        self.rates = Rates::default();
        // An outage counts for the new phase from here on.
        self.outage_since = self.outage_since.map(|_| now);
    }

    fn show_built(&mut self) {
        self.of = self.built.of;
        self.counts.contacts = self.built.contacts;
        self.counts.messages += self.built.messages.saturating_sub(self.messages);
        self.messages = self.built.messages;
    }

    fn record(&mut self, now: Instant) {
        self.rates.record(self.counts, now, self.outage(now));
    }

    fn outage(&self, now: Instant) -> Option<Duration> {
        self.outage_since.map(|since| now.saturating_duration_since(since))
    }

    /// Returns the progress, if there is a phase. A pause by the rate limit that ended within `memory` still
    /// counts.
    pub fn progress(&mut self, now: Instant, memory: Duration) -> Option<Progress> {
        let phase = self.phase?;
        self.record(now);
        let outage = self.outage(now);
        let (messages_per_second, requests_per_second) = self.rates.per_second(self.counts, now);
        let remaining = self.of.map(|of| of.saturating_sub(self.counts.contacts));
        let eta = match (phase, outage, remaining) {
            (Phase::Reading | Phase::Building, None, Some(remaining)) => self.rates.eta(remaining),
            _ => None,
        };
        Some(Progress {
            phase,
            contacts_done: self.counts.contacts,
            contacts: self.of,
            contacts_failed: self.failed,
            messages: self.messages,
            requests: self.counts.requests,
            messages_per_second,
            requests_per_second,
            eta_seconds: eta.map(|eta| eta.as_secs()),
            upload_bytes_left: self.upload_bytes_left.filter(|_| phase == Phase::Publishing),
            throttled: self.throttled_until.is_some_and(|until| until + memory > now),
            outage: outage.is_some(),
            outage_seconds: outage.map(|outage| outage.as_secs()),
        })
    }
}

#[cfg(test)]
mod tests;
