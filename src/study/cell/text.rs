//! A block as text: for checkpoints, and for parts of a study that another machine puts together.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::block::{Block, Column};
use crate::outcome::Fate;
use crate::scenario::OutcomeKey;

/// The letter of each fate, in the order of `Fate::ALL`; small where only the control plane was
/// simulated.
const LETTERS: [char; Fate::ALL.len()] = ['C', 'N', 'R', 'P', 'G', 'S'];

/// A block for files. Numbers are written with as many digits as it takes to read them again
/// without a loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockText {
    /// Which setting.
    pub cell: u32,
    /// Its first replication.
    pub first: u32,
    /// A letter a run: how it ended (C completed, N completed but not serving, R rolled back,
    /// P paused, G given up, S stuck); small without requests.
    fates: String,
    /// Whether only the runs with requests have values that requests decide.
    sampled: bool,
    /// By outcome: a number for each run, or one for all.
    values: BTreeMap<String, String>,
}

impl BlockText {
    /// Writes it.
    pub fn of(cell: u32, block: &Block) -> Self {
        let letter = |(fate, deep): &(Fate, bool)| {
            let letter = LETTERS[*fate as usize];
            if *deep { letter } else { letter.to_ascii_lowercase() }
        };
        let values = block.columns.iter().map(|(key, column)| {
            let mut text = String::new();
            let all = match column {
                Column::Same(value) => std::slice::from_ref(value),
                Column::Each(values) => values,
            };
            for (place, value) in all.iter().enumerate() {
                let blank = if place > 0 { " " } else { "" };
                let _ = write!(text, "{blank}{value:?}");
            }
            (key.name().to_owned(), text)
        });
        Self {
            cell,
            first: block.first,
            fates: block.fates.iter().map(letter).collect(),
            sampled: block.sampled,
            values: values.collect(),
        }
    }

    /// Number of runs.
    pub fn runs(&self) -> u32 {
        self.fates.len() as u32
    }

    /// Reads it; `None` if it was not written by [`BlockText::of`].
    pub fn block(&self) -> Option<Block> {
        let fate = |letter: char| {
            let place = LETTERS.iter().position(|of| *of == letter.to_ascii_uppercase())?;
            Some((Fate::ALL[place], letter.is_ascii_uppercase()))
        };
        let fates: Vec<(Fate, bool)> = self.fates.chars().map(fate).collect::<Option<_>>()?;
        let deep = fates.iter().filter(|(_, deep)| *deep).count();
        let mut columns = Vec::new();
        for key in OutcomeKey::ALL {
            let Some(text) = self.values.get(key.name()) else { continue };
            let values: Vec<f64> =
                text.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
            let column = match values[..] {
                [value] => Column::Same(value),
                _ if values.len() == fates.len() || values.len() == deep => Column::Each(values),
                _ => return None,
            };
            columns.push((*key, column));
        }
        let known = columns.len() == self.values.len() && !fates.is_empty();
        known.then_some(Block { first: self.first, fates, columns, sampled: self.sampled })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blocks_are_read_as_written(
            fates in prop::collection::vec((0usize..6, any::<bool>()), 1..9),
            seeds in prop::collection::vec(any::<u64>(), 9),
            first in 0u32..9_000,
        ) {
            let fates: Vec<(Fate, bool)> =
                fates.into_iter().map(|(fate, deep)| (Fate::ALL[fate], deep)).collect();
            let values: Vec<f64> = seeds[..fates.len()]
                .iter()
                .map(|bits| if bits % 5 == 0 { f64::INFINITY } else { f64::from_bits(bits >> 2) })
                .collect();
            let keys = [OutcomeKey::Duration, OutcomeKey::ServingMin];
            let columns = [Column::of(values), Column::of(vec![9.0; fates.len()])];
            let columns = keys.into_iter().zip(columns.into_iter().flatten()).collect();
            let block = Block { first, fates, columns, sampled: false };
            let text = serde_json::to_string(&BlockText::of(3, &block)).unwrap();
            let read: BlockText = serde_json::from_str(&text).unwrap();
            prop_assert_eq!((read.cell, read.runs()), (3, block.runs()));
            prop_assert_eq!(read.block().unwrap(), block);
        }
    }

    #[test]
    fn damaged_blocks_are_no_blocks() {
        let block = Block {
            first: 0,
            fates: vec![(Fate::Completed, true), (Fate::Stuck, true)],
            columns: vec![(OutcomeKey::Duration, Column::Each(vec![1.0, f64::NAN]))],
            sampled: false,
        };
        let good = BlockText::of(0, &block);
        assert_eq!(good.values["duration"], "1.0 NaN");
        assert!(good.block().is_some());
        let broken = |change: &dyn Fn(&mut BlockText)| {
            let mut text = good.clone();
            change(&mut text);
            text.block()
        };
        assert_eq!(broken(&|t| t.fates = "X".into()), None);
        assert_eq!(broken(&|t| t.fates = String::new()), None);
        assert_eq!(broken(&|t| *t.values.get_mut("duration").unwrap() = "1 2 3".into()), None);
        assert_eq!(broken(&|t| *t.values.get_mut("duration").unwrap() = "1 x".into()), None);
        assert_eq!(broken(&|t| drop(t.values.insert("speed".into(), "1".into()))), None);
    }
}
