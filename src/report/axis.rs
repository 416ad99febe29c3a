//! Axes of charts: round numbers, times and dates, few enough for a phone.

use chrono::{DateTime, Datelike, NaiveDate};

use super::days::{Bars, Unit};
use crate::html::ratio;

/// Maximum number of steps on an axis.
const MAX_STEPS: u64 = 4;

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// Position from 0 (start) to 1 (end).
    pub(super) at: f64,
    pub(super) label: String,
}

/// Step and end of an axis for numbers up to `max`.
pub(super) fn round_up(max: u64) -> (u64, u64) {
    let mut power = 1_u64;
    loop {
        for step in [power, 2 * power, power.saturating_mul(5)] {
            if max.div_ceil(step) <= MAX_STEPS {
                return (step, max.div_ceil(step).max(1).saturating_mul(step));
            }
        }
        if power > u64::MAX / 100 {
            return (max.max(1), max.max(1));
        }
        power *= 10;
    }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const STEPS: [u64; 22] = [
    1,
    2,
    5,
    10,
    15,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    28 * DAY,
    364 * DAY,
];

/// The marks of an axis that starts at this time and covers this many seconds.
pub(super) fn of_time(start_micros: i64, seconds: u64) -> Vec<Tick> {
    let start = start_micros.div_euclid(1_000_000);
    let step = STEPS.into_iter().find(|step| seconds / step <= MAX_STEPS).unwrap_or(3650 * DAY);
    let (length, step) =
        (i64::try_from(seconds).unwrap_or(i64::MAX), i64::try_from(step).unwrap_or(i64::MAX));
    let first = start.div_euclid(step) + i64::from(start.rem_euclid(step) > 0);
    let end = start.saturating_add(length);
    let times = (first..).map(|number| number.saturating_mul(step)).take_while(|time| *time <= end);
    let tick = |time: i64| {
        let after = u64::try_from(time - start).unwrap_or_default();
        Tick { at: ratio(after, seconds), label: time_label(time, step) }
    };
    times.map(tick).take(8).collect()
}

fn time_label(time: i64, step: i64) -> String {
    let form = match (step, time.rem_euclid(86_400)) {
        (86_400.., _) | (60.., 0) => "%-d %b",
        (60.., _) => "%H:%M",
        _ => "%H:%M:%S",
    };
    DateTime::from_timestamp_secs(time).unwrap_or_default().format(form).to_string()
}

/// The time of day. For long bars, the day and the time.
pub(super) fn moment(micros: i64, bucket_seconds: u64) -> String {
    let form = if bucket_seconds < 1800 { "%H:%M:%S" } else { "%-d %b %H:%M" };
    DateTime::from_timestamp_micros(micros).unwrap_or_default().format(form).to_string()
}

/// The marks of an axis of dates: the first days of months or years if they fit.
pub(super) fn of_dates(Bars { unit, each: bars, .. }: &Bars) -> Vec<Tick> {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return Vec::new() };
    let (first, end) = (first.0, unit.next(last.0));
    let spacings = [
        Spacing::Days(1),
        Spacing::Days(2),
        Spacing::Days(7),
        Spacing::Days(14),
        Spacing::Months(1),
        Spacing::Months(2),
        Spacing::Months(3),
        Spacing::Months(6),
    ];
    let years = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].map(Spacing::Years);
    let wide_enough = spacings.into_iter().chain(years).filter(|spacing| spacing.fits(*unit));
    let max = usize::try_from(MAX_STEPS).unwrap_or_default() + 1;
    let tick = |spacing: Spacing, day: NaiveDate| {
        let at = bars.partition_point(|(start, _)| *start <= day).saturating_sub(1);
        let start = bars[at].0;
        let length = u64::try_from((unit.next(start) - start).num_days()).unwrap_or(1);
        let within = ratio(u64::try_from((day - start).num_days()).unwrap_or_default(), length);
        let count = bars.len() as u64;
        Tick { at: ratio(at as u64, count) + within * ratio(1, count), label: spacing.label(day) }
    };
    let ticks = |spacing: Spacing| {
        let days = spacing.from(first).take_while(|day| *day < end).take(max + 1);
        let ticks: Vec<_> = days.map(|day| tick(spacing, day)).collect();
        let has_room = ticks.windows(2).all(|pair| pair[1].at - pair[0].at >= spacing.room());
        ((1..=max).contains(&ticks.len()) && has_room).then_some(ticks)
    };
    wide_enough.into_iter().find_map(ticks).unwrap_or_default()
}

#[derive(Clone, Copy)]
enum Spacing {
    Days(i64),
    Months(u32),
    Years(i32),
}

impl Spacing {
    /// True if the spacing is at least as long as a bar.
    fn fits(self, unit: Unit) -> bool {
        match (unit, self) {
            (Unit::Day, _) | (Unit::Week, Self::Months(_)) | (_, Self::Years(_)) => true,
            (Unit::Month, Self::Months(_)) => true,
            (Unit::Week | Unit::Month, Self::Days(_)) => false,
            (Unit::Years(_), Self::Days(_) | Self::Months(_)) => false,
        }
    }

    /// Share of a phone's width that a label needs.
    fn room(self) -> f64 {
        match self {
            Self::Months(_) => 0.23,
            Self::Days(_) | Self::Years(_) => 0.16,
        }
    }

    /// The days of the spacing, from `first` on.
    fn from(self, first: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        let months = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
        let of_month = |month: i64| {
            let year = i32::try_from(month.div_euclid(12)).unwrap_or(i32::MAX);
            NaiveDate::from_ymd_opt(year, u32::try_from(month.rem_euclid(12)).unwrap_or_default() + 1, 1)
        };
        let step = match self {
            Self::Days(days) => days,
            Self::Months(months) => i64::from(months),
            Self::Years(years) => i64::from(years) * 12,
        };
        // Weeks begin on a Monday.
        let number = match self {
            Self::Days(_) => i64::from(first.num_days_from_ce()) - 1,
            Self::Months(_) | Self::Years(_) => months(first),
        };
        let start = number.div_euclid(step);
        let day = move |number: i64| match self {
            Self::Days(days) => {
                NaiveDate::from_num_days_from_ce_opt(i32::try_from(number * days + 1).unwrap_or(i32::MAX))
            }
            Self::Months(_) | Self::Years(_) => of_month(number * step),
        };
        (start..start + 10_000).map_while(day).skip_while(move |day| *day < first)
    }

    fn label(self, day: NaiveDate) -> String {
        match self {
            Self::Days(_) => day.format("%-d %b").to_string(),
            Self::Months(_) => day.format("%b %Y").to_string(),
            Self::Years(_) => day.year().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::days::Days;

    #[test]
    fn axes_of_numbers_end_at_round_ones() {
        let ends = [0, 1, 4, 5, 37, 99, 1234, 1_000_001].map(round_up);
        let expected =
            [(1, 1), (1, 1), (1, 4), (2, 6), (10, 40), (50, 100), (500, 1500), (500_000, 1_500_000)];
        assert_eq!(ends, expected);
        assert!(round_up(u64::MAX).1 >= u64::MAX / 2);
    }

    #[test]
    fn axes_of_time_have_few_marks_at_round_times() {
        let labels = |start: &str, seconds| {
            let start = crate::time::parse_time(start).unwrap();
            let ticks = of_time(start, seconds);
            assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.at)), "{ticks:?}");
            ticks.into_iter().map(|tick| tick.label).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels("2026-11-20T02:00:00.500000Z", 1), "02:00:00 02:00:01");
        assert_eq!(labels("2026-11-20T02:00:03.000000Z", 100), "02:00:30 02:01:00 02:01:30");
        assert_eq!(labels("2026-11-20T22:10:00.000000Z", 4 * 3600), "23:00 21 Nov 01:00 02:00");
        assert_eq!(labels("2026-11-20T02:00:00.000000Z", 9 * 86_400), "21 Nov 23 Nov 25 Nov 27 Nov 29 Nov");
    }

    #[test]
    fn axes_of_dates_have_few_marks_at_round_dates() {
        let labels = |first: &str, last: &str| {
            let mut days = Days::default();
            for day in [first, last] {
                let day: NaiveDate = day.parse().unwrap();
                days.add(Some(day.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp_micros()), None);
            }
            let ticks = of_dates(&days.bars().unwrap());
            assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.at)), "{ticks:?}");
            ticks.into_iter().map(|tick| tick.label).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(labels("2026-03-01", "2026-03-01"), "1 Mar");
        assert_eq!(labels("2026-02-27", "2026-03-02"), "27 Feb, 28 Feb, 1 Mar, 2 Mar");
        assert_eq!(labels("2026-03-01", "2026-03-30"), "2 Mar, 9 Mar, 16 Mar, 23 Mar, 30 Mar");
        assert_eq!(labels("2026-01-15", "2026-11-30"), "Apr 2026, Jul 2026, Oct 2026");
        assert_eq!(labels("2020-01-01", "2026-12-31"), "2020, 2022, 2024, 2026");
        assert_eq!(labels("0000-01-01", "9999-12-31"), "0, 2000, 4000, 6000, 8000");
    }
}
