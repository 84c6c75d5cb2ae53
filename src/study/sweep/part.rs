//! A study in parts: each shard writes its blocks, a merge puts them together.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde::{Deserialize, Serialize};

use super::{Gather, Head, SweepResult};
use crate::study::cell::BlockText;
use crate::trace::journal::{seal, unseal};

/// Name and number of the format.
pub const SCHEMA: &str = "rollcast.sweep-part/1";

/// A shard's blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// [`SCHEMA`].
    schema: String,
    /// Which shard, from 1.
    shard: u32,
    /// Of how many.
    of: u32,
    /// The study.
    head: Head,
    /// By setting and replication.
    blocks: Vec<BlockText>,
}

/// Why parts are not put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// It is something else.
    #[error("{0} is no part of a sweep (`rollcast sweep … --shard 1/4 -o part1.json`)")]
    NoPart(String),
    /// It was changed, or not written to its end.
    #[error("{file} is damaged: {what}; run that shard again")]
    Damaged {
        /// The file.
        file: String,
        /// What does not fit.
        what: String,
    },
    /// It belongs to another study.
    #[error("{file} is a part of another study than {first}: {what}")]
    Foreign {
        /// The file.
        file: String,
        /// That of the first part.
        first: String,
        /// What differs.
        what: String,
    },
    /// The shard was there before.
    #[error("{file} is shard {shard} again: {first} is that already")]
    Doubled {
        /// The file.
        file: String,
        /// The file that came first.
        first: String,
        /// The shard.
        shard: String,
    },
    /// Not all shards are there.
    #[error("missing: {0}")]
    Missing(String),
}

impl Part {
    /// The part of a shard.
    pub fn new(head: &Head, shard: u32, of: u32, mut blocks: Vec<BlockText>) -> Self {
        blocks.sort_by_key(|block| (block.cell, block.first));
        Self { schema: SCHEMA.to_owned(), shard, of, head: head.clone(), blocks }
    }

    /// As a file: one JSON object, a block a line, with a checksum.
    pub fn render(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let Self { schema, shard, of, head, blocks } = self;
        let _ = writeln!(out, "{{\"schema\":\"{schema}\",\"shard\":{shard},\"of\":{of},");
        let _ = writeln!(out, "\"head\":{},", json(head));
        let lines: Vec<String> = blocks.iter().map(json).collect();
        let _ = write!(out, "\"blocks\":[\n{}\n]}}", lines.join(",\n"));
        seal(&mut out);
        out
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it is no part, or damaged.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, PartError> {
        let damaged =
            |what: &str| PartError::Damaged { file: file.to_owned(), what: what.to_owned() };
        let begin = format!("{{\"schema\":\"{SCHEMA}\"");
        if !bytes.starts_with(begin.as_bytes()) {
            return Err(PartError::NoPart(file.to_owned()));
        }
        let content = unseal(bytes).map_err(damaged)?;
        serde_json::from_slice(&content).map_err(|error| damaged(&error.to_string()))
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data with text keys")
}

/// Puts parts together, one after the other: only their numbers stay in memory.
#[derive(Debug, Default)]
pub struct Merge {
    first: Option<(String, Part)>,
    files: BTreeMap<u32, String>,
    blocks: Vec<BlockText>,
}

impl Merge {
    /// Adds a file.
    ///
    /// # Errors
    /// If it is no part, damaged, of another study, or there already.
    pub fn add(&mut self, file: &str, bytes: &[u8]) -> Result<(), PartError> {
        let mut part = Part::read(file, bytes)?;
        let blocks = std::mem::take(&mut part.blocks);
        if let Some((first, before)) = &self.first {
            let other = before.head.differs_from(&part.head).or_else(|| {
                let split = format!("it is one of {} shards, not of {}", part.of, before.of);
                (part.of != before.of).then_some(split)
            });
            if let Some(what) = other {
                let (file, first) = (file.to_owned(), first.clone());
                return Err(PartError::Foreign { file, first, what });
            }
        }
        if let Some(first) = self.files.get(&part.shard) {
            let shard = format!("{}/{}", part.shard, part.of);
            let (file, first) = (file.to_owned(), first.clone());
            return Err(PartError::Doubled { file, first, shard });
        }
        check(file, &part, &blocks)?;
        self.files.insert(part.shard, file.to_owned());
        self.blocks.extend(blocks);
        self.first.get_or_insert_with(|| (file.to_owned(), part));
        Ok(())
    }

    /// The answer.
    ///
    /// # Errors
    /// If a shard is missing.
    pub fn finish(mut self) -> Result<SweepResult, PartError> {
        let Some((_, part)) = self.first else {
            return Err(PartError::Missing("every shard".to_owned()));
        };
        let missing: Vec<String> = (1..=part.of)
            .filter(|shard| !self.files.contains_key(shard))
            .map(|shard| format!("{shard}/{}", part.of))
            .collect();
        if !missing.is_empty() {
            let word = if missing.len() == 1 { "shard" } else { "shards" };
            return Err(PartError::Missing(format!("{word} {}", missing.join(", "))));
        }
        self.blocks.sort_by_key(|block| (block.cell, block.first));
        let gather = Gather::new(&part.head);
        for text in self.blocks {
            // Every block was read once when its part was checked.
            if let Some(block) = text.block() {
                gather.take(text.cell, block);
            }
        }
        Ok(gather.result())
    }
}

/// Whether a part has just the blocks of its shard.
fn check(file: &str, part: &Part, blocks: &[BlockText]) -> Result<(), PartError> {
    let damaged = |what: String| PartError::Damaged { file: file.to_owned(), what };
    if part.shard == 0 || part.shard > part.of {
        return Err(damaged(format!("there is no shard {}/{}", part.shard, part.of)));
    }
    let items = part.head.items();
    let own = items.iter().skip(part.shard as usize - 1).step_by(part.of as usize);
    let wanted: BTreeSet<(u32, u32, u32)> =
        own.map(|item| (item.cell, item.runs.start, item.runs.end)).collect();
    let there: BTreeSet<(u32, u32, u32)> =
        blocks.iter().map(|b| (b.cell, b.first, b.first + b.runs())).collect();
    if there != wanted || blocks.len() != wanted.len() {
        let (has, wants) = (blocks.len(), wanted.len());
        return Err(damaged(format!("it has {has} blocks, not just the {wants} of its shard")));
    }
    match blocks.iter().find(|block| block.block().is_none()) {
        None => Ok(()),
        Some(bad) => Err(damaged(format!("setting {} has no numbers", bad.cell))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::cell::{Block, Requests};
    use crate::study::sweep::Study;
    use crate::study::sweep::tests::study;

    fn part(study: &Study, shard: u32, of: u32) -> Vec<u8> {
        let play = |item: &super::super::Item| {
            let scenario = study.scenarios[item.cell as usize].as_ref().unwrap();
            let block = Block::play(scenario, 1, item.runs.clone(), study.head.requests());
            BlockText::of(item.cell, &block)
        };
        let blocks = study.shard(shard, of).iter().map(play).collect();
        Part::new(&study.head, shard, of, blocks).render()
    }

    fn merge(parts: &[(&str, &[u8])]) -> Result<SweepResult, String> {
        let mut merge = Merge::default();
        for (file, bytes) in parts {
            merge.add(file, bytes).map_err(|error| error.to_string())?;
        }
        merge.finish().map_err(|error| error.to_string())
    }

    #[test]
    fn parts_make_the_whole_in_any_order() {
        let study = study(110, Requests::Share(0.4));
        let whole = merge(&[("a", &part(&study, 1, 1))]).unwrap();
        assert!(whole.is_whole());
        let (a, b, c) = (part(&study, 1, 3), part(&study, 2, 3), part(&study, 3, 3));
        let merged = merge(&[("c", &c), ("a", &a), ("b", &b)]).unwrap();
        assert_eq!(format!("{merged:?}"), format!("{whole:?}"));
    }

    #[test]
    fn missing_doubled_and_foreign_parts_are_named() {
        let (one, other) = (study(30, Requests::All), study(40, Requests::All));
        let (a, b) = (part(&one, 1, 3), part(&one, 2, 3));
        let error = |parts: &[(&str, &[u8])]| merge(parts).unwrap_err();
        assert_eq!(error(&[("a", &a)]), "missing: shards 2/3, 3/3");
        assert_eq!(error(&[("a", &a), ("b", &b)]), "missing: shard 3/3");
        assert_eq!(error(&[("a", &a), ("x", &a)]), "x is shard 1/3 again: a is that already");
        let foreign = part(&other, 2, 3);
        let told = "f is a part of another study than a: its number of runs is 40, not 30";
        assert_eq!(error(&[("a", &a), ("f", &foreign)]), told);
        let split = error(&[("a", &a), ("f", &part(&one, 2, 4))]);
        assert!(split.ends_with("it is one of 4 shards, not of 3"), "{split}");
        assert!(error(&[("t", b"{\"rollcast_trace\":1}")]).starts_with("t is no part of a sweep"));
        assert_eq!(error(&[]), "missing: every shard");
    }

    #[test]
    fn what_was_cut_or_changed_is_damaged() {
        let whole = part(&study(30, Requests::All), 1, 2);
        let error = |bytes: &[u8]| merge(&[("p", bytes)]).unwrap_err();
        assert!(error(&whole[..whole.len() / 2]).starts_with("p is damaged"));
        let text = String::from_utf8(whole).unwrap();
        assert!(error(text.replacen("cell\":0", "cell\":1", 1).as_bytes()).contains("checksum"));
    }
}
