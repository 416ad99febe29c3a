//! Deciding: what to do about a fault, given what this request has been through.

use std::time::Duration;

use super::fault::Fault;

/// The first pause before a repeat; doubled with each, and drawn from zero up to it ("full jitter").
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
pub const MAX_PAUSE: Duration = Duration::from_secs(20);
/// Times in a row that a page must fail alike before half of it is asked for.
const ALIKE: u32 = 2;
/// Repeats of an answer that is no JSON: a proxy's page may pass, a captive portal's does not.
const UNREADABLE_REPEATS: u32 = 4;
/// Repeats of an answer that is JSON and not what was asked for. A cache or a proxy may have mixed something up; where the
/// API itself has changed, it is to be known soon.
const NOT_AN_ANSWER_REPEATS: u32 = 3;
/// Times a request may be refused as unauthorized with a token newly obtained.
pub const MAX_RENEWALS: u32 = 2;

/// What a request has been through.
#[derive(Clone, Debug, Default)]
pub struct RetryState {
    /// Failures that count against `--retries`.
    pub counted: u32,
    broke_once: bool,
    renewals: u32,
    unreadable: u32,
    not_an_answer: u32,
    alike: Option<(String, u32)>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The same at once, for free: a kept connection was closed under us.
    RepeatAtOnce,
    /// The same again after a pause, if the service is not down; counted.
    Repeat { pause: Duration, overloaded: bool },
    /// The same again after a pause; counted. The service is up.
    AskAgain { pause: Duration },
    /// Wait at the gate, for all; not counted.
    Throttle { retry_after: Option<Duration> },
    /// The same again when fewer are in flight.
    FewerAtOnce,
    /// Wait at the gate for the quota.
    WaitForQuota,
    /// The same with a new token.
    SignInAgain,
    /// Half as many messages.
    AskLess,
    /// There is no such contact.
    NotFound,
    /// The contact cannot be read.
    Fail,
    /// Refused outright; whether that is the contact or the run, the others tell.
    Refused { status: u16 },
    /// Another server answers, or the server cannot be identified.
    NotTheApi,
}

impl RetryState {
    /// Decides on a fault of a page asked with `limit`, of which at most `retries` repeats are allowed.
    pub fn decide(&mut self, fault: &Fault, limit: u32, retries: u32) -> Decision {
        match fault {
            Fault::Throttled { retry_after } => Decision::Throttle { retry_after: *retry_after },
            Fault::Quota => Decision::WaitForQuota,
            Fault::NoFiles => Decision::FewerAtOnce,
            Fault::Broken { .. } if !self.broke_once => {
                self.broke_once = true;
                Decision::RepeatAtOnce
            }
            Fault::Server { status: 413 | 502 | 504 } if self.fails_alike(fault) && limit > 1 => {
                Decision::AskLess
            }
            Fault::TooLarge { .. } if limit > 1 => Decision::AskLess,
            Fault::TooLarge { .. } => Decision::Fail,
            Fault::Unreadable { .. } => {
                self.unreadable += 1;
                if self.unreadable > UNREADABLE_REPEATS.min(retries) {
                    Decision::Fail
                } else {
                    self.repeat(fault, retries)
                }
            }
            Fault::NotAnAnswer { .. } => {
                self.not_an_answer += 1;
                let is_repeated = self.not_an_answer <= NOT_AN_ANSWER_REPEATS;
                let pause = if is_repeated { self.pause(retries) } else { None };
                pause.map_or(Decision::Fail, |pause| Decision::AskAgain { pause })
            }
            Fault::Server { .. }
            | Fault::ErrorAnswer { .. }
            | Fault::Unreachable { .. }
            | Fault::TimedOut { .. }
            | Fault::Broken { .. } => self.repeat(fault, retries),
            Fault::Unauthorized { .. } => {
                self.renewals += 1;
                if self.renewals > MAX_RENEWALS {
                    Decision::Refused { status: 401 }
                } else {
                    Decision::SignInAgain
                }
            }
            Fault::NotFound => Decision::NotFound,
            Fault::Refused { status, .. } => Decision::Refused { status: *status },
            Fault::UnknownPath | Fault::Redirect { .. } | Fault::Certificate { .. } => Decision::NotTheApi,
        }
    }

    /// The last failure was the service's, not the request's: it does not count.
    pub fn forgive(&mut self) {
        self.counted = self.counted.saturating_sub(1);
        self.unreadable = self.unreadable.saturating_sub(1);
        self.alike = None;
    }

    /// The pause before one more repeat, which is counted; `None` when there have been as many as allowed.
    pub fn pause(&mut self, retries: u32) -> Option<Duration> {
        if self.counted >= retries {
            return None;
        }
        let longest = MAX_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow(self.counted.min(10)));
        self.counted += 1;
        Some(longest.mul_f64(fastrand::f64()))
    }

    fn repeat(&mut self, fault: &Fault, retries: u32) -> Decision {
        let Some(pause) = self.pause(retries) else { return Decision::Fail };
        let overloaded = matches!(fault, Fault::Server { status: 503 | 504 } | Fault::TimedOut { .. });
        Decision::Repeat { pause, overloaded }
    }

    fn fails_alike(&mut self, fault: &Fault) -> bool {
        let text = fault.describe();
        let times = match self.alike.take() {
            Some((before, times)) if before == text => times + 1,
            _ => 1,
        };
        self.alike = Some((text, times));
        times >= ALIKE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD_GATEWAY: Fault = Fault::Server { status: 502 };

    #[test]
    fn failures_are_repeated_as_often_as_allowed() {
        let mut trials = RetryState::default();
        let fault = Fault::Server { status: 500 };
        for _ in 0..3 {
            assert!(matches!(trials.decide(&fault, 100, 3), Decision::Repeat { .. }));
        }
        assert_eq!(trials.decide(&fault, 100, 3), Decision::Fail);
    }

    #[test]
    fn the_same_bad_gateway_twice_asks_for_less() {
        let mut trials = RetryState::default();
        assert!(matches!(trials.decide(&BAD_GATEWAY, 100, 8), Decision::Repeat { .. }));
        assert_eq!(trials.decide(&BAD_GATEWAY, 100, 8), Decision::AskLess);
        let mut alone = RetryState::default();
        for _ in 0..8 {
            assert!(
                matches!(alone.decide(&BAD_GATEWAY, 1, 8), Decision::Repeat { .. }),
                "one message cannot be halved"
            );
        }
        assert_eq!(alone.decide(&BAD_GATEWAY, 1, 8), Decision::Fail);
    }

    #[test]
    fn a_broken_connection_is_repeated_once_for_free() {
        let mut trials = RetryState::default();
        let fault = Fault::Broken { what: "reset".to_owned() };
        assert_eq!(trials.decide(&fault, 100, 1), Decision::RepeatAtOnce);
        assert!(matches!(trials.decide(&fault, 100, 1), Decision::Repeat { .. }));
        assert_eq!(trials.decide(&fault, 100, 1), Decision::Fail);
    }

    #[test]
    fn an_answer_of_another_form_is_repeated_a_few_times_whatever_is_allowed() {
        let fault = Fault::NotAnAnswer { what: "the answer has no `data`".to_owned() };
        for (retries, repeats) in [(8, 3), (1, 1), (0, 0)] {
            let mut trials = RetryState::default();
            for _ in 0..repeats {
                assert!(matches!(trials.decide(&fault, 100, retries), Decision::AskAgain { .. }));
            }
            assert_eq!(trials.decide(&fault, 100, retries), Decision::Fail);
        }
    }

    #[test]
    fn throttling_is_not_counted() {
        let mut trials = RetryState::default();
        for _ in 0..100 {
            assert!(matches!(
                trials.decide(&Fault::Throttled { retry_after: None }, 100, 0),
                Decision::Throttle { .. }
            ));
        }
        assert_eq!(trials.counted, 0);
    }
}
