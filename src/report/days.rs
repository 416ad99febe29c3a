//! Messages by day and channel, and the bars that show them: days, weeks, months, years or centuries.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days as Span, Months, NaiveDate};

use crate::id::Channel;

/// Each channel, messages without a channel, and unknown channels.
pub(super) const CHANNELS: usize = Channel::ALL.len() + 2;
/// Maximum number of days to count, a century. With more, months are counted.
const MOST_DAYS: usize = 36_525;
/// Maximum number of bars: each is 3 pixels wide on a phone.
const MOST_BARS: usize = 106;
/// Messages out of 10,000 that may be left out at each end to keep the rest readable.
const OUTLIERS: u64 = 50;
/// Factor by which the time span must shrink for that.
const SHRINKS_TO: i64 = 8;
/// Maximum gap in days, for short spans, that does not count as far away.
const NEAR_DAYS: i64 = 31;

pub(super) type Counts = [u64; CHANNELS];

/// The messages of a run.
#[derive(Default)]
pub(super) struct Days {
    counts: BTreeMap<NaiveDate, Counts>,
    /// Messages without a time.
    pub(super) undated: Counts,
    are_months: bool,
}

/// Length of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    Week,
    Month,
    Years(i32),
}

/// Consecutive bars, including empty ones.
pub(super) struct Bars {
    pub(super) unit: Unit,
    pub(super) each: Vec<(NaiveDate, Counts)>,
    /// Messages before the first bar and after the last.
    pub(super) outside: u64,
}

impl Days {
    /// Counts a message.
    pub(super) fn add(&mut self, created_at: Option<i64>, channel: Option<&str>) {
        let known = || Channel::ALL.iter().position(|known| Some(known.as_str()) == channel);
        let at = if channel.is_none() { CHANNELS - 2 } else { known().unwrap_or(CHANNELS - 1) };
        let Some(time) = created_at.and_then(DateTime::from_timestamp_micros) else {
            self.undated[at] += 1;
            return;
        };
        let day = time.date_naive();
        let day = if self.are_months { Unit::Month.start(day) } else { day };
        self.counts.entry(day).or_default()[at] += 1;
        if self.counts.len() > MOST_DAYS && !self.are_months {
            self.are_months = true;
            for (day, counts) in std::mem::take(&mut self.counts) {
                add(self.counts.entry(Unit::Month.start(day)).or_default(), &counts);
            }
        }
    }

    /// All messages, by channel.
    pub(super) fn totals(&self) -> Counts {
        let mut totals = self.undated;
        self.counts.values().for_each(|counts| add(&mut totals, counts));
        totals
    }

    /// The bars. `None` if no message has a time.
    pub(super) fn bars(&self) -> Option<Bars> {
        let (first, last) = self.range()?;
        let unit = self.unit(first, last);
        let mut bars = Vec::new();
        let mut start = unit.start(first);
        while start <= last {
            bars.push((start, Counts::default()));
            start = unit.next(start);
        }
        let mut outside = 0;
        for (day, counts) in &self.counts {
            if (first..=last).contains(day) {
                let at = bars.partition_point(|(start, _)| start <= day).saturating_sub(1);
                add(&mut bars[at].1, counts);
            } else {
                outside += counts.iter().sum::<u64>();
            }
        }
        Some(Bars { unit, each: bars, outside })
    }

    /// The range of days to show: all, except a few distant messages that would compress the rest into a few
    /// bars.
    fn range(&self) -> Option<(NaiveDate, NaiveDate)> {
        let all: u64 = self.counts.values().flatten().sum();
        let most = all * OUTLIERS / 10_000;
        let (first, last) = (*self.counts.first_key_value()?.0, *self.counts.last_key_value()?.0);
        let (from, to) = (after(most, self.counts.iter())?, after(most, self.counts.iter().rev())?);
        // Only distant messages are cut off, not a thin start or end of the rest.
        let near = ((to - from).num_days() / SHRINKS_TO).max(NEAR_DAYS);
        let days = || self.counts.keys().copied();
        let is_near = |earlier: NaiveDate, later: NaiveDate| (later - earlier).num_days() <= near;
        let to = days().filter(|day| *day > to).fold(to, |to, day| if is_near(to, day) { day } else { to });
        let earlier = days().rev().filter(|day| *day < from);
        let from = earlier.fold(from, |from, day| if is_near(day, from) { day } else { from });
        let shrinks = (to - from).num_days().max(1) * SHRINKS_TO < (last - first).num_days();
        Some(if shrinks { (from, to) } else { (first, last) })
    }

    fn unit(&self, first: NaiveDate, last: NaiveDate) -> Unit {
        let days = usize::try_from((last - first).num_days()).unwrap_or_default() + 1;
        match days {
            _ if self.are_months => {}
            ..=MOST_BARS => return Unit::Day,
            // The first week starts before the first day.
            _ if days.div_ceil(7) < MOST_BARS => return Unit::Week,
            _ => {}
        }
        let years = last.year() - first.year() + 1;
        match usize::try_from(years).unwrap_or_default() {
            years if years * 12 <= MOST_BARS => Unit::Month,
            years if years <= MOST_BARS => Unit::Years(1),
            _ => Unit::Years(100),
        }
    }
}

/// The first day after `most` messages.
fn after<'a>(most: u64, mut counts: impl Iterator<Item = (&'a NaiveDate, &'a Counts)>) -> Option<NaiveDate> {
    let mut before = 0;
    let found = counts.find(|(_, counts)| {
        before += counts.iter().sum::<u64>();
        before > most
    });
    found.map(|(day, _)| *day)
}

fn add(sum: &mut Counts, counts: &Counts) {
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum += count;
    }
}

impl Unit {
    /// First day of the unit that contains this day.
    pub(super) fn start(self, day: NaiveDate) -> NaiveDate {
        let start = match self {
            Self::Day => Some(day),
            Self::Week => day.checked_sub_days(Span::new(day.weekday().num_days_from_monday().into())),
            Self::Month => day.with_day(1),
            Self::Years(years) => NaiveDate::from_ymd_opt(day.year().div_euclid(years) * years, 1, 1),
        };
        start.unwrap_or(day)
    }

    /// First day of the next unit.
    pub(super) fn next(self, start: NaiveDate) -> NaiveDate {
        let next = match self {
            Self::Day => start.checked_add_days(Span::new(1)),
            Self::Week => start.checked_add_days(Span::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Years(years) => start.checked_add_months(Months::new(years.unsigned_abs() * 12)),
        };
        next.unwrap_or(NaiveDate::MAX)
    }

    /// Noun for "messages per day".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Years(1) => "year",
            Self::Years(_) => "century",
        }
    }

    /// Label of the unit that starts on this day.
    pub(super) fn label(self, start: NaiveDate) -> String {
        match self {
            Self::Day => start.format("%Y-%m-%d").to_string(),
            Self::Week => format!("week of {}", start.format("%Y-%m-%d")),
            Self::Month => start.format("%Y-%m").to_string(),
            Self::Years(1) => start.format("%Y").to_string(),
            Self::Years(years) => format!("{} to {}", start.year(), start.year() + years - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: impl IntoIterator<Item = (&'static str, usize)>) -> Days {
        let mut counted = Days::default();
        for (day, count) in days {
            let day: NaiveDate = day.parse().unwrap();
            let micros = day.and_hms_opt(23, 59, 59).unwrap().and_utc().timestamp_micros();
            (0..count).for_each(|_| counted.add(Some(micros), Some("website")));
        }
        counted
    }

    fn shown(days: &Days) -> (Unit, usize, String, u64) {
        let Bars { unit, each: bars, outside } = days.bars().unwrap();
        let sum = bars.iter().flat_map(|(_, counts)| counts).sum::<u64>() + outside;
        assert_eq!(sum + days.undated.iter().sum::<u64>(), days.totals().iter().sum::<u64>());
        assert!(bars.len() <= MOST_BARS, "{} bars", bars.len());
        (unit, bars.len(), unit.label(bars[0].0), outside)
    }

    #[test]
    fn the_length_of_a_bar_is_that_of_the_time() {
        let cases = [
            ("2026-03-01", "2026-03-01", Unit::Day, 1, "2026-03-01"),
            ("2026-02-27", "2026-03-02", Unit::Day, 4, "2026-02-27"),
            ("2026-01-01", "2026-12-31", Unit::Week, 53, "week of 2025-12-29"),
            ("2020-02-29", "2026-12-31", Unit::Month, 83, "2020-02"),
            ("1970-01-01", "2026-12-31", Unit::Years(1), 57, "1970"),
            ("0000-01-01", "9999-12-31", Unit::Years(100), 100, "0 to 99"),
        ];
        for (first, last, unit, bars, label) in cases {
            assert_eq!(shown(&days([(first, 1), (last, 1)])), (unit, bars, label.to_owned(), 0));
        }
    }

    #[test]
    fn a_few_messages_of_another_time_do_not_hide_the_rest() {
        let mut odd =
            days([("1970-01-01", 1), ("2026-03-01", 5000), ("2026-03-20", 5000), ("2096-01-01", 2)]);
        odd.add(None, None);
        assert_eq!(shown(&odd), (Unit::Day, 20, "2026-03-01".to_owned(), 3));
        // What leads up to the rest is shown, however few.
        let thin = [("1970-01-01", 1), ("2026-02-10", 1), ("2026-03-01", 5000), ("2026-03-02", 5000)];
        assert_eq!(shown(&days(thin)), (Unit::Day, 21, "2026-02-10".to_owned(), 1));
        // A tenth of all is no oddity.
        assert_eq!(shown(&days([("1970-01-01", 1000), ("2026-03-01", 9000)])).3, 0);
    }

    #[test]
    fn messages_of_all_times_are_counted_in_bounded_memory() {
        let mut all = Days::default();
        for day in -400_000..400_000 {
            all.add(
                Some(day * 86_400_000_000),
                [Some("whatsapp"), Some("new"), None][usize::from(day % 2 == 0) + usize::from(day % 4 == 0)],
            );
        }
        assert!(all.counts.len() <= MOST_DAYS);
        assert_eq!(all.totals().iter().sum::<u64>(), 800_000);
        assert!(all.totals()[CHANNELS - 1] > 0 && all.totals()[CHANNELS - 2] > 0);
        shown(&all);
    }
}
