//! The lives of a run's instances, read off its records.

use std::collections::BTreeMap;

use crate::trace::{Phase, Record, VersionId};
use crate::units::Time;

/// One instance: its phases in order, and when it served.
#[derive(Debug, Clone)]
pub(super) struct Life {
    pub(super) version: VersionId,
    /// Since when it is in which phase.
    pub(super) phases: Vec<(Time, Phase)>,
    /// Changes of whether it serves.
    pub(super) serving: Vec<(Time, bool)>,
}

impl Life {
    /// The place in `phases` of what holds at `at`; `None` before it exists.
    pub(super) fn place(&self, at: Time) -> Option<usize> {
        self.phases.partition_point(|(since, _)| *since <= at).checked_sub(1)
    }

    /// Its phase at `at`, and since when.
    pub(super) fn phase(&self, at: Time) -> Option<(Phase, Time)> {
        self.place(at).map(|place| (self.phases[place].1, self.phases[place].0))
    }

    /// Whether it serves at `at`.
    pub(super) fn serves(&self, at: Time) -> bool {
        let place = self.serving.partition_point(|(since, _)| *since <= at);
        place.checked_sub(1).is_some_and(|place| self.serving[place].1)
    }

    /// When it next begins to serve after `at`.
    pub(super) fn serves_from(&self, at: Time) -> Option<Time> {
        self.serving
            .iter()
            .find(|(since, serving)| *since > at && *serving)
            .map(|(since, _)| *since)
    }
}

/// By number of the instance.
pub(super) fn lives(records: &[(Time, Record)]) -> BTreeMap<u32, Life> {
    let mut lives: BTreeMap<u32, Life> = BTreeMap::new();
    for (at, record) in records {
        match record {
            Record::Phase { instance, version, to, .. } => {
                let new = || Life { version: *version, phases: Vec::new(), serving: Vec::new() };
                lives.entry(*instance).or_insert_with(new).phases.push((*at, *to));
            }
            Record::Serving { instance, serving, .. } => {
                if let Some(life) = lives.get_mut(instance) {
                    life.serving.push((*at, *serving));
                }
            }
            Record::Reloaded { instance, version } => {
                if let Some(life) = lives.get_mut(instance) {
                    life.version = *version;
                }
            }
            _ => {}
        }
    }
    lives
}
