//! Cutting a record: the window asked for, and the instant on which the rollout begins.

use super::RecordedError;
use super::clock::{midnight, parse_clock, parse_stamp, show};
use super::record::{Content, Record};
use crate::units::Span;

const DAY: i64 = 86_400_000_000_000;

/// Keeps what lies in `from..to`. Counts are kept by whole intervals.
pub(super) fn cut(record: &mut Record, from: &str, to: &str) -> Result<(), RecordedError> {
    let extent = record.content.extent();
    let offset = record.offset;
    let from = instant(from, extent.0, extent, offset)?;
    let to = if to.parse::<Span>().is_ok() {
        instant(to, extent.0, extent, offset)?
    } else {
        instant(to, from, extent, offset)?
    };
    if to <= from {
        let (from, to) = (show(from, offset), show(to, offset));
        return Err(RecordedError::new(format!(
            "the window ends ({to}) before it begins ({from})"
        )));
    }
    if from < extent.0 || to > extent.1 {
        record.warnings.push(format!(
            "the window {} to {} reaches beyond the record ({} to {}): nothing is known there",
            show(from, offset),
            show(to, offset),
            show(extent.0, offset),
            show(extent.1, offset)
        ));
    }
    let empty = || {
        RecordedError::new(format!(
            "no request between {} and {}",
            show(from, offset),
            show(to, offset)
        ))
        .hint(format!(
            "the record runs from {} to {}",
            show(extent.0, offset),
            show(extent.1, offset)
        ))
    };
    match &mut record.content {
        Content::Instants { at, begin, end } => {
            at.retain(|t| (from..to).contains(t));
            if at.is_empty() {
                return Err(empty());
            }
            (*begin, *end) = (from.max(extent.0), to.min(extent.1));
        }
        Content::Counts { begin, interval, counts } => {
            let index = |t: i64| ((t - *begin).max(0) + *interval / 2) / *interval;
            let first = (index(from) as usize).min(counts.len());
            let last = (index(to) as usize).min(counts.len());
            if last <= first {
                return Err(empty());
            }
            *counts = counts[first..last].to_vec();
            *begin += first as i64 * *interval;
        }
    }
    Ok(())
}

/// Lets the record begin at `text`. What lies before comes last if the record is repeated, and
/// is left out otherwise. Counts begin with the interval nearest to it.
pub(super) fn begin_at(record: &mut Record, text: &str, repeat: bool) -> Result<(), RecordedError> {
    let (start, end) = record.content.extent();
    let offset = record.offset;
    let zero = instant(text, start, (start, end), offset)?;
    if !(start..end).contains(&zero) {
        let message = format!("`at` ({}) lies outside the record", show(zero, offset));
        return Err(RecordedError::new(message).hint(format!(
            "it runs from {} to {}",
            show(start, offset),
            show(end, offset)
        )));
    }
    match &mut record.content {
        Content::Instants { at, begin, end } => {
            let before = at.partition_point(|t| *t < zero);
            at.rotate_left(before);
            let kept = at.len() - before;
            if repeat {
                let length = *end - *begin;
                at[kept..].iter_mut().for_each(|t| *t += length);
                *end = zero + length;
            } else {
                at.truncate(kept);
            }
            *begin = zero;
            if at.is_empty() {
                return Err(RecordedError::new("no request after `at`"));
            }
        }
        Content::Counts { begin, interval, counts } => {
            let nearest = ((zero - *begin + *interval / 2) / *interval) as usize;
            let first = nearest.min(counts.len() - 1);
            counts.rotate_left(first);
            if !repeat {
                counts.truncate(counts.len() - first);
            }
            *begin += first as i64 * *interval;
        }
    }
    Ok(())
}

/// `10m` (after the record's begin), `18:00` (the first after `after`; of the record's first day
/// if the record ends before the next), a date or a date-time on the record's clock.
fn instant(text: &str, after: i64, extent: (i64, i64), offset: i32) -> Result<i64, RecordedError> {
    if let Ok(span) = text.parse::<Span>() {
        // Half a century is beyond every record; the sum stays in 64 bits.
        return Ok(extent.0 + span.0.min(36_525 * DAY as u64 / 2) as i64);
    }
    if let Some(of_day) = parse_clock(text.trim()) {
        let same_day = midnight(after, offset) + of_day;
        let next = if same_day < after { same_day + DAY } else { same_day };
        let has_next = next < extent.1 || after > extent.0;
        return Ok(if has_next { next } else { same_day });
    }
    let stamp = parse_stamp(text).filter(|_| text.contains(['-', '/'])).ok_or_else(|| {
        RecordedError::new(format!("`{text}` is not a place in a record"))
            .hint("write \"18:00\", \"10m\" (after its beginning) or \"2023-11-16 18:20\"")
    })?;
    // Without a zone the text means the record's own clock.
    let zoned = text.ends_with(['Z', 'z']) || text.contains('+') || text.matches('-').count() > 2;
    Ok(if zoned { stamp.nanos } else { stamp.nanos - i64::from(offset) * 1_000_000_000 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// One request a minute, from 17:30 to 19:29 on a clock one hour ahead of UTC.
    fn record() -> Record {
        let begin = parse_stamp("2023-11-16T17:30:00+01:00").unwrap().nanos;
        let at: Vec<i64> = (0..120).map(|i| begin + i * 60 * SECOND).collect();
        let end = begin + 7200 * SECOND;
        let content = Content::Instants { at, begin, end };
        Record { content, offset: 3600, warnings: Vec::new(), kind: String::new() }
    }

    fn cut_to(from: &str, to: &str) -> (usize, String, usize) {
        let mut record = record();
        cut(&mut record, from, to).unwrap();
        let begin = show(record.content.extent().0, record.offset);
        (record.content.requests() as usize, begin, record.warnings.len())
    }

    #[test]
    fn windows_by_clock_by_offset_and_by_date_agree() {
        let expected = (30, "2023-11-16 18:00:00".to_owned(), 0);
        assert_eq!(cut_to("18:00", "18:30"), expected);
        assert_eq!(cut_to("30m", "1h"), expected);
        assert_eq!(cut_to("2023-11-16 18:00", "18:30:00"), expected);
        assert_eq!(cut_to("2023-11-16T17:00:00Z", "2023/11/16 18:30"), expected);
        assert_eq!(cut_to("17:00", "18:00"), (30, "2023-11-16 17:30:00".to_owned(), 1));
    }

    #[test]
    fn empty_and_backward_windows_are_refused() {
        let mut record = record();
        let error = cut(&mut record, "20:00", "21:00").unwrap_err();
        assert_eq!(error.message, "no request between 2023-11-16 20:00:00 and 2023-11-16 21:00:00");
        assert_eq!(
            error.hint.unwrap(),
            "the record runs from 2023-11-16 17:30:00 to 2023-11-16 19:30:00"
        );
        assert!(cut(&mut record, "20m", "10m").unwrap_err().message.contains("before it begins"));
        assert!(cut(&mut record, "noon", "18:00").unwrap_err().message.contains("`noon`"));
    }

    #[test]
    fn a_beginning_turns_a_repeated_record_and_cuts_another() {
        let mut turned = record();
        begin_at(&mut turned, "18:30", true).unwrap();
        let Content::Instants { at, begin, end } = &turned.content else { panic!() };
        assert_eq!((at.len(), (end - begin) / SECOND), (120, 7200));
        assert!(at.is_sorted() && at[0] == *begin);
        let mut short = record();
        begin_at(&mut short, "18:30", false).unwrap();
        assert_eq!(short.content.requests(), 60.0);
        assert!(begin_at(&mut short, "9h", false).unwrap_err().message.contains("outside"));
    }

    #[test]
    fn counts_are_cut_and_turned_by_whole_intervals() {
        let begin = parse_stamp("2023-11-16 17:30").unwrap().nanos;
        let counts = vec![1.0, 2.0, 3.0, 4.0];
        let content = Content::Counts { begin, interval: 60 * SECOND, counts };
        let mut record = Record { content, offset: 0, warnings: Vec::new(), kind: String::new() };
        begin_at(&mut record, "17:32", true).unwrap();
        let Content::Counts { counts, .. } = &record.content else { panic!() };
        assert_eq!(*counts, [3.0, 4.0, 1.0, 2.0]);
        cut(&mut record, "1m", "3m").unwrap();
        let Content::Counts { counts, .. } = &record.content else { panic!() };
        assert_eq!(*counts, [4.0, 1.0]);
    }
}
