//! The memory of a collector that is plain numbers.

use crate::trace::{HostChange, Moment, Said};
use crate::units::Time;

/// Marks, extremes and areas so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    /// The current instant.
    pub(super) now: Time,
    /// Whether a record of the current instant is not yet part of the extremes.
    pub(super) open: bool,
    pub(super) begun: Option<Time>,
    /// Last change of an instance since the begin.
    pub(super) settled: Option<Time>,
    /// When the orchestrator reached the terminal state that it is in.
    pub(super) ended: Option<Time>,
    ended_as: Said,
    pub(super) said: Said,
    /// Whether the orchestrator spoke of a rollback.
    pub(super) went_back: bool,
    pub(super) gave_up: bool,
    pub(super) human_called: bool,
    /// A rollback was wanted and impossible.
    pub(super) blocked: bool,
    /// A rollback, or what stood in its place, did not help in time.
    pub(super) back_failed: bool,
    /// Since when the new version behaves like a good one: a flag is off.
    pub(super) behaves: Option<Time>,
    /// Whether the release is bad, if that is told.
    pub(super) bad: Option<bool>,
    pub(super) detected: Option<Time>,
    pub(super) decided: Option<Time>,
    pub(super) restored: Option<Time>,
    pub(super) serving_min: u32,
    pub(super) available_min: u32,
    pub(super) active_max: u32,
    pub(super) exist_max: u32,
    /// Instance-nanoseconds of missing capacity until now, and until settled.
    pub(super) lost: [u128; 2],
    /// Instance-nanoseconds above desired until now, and until settled.
    pub(super) surge: [u128; 2],
    /// Nanoseconds.
    pub(super) mixed: u64,
    /// Nanoseconds with nobody serving.
    pub(super) dark: u64,
    pub(super) dark_since: Option<Time>,
    pub(super) full_outage: bool,
    /// Nanoseconds without a quorum.
    pub(super) quorum_lost: u64,
    pub(super) votes_min: Option<u32>,
    /// Lowest in any zone, and without the fullest zone.
    pub(super) zone_serving_min: u32,
    pub(super) zone_margin: u32,
    /// Whether hosts are told of.
    pub(super) hosts: bool,
    pub(super) bought: u32,
    /// Instance-nanoseconds without a place.
    pub(super) pending: u128,
    /// When the last host that was drained was empty.
    pub(super) drained: Option<Time>,
}

impl State {
    /// Before the first record.
    pub(super) const NEW: Self = Self {
        now: Time::ZERO,
        open: false,
        begun: None,
        settled: None,
        ended: None,
        ended_as: Said::Progressing,
        said: Said::Progressing,
        went_back: false,
        gave_up: false,
        human_called: false,
        blocked: false,
        back_failed: false,
        behaves: None,
        bad: None,
        detected: None,
        decided: None,
        restored: None,
        serving_min: u32::MAX,
        available_min: u32::MAX,
        active_max: 0,
        exist_max: 0,
        lost: [0; 2],
        surge: [0; 2],
        mixed: 0,
        dark: 0,
        dark_since: None,
        full_outage: false,
        quorum_lost: 0,
        votes_min: None,
        zone_serving_min: u32::MAX,
        zone_margin: u32::MAX,
        hosts: false,
        bought: 0,
        pending: 0,
        drained: None,
    };

    /// Instance-seconds of missing capacity until settled.
    pub(super) fn capacity_lost(&self) -> f64 {
        self.lost[1] as f64 / 1e9
    }

    /// Instance-seconds above desired until settled.
    pub(super) fn surge_cost(&self) -> f64 {
        self.surge[1] as f64 / 1e9
    }

    /// The orchestrator said something.
    pub(super) fn said(&mut self, at: Time, said: Said) {
        let back = matches!(said, Said::RollingBack | Said::RolledBack);
        self.said = said;
        self.went_back |= back;
        if self.begun.is_none() {
            return;
        }
        let halted = |said| matches!(said, Said::Paused | Said::Failed | Said::RollbackPaused);
        let resumed = halted(self.ended_as) && !halted(said);
        let reverted = back && self.ended_as != Said::RolledBack;
        if resumed || reverted {
            self.ended = None;
        }
        if said.is_terminal() && self.ended.is_none() {
            self.ended = Some(at);
            self.ended_as = said;
        }
    }

    /// Something became of a host.
    pub(super) fn host(&mut self, at: Time, change: HostChange) {
        self.hosts = true;
        match change {
            HostChange::Bought => self.bought += 1,
            HostChange::Cordoned => self.drained = None,
            HostChange::Drained => self.drained = Some(at),
            HostChange::Initial
            | HostChange::Uncordoned
            | HostChange::Lost
            | HostChange::Returned => {}
        }
    }

    /// A mark was set.
    pub(super) fn moment(&mut self, at: Time, moment: Moment) {
        match moment {
            Moment::Begun => _ = self.begun.get_or_insert(at),
            Moment::Detected => _ = self.detected.get_or_insert(at),
            Moment::RollbackDecided | Moment::FlagTurned => _ = self.decided.get_or_insert(at),
            Moment::HumanCalled => self.human_called = true,
            Moment::RollbackBlocked => self.blocked = true,
            Moment::GaveUp => self.gave_up = true,
            Moment::FlagOff => _ = self.behaves.get_or_insert(at),
            Moment::RollbackFailed => self.back_failed = true,
            Moment::Batch(_) | Moment::InstanceFailed(_) | Moment::Migrating | Moment::Migrated => {
            }
            // It had only seemed so.
            Moment::PutBack => self.restored = None,
        }
    }
}
