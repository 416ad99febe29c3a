//! Reference sections of the events in the JSON log.

use super::source::{arms, docs, enumeration, items};
use super::table;

const SOURCE: &str = include_str!("../../event.rs");

/// Returns a table of the events with their levels and fields.
pub(super) fn section() -> String {
    let items = items(SOURCE);
    let levels = arms(&items, "level");
    let rows = enumeration(&items, "Event").variants.iter().map(|variant| {
        let name = variant.ident.to_string();
        let levels = levels.iter().filter(|(variants, _)| variants.contains(&name));
        let levels: Vec<_> = levels.map(|(_, level)| code(level.to_lowercase())).collect();
        assert!(!levels.is_empty(), "{name} has no level");
        let fields: Vec<_> =
            variant.fields.iter().filter_map(|field| field.ident.as_ref()).map(code).collect();
        vec![code(snake_case(&name)), levels.join(" or "), fields.join(", "), docs(&variant.attrs)]
    });
    table(&["event", "level", "fields", "meaning"], rows)
}

/// Returns a table of the event fields. A name may have several meanings.
pub(super) fn fields_section() -> String {
    let mut meanings: Vec<(String, Vec<String>)> = Vec::new();
    let items = items(SOURCE);
    for field in enumeration(&items, "Event").variants.iter().flat_map(|variant| &variant.fields) {
        let (name, docs) = (field.ident.as_ref().expect("a name").to_string(), docs(&field.attrs));
        match meanings.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) if known.contains(&docs) => {}
            Some((_, known)) => known.push(docs),
            None => meanings.push((name, vec![docs])),
        }
    }
    meanings.sort();
    table(
        &["field", "meaning"],
        meanings.into_iter().map(|(name, docs)| vec![code(name), docs.join(" Or: ")]),
    )
}

fn code(name: impl std::fmt::Display) -> String {
    format!("`{name}`")
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
