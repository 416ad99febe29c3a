//! Which folder a row belongs to (`docs/tables.md#partitions`).

use std::collections::HashMap;
use std::fmt::Write;

use arrow::array::{Array, AsArray, StringArray};
use chrono::{Datelike, NaiveDate};

use super::OutputSpec;
use crate::settings::PartitionKey;
use crate::table::{Rows, Table};

/// What stands for null in a folder's name.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// 1970-01-01 as chrono counts days.
const EPOCH_DAY: i32 = 719_163;

/// Keys with the values of one folder.
pub(super) type Values = Vec<(String, Option<String>)>;

/// Assigns the rows of one table to partitions, numbered from 0 in the order of their first rows.
pub(super) struct Partitioner {
    keys: Vec<Key>,
    by_day: bool,
    by_channel: bool,
    /// The partition of what was seen in rows.
    known: HashMap<RowKey, usize>,
    /// The partition of a folder: days of one month share it.
    numbers: HashMap<Values, usize>,
    values: Vec<Values>,
}

enum Key {
    /// The same in all rows.
    Fixed(PartitionKey, String),
    /// Follows from the day of the message.
    Day(DayKey),
    /// Follows from the channel of the message.
    Channel,
}

/// A key that follows from a day. One that needs more than the day needs more in [`RowKey`] too.
#[derive(Clone, Copy)]
enum DayKey {
    Year,
    Month,
    Date,
}

/// All that the keys of a row follow from.
#[derive(Clone, PartialEq, Eq, Hash)]
struct RowKey {
    day: Option<NaiveDate>,
    channel: Option<Box<str>>,
}

impl Partitioner {
    /// The keys that apply to the table, in the order given.
    pub(super) fn new(spec: &OutputSpec, table: Table) -> Self {
        let keys = spec.settings.partition_by.iter();
        let keys = keys.filter(|key| table.is_per_message() || !key.is_per_message());
        let keys: Vec<Key> = keys.map(|key| Key::new(*key, spec)).collect();
        Self {
            by_day: keys.iter().any(|key| matches!(key, Key::Day(_))),
            by_channel: keys.iter().any(|key| matches!(key, Key::Channel)),
            keys,
            known: HashMap::new(),
            numbers: HashMap::new(),
            values: Vec::new(),
        }
    }

    /// Whether the column `channel` is in the folders' names and not in the files.
    pub(super) fn takes_channel(&self) -> bool {
        self.by_channel
    }

    /// Whether rows differ in their partition at all.
    pub(super) fn is_by_row(&self) -> bool {
        self.by_channel || self.by_day
    }

    /// The keys and values of a partition.
    pub(super) fn values(&self, partition: usize) -> &Values {
        &self.values[partition]
    }

    /// The partition of all rows, when they do not differ in it.
    pub(super) fn whole(&mut self) -> usize {
        self.number(&RowKey { day: None, channel: None })
    }

    /// The partition of each row.
    pub(super) fn assign(&mut self, rows: &Rows) -> Vec<usize> {
        let channels: Option<&StringArray> = self
            .by_channel
            .then(|| rows.batch.column_by_name("channel").and_then(|column| column.as_string_opt()))
            .flatten();
        let mut last: Option<(RowKey, usize)> = None;
        let mut assigned = Vec::with_capacity(rows.batch.num_rows());
        for row in 0..rows.batch.num_rows() {
            let day = if self.by_day { day_of(rows, row) } else { None };
            let channel = channels
                .filter(|array| array.is_valid(row))
                .map(|array| array.value(row))
                .filter(|channel| !channel.is_empty()); // an empty folder value means null to Hive
            let partition = match &last {
                Some((key, partition)) if key.day == day && key.channel.as_deref() == channel => *partition,
                _ => {
                    let key = RowKey { day, channel: channel.map(Into::into) };
                    let partition = self.number(&key);
                    last = Some((key, partition));
                    partition
                }
            };
            assigned.push(partition);
        }
        assigned
    }

    fn number(&mut self, key: &RowKey) -> usize {
        if let Some(known) = self.known.get(key) {
            return *known;
        }
        let values: Values = self.keys.iter().map(|name| name.value(key)).collect();
        let next = self.values.len();
        let number = *self.numbers.entry(values).or_insert_with_key(|values| {
            self.values.push(values.clone());
            next
        });
        self.known.insert(key.clone(), number);
        number
    }
}

impl Key {
    fn new(key: PartitionKey, spec: &OutputSpec) -> Self {
        match key {
            PartitionKey::ExportDate => Self::Fixed(key, spec.export_date.format("%Y-%m-%d").to_string()),
            PartitionKey::Run => Self::Fixed(key, spec.run_id.to_string()),
            PartitionKey::Year => Self::Day(DayKey::Year),
            PartitionKey::Month => Self::Day(DayKey::Month),
            PartitionKey::Date => Self::Day(DayKey::Date),
            PartitionKey::Channel => Self::Channel,
        }
    }

    fn value(&self, row: &RowKey) -> (String, Option<String>) {
        let (key, value) = match self {
            Self::Fixed(key, value) => (*key, Some(value.clone())),
            Self::Day(DayKey::Year) => (PartitionKey::Year, row.day.map(|day| format!("{:04}", day.year()))),
            Self::Day(DayKey::Month) => {
                let month = |day: NaiveDate| format!("{:04}-{:02}", day.year(), day.month());
                (PartitionKey::Month, row.day.map(month))
            }
            Self::Day(DayKey::Date) => {
                let date = |day: NaiveDate| format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day());
                (PartitionKey::Date, row.day.map(date))
            }
            Self::Channel => (PartitionKey::Channel, row.channel.as_deref().map(str::to_owned)),
        };
        (key.name().to_owned(), value)
    }
}

fn day_of(rows: &Rows, row: usize) -> Option<NaiveDate> {
    let times = rows.message_time.as_ref()?;
    if times.is_null(row) {
        return None;
    }
    let days = i32::try_from(times.value(row).div_euclid(MICROS_PER_DAY)).ok()?;
    NaiveDate::from_num_days_from_ce_opt(days.checked_add(EPOCH_DAY)?)
}

/// The folder of a partition relative to the output folder, such as `messages/month=2026-11`.
pub fn folder(table: &str, values: &[(String, Option<String>)]) -> String {
    values.iter().fold(table.to_owned(), |mut folder, (key, value)| {
        folder.push('/');
        folder.push_str(key);
        folder.push('=');
        match value {
            None => folder.push_str(NULL_PARTITION),
            Some(value) => percent_encode(value, &mut folder),
        }
        folder
    })
}

fn percent_encode(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-') {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
