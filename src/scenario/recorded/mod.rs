//! Recorded inputs: traffic and measured durations from files.
//!
//! Recognised by content, plain or gzip: access logs (common and combined format), tables with
//! one request a row, tables with a count or a rate per interval.

mod access_log;
mod clock;
mod counts;
mod durations;
mod holes;
mod record;
mod responses;
mod scale;
mod source;
mod table;
mod window;

pub use durations::read_durations;
pub use responses::{ResponseOptions, Responses, is_access_log, read_responses};

use std::fmt::Write;
use std::path::Path;

use crate::scenario::Profile;
use crate::units::Span;
use record::{Content, Record};

/// A repeated record of counts covers at least this long (or [`INTERVALS_MAX`] intervals):
/// [`Profile::Counts`] has no period of its own.
const REPEATED: Span = Span::from_secs(7 * 86_400);
const INTERVALS_MAX: usize = 1 << 21;

/// What to take from a file, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct TrafficOptions {
    /// The column of times (one request a row) or of counts; by heading or by number from 1.
    pub column: Option<String>,
    /// How long each row counts (needed only if the table has no times; a multiple of the step
    /// joins rows). With single requests: count them in intervals of this length.
    pub interval: Option<Span>,
    /// Begin and end, each a clock time, a date(-time), or an offset from the record's begin.
    pub window: Option<(String, String)>,
    /// The place in the record on which time 0 of the rollout falls; default: its begin.
    pub at: Option<String>,
    /// Multiplies the intensity.
    pub scale: f64,
    /// Begin anew when the record ends; otherwise the rate is zero from then on.
    pub repeat: bool,
    /// `access-log`, `timestamps` or `counts`; default: found out from the content.
    pub format: Option<String>,
}

impl Default for TrafficOptions {
    fn default() -> Self {
        Self {
            column: None,
            interval: None,
            window: None,
            at: None,
            scale: 1.0,
            repeat: false,
            format: None,
        }
    }
}

/// Traffic read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// [`Profile::Instants`] or [`Profile::Counts`]; its time 0 is the begin of the rollout.
    /// Instants that are not repeated have the period [`Span::MAX`]. After the last interval of
    /// counts the rate is zero; repeated counts are written out for a week.
    pub profile: Profile,
    /// What was odd about the file: bad lines, disorder, holes, guesses.
    pub warnings: Vec<String>,
    /// One line: what was read.
    pub describe: String,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RecordedError {
    /// What is wrong: a full clause without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Line in the file, from 1.
    pub line: Option<u64>,
}

impl RecordedError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, line: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Reads recorded traffic.
///
/// # Errors
/// If nothing in the file is usable or an option does not fit it. Single bad lines are warnings.
pub fn read_traffic(path: &Path, options: &TrafficOptions) -> Result<Recorded, RecordedError> {
    let text = source::read_text(path)?;
    from_text(&text, options)
        .map_err(|error| RecordedError { message: format!("{}: {error}", path.display()), ..error })
}

fn from_text(text: &str, options: &TrafficOptions) -> Result<Recorded, RecordedError> {
    if !(options.scale.is_finite() && options.scale > 0.0) {
        return Err(RecordedError::new(format!(
            "scale {} is not a positive number",
            options.scale
        )));
    }
    let mut record = read_as(text, options)?;
    if let Some((from, to)) = &options.window {
        window::cut(&mut record, from, to)?;
    }
    let mut describe = format!("{}, {}", record.content.describe(record.offset), record.kind);
    if let Content::Instants { at, begin, end } = &record.content {
        let mut bounded = vec![*begin];
        bounded.extend(at);
        bounded.push(*end);
        let (requests, length) = (at.len() as f64, end - begin);
        let found = holes::find(&bounded);
        record.warnings.extend(holes::warnings(&found, record.offset, requests, length));
    }
    if let Some(at) = &options.at {
        window::begin_at(&mut record, at, options.repeat)?;
        let zero = clock::show(record.content.extent().0, record.offset);
        let _ = write!(describe, ", the rollout begins at {zero}");
    }
    if options.scale != 1.0 {
        let _ = write!(describe, ", times {}", options.scale);
    }
    if options.repeat {
        describe.push_str(", repeated");
    } else {
        let (begin, end) = record.content.extent();
        record.warnings.push(format!(
            "the record ends {} after the rollout begins; from then on there is no traffic \
             (repeat = true begins it anew)",
            clock::show_span(end - begin)
        ));
    }
    let profile = to_profile(record.content, options)?;
    Ok(Recorded { profile, warnings: record.warnings, describe })
}

fn read_as(text: &str, options: &TrafficOptions) -> Result<Record, RecordedError> {
    match options.format.as_deref() {
        Some("access-log" | "combined" | "common") => access_log::read(text),
        Some("timestamps") => table::read(text, options, Some(false)),
        Some("counts") => table::read(text, options, Some(true)),
        Some(other) => Err(RecordedError::new(format!("there is no format `{other}`"))
            .hint("known are \"access-log\", \"timestamps\" and \"counts\"")),
        None if access_log::looks_like_one(text) => access_log::read(text),
        None => table::read(text, options, None),
    }
}

fn to_profile(content: Content, options: &TrafficOptions) -> Result<Profile, RecordedError> {
    match content {
        Content::Instants { at, begin, end } => match options.interval {
            None => {
                let at = scale::instants(&at, options.scale)?;
                if at.is_empty() {
                    let message = format!("nothing is left at scale {}", options.scale);
                    return Err(RecordedError::new(message));
                }
                let at = at.into_iter().map(|t| (t - begin) as u64).collect();
                let period = if options.repeat { Span((end - begin) as u64) } else { Span::MAX };
                Ok(Profile::Instants { at, period })
            }
            Some(Span(0)) => Err(RecordedError::new("an interval of no length")),
            Some(interval) => {
                let slots = ((end - begin) as u64).div_ceil(interval.0) as usize;
                if slots > INTERVALS_MAX {
                    let message = format!("{slots} intervals of {interval} are too many");
                    return Err(RecordedError::new(message).hint("choose a longer `interval`"));
                }
                let mut counts = vec![0.0; slots];
                for t in at {
                    counts[((t - begin) as u64 / interval.0) as usize] += 1.0;
                }
                Ok(counted(interval, counts, options))
            }
        },
        Content::Counts { interval, counts, .. } => {
            Ok(counted(Span(interval as u64), counts, options))
        }
    }
}

fn counted(interval: Span, mut counts: Vec<f64>, options: &TrafficOptions) -> Profile {
    for count in &mut counts {
        *count *= options.scale;
    }
    if options.repeat {
        let passes = (REPEATED.0 / interval.0) as usize / counts.len() + 1;
        let most = (INTERVALS_MAX / counts.len()).max(1);
        counts = counts.repeat(passes.min(most));
    }
    Profile::Counts { interval, counts }
}

#[cfg(test)]
mod tests;
