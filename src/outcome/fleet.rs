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
    /// Wanted.
    pub(super) desired: u32,
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
        let Instance { phase, version, serving } = instance;
        let active = phase.is_some_and(Phase::is_active);
        let draining = phase == Some(Phase::Draining);
        let add = |count: &mut u32, applies: bool| *count = step(*count, u32::from(applies));
        add(&mut self.serving[usize::from(version.min(2))], serving);
        add(&mut self.available, phase == Some(Phase::Available));
        add(&mut self.active, active);
        add(&mut self.exist, active || draining);
        add(&mut self.starting, active && !serving);
        add(&mut self.draining, draining && !serving);
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

    /// Whether instances are wanted and none serves.
    pub(super) fn is_out(&self) -> bool {
        self.desired > 0 && self.serving_all() == 0
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
