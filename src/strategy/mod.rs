//! Orchestrators as pure machines: look at a [`View`] of the fleet, say what to do and when to
//! look again. No input or output, no clock, no generator of their own.
//!
//! A strategy is level-triggered: called again with the same state and view it says the same.
//! An orchestrator may be several named controllers with latencies between them; those
//! latencies are parameters of the world.

#[cfg(test)]
mod driver;
pub mod generic;
pub mod kubernetes;

use serde::{Deserialize, Serialize};

use crate::scenario::settings::{Operation, StrategySettings};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Span, Time};

/// One instance as a strategy sees it. Stopped and lost instances are not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceView {
    /// Its number, in order of creation.
    pub id: u32,
    /// What it runs.
    pub version: VersionId,
    /// Where it is in its life. `Available` only after the strategy said so.
    pub phase: Phase,
    /// When it was created.
    pub created: Time,
    /// When it last became ready; [`Time::NEVER`] if it is not ready.
    pub ready_since: Time,
    /// The host it is on; `u32::MAX` while it is pending.
    pub host: u32,
    /// How often its process was started again.
    pub restarts: u32,
}

/// What a strategy may look at.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// All instances that exist, by ascending number; draining ones included.
    pub instances: &'a [InstanceView],
    /// Wall-clock time at [`Time::ZERO`], in nanoseconds after a whole second: some
    /// orchestrators compute in whole wall-clock seconds.
    pub wall_phase: Span,
}

/// Random choices for strategies, as a pure function: the same question has the same answer,
/// so that a decision can be repeated after a crash.
#[derive(Debug, Clone, Copy)]
pub struct Draws {
    key: u64,
}

impl Draws {
    /// Draws of one replication.
    pub fn new(key: u64) -> Self {
        Self { key }
    }

    /// 64 random bits that belong to (`purpose`, `index`).
    pub fn bits(self, purpose: u32, index: u32) -> u64 {
        // SplitMix64's finaliser (Steele, Lea, Flood 2014) over the words.
        let mut x = self.key
            ^ (u64::from(purpose) << 32 | u64::from(index)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }
}

/// One of the controllers that an orchestrator consists of, by index.
pub type Controller = usize;

/// What a strategy wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Create an instance of this version.
    Start {
        /// What it shall run.
        version: VersionId,
    },
    /// Tell this instance to stop.
    Stop {
        /// Which.
        instance: u32,
    },
    /// This instance has been ready for the min-ready time.
    MarkAvailable {
        /// Which.
        instance: u32,
    },
}

/// What a controller decided. Reused between calls: `clear` it first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// What to do, in order.
    pub actions: Vec<Action>,
    /// Look again then, even if nothing changed.
    pub wake_at: Option<Time>,
    /// Controllers that should look because this one changed what they watch (bit set).
    pub notify: u32,
    /// What the orchestrator now says, if it changed.
    pub said: Option<Said>,
    /// The number of instances wanted, if it changed.
    pub desired: Option<u32>,
    /// Marks for the trace.
    pub moments: Vec<Moment>,
}

impl Decision {
    /// Empties it, keeps the memory.
    pub fn clear(&mut self) {
        self.actions.clear();
        self.wake_at = None;
        self.notify = 0;
        self.said = None;
        self.desired = None;
        self.moments.clear();
    }

    /// Asks for a look at `time`, or earlier if that was asked before.
    pub fn wake(&mut self, time: Time) {
        self.wake_at = Some(self.wake_at.map_or(time, |t| t.min(time)));
    }
}

/// What somebody outside tells the orchestrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Roll out the new version.
    Begin,
    /// Go back to the old version, whatever the state.
    Rollback,
    /// An operator's change.
    Operate(Operation),
}

/// An orchestrator with its settings; immutable.
#[derive(Debug, Clone)]
pub enum Strategy {
    /// Kubernetes Deployment with its `ReplicaSet`s.
    Kubernetes(kubernetes::Deployment),
    /// Batches or a sliding window.
    Generic(generic::Generic),
}

/// The memory of a strategy; small, and written into journals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Of a Deployment.
    Kubernetes(kubernetes::State),
    /// Of the generic strategy.
    Generic(generic::State),
}

impl Strategy {
    /// From checked settings and the desired number of instances.
    pub fn new(settings: &StrategySettings, instances: u32) -> Self {
        match settings {
            StrategySettings::Kubernetes(s) => {
                Self::Kubernetes(kubernetes::Deployment::new(s.clone(), instances))
            }
            StrategySettings::Generic(s) => {
                Self::Generic(generic::Generic::new(s.clone(), instances))
            }
        }
    }

    /// The state before the rollout: `instances` of the old version run and are available;
    /// their numbers are 0 … `instances` − 1.
    pub fn initial(&self) -> State {
        match self {
            Self::Kubernetes(s) => State::Kubernetes(s.initial()),
            Self::Generic(s) => State::Generic(s.initial()),
        }
    }

    /// Names of the controllers. Controller 0 gets commands; the last one watches instances.
    pub fn controllers(&self) -> &'static [&'static str] {
        match self {
            Self::Kubernetes(_) => kubernetes::CONTROLLERS,
            Self::Generic(_) => generic::CONTROLLERS,
        }
    }

    /// Takes a command. Controller 0 must be called soon after.
    pub fn command(&self, state: &mut State, command: Command, now: Time) {
        match (self, state) {
            (Self::Kubernetes(s), State::Kubernetes(state)) => s.command(state, command, now),
            (Self::Generic(s), State::Generic(state)) => s.command(state, command, now),
            _ => unreachable!("a state belongs to the strategy that made it"),
        }
    }

    /// When the next operation scheduled in the settings is due; `None` if none is left or the
    /// rollout has not begun. A terminal verdict before that time is not the last word.
    pub fn next_operation(&self, state: &State) -> Option<Time> {
        match (self, state) {
            (Self::Kubernetes(s), State::Kubernetes(state)) => s.next_operation(state),
            (Self::Generic(_), State::Generic(_)) => None,
            _ => unreachable!("a state belongs to the strategy that made it"),
        }
    }

    /// One look of one controller. `decision` is empty on entry.
    pub fn reconcile(
        &self,
        state: &mut State,
        controller: Controller,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) {
        match (self, state) {
            (Self::Kubernetes(s), State::Kubernetes(state)) => {
                s.reconcile(state, controller, now, view, draws, decision);
            }
            (Self::Generic(s), State::Generic(state)) => {
                s.reconcile(state, now, view, draws, decision);
            }
            _ => unreachable!("a state belongs to the strategy that made it"),
        }
    }
}
