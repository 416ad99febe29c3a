//! The columns of a Delta table.
//!
//! A partition key that is no column of the table becomes one: readers take its values from the log, not from the paths.
//! All such columns are strings, as in the folder names. A column of dates would make Python fail on the year 0000.

use serde::Deserialize;
use serde_json::{Value, json};

use super::action::{FileFormat, MetaData};
use crate::settings::PartitionKey;
use crate::table::{Kind, Table, plain};

/// Name and type of a column, as a log holds them.
#[derive(Debug, PartialEq, Deserialize)]
struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: Value,
}

#[derive(Deserialize)]
struct Fields {
    fields: Vec<Field>,
}

/// Returns the name of the Delta type.
fn delta_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Str | Kind::Json => "string",
        Kind::Ts => "timestamp",
        Kind::Int => "long",
        Kind::Bool => "boolean",
    }
}

/// Returns those of the partition keys that apply to the table.
pub(super) fn keys_of(table: Table, keys: &[PartitionKey]) -> Vec<&'static str> {
    let applies = |key: &&PartitionKey| table.is_per_message() || !key.is_per_message();
    keys.iter().filter(applies).map(|key| key.name()).collect()
}

/// The columns of the table: name, type and meaning.
fn columns(table: Table, keys: &[&'static str]) -> Vec<(&'static str, &'static str, Option<String>)> {
    let own = table.columns().iter();
    let mut columns: Vec<_> =
        own.map(|column| (column.name, delta_type(column.kind), Some(plain(column.meaning)))).collect();
    for key in keys {
        if !columns.iter().any(|(name, ..)| name == key) {
            columns.push((key, "string", None));
        }
    }
    columns
}

/// Returns the metadata of a table. `id` is that of the log so far.
pub(super) fn metadata(table: Table, keys: &[PartitionKey], id: Option<&str>, created_time: i64) -> MetaData {
    let keys = keys_of(table, keys);
    let fields: Vec<Value> = columns(table, &keys)
        .into_iter()
        .map(|(name, kind, meaning)| {
            let metadata = meaning.map_or_else(|| json!({}), |meaning| json!({"comment": meaning}));
            json!({"name": name, "type": kind, "nullable": true, "metadata": metadata})
        })
        .collect();
    MetaData {
        id: id.map_or_else(random_id, str::to_owned),
        name: Some(table.name().to_owned()),
        description: Some(plain(table.meaning())),
        format: FileFormat { provider: "parquet".to_owned(), options: [].into() },
        schema_string: json!({"type": "struct", "fields": fields}).to_string(),
        partition_columns: keys.into_iter().map(str::to_owned).collect(),
        configuration: [].into(),
        created_time: Some(created_time),
    }
}

/// Returns a difference between the metadata of a log and the columns that the files have.
pub(super) fn difference(found: &MetaData, table: Table, keys: &[PartitionKey]) -> Option<String> {
    let keys = keys_of(table, keys);
    if found.partition_columns != keys {
        let list = |keys: &[&str]| if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
        let named: Vec<&str> = found.partition_columns.iter().map(String::as_str).collect();
        return Some(format!("its partition columns are {}, expected {}", list(&named), list(&keys)));
    }
    let Ok(Fields { fields }) = serde_json::from_str(&found.schema_string) else {
        return Some("its columns cannot be read".to_owned());
    };
    // A later version of the program may have added columns.
    let missing = columns(table, &keys).into_iter().find(|(name, kind, _)| {
        !fields.iter().any(|field| field.name == *name && field.kind.as_str() == Some(*kind))
    });
    missing.map(|(name, kind, _)| format!("it has no column {name} of the type {kind}"))
}

/// Returns a random UUID (version 4).
fn random_id() -> String {
    let number = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let parts = [hex.get(0..8), hex.get(8..12), hex.get(12..16), hex.get(16..20), hex.get(20..32)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_of_version_4() {
        let id = random_id();
        assert_eq!((id.len(), id.split('-').map(str::len).collect::<Vec<_>>()), (36, vec![8, 4, 4, 4, 12]));
        assert_eq!(id.get(14..15), Some("4"));
        assert!(["8", "9", "a", "b"].contains(&id.get(19..20).unwrap()), "{id}");
    }

    #[test]
    fn a_partition_key_is_a_column() {
        use PartitionKey::{Channel, Month, Run};
        let of = |table, keys: &[PartitionKey]| metadata(table, keys, Some("i"), 0);
        let names = |metadata: &MetaData| -> Vec<String> {
            let Fields { fields } = serde_json::from_str(&metadata.schema_string).unwrap();
            fields.into_iter().map(|field| field.name).collect()
        };
        let messages = of(Table::Messages, &[Month, Channel, Run]);
        assert_eq!(messages.partition_columns, ["month", "channel", "run"]);
        let found = names(&messages);
        assert_eq!(found.get(7).map(String::as_str), Some("channel"), "in the order of the table");
        assert_eq!(found.get(15..), Some(["month".to_owned(), "run".to_owned()].as_slice()));
        let contacts = of(Table::Contacts, &[Month, Channel, Run]);
        assert_eq!(contacts.partition_columns, ["run"]);
        assert_eq!(difference(&messages, Table::Messages, &[Month, Channel, Run]), None);
        assert_eq!(
            difference(&messages, Table::Messages, &[Month]).as_deref(),
            Some("its partition columns are month, channel, run, expected month")
        );
        let mut older = of(Table::Messages, &[]);
        older.schema_string = older.schema_string.replace("\"content\"", "\"text\"");
        let difference = difference(&older, Table::Messages, &[]);
        assert_eq!(difference.as_deref(), Some("it has no column content of the type string"));
    }
}
