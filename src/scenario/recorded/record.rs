//! A record of traffic before a window, a scale or a beginning was chosen.

use super::RecordedError;
use super::clock::{Stamp, show, show_span};
use super::source::BadLines;

const SECOND: i64 = 1_000_000_000;
/// Twenty years.
const LENGTH_MAX: i64 = 20 * 366 * 86_400 * SECOND;

/// What a file says, and what had to be done to it.
#[derive(Debug)]
pub(super) struct Record {
    /// The requests.
    pub(super) content: Content,
    /// The file's clock minus UTC, in seconds: clock times are read and shown by it.
    pub(super) offset: i32,
    /// What the reader should know.
    pub(super) warnings: Vec<String>,
    /// The kind of file, in a few words.
    pub(super) kind: String,
}

/// Requests one by one, or counted.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Sorted instants (ns since 1970) inside `begin..end`.
    Instants {
        /// The requests.
        at: Vec<i64>,
        /// Begin of the record.
        begin: i64,
        /// End of the record; the next pass of a repeated record begins here.
        end: i64,
    },
    /// Counts in intervals that follow each other.
    Counts {
        /// Begin of the first (ns since 1970).
        begin: i64,
        /// Length of each, in ns.
        interval: i64,
        /// Requests in each.
        counts: Vec<f64>,
    },
}

impl Content {
    /// Begin and end.
    pub(super) fn extent(&self) -> (i64, i64) {
        match self {
            Self::Instants { begin, end, .. } => (*begin, *end),
            Self::Counts { begin, interval, counts } => {
                (*begin, *begin + *interval * counts.len() as i64)
            }
        }
    }

    /// Requests in all.
    pub(super) fn requests(&self) -> f64 {
        match self {
            Self::Instants { at, .. } => at.len() as f64,
            Self::Counts { counts, .. } => counts.iter().sum(),
        }
    }

    /// `19,366 requests from 2023-11-16 18:15:46 to 19:14:08 (58m22s, mean 5.53/s)`.
    pub(super) fn describe(&self, offset: i32) -> String {
        let (begin, end) = self.extent();
        let (from, to) = (show(begin, offset), show(end, offset));
        let to = if from[..10] == to[..10] { to[11..].to_owned() } else { to };
        let requests = self.requests();
        let mean = requests / ((end - begin).max(1) as f64 / 1e9);
        let length = show_span(end - begin);
        format!(
            "{} requests from {from} to {to} ({length}, mean {}/s)",
            thousands(requests),
            significant(mean)
        )
    }
}

/// A record of single requests. Sorts; spreads requests whose times are only known to the
/// second evenly inside it (request j of n at (2j + 1) / 2n of the second).
pub(super) fn from_stamps(
    mut stamps: Vec<Stamp>,
    bad: &BadLines,
    kind: String,
) -> Result<Record, RecordedError> {
    let mut warnings: Vec<String> = bad.warning().into_iter().collect();
    let Some(first) = stamps.first() else {
        let mut error = RecordedError::new(format!("no line of the {kind} has a time"));
        error.line = bad.first_line();
        return Err(error);
    };
    let offset = first.offset;
    let late = stamps.windows(2).filter(|pair| pair[1].nanos < pair[0].nanos).count();
    if late > 0 {
        let lines = if late == 1 { "1 line is".to_owned() } else { format!("{late} lines are") };
        warnings.push(format!("{lines} earlier than the line before: sorted"));
        stamps.sort_by_key(|stamp| stamp.nanos);
    }
    let mut at: Vec<i64> = stamps.iter().map(|stamp| stamp.nanos).collect();
    check_length(at[at.len() - 1] - at[0])?;
    let whole = at.iter().all(|t| t % SECOND == 0);
    let (begin, end) = if whole && at.windows(2).any(|pair| pair[0] == pair[1]) {
        spread(&mut at);
        warnings.push(
            "times are known to the second only: the requests of a second are spread evenly \
             inside it"
                .to_owned(),
        );
        (at[0].div_euclid(SECOND) * SECOND, (at[at.len() - 1].div_euclid(SECOND) + 1) * SECOND)
    } else {
        // The last request is followed by one mean gap, so that n requests in the period keep
        // the mean rate when the record begins anew.
        let length = at[at.len() - 1] - at[0];
        let gap = if length == 0 { SECOND } else { (length / (at.len() as i64 - 1)).max(1) };
        (at[0], at[at.len() - 1] + gap)
    };
    Ok(Record { content: Content::Instants { at, begin, end }, offset, warnings, kind })
}

/// Refuses what is no record of traffic; sums of times stay far from the end of 64 bits.
pub(super) fn check_length(nanos: i64) -> Result<(), RecordedError> {
    if nanos <= LENGTH_MAX {
        return Ok(());
    }
    let length = show_span(nanos);
    Err(RecordedError::new(format!("the record is {length} long, that cannot be"))
        .hint("choose the column of times with `column`"))
}

/// Spreads the instants of each second over it.
fn spread(at: &mut [i64]) {
    for same in at.chunk_by_mut(|a, b| a == b) {
        let n = same.len() as i64;
        for (j, t) in (0..).zip(same.iter_mut()) {
            *t += (2 * j + 1) * SECOND / (2 * n);
        }
    }
}

/// `19,366`.
pub(super) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Three significant digits.
pub(super) fn significant(number: f64) -> String {
    match number {
        n if n >= 100.0 => thousands(n),
        n if n >= 10.0 => format!("{n:.1}"),
        n if n >= 1.0 => format!("{n:.2}"),
        n => format!("{n:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(seconds: &[i64]) -> Vec<Stamp> {
        seconds.iter().map(|s| Stamp { nanos: s * SECOND, offset: 0 }).collect()
    }

    #[test]
    fn requests_of_one_second_are_sorted_and_spread() {
        let record = from_stamps(stamps(&[7, 5, 5, 6]), &BadLines::default(), "log".into());
        let record = record.unwrap();
        let Content::Instants { at, begin, end } = record.content else { panic!() };
        let quarters: Vec<i64> = at.iter().map(|t| t * 4 / SECOND).collect();
        assert_eq!(quarters, [21, 23, 26, 30]);
        assert_eq!((begin, end), (5 * SECOND, 8 * SECOND));
        assert!(record.warnings[0].starts_with("1 line is earlier"), "{:?}", record.warnings);
        assert!(record.warnings[1].contains("spread evenly"));
    }

    #[test]
    fn fine_instants_stay_and_get_one_mean_gap_after_the_last() {
        let fine = [0, 10, 40].map(|t| Stamp { nanos: t, offset: 0 }).to_vec();
        let fine = from_stamps(
            fine.into_iter().map(|s| Stamp { nanos: s.nanos + 1, ..s }).collect(),
            &BadLines::default(),
            "timestamps".into(),
        );
        let Content::Instants { at, begin, end } = fine.unwrap().content else { panic!() };
        assert_eq!((at, begin, end), (vec![1, 11, 41], 1, 61));
    }

    #[test]
    fn numbers_print_for_people() {
        assert_eq!(thousands(1_019_366.0), "1,019,366");
        assert_eq!(thousands(366.0), "366");
        assert_eq!(significant(5.5321), "5.53");
    }
}
