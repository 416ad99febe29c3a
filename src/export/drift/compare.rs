//! The comparison of one table's fields.

use std::collections::BTreeMap;

use crate::output::manifest::{KnownFields, SchemaChange, Seen};
use crate::table::UnknownFields;

/// Minimum number of contacts for which the absence of a field is significant.
const MIN_CONTACTS: u64 = 5;
/// Maximum probability of absence by chance that counts as a change.
const UNLIKELY: f64 = 1e-4;

/// Adds the fields known before to those of a run whose table has `rows` rows. Returns the differences.
pub(super) fn table(name: &str, rows: u64, before: &KnownFields, now: &mut KnownFields) -> Vec<SchemaChange> {
    let mut changes = Vec::new();
    let mut change = |field: &str, change: &str| {
        changes.push(SchemaChange {
            table: name.to_owned(),
            field: field.to_owned(),
            change: change.to_owned(),
        });
    };
    let missing = |seen: Seen| is_unlikely(seen, now.contacts);
    for (field, seen) in new(&before.columns, &now.columns) {
        // A documented field may have been null by chance.
        if is_unlikely(seen, before.contacts) {
            change(field, "has_values");
        }
    }
    let (columns, gone) = add(&before.columns, &now.columns, rows, missing);
    for field in &gone {
        change(field, "became_null");
    }
    let (mut extra, gone) = add(&before.extra, &now.extra, rows, missing);
    // With this many names, the names are data, and new ones would appear in every run.
    if extra.len() < UnknownFields::MAX_NAMES {
        for (field, _) in new(&before.extra, &now.extra) {
            change(field, "appeared");
        }
        for field in &gone {
            change(field, "vanished");
        }
    } else {
        extra = extra.into_iter().take(UnknownFields::MAX_NAMES).collect();
    }
    let contacts = now.contacts.saturating_add(before.contacts);
    *now = KnownFields { contacts, columns, extra };
    changes
}

type Fields = BTreeMap<String, Seen>;

/// The fields that are in `now` only.
fn new<'a>(before: &'a Fields, now: &'a Fields) -> impl Iterator<Item = (&'a str, Seen)> {
    now.iter().filter(|(name, _)| !before.contains_key(*name)).map(|(name, seen)| (name.as_str(), *seen))
}

/// The sums of all fields that are not gone, and the names of the fields that are.
fn add(before: &Fields, now: &Fields, rows: u64, is_gone: impl Fn(Seen) -> bool) -> (Fields, Vec<String>) {
    let (mut sums, mut gone) = (now.clone(), Vec::new());
    for (name, seen) in before {
        if !now.contains_key(name) && is_gone(*seen) {
            gone.push(name.clone());
            continue;
        }
        let sum = sums.entry(name.clone()).or_insert(Seen { rows, values: 0 });
        sum.rows = sum.rows.saturating_add(seen.rows);
        sum.values = sum.values.saturating_add(seen.values);
    }
    (sums, gone)
}

/// True if chance hardly explains that a field, `seen` before, is in no row of this many contacts.
///
/// The rows of a contact are alike, so contacts count and not rows. One more row of each kind is assumed,
/// since a share of 100 % is never certain.
#[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
fn is_unlikely(seen: Seen, contacts: u64) -> bool {
    let without = seen.rows.saturating_sub(seen.values) as f64 + 1.0;
    let share_without = without / (seen.rows as f64 + 2.0);
    contacts >= MIN_CONTACTS && share_without.powf(contacts as f64) < UNLIKELY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(contacts: u64, columns: &[(&str, u64, u64)], extra: &[(&str, u64, u64)]) -> KnownFields {
        let seen = |fields: &[(&str, u64, u64)]| {
            fields
                .iter()
                .map(|(name, rows, values)| ((*name).to_owned(), Seen { rows: *rows, values: *values }))
                .collect()
        };
        KnownFields { contacts, columns: seen(columns), extra: seen(extra) }
    }

    fn changes(rows: u64, before: &KnownFields, now: &KnownFields) -> (Vec<String>, KnownFields) {
        let mut known = now.clone();
        let changes = table("t", rows, before, &mut known);
        (changes.into_iter().map(|change| format!("{} {}", change.field, change.change)).collect(), known)
    }

    #[test]
    fn absence_of_a_rarer_field_needs_more_contacts_to_be_a_change() {
        for (values, contacts) in [(1000, 5), (500, 14), (100, 88), (10, 917)] {
            let seen = Seen { rows: 1000, values };
            assert!(is_unlikely(seen, contacts), "{values} of 1000 rows, {contacts} contacts");
            let less = if values == 1000 { 4 } else { contacts * 9 / 10 };
            assert!(!is_unlikely(seen, less), "{values} of 1000 rows, {less} contacts");
        }
    }

    #[test]
    fn a_rare_field_is_reported_as_new_once() {
        let (with, without) = (fields(20, &[], &[("rare", 100, 1)]), fields(20, &[], &[]));
        let (first, mut known) = changes(100, &without, &with);
        assert_eq!(first, ["rare appeared"]);
        for night in 0..50 {
            let now = if night % 5 == 0 { &with } else { &without };
            let (changes, sum) = changes(100, &known, now);
            assert_eq!(changes, [""; 0], "night {night}");
            known = sum;
        }
        assert_eq!(known.extra["rare"], Seen { rows: 5100, values: 11 });
    }

    #[test]
    fn a_column_that_was_null_by_chance_is_not_reported() {
        let few = fields(5, &[("role", 50, 50)], &[]);
        let many = fields(900, &[("role", 9000, 9000), ("frozen_until", 9000, 40)], &[]);
        assert_eq!(changes(9000, &few, &many).0, [""; 0]);
        let (back, known) = changes(50, &many, &few);
        assert_eq!(back, [""; 0]);
        assert_eq!(known.columns["frozen_until"], Seen { rows: 9050, values: 40 });
        let renamed = fields(900, &[("frozen_until", 9000, 40)], &[("sender", 9000, 9000)]);
        let (found, known) = changes(9000, &many, &renamed);
        assert_eq!(found, ["role became_null", "sender appeared"]);
        let (back, _) = changes(9000, &known, &many);
        assert_eq!(back, ["role has_values", "sender vanished"]);
    }

    #[test]
    fn names_that_are_data_are_no_schema() {
        let names = |from: u64| -> KnownFields {
            let extra = (from..from + 900).map(|at| (format!("id-{at}"), Seen { rows: 1000, values: 1 }));
            KnownFields { contacts: 100, columns: Fields::new(), extra: extra.collect() }
        };
        let (found, known) = changes(1000, &names(0), &names(5000));
        assert_eq!((found.len(), known.extra.len()), (0, UnknownFields::MAX_NAMES));
    }
}
