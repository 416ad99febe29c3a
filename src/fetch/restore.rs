//! Resumes a contact that an earlier attempt has started: absorbs its spooled pages again.

use super::paging::Paging;
use super::request::{PageSummary, summarize};
use super::shared::Shared;
use crate::contact_read::PageRequest;
use crate::id::{Channel, ContactId};
use crate::record::{self, ContactAnswer};
use crate::spool::{Entry, Reader, SpoolError, SpooledPage};

/// True if all pages are valid responses for this contact. Earlier versions spooled others too.
///
/// Blocks on the disk: call it only where blocking is allowed.
pub fn are_answers(
    shared: &Shared,
    spooled: &[SpooledPage],
    contact: &ContactId,
) -> Result<bool, SpoolError> {
    let mut reader = Reader::new(shared.plan.spool_folder.clone());
    for page in spooled {
        let body = reader.body(page.place)?;
        let document = record::read_json(record::text_of(&body));
        if !document.is_ok_and(|document| ContactAnswer::validate(&document, contact).is_ok()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Absorbs the spooled pages of one pass. Returns true if any of them shows that the contact exists.
///
/// Blocks on the disk: call it only where blocking is allowed.
pub fn absorb(
    shared: &Shared,
    (contact, id): (u32, &ContactId),
    spooled: &[SpooledPage],
    pass: Option<Channel>,
    paging: &mut Paging,
) -> Result<bool, SpoolError> {
    let mut exists = false;
    pages(shared, id, spooled, pass, |ask, summary| {
        exists |= summary.shows_contact;
        shared.first_pages.record(contact, &ask, &summary);
        shared.with_facts(|facts| paging.absorb(&ask, &summary.view, facts));
    })?;
    Ok(exists)
}

/// Reads the spooled pages of one pass again.
///
/// Blocks on the disk: call it only where blocking is allowed.
pub fn pages(
    shared: &Shared,
    contact: &ContactId,
    spooled: &[SpooledPage],
    pass: Option<Channel>,
    mut each: impl FnMut(PageRequest, PageSummary),
) -> Result<(), SpoolError> {
    let mut reader = Reader::new(shared.plan.spool_folder.clone());
    for page in spooled.iter().filter(|page| page.pass == pass) {
        let Entry::Page { ask, .. } = reader.entry(page.place)? else { continue };
        let body = reader.body(page.place)?;
        // Only validated pages are spooled, so this cannot fail. If it does, the page is requested again.
        let Ok(document) = record::read_json(record::text_of(&body)) else { continue };
        if let Ok(summary) = ContactAnswer::validate(&document, contact).map(|answer| summarize(&answer)) {
            each(ask, summary);
        }
    }
    Ok(())
}
