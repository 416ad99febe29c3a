//! Is the service down, or is it only this contact that it cannot answer?
//!
//! Failures in a row raise the suspicion, and so does half a minute of nothing else. A contact that was answered before is then asked for one message: if that
//! works the service is up, and the failures are the contact's own. Otherwise it is an outage: one probe at a time is
//! sent, further and further apart, and no failure counts against a request's retries until it ends.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::id::ContactId;

/// Failures in a row that raise the suspicion; at an error rate of a third that happens by chance once in 6,500.
const SUSPICIOUS: u32 = 8;
/// Failures for this long without any answer raise it too: few requests that each take long to fail, as where a server grants no
/// HTTP/2 stream, would need many minutes for so many failures.
const SILENCE: Duration = Duration::from_secs(30);
/// Different contacts that must have failed before an outage is believed when nothing was ever answered.
const SUSPICIOUS_CONTACTS: usize = 3;
/// How long an outage is waited out.
const PATIENCE: Duration = Duration::from_mins(15);
/// How long when nothing has ever been answered: then it is likely the address that is wrong.
const PATIENCE_AT_FIRST: Duration = Duration::from_mins(2);
/// The longest pause between two probes.
const MAX_PROBE_PAUSE: Duration = Duration::from_secs(15);

/// What a failure means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// It is this request's own.
    Alone,
    /// Perhaps nobody is answered: ask for this contact, which was answered before, or believe it where there is none.
    Suspected(Option<ContactId>),
    /// The service is down, for this long now.
    Outage(Duration),
    /// It has been down for longer than is waited for.
    GivenUp(Duration),
}

/// How a failure came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The server was reached and failed.
    Server,
    /// It could not be reached.
    Network,
}

#[derive(Debug)]
struct Outage {
    next_probe: Instant,
    pause: Duration,
}

/// The state of the service, as far as the answers tell.
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
    /// An answer came. Gives the length of the outage that it ends.
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

    /// A request failed.
    pub fn failed(&mut self, contact: Option<&ContactId>, reach: Reach) -> Diagnosis {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        self.failures_in_row += 1;
        if let Some(contact) = contact
            && self.failing_contacts.len() < SUSPICIOUS_CONTACTS
        {
            self.failing_contacts.insert(contact.clone());
        }
        let patience = if self.ever_answered { PATIENCE } else { PATIENCE_AT_FIRST };
        if let Some(outage) = &mut self.outage {
            outage.pause = (outage.pause * 2).min(MAX_PROBE_PAUSE);
            outage.next_probe = Instant::now() + outage.pause.mul_f64(0.5 + fastrand::f64() / 2.0);
            let lasted = since.elapsed();
            return if lasted > patience { Diagnosis::GivenUp(lasted) } else { Diagnosis::Outage(lasted) };
        }
        if !self.failures_in_row.is_multiple_of(SUSPICIOUS) && since.elapsed() < SILENCE {
            return Diagnosis::Alone;
        }
        let nobody = contact.is_none() || self.failing_contacts.len() >= SUSPICIOUS_CONTACTS;
        match &self.known_good {
            Some(known_good) => Diagnosis::Suspected(Some(known_good.clone())),
            None if reach == Reach::Network || nobody => Diagnosis::Suspected(None),
            None => Diagnosis::Alone,
        }
    }

    /// The suspicion proved true. False where it was known already.
    pub fn begin_outage(&mut self) -> bool {
        let begins = self.outage.is_none();
        if begins {
            let pause = Duration::from_secs(1);
            self.outage = Some(Outage { next_probe: Instant::now() + pause, pause });
        }
        begins
    }

    /// When the next probe may be sent, in an outage.
    pub fn next_probe(&self) -> Option<Instant> {
        self.outage.as_ref().map(|outage| outage.next_probe)
    }

    /// True if nothing has been answered since the newest failure.
    pub fn is_failing(&self) -> bool {
        self.failing_since.is_some()
    }

    /// The contact that answers if anything does.
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

    /// Fails, probe after probe, until it is given up; says how long that took.
    async fn until_given_up(health: &mut Health) -> Duration {
        for number in 0..SUSPICIOUS {
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
    async fn an_outage_is_waited_out_for_a_quarter_of_an_hour() {
        let mut health = Health::default();
        health.answered(Some(&contact(0)));
        let waited = until_given_up(&mut health).await;
        assert!(waited >= PATIENCE && waited < PATIENCE + MAX_PROBE_PAUSE * 2, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_was_ever_answered_for_two_minutes() {
        let waited = until_given_up(&mut Health::default()).await;
        assert!(
            waited >= PATIENCE_AT_FIRST && waited < PATIENCE_AT_FIRST + MAX_PROBE_PAUSE * 2,
            "{waited:?}"
        );
    }

    /// Sequential requests that each fail after 40 s, as when the server never replies.
    async fn silence_until_given_up(health: &mut Health) -> Duration {
        let start = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_secs(40)).await;
            match health.failed(Some(&contact(1)), Reach::Network) {
                Diagnosis::Alone => {}
                Diagnosis::Suspected(_) => {
                    assert_eq!(start.elapsed(), Duration::from_secs(80), "told with the second failure");
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
            let expected = if number % SUSPICIOUS == 0 { suspected } else { Diagnosis::Alone };
            assert_eq!(health.failed(Some(&contact(1)), Reach::Server), expected);
        }
    }
}
