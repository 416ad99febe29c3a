//! Contacts with problems: failed, unresolved and missing ones, and the doubts about the run.

use maud::{Markup, html};

use super::facts::{Facts, Trouble, Troubled};
use crate::html::{Count, Isolated, Untrusted, counted};
use crate::layout;

/// Maximum number of doubts on the page. A run has a handful.
const MAX_DOUBTS: usize = 20;

/// The parts of the section on contacts that follow its table.
pub(super) fn section(facts: &Facts) -> Markup {
    html! {
        (doubts(facts))
        (failures(facts))
        (unresolved(facts))
        (not_found(facts))
    }
}

fn failures(facts: &Facts) -> Markup {
    let Facts { manifest, failed, unresolved, not_found, .. } = facts;
    html! {
        @if failed.all > 0 {
            h3 { "Failures" }
            p {
                (counted(failed.all, "contact", "contacts")) " failed. "
                code { (layout::run_file(&manifest.run_id, layout::FAILED)) }
                " in the export lists them all. To retry them, pass this file to " code { "run --contacts" } "."
            }
            (troubles("failures", failed, Some(&|trouble| html! { td.why { (reason(trouble)) } })))
        } @else if unresolved.all == 0 {
            h3 { "Failures" }
            @if not_found.all == 0 {
                p { "None: every contact was read completely." }
            } @else {
                p { "None: every contact that exists was read completely." }
            }
        }
    }
}

fn unresolved(facts: &Facts) -> Markup {
    let unresolved = &facts.unresolved;
    let row = |trouble: &Trouble| {
        let messages = counted(u64::try_from(trouble.messages).unwrap_or_default(), "message", "messages");
        html! { td.why { (reason(trouble)) span.hint { (messages) " exported" } } }
    };
    html! {
        @if unresolved.all > 0 {
            h3 { "Unresolved" }
            p {
                (counted(unresolved.all, "contact", "contacts"))
                " changed while being read. The messages received are exported. Export these contacts again."
            }
            (troubles("unresolved", unresolved, Some(&row)))
        }
    }
}

fn not_found(facts: &Facts) -> Markup {
    let Facts { manifest, not_found, has_not_found_list, .. } = facts;
    html! {
        @if not_found.all > 0 {
            h3 { "Not found" }
            p {
                (counted(not_found.all, "contact does", "contacts do")) " not exist. "
                @if *has_not_found_list {
                    code { (layout::run_file(&manifest.run_id, layout::NOT_FOUND)) }
                    " in the export lists them all. "
                }
                "Check that the list of contacts belongs to this account."
            }
            (troubles("not-found", not_found, None))
        }
    }
}

/// The reasons to doubt the result.
fn doubts(facts: &Facts) -> Markup {
    let doubts = &facts.manifest.input.doubts;
    html! {
        @if !doubts.is_empty() {
            h3 { "Doubts" }
            @for doubt in doubts.iter().take(MAX_DOUBTS) {
                p.doubt { (Untrusted(doubt)) }
            }
        }
    }
}

fn reason(trouble: &Trouble) -> Markup {
    html! { @if let Some(reason) = &trouble.reason { (Isolated(reason)) } @else { "–" } }
}

/// Cell with the reason of a contact's outcome.
type Why<'a> = &'a dyn Fn(&Trouble) -> Markup;

fn troubles(id: &str, troubled: &Troubled, why: Option<Why<'_>>) -> Markup {
    let shown = troubled.shown.len() as u64;
    html! {
        div.scroll {
            table id=(id) {
                thead { tr { th { "contact" } th.n { "line" } @if why.is_some() { th { "reason" } } } }
                tbody {
                    @for trouble in &troubled.shown {
                        @let line = trouble.line.and_then(|line| u64::try_from(line).ok());
                        tr {
                            td.id.mono { (Isolated(&trouble.contact)) }
                            td.n { @if let Some(line) = line { (Count(line)) } @else { "–" } }
                            @if let Some(why) = why { (why(trouble)) }
                        }
                    }
                }
            }
        }
        @if shown < troubled.all {
            p {
                "The first " (Count(shown)) " are shown. The table " code { "coverage" } " lists "
                (Count(troubled.all - shown)) " more."
            }
        }
    }
}
