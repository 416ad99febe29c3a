//! The lenient JSON walker against `serde_json`, and the canonical form.

use chatzy_export::internals::record::{column_text, text_of};
use lenient_json::{Document, Kind, Names, Value, canonical, push_string};
use serde_json::Value as Tree;

/// Where both readers apply they agree; where only the lenient one does, what it gives can be trusted.
pub fn check(input: &[u8]) {
    let text = text_of(input);
    let strictly = serde_json::from_str::<Tree>(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let leniently = Document::parse(&*text);
    match (leniently.as_ref().map(Document::root), &strictly) {
        (Ok(value), Ok(tree)) => {
            assert!(value.is_strict(), "a strict text counts as lenient");
            assert_eq!(tree_of(value), *tree);
        }
        (Ok(value), Err(refusal)) => {
            let refusal = refusal.to_string();
            let of_serde_alone = refusal.contains("out of range") || refusal.contains("recursion limit");
            assert!(!value.is_strict() || of_serde_alone, "counts as strict, and is not: {refusal}");
        }
        (Err(refusal), Ok(_)) => panic!("refuses strict JSON: {refusal}"),
        (Err(refusal), Err(_)) => assert!(refusal.offset <= text.len()),
    }
    if let Ok(document) = leniently {
        check_numbers(&text);
        walk(document.root());
        check_canonical(document.root(), strictly.ok());
    }
    let mut quoted = String::new();
    push_string(&mut quoted, &text);
    assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
}

/// The value as `serde_json` would have it; only for what it takes, so the depth is bounded.
fn tree_of(value: Value<'_>) -> Tree {
    match value.kind() {
        Kind::Object => value.members().map(|(key, value)| (key.into_owned(), tree_of(value))).collect(),
        Kind::Array => value.elements().map(tree_of).collect(),
        Kind::String => value.text().unwrap().into(),
        Kind::Null | Kind::Bool | Kind::Number | Kind::NonStandard => {
            serde_json::from_str(value.raw()).unwrap()
        }
    }
}

/// What can be asked of a value is consistent.
fn walk(value: Value<'_>) {
    assert_is_itself(value);
    assert_eq!(value.text().is_some(), value.kind() == Kind::String);
    assert_eq!(column_text(value).is_none(), value.is_null());
    let members = value.members().count() + value.elements().count();
    if matches!(value.kind(), Kind::Array | Kind::Object) {
        assert_eq!(value.is_empty(), members == 0);
    } else {
        assert_eq!(members, 0);
    }
    for inner in value.elements().chain(value.members().map(|(_, value)| value)) {
        assert_is_itself(inner);
        assert!(inner.is_strict() || !value.is_strict());
    }
}

/// The names that keys are numbered by, among them one longer than the number of bytes compared at once.
static NAMES: Names = Names::new(&["", "a", "id", "message_id", "0123456789abcdef", "conversation_status"]);

/// Keys have the numbers of their names, however they are written and whatever the document was parsed with.
fn check_numbers(text: &str) {
    let (plain, numbered) = (Document::parse(text).unwrap(), Document::parse_with(text, &NAMES).unwrap());
    let mut open = vec![(plain.root(), numbered.root())];
    while let Some((plain, numbered)) = open.pop() {
        assert_eq!((plain.kind(), plain.raw_len()), (numbered.kind(), numbered.raw_len()));
        for ((key, value), (same, inner)) in plain.keyed().zip(numbered.keyed()) {
            assert_eq!(key.name(), same.name());
            assert_eq!(key.number(&NAMES), NAMES.number_of(&key.name()));
            assert_eq!(key.number(&NAMES), same.number(&NAMES));
            open.push((value, inner));
        }
        open.extend(plain.elements().zip(numbered.elements()));
    }
}

/// The slice of a value is that value.
fn assert_is_itself(value: Value<'_>) {
    let again = Document::parse(value.raw()).unwrap();
    assert_eq!(again.root(), value);
    assert_eq!(again.root().kind(), value.kind());
}

/// The canonical form means the same, and is its own canonical form.
fn check_canonical(value: Value<'_>, tree: Option<Tree>) {
    let mut once = String::new();
    canonical(value, None, &mut once);
    let mut twice = String::new();
    canonical(Document::parse(&once).unwrap().root(), None, &mut twice);
    assert_eq!(once, twice);
    if let Some(tree) = tree {
        assert_eq!(serde_json::from_str::<Tree>(&once).unwrap(), tree);
    }
    let mut without = String::new();
    canonical(value, Some("a"), &mut without);
    assert!(Document::parse(&without).unwrap().root().member("a").is_none());
}
