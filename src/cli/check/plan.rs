//! Prints the plan of `check` as ranges.

use bytesize::ByteSize;
use indicatif::HumanCount;

use crate::check::Plan;
use crate::cli::amounts::time;
use crate::cli::args::{CheckArgs, LogFormat};
use crate::cli::console::eprint;

/// Prints the plan. All its figures except the number of contacts are estimates, each as a range.
pub fn print(args: &CheckArgs, plan: &Plan) {
    let Plan { low, high, .. } = plan;
    let basis = match plan.known_lengths {
        0 => format!("estimated from {}", contacts(plan.sampled)),
        known if known >= plan.contacts => "estimated from the last run".to_owned(),
        known => {
            format!("estimated from {} of the last run and {} more", contacts(known), plan.sampled)
        }
    };
    let rate = args.requests.rate_limit.map_or_else(String::new, |rate| format!(" and {rate} per second"));
    let messages = counts(low.messages, high.messages);
    let requests = counts(low.requests, high.requests);
    let latency = range(&low.latency_ms.to_string(), &high.latency_ms.to_string());
    let seconds = range(&time(low.seconds), &time(high.seconds));
    let bytes = range(&ByteSize(low.bytes).to_string(), &ByteSize(high.bytes).to_string());
    let mut lines = vec![
        format!("{} with {messages} messages, {basis}", contacts(plan.contacts)),
        format!("{requests} requests of {latency} ms"),
        format!("{seconds} with at most {} requests in flight{rate}", plan.concurrency),
        format!("{bytes} of disk space until publication"),
    ];
    lines.extend(reason(plan));
    for line in lines {
        eprint(&match args.log.log_format {
            LogFormat::Text => format!("{:<8} {line}", "plan"),
            LogFormat::Json => format!("plan: {line}"),
        });
    }
}

/// Returns the two ends of a range in words, or one value if they look the same.
fn range(low: &str, high: &str) -> String {
    if low == high { low.to_owned() } else { format!("{low} to {high}") }
}

/// Returns a range of counts. Its ends are rounded.
fn counts(low: u64, high: u64) -> String {
    let shown = |count| HumanCount(count).to_string();
    range(&shown(rounded_down(low, high)), &shown(rounded_up(low, high)))
}

/// Rounds the lower end of a range to two digits. A single value is exact.
fn rounded_down(low: u64, high: u64) -> u64 {
    let unit = unit(low);
    if low == high { low } else { low / unit * unit }
}

/// Rounds the upper end of a range to two digits. A single value is exact.
fn rounded_up(low: u64, high: u64) -> u64 {
    let unit = unit(high);
    if low == high { high } else { high.div_ceil(unit).saturating_mul(unit) }
}

/// Returns the value of the second digit.
fn unit(number: u64) -> u64 {
    10_u64.pow(number.checked_ilog10().unwrap_or(0).saturating_sub(1))
}

/// Returns why the figures are ranges.
fn reason(plan: &Plan) -> Option<String> {
    let Plan { low, high, .. } = plan;
    let mut reasons = Vec::new();
    if plan.known_lengths < plan.contacts && plan.sampled < plan.contacts {
        reasons.push(format!("{} of {} were sampled", HumanCount(plan.sampled), contacts(plan.contacts)));
    } else if low.messages < high.messages {
        reasons.push("long histories are not counted to the end".to_owned());
    }
    if plan.known_lengths > 0 {
        reasons.push("histories grow".to_owned());
    }
    if low.latency_ms < high.latency_ms {
        reasons.push("response times vary".to_owned());
    }
    if low.bytes < high.bytes {
        reasons.push("texts compress differently".to_owned());
    }
    let (last, others) = reasons.split_last()?;
    let others = others.join(", ");
    let joined = if others.is_empty() { last.clone() } else { format!("{others}, and {last}") };
    Some(format!("ranges, because {joined}"))
}

fn contacts(count: u64) -> String {
    if count == 1 { "1 contact".to_owned() } else { format!("{} contacts", HumanCount(count)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_ranges_have_two_digits() {
        let rounded = |low, high| (rounded_down(low, high), rounded_up(low, high));
        assert_eq!(rounded(39_960, 48_101), (39_000, 49_000));
        assert_eq!(rounded(7, 12), (7, 12));
        assert_eq!(rounded(0, 101), (0, 110));
        assert_eq!(rounded(39_960, 39_960), (39_960, 39_960), "exact");
    }
}
