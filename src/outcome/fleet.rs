//! Counts of instances, kept up to date record by record.

use crate::outcome::Point;
use crate::trace::{Phase, VersionId};
use crate::units::Time;

/// What is known of one instance.
#[derive(Debug, Clone, Copy, Default)]
struct Instance {
    phase: Option<Phase>,
    version: u8,
    serving: bool,
    /// Its zone and one; 0 while that is not known.
    zone: u32,
}

/// The fleet at one moment, as counts.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    /// By number. Cleared, never shrunk.
    instances: Vec<Instance>,
    /// Serving: old, new, later versions.
    pub(super) serving: [u32; 3],
    /// Available.
    pub(super) available: u32,
    /// Exist and are not terminating.
    pub(super) active: u32,
    /// Exist, terminating ones included.
    pub(super) exist: u32,
    /// Active and not serving.
    starting: u32,
    /// Draining and not serving.
    draining: u32,
    /// Serving, by zone; empty if zones are not told of.
    by_zone: Vec<u32>,
    /// Without a place.
    pub(super) pending: u32,
    /// Wanted.
    pub(super) desired: u32,
    /// Members that vote, and how many must, if it takes a quorum.
    pub(super) votes: Option<(u32, u32)>,
}

impl Fleet {
    /// Forgets everything, keeps the memory.
    pub(super) fn clear(&mut self) {
        let mut instances = std::mem::take(&mut self.instances);
        instances.clear();
        *self = Self { instances, ..Self::default() };
    }

    /// An instance moved.
    pub(super) fn phase(&mut self, number: u32, version: VersionId, to: Phase) {
        self.change(number, |instance| {
            instance.version = version.0;
            instance.phase = Some(to);
            // A process that is gone answers nobody, whatever the data plane still believes.
            if matches!(to, Phase::Stopped | Phase::Failed | Phase::Lost) {
                instance.serving = false;
            }
        });
    }

    /// An instance runs another version from now on.
    pub(super) fn turn(&mut self, number: u32, version: VersionId) {
        self.change(number, |instance| instance.version = version.0);
    }

    /// An instance began or ceased to serve.
    pub(super) fn serving(&mut self, number: u32, version: VersionId, serving: bool) {
        self.change(number, |instance| {
            instance.version = version.0;
            instance.serving = serving;
        });
    }

    /// An instance got a place in this zone.
    pub(super) fn placed(&mut self, number: u32, zone: u32) {
        self.knows_zone(zone);
        self.change(number, |instance| instance.zone = zone + 1);
    }

    /// There is such a zone.
    pub(super) fn knows_zone(&mut self, zone: u32) {
        if self.by_zone.len() <= zone as usize {
            self.by_zone.resize(zone as usize + 1, 0);
        }
    }

    /// Serving in the emptiest and in the fullest zone; `None` unless there are several.
    pub(super) fn zones(&self) -> Option<(u32, u32)> {
        let most = self.by_zone.iter().max().filter(|_| self.by_zone.len() > 1)?;
        Some((*self.by_zone.iter().min()?, *most))
    }

    fn change(&mut self, number: u32, apply: impl FnOnce(&mut Instance)) {
        let number = number as usize;
        if number >= self.instances.len() {
            self.instances.resize(number + 1, Instance::default());
        }
        let before = self.instances[number];
        let mut after = before;
        apply(&mut after);
        self.instances[number] = after;
        self.count(before, u32::wrapping_sub);
        self.count(after, u32::wrapping_add);
    }

    /// Adds or takes away what one instance contributes.
    fn count(&mut self, instance: Instance, step: fn(u32, u32) -> u32) {
        let Instance { phase, version, serving, zone } = instance;
        let active = phase.is_some_and(Phase::is_active);
        let draining = phase == Some(Phase::Draining);
        let add = |count: &mut u32, applies: bool| *count = step(*count, u32::from(applies));
        add(&mut self.serving[usize::from(version.min(2))], serving);
        add(&mut self.available, phase == Some(Phase::Available));
        add(&mut self.active, active);
        add(&mut self.exist, active || draining);
        add(&mut self.starting, active && !serving);
        add(&mut self.draining, draining && !serving);
        add(&mut self.pending, phase == Some(Phase::Pending));
        if zone > 0 {
            add(&mut self.by_zone[zone as usize - 1], serving);
        }
    }

    /// Serving, any version.
    pub(super) fn serving_all(&self) -> u32 {
        self.serving.iter().sum()
    }

    /// Serving, new or later.
    pub(super) fn serving_new(&self) -> u32 {
        self.serving[1] + self.serving[2]
    }

    /// Serving, any version but the one that is rolled out.
    pub(super) fn serving_good(&self) -> u32 {
        self.serving[0] + self.serving[2]
    }

    /// Whether instances are wanted and none serves, or too few members vote.
    pub(super) fn is_out(&self) -> bool {
        (self.desired > 0 && self.serving_all() == 0) || self.has_lost_quorum()
    }

    /// Whether it takes a quorum and there is none.
    pub(super) fn has_lost_quorum(&self) -> bool {
        self.votes.is_some_and(|(votes, need)| votes < need)
    }

    /// The counts as a point of the series.
    pub(super) fn point(&self, at: Time) -> Point {
        Point {
            at,
            serving_old: self.serving[0],
            serving_new: self.serving_new(),
            starting: self.starting,
            draining: self.draining,
            available: self.available,
            active: self.active,
            desired: self.desired,
        }
    }
}
