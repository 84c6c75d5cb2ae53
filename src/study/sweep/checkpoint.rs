//! Finished blocks in a file, so that an interrupted study goes on where it stopped.
//!
//! JSON lines, each with a checksum: the head of the study, then a line for each finished block,
//! in the order in which they were finished. A program that dies leaves at most a last line
//! without its end; that one is cut off.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Head, Item, Keep};
use crate::study::cell::{Block, BlockText};
use crate::trace::journal::{seal, unseal};

/// Name and number of the format.
pub const SCHEMA: &str = "rollcast.sweep-checkpoint/1";

/// Why a study does not go on from a file.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Reading or writing failed.
    #[error("cannot use {file}: {error}")]
    Io {
        /// The file.
        file: String,
        /// What happened.
        error: std::io::Error,
    },
    /// It is something else.
    #[error("{0} is no checkpoint of a sweep; it is left alone")]
    Foreign(String),
    /// It belongs to another study.
    #[error("{file} belongs to another study: {what}; it is left alone")]
    Other {
        /// The file.
        file: String,
        /// What differs.
        what: String,
    },
    /// A line was changed.
    #[error("line {line} of {file} is damaged: {what}")]
    Damaged {
        /// The file.
        file: String,
        /// Which line.
        line: usize,
        /// What does not fit.
        what: String,
    },
}

#[derive(Serialize, Deserialize)]
struct First {
    schema: String,
    head: Head,
}

/// A file that takes blocks.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    file: File,
    line: Vec<u8>,
}

impl Checkpoint {
    /// Begins a new file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(path: &Path, head: &Head) -> Result<Self, CheckpointError> {
        let io = |error| CheckpointError::Io { file: path.display().to_string(), error };
        let file = File::create(path).map_err(io)?;
        let mut new = Self { path: path.to_owned(), file, line: Vec::new() };
        let first = First { schema: SCHEMA.to_owned(), head: head.clone() };
        new.write(&first).map_err(io)?;
        Ok(new)
    }

    /// Goes on with a file, or begins it if there is none; hands each block that is there to
    /// `found`, once.
    ///
    /// # Errors
    /// If it cannot be read, is no checkpoint, is damaged, or belongs to another study.
    pub fn resume(
        path: &Path,
        head: &Head,
        mut found: impl FnMut(Item, Block),
    ) -> Result<Self, CheckpointError> {
        let name = path.display().to_string();
        let io = |error| CheckpointError::Io { file: name.clone(), error };
        if std::fs::metadata(path).map_or(true, |there| there.len() == 0) {
            return Self::create(path, head);
        }
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
        let mut lines =
            Lines { name: name.clone(), from: BufReader::new(&mut file), number: 0, good: 0 };
        let first = lines.next_line::<First>().map_err(|error| match error {
            CheckpointError::Damaged { line: 1, .. } => CheckpointError::Foreign(name.clone()),
            error => error,
        })?;
        let Some(first) = first else { return Err(CheckpointError::Foreign(name)) };
        if first.schema != SCHEMA {
            return Err(CheckpointError::Foreign(name));
        }
        if let Some(what) = head.differs_from(&first.head) {
            return Err(CheckpointError::Other { file: name, what });
        }
        let mut wanted: BTreeSet<(u32, u32, u32)> =
            head.items().iter().map(|i| (i.cell, i.runs.start, i.runs.end)).collect();
        while let Some(text) = lines.next_line::<BlockText>()? {
            let place = (text.cell, text.first, text.first + text.runs());
            let block = text.block().ok_or_else(|| lines.damaged("it is no block"))?;
            // One that is there twice was finished by two programs, with the same numbers.
            if wanted.remove(&place) {
                found(Item { cell: place.0, runs: place.1..place.2 }, block);
            }
        }
        let good = lines.good;
        file.set_len(good).map_err(io)?;
        file.seek(SeekFrom::Start(good)).map_err(io)?;
        Ok(Self { path: path.to_owned(), file, line: Vec::new() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, content: &impl Serialize) -> std::io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, content)?;
        seal(&mut self.line);
        self.file.write_all(&self.line)
    }
}

impl Keep for Checkpoint {
    fn keep(&mut self, block: &BlockText) -> std::io::Result<()> {
        self.write(block)
    }
}

/// Whole lines of a file.
struct Lines<R> {
    name: String,
    from: R,
    number: usize,
    /// Bytes up to the end of the last whole line.
    good: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line; `None` at the end, or where a last line has none.
    fn next_line<T: for<'de> Deserialize<'de>>(&mut self) -> Result<Option<T>, CheckpointError> {
        let mut line = Vec::new();
        let read = self.from.read_until(b'\n', &mut line);
        read.map_err(|error| CheckpointError::Io { file: self.name.clone(), error })?;
        if !line.ends_with(b"\n") {
            return Ok(None);
        }
        self.number += 1;
        let content = unseal(&line).map_err(|what| self.damaged(what))?;
        let content =
            serde_json::from_slice(&content).map_err(|error| self.damaged(&error.to_string()))?;
        self.good += line.len() as u64;
        Ok(Some(content))
    }

    fn damaged(&self, what: &str) -> CheckpointError {
        let (file, line) = (self.name.clone(), self.number);
        CheckpointError::Damaged { file, line, what: what.to_owned() }
    }
}

impl Head {
    /// In what the other study differs; `None` if it is the same.
    pub(super) fn differs_from(&self, other: &Self) -> Option<String> {
        if self == other {
            return None;
        }
        let pairs = [
            ("version", self.version.clone(), other.version.clone()),
            ("seed", self.seed.to_string(), other.seed.to_string()),
            ("number of runs", self.runs.to_string(), other.runs.to_string()),
            ("service", self.name.clone(), other.name.clone()),
            ("keys varied", self.keys.join(", "), other.keys.join(", ")),
            ("number of settings", self.cells.len().to_string(), other.cells.len().to_string()),
        ];
        let differing = pairs.into_iter().find(|(_, here, there)| here != there);
        Some(differing.map_or_else(
            || "the scenario or its settings differ".to_owned(),
            |(what, here, there)| format!("its {what} is {there}, not {here}"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::cell::Requests;
    use crate::study::sweep::tests::study;
    use crate::study::sweep::{Gather, Study};

    fn blocks(study: &Study) -> Vec<(Item, Block)> {
        let play = |item: Item| {
            let scenario = study.scenarios[item.cell as usize].as_ref().unwrap();
            let block = Block::play(scenario, 1, item.runs.clone(), study.head.requests());
            (item, block)
        };
        study.head.items().into_iter().map(play).collect()
    }

    /// A file with all blocks of a study, and how many it gives back after a change.
    fn resumed(study: &Study, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Result<usize, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep");
        let mut new = Checkpoint::create(&path, &study.head).unwrap();
        for (item, block) in blocks(study) {
            new.keep(&BlockText::of(item.cell, &block)).unwrap();
        }
        drop(new);
        let changed = change(std::fs::read(&path).unwrap());
        std::fs::write(&path, changed).unwrap();
        let gather = Gather::new(&study.head);
        let mut count = 0;
        let found = |item: Item, block| {
            count += 1;
            gather.take(item.cell, block);
        };
        let mut again = Checkpoint::resume(&path, &study.head, found).map_err(|e| e.to_string())?;
        // What comes next stands on a line of its own.
        let (item, block) = blocks(study).pop().unwrap();
        again.keep(&BlockText::of(item.cell, &block)).unwrap();
        let text = std::fs::read(&path).unwrap();
        assert!(text.split(|b| *b == b'\n').all(|l| l.is_empty() || unseal(l).is_ok()));
        Ok(count)
    }

    #[test]
    fn finished_blocks_are_found_again() {
        let study = study(30, Requests::All);
        assert_eq!(resumed(&study, |bytes| bytes), Ok(3));
        assert_eq!(resumed(&study, |bytes| bytes[..bytes.len() - 9].to_vec()), Ok(2), "torn");
        assert_eq!(resumed(&study, |_| Vec::new()), Ok(0));
        let twice = |bytes: Vec<u8>| {
            let second = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
            [&bytes[..], &bytes[second..]].concat()
        };
        assert_eq!(resumed(&study, twice), Ok(3), "doubled lines are the same block");
    }

    #[test]
    fn other_files_are_left_alone() {
        let one = study(30, Requests::All);
        let error = resumed(&one, |_| b"{\"kind\":\"Pod\"}\n".to_vec()).unwrap_err();
        assert!(error.contains("no checkpoint"), "{error}");
        let swap = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            text.replacen("\"first\":0", "\"first\":1", 1).into_bytes()
        };
        let error = resumed(&one, swap).unwrap_err();
        assert!(error.contains("line 2 of") && error.contains("checksum"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep");
        Checkpoint::create(&path, &study(31, Requests::All).head).unwrap();
        let error = Checkpoint::resume(&path, &one.head, |_, _| {}).unwrap_err().to_string();
        assert!(error.contains("its number of runs is 31, not 30"), "{error}");
        Checkpoint::create(&path, &study(30, Requests::Share(0.5)).head).unwrap();
        assert!(Checkpoint::resume(&path, &one.head, |_, _| {}).is_err());
    }
}
