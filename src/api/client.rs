//! The client: one loop around every request that classifies, decides and acts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use tokio::time::{Instant, timeout};

use super::answer;
use super::answer::PageAnswer;
use super::body::{Body, LargeBodies, STALL_TIMEOUT};
use super::counters::Counters;
use super::failure::Failure;
use super::fatal::Fatal;
use super::fault::{self, Fault, Reply};
use super::http;
use super::limiter::{Limiter, Permit, Throttle};
use super::query::{ListingQuery, PageQuery, RequestTarget};
use super::redact::Redactor;
use super::repeated_warning::RepeatedWarning;
use super::retry::{Decision, MAX_PAUSE, MAX_RENEWALS, RetryState};
use super::silence::Silence;
use super::stats::{Requests, Stats};
use super::token::{Token, TokenKeeper};
use crate::event::{Event, SharedObserver, millis};
use crate::id::ContactId;
use crate::json::Document;
use crate::record::listing::{ListingPage, read_listing};
use crate::record::{ContactAnswer, PageError};
use crate::settings::{Connection, OutagePolicy, PasswordSource};

/// Number of tokens in a row that may return no page, after one did.
const MAX_UNPROVEN: u64 = 8;

/// Larger bodies are parsed in a blocking section, because they take milliseconds.
const LONG_PARSE: usize = 1 << 20;

/// HTTP client of the API for the whole run.
pub struct Client {
    pub(super) http: reqwest::Client,
    pub(super) connection: Arc<Connection>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) tokens: TokenKeeper,
    pub(super) observer: SharedObserver,
    pub(super) sign_in_warning: RepeatedWarning,
    pub(super) outage_warning: RepeatedWarning,
    /// True if the latest outage was not reported as a warning.
    pub(super) is_outage_repeated: AtomicBool,
    pub(super) silence: Silence,
    pub(super) stats: Stats,
    /// Masks secrets in every text of the service before it is reported.
    pub(super) redactor: Redactor,
    large_bodies: LargeBodies,
    /// True once the shortage of files was reported.
    pub(super) is_short_of_files: AtomicBool,
    /// Number of the newest token that returned a page.
    proven_token: AtomicU64,
}

impl Client {
    /// Creates a client.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(connection: Arc<Connection>, observer: SharedObserver) -> Result<Self, Fatal> {
        let http = http::client(&connection)?;
        let redactor = Redactor::default();
        if let Some(login) = &connection.credentials.login {
            redactor.add(&login.email);
            if let PasswordSource::Value(password) = &login.password {
                redactor.add(password);
            }
        }
        if let Some(email) = &connection.credentials.email {
            redactor.add(email);
        }
        let limiter = Limiter::new(connection.concurrency.get(), connection.rate_limit);
        Ok(Self {
            http,
            limiter: Arc::new(limiter),
            tokens: TokenKeeper::new(connection.auth_scheme),
            connection,
            observer,
            sign_in_warning: RepeatedWarning::default(),
            outage_warning: RepeatedWarning::default(),
            is_outage_repeated: AtomicBool::default(),
            silence: Silence::default(),
            stats: Stats::default(),
            redactor,
            large_bodies: LargeBodies::default(),
            is_short_of_files: AtomicBool::new(false),
            proven_token: AtomicU64::new(0),
        })
    }

    /// Number of requests that could be sent at once without delaying a waiting one.
    pub fn spare(&self) -> usize {
        self.limiter.spare()
    }

    /// True if the API has returned a page of any contact.
    pub fn has_answered(&self) -> bool {
        self.limiter.known_good().is_some()
    }

    /// True if there was any response, even an error.
    pub fn has_received(&self) -> bool {
        self.stats.requests().by_status.keys().any(|status| status != "error")
    }

    /// Returns a contact whose page was returned before, if nothing has succeeded since the newest failure.
    pub fn known_good_while_failing(&self) -> Option<ContactId> {
        if self.limiter.is_failing() { self.limiter.known_good() } else { None }
    }

    /// Counts of all requests so far.
    pub fn requests(&self) -> Requests {
        self.stats.requests()
    }

    /// Requests a page until it arrives or cannot be had. Returns it, and the result of `read`.
    ///
    /// # Errors
    /// See [`Failure`]. Temporary faults were retried before.
    pub async fn page<T>(
        &self,
        query: &PageQuery<'_>,
        counters: &Counters,
        read: impl Fn(&ContactAnswer<'_>) -> T,
    ) -> Result<(PageAnswer, T), Failure> {
        self.page_while(|| true, query, counters, read).await
    }

    /// Like [`Self::page`], but only while `is_wanted` returns true. Later no request is sent. A request in
    /// flight is not cancelled, because that would cost its connection.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn page_while<T>(
        &self,
        is_wanted: impl Fn() -> bool,
        query: &PageQuery<'_>,
        counters: &Counters,
        read: impl Fn(&ContactAnswer<'_>) -> T,
    ) -> Result<(PageAnswer, T), Failure> {
        let read = |document: &Document<'_>| Ok(read(&ContactAnswer::validate(document, query.contact)?));
        self.answer(is_wanted, &query.target(&self.connection.base_url), counters, &read).await
    }

    /// Requests a part of the list of contacts until it arrives or cannot be had.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn listing(
        &self,
        query: &ListingQuery<'_>,
        counters: &Counters,
    ) -> Result<ListingPage, Failure> {
        let read = |document: &Document<'_>| read_listing(document);
        let (_, page) =
            self.answer(|| true, &query.target(&self.connection.base_url), counters, &read).await?;
        Ok(page)
    }

    /// The loop around every request.
    async fn answer<T>(
        &self,
        is_wanted: impl Fn() -> bool,
        query: &RequestTarget<'_>,
        counters: &Counters,
        read: &impl Fn(&Document<'_>) -> Result<T, PageError>,
    ) -> Result<(PageAnswer, T), Failure> {
        let mut retry_state = RetryState::default();
        let mut shortages = 0;
        let mut is_repeat = false;
        loop {
            let (token, permit) = self.admit(query.contact).await.map_err(Failure::Fatal)?;
            if !is_wanted() {
                return Err(Failure::Unwanted);
            }
            counters.sent();
            if std::mem::replace(&mut is_repeat, true) {
                counters.repeated();
                self.stats.retried();
            }
            let since = permit.since;
            let mut permit = Some(permit);
            let outcome = self.attempt(query, &token, &mut permit, read).await;
            let fault = match outcome {
                Ok(page) => {
                    self.proven_token.fetch_max(token.number, Ordering::Relaxed);
                    self.answered(since, query.contact);
                    return Ok(page);
                }
                Err(fault) => fault,
            };
            let decision = retry_state.decide(&fault, query.limit, self.connection.retrying.retries);
            // The next request must find the gate closed, if this response closes it.
            if !matches!(decision, Decision::Throttle { .. } | Decision::WaitForQuota) {
                drop(permit);
            }
            match decision {
                Decision::RepeatAtOnce => {}
                Decision::Repeat { pause, overloaded } => {
                    if overloaded {
                        self.limiter.overloaded(since);
                    }
                    if self.is_outage(query.contact, &fault).await.map_err(Failure::Fatal)? {
                        retry_state.forgive();
                    } else {
                        self.pause(query, &fault, pause).await;
                    }
                }
                Decision::AskAgain { pause } => {
                    self.answered(since, None);
                    self.wait(query, &fault, pause).await;
                }
                Decision::FewerAtOnce => {
                    self.send_fewer(&mut shortages, since).await.map_err(Failure::Fatal)?;
                }
                Decision::Throttle { retry_after } => {
                    is_repeat = false;
                    self.throttle(self.limiter.throttled(since, retry_after), &fault)
                        .map_err(Failure::Fatal)?;
                }
                Decision::WaitForQuota => {
                    is_repeat = false;
                    self.throttle(self.limiter.quota_spent(since), &fault).map_err(Failure::Fatal)?;
                }
                // Several tokens in a row returned no page, so another one is unlikely to help.
                Decision::SignInAgain
                    if token.number > u64::from(MAX_RENEWALS) && !self.is_proven(&token) =>
                {
                    return Err(self.refused(since, 401, &fault));
                }
                Decision::SignInAgain => self.tokens.refuse(token.number),
                Decision::AskLess => return Err(Failure::AskLess),
                Decision::NotFound => {
                    self.answered(since, None);
                    return Err(Failure::NotFound);
                }
                Decision::Refused { status: 401 } if self.is_proven(&token) => {
                    // These tokens work for other requests, so this refusal is an ordinary failure.
                    let Some(pause) = retry_state.pause(self.connection.retrying.retries) else {
                        return Err(Failure::Refused { status: 401, what: fault.describe() });
                    };
                    self.pause(query, &fault, pause).await;
                }
                Decision::Refused { status } => return Err(self.refused(since, status, &fault)),
                Decision::NotTheApi => return Err(self.not_the_api(&fault)),
                Decision::Fail => {
                    let failure = self.failed(&fault);
                    let is_unanswered = matches!(failure, Failure::Unanswered { .. });
                    let waits = self.connection.retrying.outages == OutagePolicy::Wait;
                    if is_unanswered && !waits && !self.has_received() {
                        return Err(Failure::Fatal(Fatal::Silent { what: fault.describe() }));
                    }
                    if !is_unanswered
                        || !self.is_outage(query.contact, &fault).await.map_err(Failure::Fatal)?
                    {
                        return Err(failure);
                    }
                    if self.connection.retrying.retries == 0 {
                        return Err(Failure::Fatal(Fatal::Silent { what: fault.describe() }));
                    }
                    retry_state.forgive();
                }
            }
        }
    }

    /// Waits for a token and the right to send.
    pub(super) async fn admit(&self, contact: Option<&ContactId>) -> Result<(Token, Permit), Fatal> {
        let mut shortages = 0;
        loop {
            self.token().await?;
            let permit = self.limiter.admit().await;
            // After a long wait, the token may be another one or missing.
            let Some(token) = self.tokens.any() else { continue };
            match self.limiter.known_good().filter(|good| permit.is_probe && Some(good) != contact) {
                None => return Ok((token, permit)),
                Some(good) => {
                    // In an outage, the only request sent is for a contact that worked before. This contact
                    // might fail even after the outage.
                    let since = permit.since;
                    let probe = self.probe(&good, &token, since).await;
                    drop(permit);
                    match probe {
                        Ok(()) => {}
                        Err(Fault::NoFiles) => self.send_fewer(&mut shortages, since).await?,
                        Err(fault) => drop(self.is_outage(None, &fault).await?),
                    }
                }
            }
        }
    }

    /// Sends one request and reads its response. The permit ends with the last byte of a valid response, so
    /// that another request is in flight while it is parsed.
    pub(super) async fn attempt<T>(
        &self,
        query: &RequestTarget<'_>,
        token: &Token,
        permit: &mut Option<Permit>,
        read: &impl Fn(&Document<'_>) -> Result<T, PageError>,
    ) -> Result<(PageAnswer, T), Fault> {
        self.ask(query, token, permit, read).await.map_err(|fault| fault.masked(&self.redactor))
    }

    async fn ask<T>(
        &self,
        query: &RequestTarget<'_>,
        token: &Token,
        permit: &mut Option<Permit>,
        read: &impl Fn(&Document<'_>) -> Result<T, PageError>,
    ) -> Result<(PageAnswer, T), Fault> {
        let request = self.http.get(query.url.clone()).header(AUTHORIZATION, token.header.clone());
        let reply = self.send(request).await?;
        if let Some(fault) = fault::of_status(&reply) {
            return Err(fault);
        }
        drop(permit.take());
        let is_long = reply.body.bytes.len() > LONG_PARSE;
        let parse = || answer::read(reply.body, read);
        if is_long { tokio::task::block_in_place(parse) } else { parse() }
    }

    /// Sends a request, counts it, and reads the whole response.
    pub(super) async fn send(&self, request: reqwest::RequestBuilder) -> Result<Reply, Fault> {
        let retrying = &self.connection.retrying;
        let began = Instant::now();
        let deadline = began + retrying.timeout;
        let mut patience = retrying.timeout.min(STALL_TIMEOUT + retrying.connect_timeout);
        if retrying.outages == OutagePolicy::Fail {
            patience = patience.min(self.silence.listen());
        }
        let response = match timeout(patience, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                self.sent(None, began.elapsed());
                return Err(fault::of_network(&error.without_url(), &self.connection));
            }
            Err(_) => {
                self.sent(None, began.elapsed());
                let (route, seconds) = (&self.connection.route, patience.as_secs());
                return Err(Fault::TimedOut { what: format!("no response from {route} within {seconds} s") });
            }
        };
        let head_after = began.elapsed();
        self.silence.end();
        let (status, version, headers) = (response.status(), response.version(), response.headers().clone());
        self.sent(Some(status.as_u16()), head_after);
        if status.is_success() {
            self.limiter.took(head_after);
        }
        let body = match self.large_bodies.read(response, deadline).await {
            Ok(body) => body,
            // The status is sufficient.
            Err(error) if !status.is_success() && error.is_of_encoding() => Body::default(),
            Err(error) => return Err(fault::of_body(&error, &self.connection)),
        };
        let reply = Reply { status, version, headers, head_after, body };
        if status == StatusCode::SERVICE_UNAVAILABLE
            && let Some(asked) = fault::asked_silence(&reply)
        {
            self.limiter.silence(asked);
        }
        Ok(reply)
    }

    /// Counts an attempt by its status and response time.
    fn sent(&self, status: Option<u16>, time: Duration) {
        self.stats.sent(status, time);
        self.observer.request_sent();
    }

    /// The POST request of a sign-in.
    pub(super) fn sign_in_request(&self, body: Vec<u8>) -> reqwest::RequestBuilder {
        let url = self.connection.base_url.endpoint("get_id_token");
        self.http.post(url).header(CONTENT_TYPE, "application/json").body(body)
    }

    /// Records that the service responded to a request that started at `since`.
    pub(super) fn answered(&self, since: Instant, page_of: Option<&ContactId>) {
        if let Some(lasted) = self.limiter.answered(since, page_of) {
            self.report_end_of_outage(lasted);
        }
    }

    /// Applies a throttle decision: the gate is closed, or it was closed for too long.
    pub(super) fn throttle(&self, throttle: Throttle, fault: &Fault) -> Result<(), Fatal> {
        match throttle {
            Throttle::Wait(silence) => {
                self.observer.event(Event::Throttled { delay_ms: millis(silence) });
                Ok(())
            }
            Throttle::GiveUp if *fault == Fault::Quota => Err(Fatal::Quota),
            Throttle::GiveUp => Err(Fatal::Unavailable { minutes: 15, what: fault.describe() }),
        }
    }

    async fn pause(&self, query: &RequestTarget<'_>, fault: &Fault, pause: Duration) {
        let pause = if self.limiter.take_retry() { pause } else { MAX_PAUSE };
        self.wait(query, fault, pause).await;
    }

    async fn wait(&self, query: &RequestTarget<'_>, fault: &Fault, pause: Duration) {
        let (offset, reason, delay_ms) = (query.offset, fault.describe_fully(), millis(pause));
        self.observer.event(match query.contact {
            Some(contact) => Event::Retry { contact: contact.to_string(), offset, reason, delay_ms },
            None => Event::ListingRetry { offset, reason, delay_ms },
        });
        tokio::time::sleep_until(Instant::now() + pause).await;
    }

    /// True if this token, or one of the few before it, returned a page. Each contact that answers 401 renews the
    /// token, also if it would work for others.
    fn is_proven(&self, token: &Token) -> bool {
        let proven = self.proven_token.load(Ordering::Relaxed);
        proven > 0 && proven + MAX_UNPROVEN >= token.number
    }
}
