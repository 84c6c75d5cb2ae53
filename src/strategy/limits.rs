//! Replacing by numbers: so many are healthy at least, so many exist at most.

use super::ledger::Ledger;
use super::{Decision, InstanceView, View};
use crate::trace::VersionId;

/// What holds while instances are replaced by others anywhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Instances wanted in the end.
    pub(super) desired: u32,
    /// So many count as available, or none that counts is stopped.
    pub(super) lowest: u32,
    /// No more exist, those told to stop left out.
    pub(super) highest: u32,
    /// Instances of the target version wanted now.
    pub(super) goal: u32,
    /// What shall run.
    pub(super) target: VersionId,
    /// What is started for an instance that went away when there are enough of the target.
    pub(super) other: VersionId,
    /// Whether a set of instances is finished before the next begins.
    pub(super) sets: bool,
    /// Whether a stopped instance must be gone before another is started.
    pub(super) gone_first: bool,
}

/// What is there, those told to stop left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    /// All, starts under way included.
    pub(super) total: u32,
    /// Of the target version, starts under way included.
    pub(super) targets: u32,
    /// Of the target version, available.
    pub(super) done: u32,
    /// Of any version, available.
    pub(super) available: u32,
}

impl Tally {
    /// Counts. `counts` says whether an instance is available.
    pub(super) fn of(
        ledger: &Ledger,
        view: &View<'_>,
        target: VersionId,
        counts: &dyn Fn(&InstanceView) -> bool,
    ) -> Self {
        let starts = ledger.starts().len() as u32;
        let awaited = ledger.starts().iter().filter(|(version, _)| *version == target).count();
        let mut tally = Self { total: starts, targets: awaited as u32, done: 0, available: 0 };
        for i in view.instances.iter().filter(|i| ledger.stays(i)) {
            let (is_target, is_available) = (i.version == target, counts(i));
            tally.total += 1;
            tally.targets += u32::from(is_target);
            tally.done += u32::from(is_target && is_available);
            tally.available += u32::from(is_available);
        }
        tally
    }

    /// Whether everything is as it shall be in the end.
    pub(super) fn is_done(self, limits: &Limits) -> bool {
        self.total == limits.desired && self.targets >= limits.goal && self.done == self.targets
    }
}

impl Limits {
    /// Stops and starts as many as may be now. `counts` says whether an instance is available,
    /// `spared` whether it must not be stopped for being of another version.
    pub(super) fn replace(
        &self,
        ledger: &mut Ledger,
        view: &View<'_>,
        counts: &dyn Fn(&InstanceView) -> bool,
        spared: &dyn Fn(&InstanceView) -> bool,
        decision: &mut Decision,
    ) {
        let mut tally = Tally::of(ledger, view, self.target, counts);
        let holds = self.sets && tally.done < tally.targets;
        if !holds {
            // Those that serve nobody go first, and cost nothing.
            for available in [false, true] {
                let replaceable = |i: &&InstanceView| {
                    i.version != self.target && counts(i) == available && !spared(i)
                };
                for i in view.instances.iter().filter(replaceable) {
                    let others = tally.total - tally.targets;
                    let floor = available && tally.available <= self.lowest;
                    if floor || others + self.goal <= self.desired {
                        break;
                    }
                    if ledger.stays(i) {
                        ledger.stop(i.id, decision);
                        tally.total -= 1;
                        tally.available -= u32::from(available);
                    }
                }
            }
        }
        let leaving = view.instances.iter().filter(|i| !ledger.stays(i)).count() as u32;
        let occupied = if self.gone_first { leaving } else { 0 };
        let highest = if holds { self.desired } else { self.highest };
        while tally.total + occupied < highest
            && (tally.targets < self.goal || tally.total < self.desired)
        {
            let version = if tally.targets < self.goal { self.target } else { self.other };
            ledger.start(version, decision);
            tally.total += 1;
            tally.targets += u32::from(version == self.target);
        }
        self.trim(ledger, view, tally, decision);
    }

    /// Somebody too many of the target version, after a start that was believed lost.
    fn trim(&self, ledger: &mut Ledger, view: &View<'_>, tally: Tally, decision: &mut Decision) {
        let surplus = tally.targets.saturating_sub(self.desired);
        let targets = view.instances.iter().rev().filter(|i| i.version == self.target);
        let mut left = surplus;
        for i in targets {
            if left == 0 {
                break;
            }
            if ledger.stays(i) {
                ledger.stop(i.id, decision);
                left -= 1;
            }
        }
    }
}
