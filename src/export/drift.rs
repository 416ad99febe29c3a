//! Schema changes: differences between the fields of this run's responses and those of the earlier runs of an
//! export.
//!
//! Each manifest has in `known_fields` the fields of all runs up to it. So one earlier manifest is enough for
//! a comparison: the newest one with the same address, channels, format and period. A rare field is therefore
//! new only once. A field is missing only if chance is an unlikely reason, since a run of few contacts lacks
//! many fields.

mod compare;

use std::collections::BTreeMap;

use super::previous_state::scope;
use crate::catalog::{Link, Walk};
use crate::event::{Event, SharedObserver};
use crate::output::manifest::{ContactCounts, KnownFields, Manifest, Seen};
use crate::store::Store;
use crate::table::{Table, UnknownFields};
use crate::transform::Transformed;

/// Columns that the exporter computes.
const DERIVED: [&str; 3] = ["extra", "first_message_at", "last_message_at"];
/// Maximum number of earlier runs that are searched for one of the same scope.
const MAX_RUNS: usize = 100;
/// Maximum number of changes that are reported as events. The manifest lists all changes.
const MAX_EVENTS: usize = 20;

/// The fields in the responses of one run.
pub(super) fn fields_of_run(built: &Transformed, counts: &ContactCounts) -> BTreeMap<String, KnownFields> {
    let read = counts.exported + counts.empty + counts.unresolved;
    let mut known = BTreeMap::new();
    for table in Table::ALL.into_iter().filter(|table| *table != Table::Coverage) {
        let rows = built.rows(table);
        if rows == 0 {
            continue;
        }
        let seen = |(name, values): (&str, u64)| (name.to_owned(), Seen { rows, values });
        let columns = built.counts.values.of(table);
        let columns = columns.filter(|(name, values)| *values > 0 && !DERIVED.contains(name));
        let extra = built.counts.unknown.of(table).filter(|(name, _)| *name != UnknownFields::OTHER);
        let fields = KnownFields {
            contacts: read.min(rows),
            columns: columns.map(seen).collect(),
            extra: extra.map(seen).collect(),
        };
        known.insert(table.name().to_owned(), fields);
    }
    known
}

/// Compares the fields of a run with those of the earlier runs, adds both up in its manifest, and reports the
/// differences. Does nothing if no earlier run of the same scope can be read.
pub(super) fn compare(out: &Store, manifest: &mut Manifest, observer: &SharedObserver) {
    let Some(earlier) = earlier(out, manifest) else { return };
    for (table, before) in earlier {
        let Some(entry) = manifest.tables.get(&table) else { continue };
        let Some(now) = manifest.known_fields.get_mut(&table) else {
            manifest.known_fields.insert(table, before);
            continue;
        };
        manifest.schema_changes.extend(compare::table(&table, entry.rows, &before, now));
    }
    for change in manifest.schema_changes.iter().take(MAX_EVENTS).cloned() {
        observer.event(Event::SchemaChanged {
            table: change.table,
            field: change.field,
            change: change.change,
        });
    }
    let more = manifest.schema_changes.len().saturating_sub(MAX_EVENTS);
    if more > 0 {
        observer.event(Event::Note { message: format!("{more} more schema changes are in the manifest") });
    }
}

/// The known fields of the newest earlier run with the same scope.
fn earlier(out: &Store, manifest: &Manifest) -> Option<BTreeMap<String, KnownFields>> {
    // With the same relative period, such as the last 7 days, the runs of two nights are comparable.
    let scope_of = |Manifest { source, options, .. }: &Manifest| {
        let [since, until] = options.bounds();
        scope(&source.base_url, options, since.text(), until.text())
    };
    let ours = scope_of(manifest);
    for link in Walk::begin(out).ok()??.take(MAX_RUNS) {
        match link.ok()? {
            Link::Run(run) if !run.manifest.known_fields.is_empty() && scope_of(&run.manifest) == ours => {
                return Some(run.manifest.known_fields);
            }
            Link::Run(_) | Link::Pruned(_) => {}
            Link::Broken { .. } => return None,
        }
    }
    None
}
