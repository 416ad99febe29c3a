//! Reference sections of the tables: keys, types, columns and sample joins.

use crate::cli::schema::markdown;
use crate::table::Table;

/// Returns the sections of the keys, and one section per table.
pub(super) fn sections() -> impl Iterator<Item = (String, String)> {
    let of_all = [
        ("keys".to_owned(), markdown::keys()),
        ("types".to_owned(), markdown::types()),
        ("sample joins".to_owned(), markdown::sample_joins()),
    ];
    let of_each = Table::ALL.map(|table| (format!("columns of {}", table.name()), markdown::columns(table)));
    of_all.into_iter().chain(of_each)
}
