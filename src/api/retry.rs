//! Decides the next step after a fault, given the earlier faults of the request.

use std::time::Duration;

use super::fault::Fault;

/// Upper limit of the first pause before a retry. It doubles with each retry, and the pause is drawn between
/// zero and the limit ("full jitter").
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Maximum pause before a retry.
pub const MAX_PAUSE: Duration = Duration::from_secs(20);
/// Number of identical failures in a row after which half the page is requested.
const ALIKE: u32 = 2;
/// Maximum number of retries after a response that is not JSON. A proxy's page may be temporary, a captive
/// portal is not.
const UNREADABLE_REPEATS: u32 = 4;
/// Maximum number of retries after JSON of the wrong shape. A cache or proxy may have mixed up responses. If
/// the API itself has changed, the user must know soon.
const NOT_AN_ANSWER_REPEATS: u32 = 3;
/// Maximum number of refusals of new tokens for one request.
pub const MAX_RENEWALS: u32 = 2;

/// History of one request.
#[derive(Clone, Debug, Default)]
pub struct RetryState {
    /// Number of failures that count against `--retries`.
    pub counted: u32,
    broke_once: bool,
    renewals: u32,
    unreadable: u32,
    not_an_answer: u32,
    alike: Option<(String, u32)>,
}

/// Next step after a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Repeat at once, without counting: the server closed a kept-alive connection.
    RepeatAtOnce,
    /// Repeat after a pause, unless the service is down. Counts.
    Repeat { pause: Duration, overloaded: bool },
    /// Repeat after a pause. Counts. The service is up.
    AskAgain { pause: Duration },
    /// Close the gate for all requests and wait. Does not count.
    Throttle { retry_after: Option<Duration> },
    /// Repeat when fewer requests are in flight.
    FewerAtOnce,
    /// Wait at the gate for the quota.
    WaitForQuota,
    /// Repeat with a new token.
    SignInAgain,
    /// Request half as many messages.
    AskLess,
    /// The contact does not exist.
    NotFound,
    /// The contact cannot be read.
    Fail,
    /// The service refused the request. The results of other contacts show if this concerns the contact or
    /// the run.
    Refused { status: u16 },
    /// Another server responds, or the server cannot be identified.
    NotTheApi,
}

impl RetryState {
    /// Decides after a fault of a request with `limit`, with at most `retries` retries.
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

    /// Does not count the last failure, because it was the service's and not the request's.
    pub fn forgive(&mut self) {
        self.counted = self.counted.saturating_sub(1);
        self.unreadable = self.unreadable.saturating_sub(1);
        self.alike = None;
    }

    /// Counts a retry and returns the pause before it. Returns `None` if the limit is reached.
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
        let mut retry_state = RetryState::default();
        let fault = Fault::Server { status: 500 };
        for _ in 0..3 {
            assert!(matches!(retry_state.decide(&fault, 100, 3), Decision::Repeat { .. }));
        }
        assert_eq!(retry_state.decide(&fault, 100, 3), Decision::Fail);
    }

    #[test]
    fn the_same_bad_gateway_twice_halves_the_page() {
        let mut retry_state = RetryState::default();
        assert!(matches!(retry_state.decide(&BAD_GATEWAY, 100, 8), Decision::Repeat { .. }));
        assert_eq!(retry_state.decide(&BAD_GATEWAY, 100, 8), Decision::AskLess);
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
        let mut retry_state = RetryState::default();
        let fault = Fault::Broken { what: "reset".to_owned() };
        assert_eq!(retry_state.decide(&fault, 100, 1), Decision::RepeatAtOnce);
        assert!(matches!(retry_state.decide(&fault, 100, 1), Decision::Repeat { .. }));
        assert_eq!(retry_state.decide(&fault, 100, 1), Decision::Fail);
    }

    #[test]
    fn a_response_of_the_wrong_shape_has_few_retries() {
        let fault = Fault::NotAnAnswer { what: "the answer has no `data`".to_owned() };
        for (retries, repeats) in [(8, 3), (1, 1), (0, 0)] {
            let mut retry_state = RetryState::default();
            for _ in 0..repeats {
                assert!(matches!(retry_state.decide(&fault, 100, retries), Decision::AskAgain { .. }));
            }
            assert_eq!(retry_state.decide(&fault, 100, retries), Decision::Fail);
        }
    }

    #[test]
    fn throttling_is_not_counted() {
        let mut retry_state = RetryState::default();
        for _ in 0..100 {
            assert!(matches!(
                retry_state.decide(&Fault::Throttled { retry_after: None }, 100, 0),
                Decision::Throttle { .. }
            ));
        }
        assert_eq!(retry_state.counted, 0);
    }
}
