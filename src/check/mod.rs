//! What must be true before a run: the destination can be written, sign-in works, contacts are there, and the API keeps to
//! what paging needs. Each thing is looked at and told, whatever the others are like; then a plan is made.
//!
//! ```text
//! destination ─┐ (no network)
//! sign-in ─▶ contacts ─▶ sample ─▶ limit, offset, order ─▶ manner of the answers ─▶ plan
//! ```
//!
//! It asks as a run does, through the same client: a token, the governor, repeats. It writes a small folder at
//! the destination, which it removes at once, and reads nothing of messages but their IDs and times.
//!
//! Layer 4: uses `fetch`, `verify` and `api`; only the command line shows what it found.

mod ask;
mod destination;
mod finding;
mod length;
mod limit;
mod manner;
mod offset;
mod plan;
mod probe;
mod sample;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;

use crate::api::{Client, Failure, SignIn, Stop};
use crate::contacts::ContactList;
use crate::event::SharedObserver;
use crate::fetch::listing;
use crate::settings::Connection;
use ask::Asker;
pub use destination::{Destination, look as destination};
use finding::Findings;
pub use finding::{Cause, Finding, Status};
use limit::Limit;
use offset::Offset;
pub use plan::Plan;
use sample::{Sample, Sampled};

/// What is to be looked at.
pub struct Task {
    /// The service and how to talk to it.
    pub connection: Arc<Connection>,
    /// `limit` of each page, 1..=100.
    pub page_size: u32,
    /// Contacts that a run would export.
    pub contacts: Chosen,
}

/// Contacts that a run would export.
pub enum Chosen {
    /// These.
    Listed(ContactList),
    /// Those of a file that is bad, and what is wrong with it.
    Bad(String),
    /// Every contact of the account.
    All,
}

/// What was found.
#[derive(Debug)]
pub struct Checked {
    /// Thing by thing.
    pub findings: Vec<Finding>,
    /// What a run would be, where that can be told.
    pub plan: Option<Plan>,
}

/// Looks at the API, and makes a plan of a run into this destination.
pub async fn check(task: Task, destination: Destination, observer: &SharedObserver) -> Checked {
    let mut found = Findings::default();
    let plan = Box::pin(ask_around(task, destination.out.as_deref(), observer, &mut found)).await;
    for finding in destination.findings {
        found.put(enough_room(finding, destination.free, plan.as_ref()));
    }
    Checked { findings: found.finish(), plan }
}

/// All that the API is asked for; ends early where nothing more can be found out.
async fn ask_around(
    task: Task,
    out: Option<&Path>,
    observer: &SharedObserver,
    found: &mut Findings,
) -> Option<Plan> {
    let Task { connection, page_size, contacts } = task;
    let client = stopping("sign_in", Client::new(Arc::clone(&connection), observer.clone()), found)?;
    let sign_in = stopping("sign_in", Box::pin(client.signed_in()).await, found)?;
    found.put(signed_in(sign_in));
    let contacts = Box::pin(whom(contacts, &client, observer, found)).await?;
    let asker = Asker { client: &client };
    let sample = stopping("contact", Box::pin(sample::take(&asker, &contacts, page_size)).await, found)?;
    sample::tell(&sample, found);
    let subject = sample.subject()?;
    let limit = Box::pin(pages(&asker, &sample, subject, page_size, found)).await;
    Box::pin(manner::find_out(&client, subject, found)).await;
    let plan = plan::make(&asker, &contacts, &sample, limit?, out, &connection);
    match Box::pin(plan).await {
        Ok(plan) => Some(plan),
        Err(failure) => {
            failed("contact", failure, found);
            None
        }
    }
}

/// What is there, or the finding that the API has ended it.
fn stopping<T>(name: &'static str, result: Result<T, Stop>, found: &mut Findings) -> Option<T> {
    result.map_err(|stop| found.stopped(name, stop)).ok()
}

/// A failure to answer what has been answered a moment ago: a run would try again, and we leave it at that.
fn failed(name: &'static str, failure: Failure, found: &mut Findings) {
    let what = match failure {
        Failure::Stop(stop) => return found.stopped(name, stop),
        Failure::Unwanted => return found.stopped(name, Stop::Cancelled),
        Failure::NotFound => "the contact has vanished meanwhile".to_owned(),
        Failure::AskLess => "a single message is too much for the server".to_owned(),
        Failure::Refused { what, .. }
        | Failure::Unanswered { what }
        | Failure::NotAnAnswer { what }
        | Failure::Unreadable { what } => what,
    };
    found.put(Finding::warn(name, format!("could not be looked at: {what}")));
}

fn signed_in(sign_in: SignIn) -> Finding {
    let minutes = |life: Duration| life.as_secs().div_ceil(60);
    match sign_in {
        SignIn { is_given: true, is_renewed: true, .. } => Finding::ok(
            "sign_in",
            "the given token is taken; when it is refused, e-mail and password are there for another",
        ),
        SignIn { is_given: true, .. } => Finding::warn(
            "sign_in",
            "the given token is taken; a run that outlives it ends with exit code 4, since nothing is there to renew it with",
        ),
        SignIn { life, .. } => {
            let life = life.unwrap_or_default();
            Finding::ok("sign_in", format!("the token lives {} minutes, and is renewed", minutes(life)))
                .with("token_life_seconds", life.as_secs())
        }
    }
    .with("renewed", sign_in.is_renewed)
}

/// The contacts, unless there is none to go on with.
async fn whom(
    chosen: Chosen,
    client: &Client,
    observer: &SharedObserver,
    found: &mut Findings,
) -> Option<ContactList> {
    let (list, finding) = match chosen {
        Chosen::Bad(what) => {
            found.put(Finding::fail("contacts", Cause::Contacts, what));
            return None;
        }
        Chosen::Listed(list) => {
            let detail = format!(
                "{} in {} ({} lines, {} duplicates)",
                list.len(),
                list.path,
                list.lines,
                list.duplicates
            );
            let finding = Finding::ok("contacts", detail).with("duplicates", list.duplicates);
            (list, finding)
        }
        Chosen::All => match Box::pin(listing::roster(client, observer)).await {
            Ok(roster) => {
                let (list, _) = roster.into_list();
                let detail = format!("{}, all of the account's", list.len());
                let finding = match list.doubts.first() {
                    None => Finding::ok("contacts", detail),
                    Some(doubt) => Finding::warn("contacts", format!("{detail}; {doubt}")),
                };
                (list, finding)
            }
            Err(listing::ListingError::Api(stop)) => {
                found.stopped("contacts", stop);
                return None;
            }
            Err(error) => {
                let detail = error.to_string();
                found.put(Finding::fail("contacts", Cause::Listing(error), detail));
                return None;
            }
        },
    };
    if list.is_empty() {
        found.put(Finding::fail(
            "contacts",
            Cause::NoContacts,
            "the account has none: there is nothing to export",
        ));
        return None;
    }
    found.put(finding.with("contacts", list.len()));
    Some(list)
}

/// How histories are cut into pages; none where no history could be read.
async fn pages(
    asker: &Asker<'_>,
    sample: &Sample,
    subject: &Sampled,
    page_size: u32,
    found: &mut Findings,
) -> Option<Limit> {
    let limit = match limit::find_out(asker, sample, subject, page_size).await {
        Ok((limit, finding)) => {
            found.put(finding);
            limit
        }
        Err(failure) => {
            failed("limit", failure, found);
            return None;
        }
    };
    if subject.first.len() < 2 {
        for name in ["offset", "order"] {
            found.put(Finding::skipped(name, "no contact asked for has more than one message"));
        }
        return Some(limit);
    }
    match offset::find_out(asker, subject).await {
        Ok((offset, order)) => {
            found.put(offset::tell(offset));
            found.put(offset::tell_order(order));
            (offset != Offset::Ignored).then_some(limit)
        }
        Err(failure) => {
            failed("offset", failure, found);
            Some(limit)
        }
    }
}

/// The room there is, against what a run would need.
fn enough_room(finding: Finding, free: Option<u64>, plan: Option<&Plan>) -> Finding {
    match (finding.name, finding.status, free, plan) {
        ("space", Status::Ok, Some(free), Some(plan)) if free < plan.bytes => {
            let detail = format!(
                "{}, and a run needs about {} until it is published",
                finding.detail,
                ByteSize(plan.bytes)
            );
            Finding { values: finding.values, ..Finding::warn("space", detail) }
        }
        _ => finding,
    }
}
