//! Assigns rows to partition folders (`docs/tables.md#partitions`).

use std::collections::HashMap;
use std::fmt::Write;

use arrow::array::{Array, AsArray, StringArray};
use chrono::{Datelike, NaiveDate};

use super::OutputSpec;
use crate::settings::PartitionKey;
use crate::table::{Rows, Table};

/// Value of null in a folder name.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Number of the day 1970-01-01 in chrono.
const EPOCH_DAY: i32 = 719_163;

/// Keys and values of one folder.
pub(super) type Values = Vec<(String, Option<String>)>;

/// Assigns the rows of one table to partitions, numbered from 0 in the order of their first rows.
pub(super) struct Partitioner {
    keys: Vec<Key>,
    by_day: bool,
    by_channel: bool,
    /// Partitions by row key.
    known: HashMap<RowKey, usize>,
    /// Partitions by folder. All days of a month share one.
    numbers: HashMap<Values, usize>,
    values: Vec<Values>,
}

enum Key {
    /// The value is the same in all rows.
    Fixed(PartitionKey, String),
    /// The value depends on the day of the message.
    Day(DayKey),
    /// The value is the channel of the message.
    Channel,
}

/// A key that depends on the day. A key that needs more than the day requires a new field in [`RowKey`].
#[derive(Clone, Copy)]
enum DayKey {
    Year,
    Month,
    Date,
}

/// The parts of a row that its partition depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct RowKey {
    day: Option<NaiveDate>,
    channel: Option<Box<str>>,
}

impl Partitioner {
    /// Creates a partitioner with the keys that apply to the table, in the given order.
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

    /// True if folder names hold the column `channel`. The files then omit it.
    pub(super) fn takes_channel(&self) -> bool {
        self.by_channel
    }

    /// True if folder names depend on the time of a message.
    pub(super) fn is_by_day(&self) -> bool {
        self.by_day
    }

    /// True if rows of one table can have different partitions.
    pub(super) fn is_by_row(&self) -> bool {
        self.by_channel || self.by_day
    }

    /// Keys and values of a partition.
    pub(super) fn values(&self, partition: usize) -> &Values {
        &self.values[partition]
    }

    /// Returns the partition of all rows. Call it only if rows cannot differ in their partition.
    pub(super) fn whole(&mut self) -> usize {
        self.number(&RowKey { day: None, channel: None })
    }

    /// Returns the partition of each row.
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
                .filter(|channel| !channel.is_empty()); // Hive reads an empty value as null
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

/// Returns the folder of a partition, relative to the output folder, such as `messages/month=2026-11`.
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
