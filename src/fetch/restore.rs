//! Going on with a contact that an earlier attempt had begun: its spooled pages are absorbed again.

use super::contact::{Seen, see};
use super::paging::Paging;
use super::shared::Shared;
use crate::id::Channel;
use crate::record;
use crate::spool::{Entry, PagePlace, Reader, SpoolError};

/// Absorbs the spooled pages of one pass; says whether any of them showed the contact.
///
/// Blocks on the disk: called where that is allowed.
pub fn absorb(
    shared: &Shared,
    pages: &[PagePlace],
    pass: Option<Channel>,
    paging: &mut Paging,
) -> Result<bool, SpoolError> {
    let mut reader = Reader::new(shared.plan.spool_folder.clone());
    let mut shown = false;
    for page in pages.iter().filter(|page| page.pass == pass) {
        let Entry::Page { ask, .. } = reader.entry(page.place)? else { continue };
        let body = reader.body(page.place)?;
        // Pages are spooled only after they were read once, so this cannot fail; if it does, the page is asked for again.
        let Ok(Seen { sight, shows_contact }) =
            record::read_page(&record::text_of(&body)).map(|page| see(&page))
        else {
            continue;
        };
        shown |= shows_contact;
        shared.with_facts(|facts| paging.absorb(&ask, &sight, facts));
    }
    Ok(shown)
}
