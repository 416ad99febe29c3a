//! Measures how long the service has answered nothing at all, for commands that do not wait for the end of an outage.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Maximum time without any response. With the overhead of the command, `check` ends within 30 seconds. The gateway
/// of the service answers within 29 seconds, if only with an error.
const PATIENCE: Duration = Duration::from_millis(29_250);

/// Start of the first request since the last response.
#[derive(Debug, Default)]
pub(super) struct Silence(Mutex<Option<Instant>>);

impl Silence {
    /// Starts the clock, unless it is running. Returns the remaining time for a response.
    pub(super) fn listen(&self) -> Duration {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = since.get_or_insert_with(Instant::now);
        PATIENCE.saturating_sub(since.elapsed())
    }

    /// Stops the clock: there was a response.
    pub(super) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// True if there was no response for too long.
    pub(super) fn is_too_long(&self) -> bool {
        let since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() >= PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::num::NonZeroU32;
    use std::sync::Arc;

    use super::*;
    use crate::api::{Client, Fatal};
    use crate::event::{Event, Observer};
    use crate::settings::{
        AuthScheme, BaseUrl, Connection, Credentials, Login, OutagePolicy, PasswordSource, Retrying,
    };

    struct Nobody;

    impl Observer for Nobody {
        fn event(&self, _: Event) {}
    }

    /// Settings for the service at this port.
    fn connection(port: u16, retries: u32) -> Connection {
        let base_url: BaseUrl = format!("http://127.0.0.1:{port}").parse().unwrap();
        let login = Login { email: "a@b.example".into(), password: PasswordSource::Value("x".into()) };
        Connection {
            route: base_url.route().unwrap(),
            base_url,
            credentials: Credentials { token: None, login: Some(login), email: None },
            auth_scheme: AuthScheme::Bearer,
            concurrency: NonZeroU32::MIN,
            rate_limit: None,
            retrying: Retrying {
                retries,
                timeout: Duration::from_mins(1),
                connect_timeout: Duration::from_secs(10),
                outages: OutagePolicy::Fail,
            },
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_never_answers_is_given_up_within_half_a_minute() {
        // The system accepts connections for a listener that does not.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        for retries in [8, 1000] {
            let client = Client::new(Arc::new(connection(port, retries)), Arc::new(Nobody)).unwrap();
            let began = Instant::now();
            let error = client.signed_in().await.unwrap_err();
            let took = began.elapsed();
            assert!(matches!(error, Fatal::Silent { .. }), "{error}");
            assert!((Duration::from_secs(25)..Duration::from_secs(30)).contains(&took), "{took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_refuses_connections_is_given_up_within_half_a_minute() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let client = Client::new(Arc::new(connection(port, 1000)), Arc::new(Nobody)).unwrap();
        let began = Instant::now();
        let error = client.signed_in().await.unwrap_err();
        assert!(matches!(error, Fatal::Silent { .. }), "{error}");
        assert!(began.elapsed() < Duration::from_secs(31), "{:?}", began.elapsed());
        assert!(client.requests().sent > 20, "it was tried all the time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_ends_the_silence() {
        let silence = Silence::default();
        assert_eq!(silence.listen(), PATIENCE);
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(silence.listen() + Duration::from_secs(9), PATIENCE);
        silence.end();
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!(!silence.is_too_long());
        assert_eq!(silence.listen(), PATIENCE);
        tokio::time::advance(PATIENCE).await;
        assert!(silence.is_too_long());
    }
}
