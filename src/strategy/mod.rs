//! Orchestrators as pure machines: look at a [`View`] of the fleet, say what to do and when to
//! look again. No input or output, no clock, no generator of their own.
//!
//! A strategy is level-triggered: called again with the same state and view it says the same.
//! An orchestrator may be several named controllers with latencies between them; those
//! latencies are parameters of the world.

mod alarm;
mod analysis;
pub mod ansible;
pub mod appconfig;
mod argo;
pub mod argo_bluegreen;
pub mod argo_canary;
pub mod asg;
mod batches;
mod budget;
pub mod capistrano;
mod checkpoints;
pub mod codedeploy;
pub mod daemonset;
mod domains;
#[cfg(test)]
mod driver;
pub mod ecs;
mod errand;
pub mod flagger;
mod flips;
pub mod generic;
pub(crate) mod hpa;
mod in_place;
pub mod kamal;
pub mod kubernetes;
mod ledger;
mod limits;
mod manual;
pub mod mig;
pub mod nomad;
mod pods;
#[cfg(test)]
pub(crate) mod properties;
mod schedule;
mod seats;
mod seconds;
pub mod service_fabric;
pub mod statefulset;
pub mod swarm;
mod template;
mod verdict;
pub mod vmss;
mod walk;

pub use budget::Budget;
pub use manual::{Manual, Section, manual};
pub use walk::{Pace, Step, Walk, walk};

use serde::{Deserialize, Serialize};

use crate::scenario::settings::{Operation, Orchestrator, StrategySettings};
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
    /// The place it fills (a Swarm slot, a `StatefulSet` ordinal, a host): what its start said,
    /// for initial instances their number. [`NO_SLOT`] if places do not matter.
    pub slot: u32,
}

/// Where places do not matter.
pub const NO_SLOT: u32 = u32::MAX;

/// What a strategy may look at.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// All instances that exist, by ascending number; draining ones included.
    pub instances: &'a [InstanceView],
    /// Share of requests that the old and the new version answer with an error, as their metrics
    /// show it.
    pub errors: [f64; 2],
    /// Wall-clock time at [`Time::ZERO`], in nanoseconds after a whole second: some
    /// orchestrators compute in whole wall-clock seconds.
    pub wall_phase: Span,
}

impl<'a> View<'a> {
    /// The instance of this number, if it is still shown.
    pub(crate) fn find(&self, id: u32) -> Option<&'a InstanceView> {
        let at = self.instances.binary_search_by_key(&id, |i| i.id).ok()?;
        Some(&self.instances[at])
    }
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
        /// The place it shall fill, or [`NO_SLOT`].
        slot: u32,
        /// It is placed and prepared (image pulled), but its process does not start before
        /// [`Action::Release`].
        held: bool,
    },
    /// The process of this held instance may start.
    Release {
        /// Which.
        instance: u32,
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
    /// From now on the new version gets this share of the requests, in millionths, and the old
    /// one the rest. Before the first such action requests go to whoever is in rotation; after it
    /// a share of nobody fails.
    Route {
        /// Millionths.
        new: u32,
    },
}

impl Action {
    /// An instance of this version, anywhere.
    pub fn start(version: VersionId) -> Self {
        Self::Start { version, slot: NO_SLOT, held: false }
    }

    /// An instance of this version in this place.
    pub fn start_in(slot: u32, version: VersionId) -> Self {
        Self::Start { version, slot, held: false }
    }
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
    /// API objects written besides instances; whoever notifies writes one at least.
    pub writes: u32,
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
        self.writes = 0;
        self.said = None;
        self.desired = None;
        self.moments.clear();
    }

    /// Asks for a look at `time`, or earlier if that was asked before.
    pub fn wake(&mut self, time: Time) {
        self.wake_at = Some(self.wake_at.map_or(time, |t| t.min(time)));
    }

    /// For orchestrators that know no availability beyond readiness: marks who is ready.
    pub(crate) fn mark_ready(&mut self, view: &View<'_>) {
        let ready = view.instances.iter().filter(|i| i.phase == Phase::Ready);
        self.actions.extend(ready.map(|i| Action::MarkAvailable { instance: i.id }));
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

/// What the file of an orchestrator provides: its rules under fixed settings.
pub(crate) trait Rules {
    /// Its memory; small, and written into journals.
    type State;

    /// Names of the controllers. Controller 0 gets commands; the last one watches instances.
    const CONTROLLERS: &'static [&'static str];

    /// The state before the rollout: the desired number of instances of the old version run and
    /// are available; their numbers, and their slots, are 0, 1, …
    fn initial(&self) -> Self::State;

    /// Takes a command. Controller 0 is called soon after.
    fn command(&self, state: &mut Self::State, command: Command, now: Time);

    /// When the next operation scheduled in the settings is due; see [`Strategy::next_operation`].
    fn next_operation(&self, _: &Self::State) -> Option<Time> {
        None
    }

    /// One look of one controller. `decision` is empty on entry.
    fn reconcile(
        &self,
        state: &mut Self::State,
        controller: Controller,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    );

    /// What the orchestrator's API shows of the rollout; `None`: nothing beyond what it says.
    fn status(&self, _: &Self::State) -> Option<Status> {
        None
    }

    /// The arithmetic of a rollout without failures and without operators' changes.
    fn budget(&self) -> Budget;
}

/// What an orchestrator's API shows of a rollout: what a client sees who asks it, which may
/// differ from what is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Instances reported as available.
    pub available: u32,
    /// A client that waits for the end of the rollout would now be told that it is there.
    pub done: bool,
    /// Sizes wanted of each version, where the orchestrator has such.
    pub sizes: Vec<(VersionId, u32)>,
}

macro_rules! strategies {
    ($($(#[doc = $doc:literal])* $name:ident($rules:ty, $state:ty, $file:literal);)*) => {
        /// An orchestrator with its settings; immutable.
        #[derive(Debug, Clone)]
        pub enum Strategy {
            $($(#[doc = $doc])* $name($rules),)*
        }

        /// The memory of a strategy; small, and written into journals.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum State {
            $($(#[doc = $doc])* $name($state),)*
        }

        /// The text of an orchestrator's file.
        fn source(of: Orchestrator) -> &'static str {
            match of {
                $(Orchestrator::$name => include_str!($file),)*
            }
        }

        impl Strategy {
            /// From checked settings and the desired number of instances.
            pub fn new(settings: &StrategySettings, instances: u32) -> Self {
                match settings {
                    $(StrategySettings::$name(settings) => {
                        Self::$name(<$rules>::new(settings.clone(), instances))
                    })*
                }
            }

            /// The state before the rollout: `instances` of the old version run and are
            /// available; their numbers, and their slots, are 0 … `instances` − 1.
            pub fn initial(&self) -> State {
                match self {
                    $(Self::$name(rules) => State::$name(rules.initial()),)*
                }
            }

            /// Names of the controllers. Controller 0 gets commands; the last one watches
            /// instances.
            pub fn controllers(&self) -> &'static [&'static str] {
                match self {
                    $(Self::$name(_) => <$rules as Rules>::CONTROLLERS,)*
                }
            }

            /// Takes a command. Controller 0 must be called soon after.
            pub fn command(&self, state: &mut State, command: Command, now: Time) {
                match (self, state) {
                    $((Self::$name(rules), State::$name(state)) => {
                        rules.command(state, command, now);
                    })*
                    _ => unreachable!("a state belongs to the strategy that made it"),
                }
            }

            /// When the next operation scheduled in the settings is due; `None` if none is left
            /// or the rollout has not begun. A terminal verdict before that time is not the last
            /// word.
            pub fn next_operation(&self, state: &State) -> Option<Time> {
                match (self, state) {
                    $((Self::$name(rules), State::$name(state)) => rules.next_operation(state),)*
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
                    $((Self::$name(rules), State::$name(state)) => {
                        rules.reconcile(state, controller, now, view, draws, decision);
                    })*
                    _ => unreachable!("a state belongs to the strategy that made it"),
                }
            }

            /// What the orchestrator's API shows of the rollout; `None`: nothing beyond what it
            /// says.
            pub fn status(&self, state: &State) -> Option<Status> {
                match (self, state) {
                    $((Self::$name(rules), State::$name(state)) => rules.status(state),)*
                    _ => unreachable!("a state belongs to the strategy that made it"),
                }
            }

            /// The arithmetic of a rollout without failures and without operators' changes.
            pub fn budget(&self) -> Budget {
                match self {
                    $(Self::$name(rules) => rules.budget(),)*
                }
            }
        }
    };
}

strategies! {
    /// Kubernetes Deployment with its `ReplicaSet`s.
    Kubernetes(kubernetes::Deployment, kubernetes::State, "kubernetes/mod.rs");
    /// Kubernetes `StatefulSet`.
    StatefulSet(statefulset::StatefulSet, statefulset::State, "statefulset/mod.rs");
    /// Kubernetes `DaemonSet`.
    DaemonSet(daemonset::DaemonSet, daemonset::State, "daemonset/mod.rs");
    /// EC2 Auto Scaling instance refresh.
    Asg(asg::Asg, asg::State, "asg/mod.rs");
    /// Google Cloud managed instance group.
    Mig(mig::Mig, mig::State, "mig/mod.rs");
    /// Azure VM Scale Set rolling upgrade.
    Vmss(vmss::Vmss, vmss::State, "vmss/mod.rs");
    /// Service Fabric monitored upgrade.
    ServiceFabric(service_fabric::ServiceFabric, service_fabric::State, "service_fabric/mod.rs");
    /// Batches or a sliding window.
    Generic(generic::Generic, generic::State, "generic/mod.rs");
    /// Ansible plays over hosts.
    Ansible(ansible::Ansible, ansible::State, "ansible/mod.rs");
    /// Kamal: containers behind a proxy on each host.
    Kamal(kamal::Kamal, kamal::State, "kamal/mod.rs");
    /// Capistrano: restarts over SSH.
    Capistrano(capistrano::Capistrano, capistrano::State, "capistrano.rs");
    /// AWS `AppConfig`: a share of the targets that grows with time.
    AppConfig(appconfig::AppConfig, appconfig::State, "appconfig/mod.rs");
    /// HashiCorp Nomad.
    Nomad(nomad::Nomad, nomad::State, "nomad/mod.rs");
    /// Amazon ECS.
    Ecs(ecs::Ecs, ecs::State, "ecs/mod.rs");
    /// AWS CodeDeploy, in place.
    CodeDeploy(codedeploy::CodeDeploy, codedeploy::State, "codedeploy/mod.rs");
    /// An Argo Rollout with canary steps.
    ArgoCanary(argo_canary::ArgoCanary, argo_canary::State, "argo_canary/mod.rs");
    /// An Argo Rollout, blue-green.
    ArgoBluegreen(argo_bluegreen::ArgoBluegreen, argo_bluegreen::State, "argo_bluegreen/mod.rs");
    /// A Flagger Canary.
    Flagger(flagger::Flagger, flagger::State, "flagger/mod.rs");
    /// Docker Swarm.
    Swarm(swarm::Swarm, swarm::State, "swarm/mod.rs");
}
