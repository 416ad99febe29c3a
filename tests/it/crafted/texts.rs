//! Hostile texts, and their places in a document.

use std::path::Path;

use serde_json::Value;

/// Texts that are executed, or lead out of the export, if a command or a database uses them unchecked.
/// `OUTSIDE` is the absolute path of a folder beside the export.
pub const TEXTS: [&str; 9] = [
    "x\n\\! touch owned\n\\copy t from program 'touch owned'\n",
    "../outside/victim",
    "messages/../../outside/victim",
    "OUTSIDE/victim",
    "x';touch owned;\"$(touch owned)`touch owned`\" # ",
    "x'; COMMIT; CREATE TABLE owned (x int); COPY (SELECT 1) TO 'owned'; --",
    "x\n.shell touch owned\n; COMMIT; CREATE TABLE owned (x int); --",
    "*/ $$; $chatzy$; COMMIT; CREATE TABLE owned (x int); /* \\",
    "\"><img src=x onerror=owned()>",
];

/// A place of a document, as a JSON pointer.
#[derive(Clone, Debug)]
pub enum Place {
    /// A string.
    Value(String),
    /// The name of a member.
    Name(String),
}

/// Places that get one text at the same time.
pub type Group = Vec<Place>;

/// The groups of the strings that the program reads from a document. Each place is alone, and of a list only
/// the first and the last member count. Columns are many and alike, so they are one group.
pub fn groups(document: &Value, is_read: fn(&str) -> bool) -> Vec<Group> {
    let mut places = Vec::new();
    collect(document, "", &mut places);
    places.retain(|place| matches!(place, Place::Value(at) | Place::Name(at) if is_read(at)));
    let is_column = |place: &Place| matches!(place, Place::Value(at) if at.contains("/columns/"));
    let (columns, others): (Vec<_>, Vec<_>) = places.into_iter().partition(is_column);
    let mut groups: Vec<Group> = others.into_iter().map(|place| vec![place]).collect();
    if !columns.is_empty() {
        groups.push(columns);
    }
    groups
}

/// True for an object whose members are named by data.
fn is_map(at: &str) -> bool {
    let parts: Vec<&str> = at.split('/').skip(1).collect();
    matches!(
        parts.as_slice(),
        ["options" | "unknown_fields" | "known_fields" | "tables"]
            | ["requests", "by_status"]
            | ["unknown_fields", _]
            | ["known_fields", _, _]
            | ["files", _, "partition"]
    )
}

fn collect(value: &Value, at: &str, found: &mut Vec<Place>) {
    match value {
        Value::String(_) => found.push(Place::Value(at.to_owned())),
        Value::Array(members) if at.ends_with("/columns") => {
            let all = members.iter().enumerate();
            all.for_each(|(number, member)| collect(member, &format!("{at}/{number}"), found));
        }
        Value::Array(members) => {
            let ends = [0, members.len().saturating_sub(1)];
            for number in ends.iter().take(members.len().min(2)) {
                collect(&members[*number], &format!("{at}/{number}"), found);
            }
        }
        Value::Object(members) => {
            for (number, (name, member)) in members.iter().enumerate() {
                let below = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                if number == 0 && is_map(at) {
                    found.push(Place::Name(below.clone()));
                }
                collect(member, &below, found);
            }
        }
        _ => {}
    }
}

/// Puts a text at each place of a group, by the place's number.
pub fn put(document: &mut Value, group: &Group, text: impl Fn(usize) -> String) {
    // Names come last, since they change the pointers of the places below them.
    for (number, place) in group.iter().enumerate() {
        if let Place::Value(at) = place {
            *document.pointer_mut(at).expect("a string") = text(number).into();
        }
    }
    // The deepest first.
    for (number, place) in group.iter().enumerate().rev() {
        if let Place::Name(at) = place {
            let (parent, name) = at.rsplit_once('/').expect("a member");
            let parent = document.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
            let member = parent.remove(&name.replace("~1", "/").replace("~0", "~")).expect("a member");
            parent.insert(text(number), member);
        }
    }
}

/// The text with this number, modulo the number of texts.
pub fn text(number: usize, outside: &Path) -> String {
    TEXTS[number % TEXTS.len()].replace("OUTSIDE", &outside.to_string_lossy())
}
