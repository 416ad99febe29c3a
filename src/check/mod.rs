//! Checks the requirements of a run, and estimates its size.
//!
//! The destination must be writable, the sign-in must work, contacts must exist, and the API must support
//! paging. A failed check does not stop the checks that do not depend on it.
//!
//! ```text
//! destination ─┐ (not the API)
//! sign-in ─▶ contacts ─▶ sample ─▶ limit, offset, order ─▶ HTTP behavior ─▶ plan
//! ```
//!
//! The requests use the client of a run, with its token, limiter and retries. The check writes a small folder
//! at the destination and removes it at once. Of messages it reads only IDs and times.
//!
//! Layer 4: uses `fetch`, `verify` and `api`. The command line prints the findings.

mod destination;
mod finding;
mod histories;
mod http_behavior;
mod length;
mod limit;
mod offset;
mod plan;
mod probe;
mod probe_page;
mod range;
mod sample;

use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;

use crate::api::{Client, Failure, Fatal, SignIn};
use crate::catalog;
use crate::contacts::{self, ContactList};
use crate::event::SharedObserver;
use crate::fetch::listing::{self, ListingPlan};
use crate::settings::Connection;
use crate::store::Store;
pub use destination::{Destination, Writes, check as destination};
use finding::Findings;
pub use finding::{Cause, Finding, FindingStatus};
use limit::Limit;
use offset::OffsetMeaning;
pub use plan::Plan;
use probe_page::PageReader;
use sample::{Sample, Sampled};

/// Input of the checks.
pub struct Task {
    pub connection: Arc<Connection>,
    /// `limit` of each page, 1..=100.
    pub page_size: u32,
    /// Contacts that a run would export.
    pub contacts: ContactChoice,
}

/// Contacts that a run would export.
pub enum ContactChoice {
    Listed(ContactList),
    /// Error message about the contacts file.
    Bad(String),
    /// All contacts of the account.
    All,
}

/// Result of the checks.
#[derive(Debug)]
pub struct Checked {
    pub findings: Vec<Finding>,
    /// Estimate of a run, if the checks allow one.
    pub plan: Option<Plan>,
}

/// Checks the API and estimates a run into this destination.
pub async fn check(task: Task, destination: Destination, observer: &SharedObserver) -> Checked {
    let mut findings = Findings::default();
    let plan = Box::pin(check_api(task, destination.out.as_ref(), observer, &mut findings)).await;
    for finding in destination.findings {
        findings.add(with_needed_space(finding, destination.free, plan.as_ref()));
    }
    Checked { findings: findings.finish(), plan }
}

/// Makes all checks with requests. It returns early if a failure prevents the rest.
async fn check_api(
    task: Task,
    out: Option<&Store>,
    observer: &SharedObserver,
    findings: &mut Findings,
) -> Option<Plan> {
    let client = Client::new(Arc::clone(&task.connection), observer.clone());
    let client = ok_or_stopped("sign_in", client, findings)?;
    let sign_in = ok_or_stopped("sign_in", Box::pin(client.signed_in()).await, findings)?;
    findings.add(signed_in(sign_in));
    let plan = Box::pin(check_contacts(task, &client, out, observer, findings)).await;
    if !client.has_received() {
        findings.add(Finding::skipped("sign_in", "the given token is not checked: the API does not respond"));
    }
    plan
}

/// Makes the checks that need a token.
async fn check_contacts(
    task: Task,
    client: &Client,
    out: Option<&Store>,
    observer: &SharedObserver,
    findings: &mut Findings,
) -> Option<Plan> {
    let Task { connection, page_size, contacts } = task;
    let contacts = Box::pin(read_contacts(contacts, client, (out, observer), findings)).await?;
    let reader = PageReader { client };
    let sample =
        ok_or_stopped("contact", Box::pin(sample::take(&reader, &contacts, page_size)).await, findings)?;
    findings.add(sample::finding(&sample));
    let subject = sample.subject()?;
    let limit = Box::pin(check_paging(&reader, &sample, subject, page_size, findings)).await;
    Box::pin(http_behavior::probe(client, subject, findings)).await;
    let plan = plan::estimate(&reader, &contacts, &sample, limit?, out, &connection);
    match Box::pin(plan).await {
        Ok(plan) => Some(plan),
        Err(failure) => {
            failed("contact", failure, findings);
            None
        }
    }
}

/// Returns the value, or adds the finding that the API ended the checks.
fn ok_or_stopped<T>(name: &'static str, result: Result<T, Fatal>, findings: &mut Findings) -> Option<T> {
    result.map_err(|stop| findings.stopped(name, stop)).ok()
}

/// Adds the finding that a page could not be read, although the contact was readable before. It is only a
/// warning, since a run would try again later.
fn failed(name: &'static str, failure: Failure, findings: &mut Findings) {
    let what = match failure {
        Failure::Fatal(stop) => return findings.stopped(name, stop),
        Failure::Unwanted => return findings.stopped(name, Fatal::Cancelled),
        Failure::NotFound => "the contact has vanished".to_owned(),
        Failure::AskLess => "a single message is too large for the server".to_owned(),
        Failure::Refused { what, .. }
        | Failure::Unanswered { what }
        | Failure::NotAnAnswer { what }
        | Failure::Unreadable { what } => what,
    };
    findings.add(Finding::warn(name, format!("could not be checked: {what}")));
}

fn signed_in(sign_in: SignIn) -> Finding {
    let minutes = |life: Duration| life.as_secs().div_ceil(60);
    match sign_in {
        SignIn { is_given: true, is_renewed: true, .. } => Finding::ok(
            "sign_in",
            "the given token is accepted; e-mail and password can renew it",
        ),
        SignIn { is_given: true, .. } => Finding::warn(
            "sign_in",
            "the given token is accepted; a longer run ends with exit code 4, unless e-mail and password can renew it",
        ),
        SignIn { life, .. } => {
            let life = life.unwrap_or_default();
            Finding::ok("sign_in", format!("the token is valid for {} minutes and is renewed", minutes(life)))
                .with("token_life_seconds", life.as_secs())
        }
    }
    .with("renewed", sign_in.is_renewed)
}

/// Returns the contacts, if there are any.
async fn read_contacts(
    chosen: ContactChoice,
    client: &Client,
    (out, observer): (Option<&Store>, &SharedObserver),
    findings: &mut Findings,
) -> Option<ContactList> {
    let (list, finding) = match chosen {
        ContactChoice::Bad(what) => {
            findings.add(Finding::fail("contacts", Cause::Contacts, what));
            return None;
        }
        ContactChoice::Listed(list) => {
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
        ContactChoice::All => {
            match Box::pin(listing::roster(client, &ListingPlan::default(), observer)).await {
                Ok(roster) => {
                    let (list, _) = roster.into_list(contacts::ALL);
                    let detail = format!("{}, all contacts of the account", list.len());
                    let finding = match list.doubts.first() {
                        None => Finding::ok("contacts", detail),
                        Some(doubt) => Finding::warn("contacts", format!("{detail}; {doubt}")),
                    };
                    (list, finding)
                }
                Err(listing::ListingError::Api(stop)) => {
                    findings.stopped("contacts", stop);
                    return None;
                }
                Err(error) => {
                    let detail = error.to_string();
                    findings.add(Finding::fail("contacts", Cause::Listing(error), detail));
                    return None;
                }
            }
        }
    };
    if list.is_empty() {
        findings.add(Finding::fail(
            "contacts",
            Cause::NoContacts,
            "the account has no contacts: there is nothing to export",
        ));
        return None;
    }
    let (list, erased) = without_erased(list, out);
    if list.is_empty() {
        let detail = format!("all {erased} contacts were erased from the destination");
        findings.add(Finding::fail("contacts", Cause::NoContacts, detail));
        return None;
    }
    let finding = match erased {
        0 => finding,
        count => {
            let detail = format!(
                "{}; {count} of them were erased from the destination and are left out",
                finding.detail
            );
            Finding { detail, ..finding }.with("erased", count)
        }
    };
    findings.add(finding.with("contacts", list.len()));
    Some(list)
}

/// Leaves out the contacts that were erased from the destination, as a run does. Returns their number, too.
fn without_erased(contacts: ContactList, out: Option<&Store>) -> (ContactList, usize) {
    // A damaged record ends a run, and `verify` reports it.
    let erasures = out.and_then(|out| catalog::erasures(out).ok().flatten());
    let Some(mut erased) = erasures.map(|erasures| erasures.suppressed()) else { return (contacts, 0) };
    let kept = contacts.retained(|_, id| !erased.contains(id));
    let count = contacts.len() - kept.len();
    (kept, count)
}

/// Checks `limit` and `offset`. Returns none if they are unusable, or a page could not be read.
async fn check_paging(
    reader: &PageReader<'_>,
    sample: &Sample,
    subject: &Sampled,
    page_size: u32,
    findings: &mut Findings,
) -> Option<Limit> {
    let limit = match limit::probe(reader, sample, subject, page_size).await {
        Ok((limit, finding)) => {
            findings.add(finding);
            limit
        }
        Err(failure) => {
            failed("limit", failure, findings);
            return None;
        }
    };
    if subject.first.len() < 2 {
        for name in ["offset", "order"] {
            findings.add(Finding::skipped(name, "no sampled contact has more than one message"));
        }
        return Some(limit);
    }
    match offset::probe(reader, subject).await {
        Ok((offset, order)) => {
            findings.add(offset::offset_finding(offset));
            findings.add(offset::order_finding(order));
            (offset != OffsetMeaning::Ignored).then_some(limit)
        }
        Err(failure) => {
            failed("offset", failure, findings);
            Some(limit)
        }
    }
}

/// Turns the finding about free space into a warning if the plan needs more.
fn with_needed_space(finding: Finding, free: Option<u64>, plan: Option<&Plan>) -> Finding {
    match (finding.name, finding.status, free, plan) {
        ("space", FindingStatus::Ok, Some(free), Some(plan)) if free < plan.high.bytes => {
            let [low, high] = [plan.low.bytes, plan.high.bytes].map(ByteSize);
            let need = if free < plan.low.bytes {
                format!("a run needs {low} to {high}")
            } else {
                format!("a run may need up to {high}")
            };
            let detail = format!("{}, but {need} until publication", finding.detail);
            Finding { values: finding.values, ..Finding::warn("space", detail) }
        }
        _ => finding,
    }
}
