//! One setting of a scenario, played many times: what sweeps, tuning and planning are made of.
//!
//! A [`Base`] with some keys at other values is a scenario; its runs are played in [`Block`]s,
//! which know nothing of each other: they may be played in any order, on any thread or machine,
//! kept in files, and put together again as a [`Cell`] to the same bytes. All settings have the
//! same luck: replication `r` under one setting is a pair with replication `r` under another.

mod block;
mod reduce;
mod text;

use std::path::PathBuf;

pub(crate) use block::BlockPlayer;
pub use block::{BLOCK, Block, Requests, blocks};
pub use reduce::Cell;
pub use text::BlockText;

use crate::scenario::{self, LoadError, Loaded, Override};

/// A key at a value, as one would write it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Setting {
    /// Dotted: `strategy.generic.batch`.
    pub key: String,
    /// TOML, or a bare quantity: `3`, `25%`, `{ p50 = "22s", p95 = "41s" }`.
    pub value: String,
}

/// What all settings have in common: the text of a scenario and what flags change in it.
#[derive(Debug, Clone)]
pub struct Base {
    /// The text.
    pub text: String,
    /// Its name for messages.
    pub file: String,
    /// Where recorded files are looked for.
    pub folder: PathBuf,
    /// Changes that hold for every setting.
    pub overrides: Vec<Override>,
}

impl Base {
    /// The scenario under these settings; `flag` is how complaints call where they came from.
    pub fn at(&self, settings: &[Setting], flag: &str) -> Result<Loaded, Box<LoadError>> {
        scenario::load(&self.text, &self.file, &self.folder, &self.overrides(settings, flag))
    }

    /// The common changes with these settings after them.
    pub fn overrides(&self, settings: &[Setting], flag: &str) -> Vec<Override> {
        let put = |setting: &Setting| Override {
            flag: format!("{flag} {}={}", setting.key, setting.value),
            key: setting.key.clone(),
            value: setting.value.clone(),
            append: false,
        };
        self.overrides.iter().cloned().chain(settings.iter().map(put)).collect()
    }
}
