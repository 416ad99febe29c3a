//! Reference section of the exit codes.

use super::source::{arms, docs, enumeration, items};
use super::table;

/// Returns a table of the codes with their meanings.
pub(super) fn section() -> String {
    let items = items(include_str!("../exit.rs"));
    let codes = arms(&items, "code");
    let rows = enumeration(&items, "Exit").variants.iter().map(|variant| {
        let name = variant.ident.to_string();
        let (_, code) = codes.iter().find(|(variants, _)| variants.contains(&name)).expect("a code");
        vec![code.clone(), docs(&variant.attrs)]
    });
    table(&["code", "meaning"], rows)
}
