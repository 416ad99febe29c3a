//! Decides if the service is down or if only some contacts fail.
//!
//! Several failures in a row raise a suspicion, and so does half a minute of nothing else. Then a contact
//! that worked before is probed with a request for one message. If that succeeds, the service is up and the
//! failures belong to their contacts. Otherwise it is an outage. Then probes are sent one at a time, further
//! and further apart, and no failure counts against a request's retries.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::id::ContactId;

/// Number of failures in a row that raises a suspicion. At an error rate of one third, that happens by chance
/// once in 6,500.
const MIN_SUSPICIOUS_FAILURES: u32 = 8;
/// Time of nothing but failures that raises a suspicion too. Slow failures, such as of a server without a
/// free HTTP/2 stream, would take many minutes to reach the number.
const MAX_FAILING_TIME: Duration = Duration::from_secs(30);
/// Number of contacts that must have failed before an outage is assumed without any earlier success.
const MIN_FAILED_CONTACTS: usize = 3;
/// Maximum duration of an outage.
const MAX_OUTAGE: Duration = Duration::from_mins(15);
/// Maximum duration of an outage without any earlier success: probably the address is wrong.
const MAX_FIRST_OUTAGE: Duration = Duration::from_mins(2);
/// Maximum pause between two probes.
const MAX_PROBE_PAUSE: Duration = Duration::from_secs(15);

/// Diagnosis of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// The failure belongs to this request.
    Alone,
    /// The service may be down. Probe this contact, which worked before; without one, assume an outage.
    Suspected(Option<ContactId>),
    /// The service has been down for this long.
    Outage(Duration),
    /// The service has been down for longer than the maximum.
    GivenUp(Duration),
}

/// Distance that a failed request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The server was reached and failed.
    Server,
    /// The server was not reached.
    Network,
}

#[derive(Debug)]
struct Outage {
    next_probe: Instant,
    pause: Duration,
}

/// Health of the service, as far as the responses show.
#[derive(Debug, Default)]
pub struct Health {
    failures_in_row: u32,
    failing_since: Option<Instant>,
    failing_contacts: HashSet<ContactId>,
    ever_answered: bool,
    known_good: Option<ContactId>,
    outage: Option<Outage>,
}

impl Health {
    /// Records a response. Returns the duration of the outage that it ends.
    pub fn answered(&mut self, page_of: Option<&ContactId>) -> Option<Duration> {
        self.ever_answered = true;
        self.failures_in_row = 0;
        if let Some(contact) = page_of
            && self.known_good.as_ref() != Some(contact)
        {
            self.known_good = Some(contact.clone());
        }
        self.failing_contacts.clear();
        let since = self.failing_since.take();
        self.outage.take().and(since).map(|since| since.elapsed())
    }

    /// Records a failed request.
    pub fn failed(&mut self, contact: Option<&ContactId>, reach: Reach) -> Diagnosis {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        self.failures_in_row += 1;
        if let Some(contact) = contact
            && self.failing_contacts.len() < MIN_FAILED_CONTACTS
        {
            self.failing_contacts.insert(contact.clone());
        }
        let patience = if self.ever_answered { MAX_OUTAGE } else { MAX_FIRST_OUTAGE };
        if let Some(outage) = &mut self.outage {
            outage.pause = (outage.pause * 2).min(MAX_PROBE_PAUSE);
            outage.next_probe = Instant::now() + outage.pause.mul_f64(0.5 + fastrand::f64() / 2.0);
            let lasted = since.elapsed();
            return if lasted > patience { Diagnosis::GivenUp(lasted) } else { Diagnosis::Outage(lasted) };
        }
        if !self.failures_in_row.is_multiple_of(MIN_SUSPICIOUS_FAILURES) && since.elapsed() < MAX_FAILING_TIME
        {
            return Diagnosis::Alone;
        }
        let nobody = contact.is_none() || self.failing_contacts.len() >= MIN_FAILED_CONTACTS;
        match &self.known_good {
            Some(known_good) => Diagnosis::Suspected(Some(known_good.clone())),
            None if reach == Reach::Network || nobody => Diagnosis::Suspected(None),
            None => Diagnosis::Alone,
        }
    }

    /// Confirms a suspicion. False if the outage was known already.
    pub fn begin_outage(&mut self) -> bool {
        let begins = self.outage.is_none();
        if begins {
            let pause = Duration::from_secs(1);
            self.outage = Some(Outage { next_probe: Instant::now() + pause, pause });
        }
        begins
    }

    /// Returns the time of the next probe in an outage.
    pub fn next_probe(&self) -> Option<Instant> {
        self.outage.as_ref().map(|outage| outage.next_probe)
    }

    /// True if nothing has succeeded since the newest failure.
    pub fn is_failing(&self) -> bool {
        self.failing_since.is_some()
    }

    /// Returns the contact to probe with.
    pub fn known_good(&self) -> Option<&ContactId> {
        self.known_good.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(number: u32) -> ContactId {
        format!("c{number}").parse().expect("an ID")
    }

    /// Fails probe after probe until the outage ends the run. Returns the time that this took.
    async fn until_given_up(health: &mut Health) -> Duration {
        for number in 0..MIN_SUSPICIOUS_FAILURES {
            health.failed(Some(&contact(number)), Reach::Server);
        }
        assert!(health.begin_outage());
        let start = Instant::now();
        let mut probes = 0;
        loop {
            tokio::time::sleep_until(health.next_probe().expect("in an outage")).await;
            probes += 1;
            if let Diagnosis::GivenUp(_) = health.failed(None, Reach::Server) {
                assert!(probes < 140, "{probes} probes");
                return start.elapsed();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_lasts_at_most_a_quarter_of_an_hour() {
        let mut health = Health::default();
        health.answered(Some(&contact(0)));
        let waited = until_given_up(&mut health).await;
        assert!(waited >= MAX_OUTAGE && waited < MAX_OUTAGE + MAX_PROBE_PAUSE * 2, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_without_any_success_lasts_two_minutes() {
        let waited = until_given_up(&mut Health::default()).await;
        assert!(waited >= MAX_FIRST_OUTAGE && waited < MAX_FIRST_OUTAGE + MAX_PROBE_PAUSE * 2, "{waited:?}");
    }

    /// Simulates sequential requests that each fail after 40 s, as if the server never replies. Returns the
    /// time until the run ends.
    async fn silence_until_given_up(health: &mut Health) -> Duration {
        let start = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_secs(40)).await;
            match health.failed(Some(&contact(1)), Reach::Network) {
                Diagnosis::Alone => {}
                Diagnosis::Suspected(_) => {
                    assert_eq!(start.elapsed(), Duration::from_secs(80), "reported with the second failure");
                    assert!(health.begin_outage());
                }
                Diagnosis::Outage(_) => {}
                Diagnosis::GivenUp(_) => return start.elapsed(),
            }
            if let Some(probe) = health.next_probe() {
                tokio::time::sleep_until(probe).await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn few_requests_that_are_slow_to_fail_are_an_outage_as_soon() {
        let minute = Duration::from_mins(1);
        let waited = silence_until_given_up(&mut Health::default()).await;
        assert!((minute * 2..minute * 4).contains(&waited), "{waited:?}");
        let mut health = Health::default();
        health.answered(Some(&contact(0)));
        let waited = silence_until_given_up(&mut health).await;
        assert!((minute * 15..minute * 18).contains(&waited), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_bad_contact_is_no_outage() {
        let mut health = Health::default();
        for _ in 0..100 {
            assert_eq!(health.failed(Some(&contact(1)), Reach::Server), Diagnosis::Alone);
        }
        health.answered(Some(&contact(0)));
        for number in 1..100 {
            let suspected = Diagnosis::Suspected(Some(contact(0)));
            let expected = if number % MIN_SUSPICIOUS_FAILURES == 0 { suspected } else { Diagnosis::Alone };
            assert_eq!(health.failed(Some(&contact(1)), Reach::Server), expected);
        }
    }
}
