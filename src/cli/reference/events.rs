//! Reference sections of the events in the JSON log.

use syn::{Field, Fields, Variant};

use super::source::{arms, docs, enumeration, items, structs};
use super::table;

const SOURCE: &str = include_str!("../../event.rs");
const PROGRESS_SOURCE: &str = include_str!("../../event/progress.rs");

/// Returns a table of the events with their levels and fields.
pub(super) fn section() -> String {
    let items = items(SOURCE);
    let levels = arms(&items, "level");
    let rows = enumeration(&items, "Event").variants.iter().map(|variant| {
        let name = variant.ident.to_string();
        let levels = levels.iter().filter(|(variants, _)| variants.contains(&name));
        let levels: Vec<_> = levels.map(|(_, level)| code(level.to_lowercase())).collect();
        assert!(!levels.is_empty(), "{name} has no level");
        let fields: Vec<_> = fields(variant).into_iter().map(|(name, _)| code(name)).collect();
        vec![code(snake_case(&name)), levels.join(" or "), fields.join(", "), docs(&variant.attrs)]
    });
    table(&["event", "level", "fields", "meaning"], rows)
}

/// Returns a table of the event fields. A name may have several meanings.
pub(super) fn fields_section() -> String {
    let mut meanings: Vec<(String, Vec<String>)> = Vec::new();
    let items = items(SOURCE);
    for (name, docs) in enumeration(&items, "Event").variants.iter().flat_map(fields) {
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

/// Returns the names of an event's fields with their meanings. An event may consist of a struct.
fn fields(variant: &Variant) -> Vec<(String, String)> {
    let named = |fields: &Fields| {
        let described = |field: &Field| Some((field.ident.as_ref()?.to_string(), docs(&field.attrs)));
        fields.iter().filter_map(described).collect()
    };
    match &variant.fields {
        Fields::Unnamed(_) => {
            let found = structs(items(PROGRESS_SOURCE)).find(|found| found.ident == variant.ident);
            named(&found.unwrap_or_else(|| panic!("there is no struct {}", variant.ident)).fields)
        }
        fields => named(fields),
    }
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
