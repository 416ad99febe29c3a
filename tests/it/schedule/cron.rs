//! The jobs of a crontab, and their times.

use std::time::{SystemTime, UNIX_EPOCH};

use chatzy_export::internals::time::parse_time;

use crate::examples::of_crontab;

/// The first day of all tests, a Monday.
const FIRST_DAY: &str = "2027-01-04T00:00:00Z";

/// A time on a day of the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    pub day: usize,
    pub hour: u32,
    pub minute: u32,
}

impl Time {
    /// The difference to the clock of this machine in seconds.
    pub fn shift(self) -> i64 {
        let first = parse_time(FIRST_DAY).expect("a time") / 1_000_000;
        let seconds = (i64::try_from(self.day).expect("a small number") * 24 + i64::from(self.hour)) * 3600
            + i64::from(self.minute) * 60;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        first + seconds - i64::try_from(now).expect("this century")
    }
}

/// A line of a crontab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    minute: u32,
    hour: u32,
    /// Day of the week, 0 for Sunday; `None` for every day.
    weekday: Option<usize>,
    pub command: String,
}

impl Job {
    /// The jobs of a crontab with fixed times and any day of the month.
    pub fn of_crontab(text: &str) -> Vec<Self> {
        let lines = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
        let jobs = lines.zip(of_crontab(text)).map(|(line, command)| {
            let fields: Vec<&str> = line.split(' ').take(5).collect();
            assert_eq!(fields[2..4], ["*", "*"], "{line}");
            let number = |field: &str| field.parse::<u32>().expect("a number");
            let weekday = (fields[4] != "*").then(|| fields[4].parse().expect("a number"));
            Self { minute: number(fields[0]), hour: number(fields[1]), weekday, command }
        });
        jobs.collect()
    }
}

/// True for the last day of each week of the test.
pub fn is_sunday(day: usize) -> bool {
    day % 7 == 6
}

/// The jobs of a day, in their order.
pub fn of_day(jobs: &[Job], day: usize) -> Vec<(Time, &Job)> {
    let is_on = |job: &&Job| job.weekday.is_none_or(|weekday| weekday == (day + 1) % 7);
    let mut found: Vec<_> = jobs
        .iter()
        .filter(is_on)
        .map(|job| (Time { day, hour: job.hour, minute: job.minute }, job))
        .collect();
    found.sort_by_key(|(time, _)| *time);
    found
}
