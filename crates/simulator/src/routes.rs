//! From a request to its response: count it, decide its faults, delay it, admit it, serve it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::{Method, Request, Response};

use super::account::{self, Account};
use super::auth::{self, Auth};
use super::body::ReplyBody;
use super::compress;
use super::drift::Drift;
use super::faults::{Faults, Outcome};
use super::options::{SimulatorOptions, Unknown};
use super::pages::{self, Query};
use super::reply::{Delivery, Reply};
use super::stats::{Endpoint, Ledger};
use super::story::{Rng, Story, Wild, rng};
use super::truth::Truth;

/// Maximum size of a sign-in body, in bytes.
const MAX_SIGN_IN: usize = 64 * 1024;

/// Everything that a response depends on.
#[derive(Debug)]
pub struct World {
    options: SimulatorOptions,
    story: Story,
    account: Account,
    auth: Auth,
    drift: Drift,
    faults: Faults,
    /// The statistics.
    pub ledger: Arc<Ledger>,
}

/// The connection is reset instead of a response.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the simulator reset this connection")]
pub struct Reset;

impl World {
    /// A world with these options.
    pub fn new(options: SimulatorOptions) -> Self {
        let wild = Wild { chance: options.changes.wild, kind: options.changes.wild_kind };
        let has_canaries = options.changes.canaries;
        let SimulatorOptions { seed, max_messages, receipts, .. } = options;
        let story = Story { seed, max_messages, receipts, wild, has_canaries };
        Self {
            story,
            account: Account::new(story, options.account_contacts),
            auth: Auth::new(options.sign_in.clone()),
            drift: Drift::new(options.changes.clone()),
            faults: Faults::new(options.faults.clone(), options.seed),
            ledger: Arc::default(),
            options,
        }
    }

    /// Responds to a request.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<ReplyBody>, Reset> {
        // The API is below a stage (`/prod`), so only the last segment of the path matters.
        let name = request.uri().path().rsplit('/').next().unwrap_or_default();
        let endpoint = match (request.method(), name) {
            (&Method::GET, "_stats") => return Ok(self.respond(self.stats(), None)),
            (&Method::POST, "reset") if request.uri().path().ends_with("/_stats/reset") => {
                self.ledger.reset();
                return Ok(self.respond(Reply::json(200, "{}"), None));
            }
            (&Method::POST, "_night") => {
                let day = serde_json::to_vec(&self.account.pass_day(&self.drift));
                return Ok(self.respond(Reply::json(200, day.unwrap_or_default()), None));
            }
            (&Method::GET, "_truth") => return Ok(self.truth(&request)),
            (&Method::GET, "_canaries") => return Ok(self.respond(self.canaries(&request), None)),
            (&Method::POST, "get_id_token") => Endpoint::SignIn,
            (&Method::GET, "get_contact_conversation_messages") => Endpoint::Messages,
            (&Method::GET, "get_contact_conversations") => Endpoint::Contacts,
            _ => Endpoint::Other,
        };
        let query = match endpoint {
            Endpoint::Messages => Some(Query::parse(request.uri().query().unwrap_or_default())),
            _ => None,
        };
        let contact = query.as_ref().and_then(|query| Some(query.as_ref().ok()?.contact_id.as_str()));
        let arrival = self.ledger.arrive(endpoint, contact);
        let decision = self.faults.decide(endpoint, contact.unwrap_or(name), arrival.nth);
        // The delay includes the time that the response takes to make.
        let due = (!decision.delay.is_zero()).then(|| Instant::now() + decision.delay);
        let encoding = self.options.compress.and_then(|how| compress::accepted(how, request.headers()));
        let mut reply = match decision.outcome {
            Outcome::Reset => {
                until(due).await;
                self.ledger.answered("reset");
                return Err(Reset);
            }
            Outcome::Refuse(reply) => reply,
            Outcome::Serve(delivery) => {
                let reply = match (endpoint, query) {
                    (Endpoint::SignIn, _) => self.sign_in(request).await,
                    (Endpoint::Other, _) => Reply::message(403, "Missing Authentication Token"),
                    (_, query) => self.admitted(&request, query, arrival.nth),
                };
                Reply { delivery, ..reply }
            }
        };
        let encoded = encoding.and_then(|encoding| Some((encoding, encoding.encode(&reply.body)?)));
        let name = encoded.map(|(encoding, body)| {
            reply.body = body;
            encoding.name()
        });
        until(due).await;
        self.ledger.answered(&reply.status.to_string());
        let mut response = self.respond(reply, Some(arrival.flight));
        if let Some(name) = name {
            response.headers_mut().insert(hyper::header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        Ok(response)
    }

    async fn sign_in(&self, request: Request<Incoming>) -> Reply {
        let Ok(body) = Limited::new(request.into_body(), MAX_SIGN_IN).collect().await else {
            return Reply::message(400, "the body could not be read");
        };
        self.auth.sign_in(&body.to_bytes()).map_or_else(
            |refused| refused,
            |welcome| {
                self.ledger.signed_in();
                welcome
            },
        )
    }

    /// The response to a request for messages or contacts.
    fn admitted(
        &self,
        request: &Request<Incoming>,
        query: Option<Result<Query, &'static str>>,
        nth: u64,
    ) -> Reply {
        let header = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
        self.ledger.authorised_by(auth::scheme(header));
        if let Err(refused) = self.auth.admit(header) {
            return refused;
        }
        let list = || account::Query::parse(request.uri().query().unwrap_or_default());
        let answer = match query {
            Some(query) => query.map(|query| self.messages(&query, nth)),
            None => list().map(|query| self.contacts(&query, nth)),
        };
        answer.unwrap_or_else(|wrong| Reply::message(400, wrong))
    }

    fn messages(&self, query: &Query, nth: u64) -> Reply {
        let Some(mut contact) = self.story.contact(&query.contact_id) else {
            return match self.options.unknown {
                Unknown::NotFound => Reply::message(404, "Contact not found"),
                Unknown::Null => Reply::json(200, r#"{"data":{"data":{"contact":null,"conversations":[]}}}"#),
                Unknown::Empty => Reply::json(200, r#"{"data":{"data":{"conversations":[]}}}"#),
            };
        };
        let rng = Rng::new(rng::part(contact.key, 7), nth);
        let snapshot = self.drift.pass(&mut contact, rng);
        let page = pages::select(&self.options.pages, &contact, &snapshot, query);
        let crashed = || Reply::message(502, "Internal server error");
        if contact.poison().is_some_and(|poison| page.contains(&poison)) {
            return crashed();
        }
        let last = snapshot.last(contact.mask(None));
        let owner = self.options.sign_in.email.as_deref().unwrap_or("owner@shop.example");
        let text = pages::write(&self.options.pages, &contact, last, &page, query.shape, owner);
        if self.faults.is_too_large(text.len()) { crashed() } else { Reply::json(200, text) }
    }

    fn contacts(&self, query: &account::Query, nth: u64) -> Reply {
        let text = self.account.write(query, &self.options.pages, &self.drift, nth);
        if self.faults.is_too_large(text.len()) {
            return Reply::message(502, "Internal server error");
        }
        Reply::json(200, text)
    }

    fn stats(&self) -> Reply {
        let stats =
            serde_json::to_vec_pretty(&self.ledger.stats()).expect("numbers by names are always JSON");
        Reply::json(200, stats)
    }

    /// The canaries of a contact.
    fn canaries(&self, request: &Request<Incoming>) -> Reply {
        match Query::parse(request.uri().query().unwrap_or_default()) {
            Ok(query) => {
                let canaries = self.story.contact(&query.contact_id).and_then(|contact| contact.canaries);
                Reply::json(200, canaries.map_or_else(|| "[]".to_owned(), |canaries| canaries.list()))
            }
            Err(wrong) => Reply::message(400, wrong),
        }
    }

    fn truth(&self, request: &Request<Incoming>) -> Response<ReplyBody> {
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let contact = query.map(|query| self.story.contact(&query.contact_id));
        match contact {
            Ok(Some(mut contact)) => {
                let snapshot = self.drift.now(&mut contact);
                Response::new(ReplyBody::lines(Truth::new(contact, snapshot)))
            }
            Ok(None) => self.respond(Reply::message(404, "Contact not found"), None),
            Err(wrong) => self.respond(Reply::message(400, wrong), None),
        }
    }

    fn respond(&self, reply: Reply, flight: Option<super::stats::Flight>) -> Response<ReplyBody> {
        let mut response = Response::builder()
            .status(reply.status)
            .header("content-type", reply.content_type)
            .header("x-amzn-requestid", "5f0c4e0a-8d8e-4f6e-9a53-6b1f2c9d7e10");
        if let Some(value) = reply.retry_after {
            response = response.header("retry-after", value);
        }
        if reply.delivery != Delivery::Whole {
            response = response.header("content-length", reply.body.len());
        }
        let body: Bytes = reply.body;
        response
            .body(ReplyBody::new(body, reply.delivery, self.faults.slow_rate(), flight))
            .expect("all parts are valid")
    }
}

/// Waits, exact to a tenth of a millisecond. Tokio's timer is one to two milliseconds late, 2 % of a typical latency.
async fn until(due: Option<Instant>) {
    if let Some(due) = due {
        futures_timer::Delay::new(due.saturating_duration_since(Instant::now())).await;
    }
}
