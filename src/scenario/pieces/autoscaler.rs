//! `[autoscaler]`: somebody else who changes how many instances are wanted.

use super::{Default::Is, Default::Required, Env, Key, Kind, Page, Piece, Table, key};
use crate::units::Share;

/// A horizontal autoscaler.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Autoscaler {
    /// It never wants fewer instances.
    pub min: u32,
    /// It never wants more.
    pub max: u32,
    /// The share of an instance's CPU that it aims at.
    pub target_cpu: Share,
}

impl Piece for Autoscaler {
    const TABLE: Table = Table {
        path: "autoscaler",
        about: "Somebody else who changes how many instances are wanted.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let section = env.section(path);
        let (min, max) = (section.count("min"), section.count("max"));
        Self { min, max, target_cpu: section.share("target_cpu") }
    }

    fn write(&self, page: &mut Page) {
        page.raw("min", self.min);
        page.raw("max", self.max);
        page.share("target_cpu", self.target_cpu);
    }
}

const KEYS: &[Key] = &[
    key("min", Kind::Count(1, 1_000_000), Is("1"), "Never fewer instances.", "30"),
    key("max", Kind::Count(1, 1_000_000), Required, "Never more instances.", "80"),
    key("target_cpu", Kind::Share, Is("\"80%\""), "CPU of an instance it aims at.", "\"65%\""),
];
