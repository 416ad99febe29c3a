//! Obtains and renews the token that all requests share.

use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::client::Client;
use super::fatal::Fatal;
use super::fault::{self, Fault};
use super::secret_source;
use super::sign_in::{self, Answer, Granted};
use super::token::{Freshness, Token, Tried};
use crate::event::Event;
use crate::settings::{Login, OutagePolicy, TokenSource};

/// Maximum number of sign-in responses in a row that are not JSON. Beyond it, the address counts as wrong.
const MAX_UNREADABLE: u32 = 3;
/// Pause before another sign-in after a failure of the server or the network.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// Urgency of a sign-in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// The old token is still valid, so one attempt is enough.
    Ahead,
    /// There is no token. Sign-in is repeated until it succeeds or the run must end.
    Now,
}

impl Client {
    /// Returns a token. Renews it or waits for it if necessary.
    pub(super) async fn token(&self) -> Result<Token, Fatal> {
        match self.tokens.now() {
            Freshness::Fresh(token) => Ok(token),
            Freshness::Aging(token) => match self.tokens.renewal.try_lock() {
                Err(_) => Ok(token), // being renewed, and still good
                Ok(mut tried) => self.renew_ahead(token, &mut tried).await,
            },
            Freshness::Missing => {
                let mut tried = self.tokens.renewal.lock().await;
                match self.tokens.now() {
                    Freshness::Fresh(token) | Freshness::Aging(token) => Ok(token),
                    Freshness::Missing => self.obtain(&mut tried).await,
                }
            }
        }
    }

    async fn renew_ahead(&self, old: Token, tried: &mut Tried) -> Result<Token, Fatal> {
        let Some(login) = &self.connection.credentials.login else { return Ok(old) };
        if tried.refusal.is_some() {
            return Ok(old);
        }
        match self.sign_in_once(login, Need::Ahead, tried).await {
            Ok(token) => Ok(token),
            Err(stop) => {
                self.warn_of_failed_sign_in(stop.to_string());
                self.tokens.renew_later();
                Ok(old)
            }
        }
    }

    /// Obtains the first token, or a replacement for a refused one: the user's token if it is new, otherwise
    /// by signing in.
    async fn obtain(&self, tried: &mut Tried) -> Result<Token, Fatal> {
        let credentials = &self.connection.credentials;
        let from_user = match &credentials.token {
            Some(TokenSource::Value(token)) => Some(token.clone()),
            Some(TokenSource::File(path)) => Some(secret_source::token(path).await?),
            None => None,
        };
        if let Some(token) = from_user
            && tried.given.as_ref().is_none_or(|before| before.expose_secret() != token.expose_secret())
        {
            self.redactor.add(&token);
            if !self.tokens.put(&token, None) {
                return Err(Fatal::Credentials {
                    what: "the given token is invalid, it contains spaces or non-ASCII characters: check CHATZY_TOKEN or the file that CHATZY_TOKEN_FILE names".to_owned(),
                });
            }
            tried.given = Some(token);
            return self.token_now();
        }
        match &credentials.login {
            Some(login) => self.sign_in_once(login, Need::Now, tried).await,
            None => {
                Err(Fatal::SignInRefused { what: "the given token has expired or is not valid".to_owned() })
            }
        }
    }

    fn token_now(&self) -> Result<Token, Fatal> {
        self.tokens.any().ok_or_else(|| Fatal::SignInRefused { what: "the token expired at once".to_owned() })
    }

    /// Signs in, unless the sign-in was refused before.
    async fn sign_in_once(&self, login: &Login, need: Need, tried: &mut Tried) -> Result<Token, Fatal> {
        if let Some(refusal) = &tried.refusal {
            return Err(refusal.clone());
        }
        let outcome = self.sign_in(login, need).await;
        if let Err(refusal @ Fatal::SignInRefused { .. }) = &outcome {
            tried.refusal = Some(refusal.clone());
        }
        outcome
    }

    async fn sign_in(&self, login: &Login, need: Need) -> Result<Token, Fatal> {
        let password = secret_source::password(&login.password).await?;
        self.redactor.add(&password);
        let (mut unreadable, mut shortages, mut failures) = (0, 0, 0);
        loop {
            let permit = self.limiter.admit_ahead().await;
            let since = permit.since;
            let request = self.sign_in_request(sign_in::request(&login.email, &password));
            let outcome = self.send(request).await;
            drop(permit);
            let fault = match outcome.and_then(|reply| read_answer(&reply)) {
                Ok(granted) => return self.grant(since, &granted),
                Err(fault) => fault.masked(&self.redactor),
            };
            match fault {
                Fault::Throttled { retry_after } => {
                    self.throttle(self.limiter.throttled(since, retry_after), &fault)?;
                }
                Fault::Quota => self.throttle(self.limiter.quota_spent(since), &fault)?,
                Fault::Unauthorized { .. } | Fault::Refused { .. } => {
                    self.answered(since, None);
                    return Err(Fatal::SignInRefused { what: fault.describe() });
                }
                Fault::NotFound | Fault::UnknownPath | Fault::Redirect { .. } => {
                    return Err(self.wrong_address(fault.describe()));
                }
                Fault::NoFiles => self.send_fewer(&mut shortages, since).await?,
                Fault::Certificate { what } => return Err(self.refused_certificate(what)),
                Fault::Unreadable { .. } if unreadable >= MAX_UNREADABLE => {
                    return Err(self.wrong_address(fault.describe()));
                }
                _ => {
                    unreadable += u32::from(matches!(fault, Fault::Unreadable { .. }));
                    if need == Need::Ahead {
                        return Err(Fatal::Unavailable { minutes: 0, what: fault.describe() });
                    }
                    failures += 1;
                    let retrying = &self.connection.retrying;
                    if retrying.outages == OutagePolicy::Fail
                        && (failures > retrying.retries || self.silence.is_too_long())
                    {
                        return Err(Fatal::Silent { what: fault.describe() });
                    }
                    self.warn_of_failed_sign_in(fault.describe());
                    if !self.is_outage(None, &fault).await? {
                        tokio::time::sleep(PAUSE.mul_f64(0.5 + fastrand::f64())).await;
                    }
                }
            }
        }
    }

    fn warn_of_failed_sign_in(&self, reason: String) {
        if let Some(suppressed) = self.sign_in_warning.count() {
            self.observer.event(Event::SignInFailed { reason, suppressed });
        }
    }

    fn grant(&self, since: Instant, granted: &Granted) -> Result<Token, Fatal> {
        self.answered(since, None);
        self.redactor.add(&granted.token);
        self.tokens.put(&granted.token, Some(granted.life));
        self.observer.event(Event::SignedIn { life_seconds: granted.life.as_secs() });
        self.token_now()
    }

    /// Returns the error for a server that cannot be identified.
    pub(super) fn refused_certificate(&self, what: String) -> Fatal {
        Fatal::Certificate { url: self.connection.base_url.to_string(), what }
    }

    /// Returns the error for a server that is not the API.
    pub(super) fn wrong_address(&self, what: String) -> Fatal {
        Fatal::NotTheApi { url: self.connection.base_url.to_string(), what }
    }
}

fn read_answer(reply: &fault::Reply) -> Result<Granted, Fault> {
    if let Some(fault) = fault::of_status(reply) {
        return Err(fault);
    }
    match sign_in::read(&reply.body.bytes) {
        Answer::Granted(granted) => Ok(granted),
        Answer::Refused(what) => Err(Fault::Refused { status: 200, what }),
        Answer::Unreadable if fault::is_html(&reply.body.bytes) => {
            Err(Fault::Unreadable { what: fault::WEB_PAGE.to_owned(), is_foreign: true, begins: None })
        }
        Answer::Unreadable => {
            Err(Fault::Unreadable { what: "no JSON".to_owned(), is_foreign: true, begins: None })
        }
    }
}
