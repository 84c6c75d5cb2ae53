//! The trace as a file: JSON lines with sequence numbers and checksums.
//!
//! The first line is a header, every other line one record:
//!
//! ```json
//! {"rollcast_trace":1,"world":"sim","seed":1,"replication":0,"scenario":{},"crc":"9ac0e1f2"}
//! {"seq":0,"t_ns":0,"record":{"desired":{"instances":12}},"crc":"04b1c7aa"}
//! ```
//!
//! `crc` is the CRC-32 (IEEE 802.3) of the bytes of the line before `,"crc"`, in hexadecimal.
//! A writer that dies leaves at most a last line without its end; that one is dropped and
//! reported. Anything else that does not fit is damage, and an error.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::trace::{Record, Sink};
use crate::units::Time;

/// The version of the format that this crate writes and reads.
pub const FORMAT: u32 = 1;

/// How every journal begins; the version follows.
const MAGIC: &[u8] = b"{\"rollcast_trace\":";
/// `,"crc":"01234567"}`
const SEAL: usize = 18;

/// Where a record comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum World {
    /// Simulated.
    Sim,
    /// Observed.
    Real,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`]. First, so that a reader knows what to expect before it reads on.
    #[serde(rename = "rollcast_trace")]
    format: u32,
    /// Where the records come from.
    pub world: World,
    /// Seed of all random streams; 0 for a real world.
    pub seed: u64,
    /// Which replication.
    pub replication: u32,
    /// The scenario, every default filled in.
    pub scenario: serde_json::Value,
}

impl Header {
    /// A header in the present format.
    pub fn new(world: World, seed: u64, replication: u32, scenario: serde_json::Value) -> Self {
        Self { format: FORMAT, world, seed, replication, scenario }
    }
}

/// A journal that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Journal {
    /// Its first line.
    pub header: Header,
    /// All whole records.
    pub records: Vec<(Time, Record)>,
    /// Whether the last line had no end and was dropped: its writer did not finish.
    pub torn: bool,
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Reading failed.
    #[error("cannot read the trace: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("this is not a rollcast trace: its first line does not begin with `rollcast_trace`")]
    Foreign,
    /// Its first line has no end.
    #[error("the trace ends within its first line: nothing of it can be used")]
    NoHeader,
    /// Written in another version of the format.
    #[error("the trace has format {found}, this program reads format {FORMAT}")]
    Format {
        /// As it is written there.
        found: String,
    },
    /// A line was changed or is missing.
    #[error("line {line} of the trace is damaged: {what}")]
    Damaged {
        /// Which line; the header is line 1.
        line: usize,
        /// What does not fit.
        what: String,
    },
}

/// Writes a journal. The first error is kept, what comes after it is dropped.
#[derive(Debug)]
pub struct Writer<W: Write> {
    to: W,
    line: Vec<u8>,
    next: u64,
    error: Option<io::Error>,
}

#[derive(Serialize)]
struct LineOut<'a> {
    seq: u64,
    t_ns: u64,
    record: &'a Record,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineIn {
    seq: u64,
    t_ns: u64,
    record: Record,
}

impl<W: Write> Writer<W> {
    /// Begins a journal with its header. `to` should be buffered.
    pub fn new(to: W, header: &Header) -> Self {
        let mut writer = Self { to, line: Vec::new(), next: 0, error: None };
        writer.write(header);
        writer
    }

    /// Flushes and gives the destination back, or says what failed first.
    pub fn finish(mut self) -> io::Result<W> {
        match self.error {
            Some(error) => Err(error),
            None => self.to.flush().map(|()| self.to),
        }
    }

    fn write(&mut self, content: &impl Serialize) {
        if self.error.is_none() {
            self.error = self.try_write(content).err();
        }
    }

    fn try_write(&mut self, content: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, content)?;
        seal(&mut self.line);
        self.to.write_all(&self.line)
    }
}

/// Puts a checksum into a line that is one JSON object, and ends it.
pub fn seal(line: &mut Vec<u8>) {
    // The seal goes inside the object: its brace comes off and on again.
    line.pop();
    let sum = crc32fast::hash(line);
    line.extend_from_slice(format!(",\"crc\":\"{sum:08x}\"}}\n").as_bytes());
}

/// The object in a line that was sealed, without its seal.
///
/// # Errors
/// What does not fit, in words.
pub fn unseal(line: &[u8]) -> Result<Vec<u8>, &'static str> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let Some((content, end)) = line.split_last_chunk::<SEAL>() else {
        return Err("it has no checksum");
    };
    let sum = crc32fast::hash(content);
    if end != format!(",\"crc\":\"{sum:08x}\"}}").as_bytes() {
        return Err("its checksum does not fit its content");
    }
    let mut whole = Vec::with_capacity(content.len() + 1);
    whole.extend_from_slice(content);
    whole.push(b'}');
    Ok(whole)
}

impl<W: Write> Sink for Writer<W> {
    fn record(&mut self, at: Time, record: Record) {
        self.write(&LineOut { seq: self.next, t_ns: at.0, record: &record });
        self.next += 1;
    }
}

/// Reads a journal.
///
/// # Errors
/// If it is no journal, of another format, or damaged otherwise than by a last line without end.
pub fn read(mut from: impl BufRead) -> Result<Journal, JournalError> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    let header = read_header(&line)?;
    let mut journal = Journal { header, records: Vec::new(), torn: false };
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line)? == 0 {
            return Ok(journal);
        }
        if !line.ends_with(b"\n") {
            journal.torn = true;
            return Ok(journal);
        }
        let seq = journal.records.len() as u64;
        // The header is line 1, so record 0 is line 2.
        let number = journal.records.len() + 2;
        let content: LineIn = parse(&line, number)?;
        if content.seq != seq {
            let what = format!("it has sequence number {}, not {seq}", content.seq);
            return Err(JournalError::Damaged { line: number, what });
        }
        journal.records.push((Time(content.t_ns), content.record));
    }
}

fn read_header(line: &[u8]) -> Result<Header, JournalError> {
    if !line.ends_with(b"\n") && (MAGIC.starts_with(line) || line.starts_with(MAGIC)) {
        return Err(JournalError::NoHeader);
    }
    let Some(rest) = line.strip_prefix(MAGIC) else { return Err(JournalError::Foreign) };
    // Another format may be sealed in another way, so its number is read before the seal.
    let found = rest.split(|b| *b == b',').next().unwrap_or_default();
    if found != FORMAT.to_string().as_bytes() {
        let found = String::from_utf8_lossy(&found[..found.len().min(20)]).trim_end().to_owned();
        return Err(JournalError::Format { found });
    }
    parse(line, 1)
}

/// Checks the seal of a line that ends with its line feed, and reads its content.
fn parse<T: for<'de> Deserialize<'de>>(line: &[u8], number: usize) -> Result<T, JournalError> {
    let damaged = |what: String| JournalError::Damaged { line: number, what };
    let whole = unseal(line).map_err(|what| damaged(what.to_owned()))?;
    serde_json::from_slice(&whole).map_err(|error| damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Header, Journal, JournalError, World, Writer, read};
    use crate::trace::{
        Cause, Ending, Histogram, HostChange, MessageCounts, Moment, Period, Phase, Record, Ruling,
        Said, Sink, VersionId, WindowCounts,
    };
    use crate::units::{Span, Time};

    fn header() -> Header {
        Header::new(World::Sim, 1, 7, serde_json::json!({"service": {"name": "café"}}))
    }

    /// One record of every kind.
    fn kinds() -> Vec<Record> {
        let (instance, version) = (3, VersionId::NEW);
        let counted = MessageCounts { work_lost: Span(7), ..MessageCounts::default() };
        let mut counts = [WindowCounts::default(); 3];
        counts[1].ended[Ending::Cut as usize] = 4;
        let mut histogram = Histogram::default();
        histogram.add(1_234_567);
        vec![
            Record::Phase { instance, version, to: Phase::Draining, cause: Cause::Strategy },
            Record::Serving { instance, version, serving: true },
            Record::Desired { instances: 12 },
            Record::Placed { instance: 3, host: 2, zone: 1 },
            Record::Host { host: 2, zone: 1, change: HostChange::Bought },
            Record::Misses { total: 90, most: 7 },
            Record::Said(Said::RolledBack),
            Record::Moment(Moment::Batch(2)),
            Record::Reloaded { instance, version },
            Record::Window { counts },
            Record::Latency { period: Period::During, version, histogram },
            Record::Connections { dependency: 0, held: 40, wanted: 60, limit: Some(50) },
            Record::Calls { dependency: 1, peak: 7, limit: 12.5 },
            Record::Totals { attempts: 9, served_after: vec![(1, 2), (3, 4)] },
            Record::Streams { opened: 9, cut: 3, moved: 2, reconnect_peak: 1, held: vec![(1, 4)] },
            Record::Votes { votes: 2, need: 3 },
            Record::Messages(MessageCounts { sent: 9, done: 5, dead: 1, left: 3, ..counted }),
            Record::Scaled { events: 2, most: 14 },
            Record::Release { bad: true, defects: vec![0, 3] },
            Record::Judged { judge: 1, ruling: Ruling::Fail },
        ]
    }

    fn write(records: &[(Time, Record)]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), &header());
        for (at, record) in records {
            writer.record(*at, record.clone());
        }
        writer.finish().unwrap()
    }

    fn sample() -> Vec<(Time, Record)> {
        kinds().into_iter().enumerate().map(|(i, r)| (Time(i as u64 * 1_000), r)).collect()
    }

    fn damage(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let records = sample();
        let journal = read(&write(&records)[..]).unwrap();
        assert_eq!(journal, Journal { header: header(), records, torn: false });
    }

    #[test]
    fn the_lines_are_those_of_the_documented_format() {
        let text = String::from_utf8(write(&sample()[2..3])).unwrap();
        let mut lines = text.lines();
        let head = lines.next().unwrap();
        assert!(head.starts_with(r#"{"rollcast_trace":1,"world":"sim","seed":1,"replication":7,"#));
        let line = lines.next().unwrap();
        let content = r#"{"seq":0,"t_ns":2000,"record":{"desired":{"instances":12}}"#;
        // Bitwise CRC-32, reflected polynomial 0xEDB88320, as an independent check.
        let sum = !content.bytes().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(byte), |s, _| {
                (s >> 1) ^ (0xEDB8_8320 & (s & 1).wrapping_neg())
            })
        });
        assert_eq!(line, format!("{content},\"crc\":\"{sum:08x}\"}}"));
    }

    #[test]
    fn a_lost_a_doubled_and_a_swapped_line_are_damage() {
        let bytes = write(&sample());
        let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
        let without = [&lines[..3], &lines[4..]].concat().concat();
        let what = "line 4 of the trace is damaged: it has sequence number 3, not 2";
        assert_eq!(damage(&without), what);
        let doubled = [&lines[..3], &lines[2..]].concat().concat();
        assert!(damage(&doubled).starts_with("line 4 of the trace is damaged: it has sequence"));
    }

    #[test]
    fn other_files_are_recognised() {
        assert!(matches!(read(&b"{\"kind\":\"Pod\"}\n"[..]), Err(JournalError::Foreign)));
        assert!(matches!(read(&b"\x1f\x8b\x08"[..]), Err(JournalError::Foreign)));
        assert!(matches!(read(&b""[..]), Err(JournalError::NoHeader)));
        let later = b"{\"rollcast_trace\":2,\"anything\":true}\n";
        assert_eq!(damage(later), "the trace has format 2, this program reads format 1");
        let unknown = b"{\"rollcast_trace\":1,\"world\":\"sim\"}\n";
        assert!(damage(unknown).starts_with("line 1 of the trace is damaged: its checksum"));
    }

    #[test]
    fn the_first_error_of_the_disk_is_kept() {
        struct Full(usize);
        impl std::io::Write for Full {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                if bytes.len() > self.0 {
                    return Err(std::io::Error::other("no space left"));
                }
                self.0 -= bytes.len();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut writer = Writer::new(Full(200), &header());
        for (at, record) in sample() {
            writer.record(at, record);
        }
        let error = writer.finish().err().unwrap();
        assert_eq!(error.to_string(), "no space left");
    }

    #[test]
    fn every_truncation_gives_a_prefix() {
        let records = sample();
        let bytes = write(&records);
        let mut whole = 0;
        for cut in 0..bytes.len() {
            let ends = bytes[..cut].split(|b| *b == b'\n').count() - 1;
            let Some(expected) = ends.checked_sub(1) else {
                assert!(matches!(read(&bytes[..cut]), Err(JournalError::NoHeader)), "{cut}");
                continue;
            };
            let journal = read(&bytes[..cut]).unwrap();
            assert_eq!(journal.records, records[..expected], "{cut}");
            assert_eq!(journal.torn, bytes[cut - 1] != b'\n', "{cut}");
            whole += usize::from(!journal.torn);
        }
        assert_eq!(whole, records.len());
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        let bytes = write(&sample());
        // Without its own end the last line counts as torn; so the very last byte is left out.
        for at in 0..bytes.len() - 1 {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert!(read(&flipped[..]).is_err(), "byte {at} bit {bit}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_journal_survives_any_cut(
            picks in prop::collection::vec((0_usize..8, 0_u64..u64::MAX), 0..20),
            cut in 0.0_f64..1.0,
        ) {
            let kinds = kinds();
            let records: Vec<_> =
                picks.iter().map(|&(kind, at)| (Time(at), kinds[kind].clone())).collect();
            let bytes = write(&records);
            prop_assert_eq!(&read(&bytes[..]).unwrap().records, &records);
            let cut = (cut * bytes.len() as f64) as usize;
            if let Ok(journal) = read(&bytes[..cut]) {
                prop_assert!(records.starts_with(&journal.records));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(read(&bytes[..]).is_err());
            let mut after = write(&[]);
            after.extend(bytes);
            let _ = read(&after[..]);
        }
    }
}
