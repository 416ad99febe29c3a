//! Pages of HTML that load nothing and run nothing: reports and transcripts.
//!
//! Pages are `maud` templates, which escape all text. Text from outside is wrapped in [`Untrusted`], which also
//! writes out invisible characters, or in [`Body`], which keeps what a message needs to be read.
//!
//! Layer 1.

mod body;
mod policy;
mod text;

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use body::Body;
pub use text::{Count, Isolated, Untrusted, code, counted, duration, ratio, share, short, short_micros};

/// Returns a document with this style, which must not contain `<`. A policy in its head forbids everything else.
pub fn document(title: &str, style: &str, content: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy::policy(style));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body { (content) }
        }
    };
    document.into_string() + "\n"
}

/// Formats a time: `2026-11-20 02:00:00 UTC`.
pub fn time(text: &str) -> Markup {
    let seconds = text.split('.').next().unwrap_or_default().replace('T', " ");
    html! { time datetime=(text) { (Untrusted(seconds.trim_end_matches('Z'))) " UTC" } }
}
