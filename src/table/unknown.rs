//! Counts of fields that have no column or do not fit theirs: `unknown_fields` of the manifest.

use std::collections::BTreeMap;

use super::Table;

/// Counts by table and field name. Serializes as `{table: {field: count}}`, without tables that have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct UnknownFields(BTreeMap<Table, BTreeMap<String, u64>>);

impl UnknownFields {
    /// Maximum number of distinct names per table, since anyone who writes to the API can invent names.
    pub const MAX_NAMES: usize = 1000;
    /// Maximum length of a name that is counted separately, in bytes. The counts go into the manifest.
    pub const MAX_NAME_BYTES: usize = 200;
    /// Name under which all other names are counted.
    pub const OTHER: &'static str = "(other)";

    /// Counts a field of a table.
    pub fn count(&mut self, table: Table, name: &str) {
        self.add(table, name, 1);
    }

    /// Adds all counts of `more`.
    pub fn merge(&mut self, more: &Self) {
        for (table, fields) in &more.0 {
            for (name, count) in fields {
                self.add(*table, name, *count);
            }
        }
    }

    /// True if there are no counts.
    #[cfg(feature = "internals")]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the counts of a table, by name.
    pub fn of(&self, table: Table) -> impl Iterator<Item = (&str, u64)> {
        self.0.get(&table).into_iter().flatten().map(|(name, count)| (&**name, *count))
    }

    fn add(&mut self, table: Table, name: &str, count: u64) {
        let fields = self.0.entry(table).or_default();
        if let Some(counted) = fields.get_mut(name) {
            *counted += count;
            return;
        }
        let names = fields.len() - usize::from(fields.contains_key(Self::OTHER));
        let own = names < Self::MAX_NAMES && name.len() <= Self::MAX_NAME_BYTES;
        *fields.entry(if own { name } else { Self::OTHER }.to_owned()).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::{Table, UnknownFields};

    #[test]
    fn counts_by_table_and_name() {
        let mut fields = UnknownFields::default();
        assert!(fields.is_empty());
        fields.count(Table::Messages, "b");
        fields.count(Table::Messages, "a");
        fields.count(Table::Messages, "b");
        fields.count(Table::Contacts, &"x".repeat(201));
        let mut both = fields.clone();
        both.merge(&fields);
        insta::assert_snapshot!(
            serde_json::to_string(&both).unwrap(),
            @r#"{"contacts":{"(other)":2},"messages":{"a":2,"b":4}}"#
        );
    }

    #[test]
    fn names_are_bounded() {
        let mut fields = UnknownFields::default();
        for number in 0..1500 {
            fields.count(Table::Messages, &format!("f{number}"));
        }
        fields.count(Table::Messages, "f0");
        assert_eq!(fields.of(Table::Messages).count(), 1001);
        assert_eq!(fields.of(Table::Messages).find(|(name, _)| *name == "(other)"), Some(("(other)", 500)));
        assert_eq!(fields.of(Table::Messages).find(|(name, _)| *name == "f0"), Some(("f0", 2)));
    }
}
