//! Going on with a contact that an earlier attempt had begun: its spooled pages are absorbed again.

use super::paging::Paging;
use super::question::{Seen, see};
use super::shared::Shared;
use crate::history::Ask;
use crate::id::Channel;
use crate::record;
use crate::spool::{Entry, PagePlace, Reader, SpoolError};

/// Absorbs the spooled pages of one pass; says whether any of them showed the contact.
///
/// Blocks on the disk: called where that is allowed.
pub fn absorb(
    shared: &Shared,
    spooled: &[PagePlace],
    pass: Option<Channel>,
    paging: &mut Paging,
) -> Result<bool, SpoolError> {
    let mut shown = false;
    pages(shared, spooled, pass, |ask, seen| {
        shown |= seen.shows_contact;
        shared.with_facts(|facts| paging.absorb(&ask, &seen.sight, facts));
    })?;
    Ok(shown)
}

/// Reads the spooled pages of one pass again.
///
/// Blocks on the disk: called where that is allowed.
pub fn pages(
    shared: &Shared,
    spooled: &[PagePlace],
    pass: Option<Channel>,
    mut each: impl FnMut(Ask, Seen),
) -> Result<(), SpoolError> {
    let mut reader = Reader::new(shared.plan.spool_folder.clone());
    for page in spooled.iter().filter(|page| page.pass == pass) {
        let Entry::Page { ask, .. } = reader.entry(page.place)? else { continue };
        let body = reader.body(page.place)?;
        // Pages are spooled only after they were read once, so this cannot fail; if it does, the page is asked for again.
        let Ok(document) = record::read_json(record::text_of(&body)) else { continue };
        if let Ok(seen) = record::read_page(&document).map(|page| see(&page)) {
            each(ask, seen);
        }
    }
    Ok(())
}
