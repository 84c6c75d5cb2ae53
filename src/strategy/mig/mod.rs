//! The updater of a Google Cloud managed instance group: a window between a surge and a number of
//! missing machines, and nothing that stops or reverts it.
//!
//! # Source
//! Google Cloud's guide to rolling updates of managed instance groups and the Terraform provider's
//! fields. There is no public source code.
//!
//! # Rules
//! - `target size + max_surge` machines exist at most, those being deleted left out; `target size -
//!   max_unavailable` stay available, as far as the updater decides. Percentages are of the target
//!   size, rounded up, and only for groups of ten and more.
//! - A machine is available when its health check has passed once, for `min_ready`. What happens
//!   to it later is not the updater's business.
//! - `PROACTIVE`: a window. As soon as a machine becomes available the next is replaced. Machines
//!   that are not available go first, then the lowest number.
//! - `SUBSTITUTE`: new machines are made and old ones deleted at the same time, within the two
//!   limits. `RECREATE`, and `RESTART` as the action: a machine is stopped, and when it is gone
//!   its place gets the new version; there is no surge, so `max_unavailable` must not be zero.
//! - The action is the larger of `minimal_action` and what the change needs, at least `RESTART`;
//!   more than `most_disruptive_allowed_action` is refused.
//! - `OPPORTUNISTIC`: nobody is replaced; machines that are made for other reasons get the new
//!   version. The group says nothing more; we call that paused.
//! - `target_size`: so many machines get the new version (a canary) and the update has reached its
//!   target. `promote` sets it to all.
//! - A machine whose process is gone is made again. With `autohealing` so is one whose health check
//!   fails, not before `initial_delay` after it was made. Neither asks the updater's limits.
//! - There is no threshold for failures, no deadline and no rollback: going back is an update to
//!   the old version, by the same rules. A new intent replaces the present one at once.
//!
//! # Settings and defaults
//! Surge and unavailability default to the number of zones (3 in a regional group). Around it:
//! health checks every 5 s (two successes, two failures), 90 s for the guest to shut down, a boot
//! of half a minute.
//!
//! # Known surprises
//! - A version that never becomes healthy stops the update half-way for ever, `max_unavailable`
//!   machines short; nobody is told.
//! - Both defaults together move twice the number of zones at once.
//! - An `initial_delay` shorter than the start makes machines again and again.
//!
//! # Where we depart
//! - Rounding is "if necessary" in the guide; older texts say up. The target size of a canary is
//!   rounded in its favour, which is up.
//! - `REFRESH` cannot exchange a process and is treated as `RESTART`.
//! - Zones matter for the defaults only: spreading and the redistribution between zones are left
//!   out. Stateful groups are left out; for them write `max_surge = 0`.
//! - `pause` makes the group opportunistic, `resume` proactive.
//! - A machine made for another reason gets the new version until the canary's size is reached,
//!   then the old.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::in_place::{Exchange, Places};
use super::ledger::Ledger;
use super::limits::{Limits, Tally};
use super::verdict::Teller;
use super::{Action, Budget, Command, Controller, Decision, Draws, InstanceView, Rules, View};
use crate::scenario::settings::{self, MigType, Operation};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Rounding, Time};

/// The updater with its settings.
#[derive(Debug, Clone)]
pub struct Mig {
    settings: settings::Mig,
    instances: u32,
}

/// Where the update is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    target: VersionId,
    begun: bool,
    /// Whether machines are replaced; else only new ones follow the intent.
    proactive: bool,
    /// The present intent was fulfilled once.
    reached: bool,
    /// The canary has become everybody's version.
    promoted: bool,
    fleet: Fleet,
    /// Machines that have been available, ascending.
    proven: Vec<u32>,
    teller: Teller,
}

/// Whether machines keep their places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Fleet {
    Anywhere(Ledger),
    InPlace(Places),
}

impl Mig {
    /// From checked settings and the target size of the group.
    pub fn new(settings: settings::Mig, instances: u32) -> Self {
        Self { settings, instances }
    }

    /// Machines of the target version wanted.
    fn goal(&self, state: &State) -> u32 {
        let canary = self.settings.target_size.of(self.instances, Rounding::Up);
        let all = state.promoted || state.target == VersionId::OLD;
        if all { self.instances } else { canary.min(self.instances) }
    }

    fn lowest(&self) -> u32 {
        self.instances - self.settings.unavailable(self.instances)
    }

    /// Marks who has become available, forgets who is gone.
    fn prove(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        for i in view.instances {
            let until = i.ready_since + self.settings.min_ready;
            let known = state.proven.binary_search(&i.id);
            if i.phase != Phase::Ready {
                continue;
            }
            if known.is_err() && now < until {
                decision.wake(until);
                continue;
            }
            decision.actions.push(Action::MarkAvailable { instance: i.id });
            if let Err(at) = known {
                state.proven.insert(at, i.id);
            }
        }
        state.proven.retain(|id| view.find(*id).is_some());
    }

    /// Makes machines again whose process is gone or, if asked to, whose health check fails.
    fn heal(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        for i in view.instances {
            let until = i.created + self.settings.initial_delay;
            let is_sick = match i.phase {
                Phase::Failed => true,
                Phase::Pending | Phase::Starting if self.settings.autohealing => {
                    if now < until {
                        decision.wake(until);
                    }
                    now >= until
                }
                _ => false,
            };
            if !is_sick || !state.fleet.stays(i) {
                continue;
            }
            state.fleet.heal(i, decision);
            if i.version == VersionId::NEW {
                decision.moments.push(Moment::InstanceFailed(i.id));
                state.teller.detect(decision);
            }
        }
    }

    /// Moves within the limits; says whether everything is as it shall be.
    fn update(&self, state: &mut State, view: &View<'_>, decision: &mut Decision) -> bool {
        let (goal, lowest) = (self.goal(state), self.lowest());
        let other = if state.target == VersionId::NEW { VersionId::OLD } else { VersionId::NEW };
        let State { fleet, proven, target, proactive, .. } = state;
        let counts =
            |i: &InstanceView| i.phase != Phase::Failed && proven.binary_search(&i.id).is_ok();
        let limits = Limits {
            desired: self.instances,
            lowest,
            highest: self.instances + self.settings.surge(self.instances),
            goal,
            target: *target,
            other,
            sets: false,
            gone_first: false,
        };
        match fleet {
            Fleet::Anywhere(ledger) => {
                let limits =
                    if *proactive { limits } else { Limits { highest: self.instances, ..limits } };
                let spared = |_: &InstanceView| !*proactive;
                limits.replace(ledger, view, &counts, &spared, decision);
                Tally::of(ledger, view, *target, &counts).is_done(&limits)
            }
            Fleet::InPlace(places) => {
                choose(places, view, &limits, *proactive, &counts);
                places.tend(view, Exchange::InPlace, decision);
                let occupants = places.occupants(view);
                let all_there = occupants.iter().all(|i| i.is_some_and(&counts));
                all_there && places.of(*target).count() as u32 >= goal
            }
        }
    }
}

impl Fleet {
    fn observe(&mut self, view: &View<'_>) {
        match self {
            Self::Anywhere(ledger) => ledger.observe(view),
            Self::InPlace(places) => places.observe(view),
        }
    }

    fn stays(&self, i: &InstanceView) -> bool {
        match self {
            Self::Anywhere(ledger) => ledger.stays(i),
            Self::InPlace(places) => places.stays(i),
        }
    }

    fn heal(&mut self, i: &InstanceView, decision: &mut Decision) {
        match self {
            Self::Anywhere(ledger) => ledger.stop(i.id, decision),
            Self::InPlace(places) => places.renew(i, decision),
        }
    }
}

impl State {
    fn report(&mut self, is_done: bool, decision: &mut Decision) {
        self.reached |= is_done;
        let said = match (self.target == VersionId::NEW, self.reached, self.proactive) {
            (true, true, _) => Said::Completed,
            (true, false, true) => Said::Progressing,
            (true, false, false) => Said::Paused,
            (false, true, _) => Said::RolledBack,
            (false, false, true) => Said::RollingBack,
            (false, false, false) => Said::RollbackPaused,
        };
        self.teller.say(said, decision);
    }

    fn go_back(&mut self) {
        self.begun = true;
        self.reached &= self.target == VersionId::OLD;
        self.target = VersionId::OLD;
        // Whoever goes back wants it done.
        self.proactive = true;
    }
}

/// Gives as many places to the target as may be missing now.
fn choose(
    places: &mut Places,
    view: &View<'_>,
    limits: &Limits,
    proactive: bool,
    counts: &dyn Fn(&InstanceView) -> bool,
) {
    let occupants = places.occupants(view);
    let is_available = |slot: u32| occupants[slot as usize].is_some_and(counts);
    let mut available = (0..places.len()).filter(|slot| is_available(*slot)).count() as u32;
    let mut done = places.of(limits.target).count() as u32;
    for wanted in [false, true] {
        for slot in 0..places.len() {
            let is_empty = occupants[slot as usize].is_none();
            let may = if proactive {
                is_available(slot) == wanted && (!wanted || available > limits.lowest)
            } else {
                is_empty
            };
            if done < limits.goal && may && places.goal(slot) != limits.target {
                places.set(slot, limits.target);
                done += 1;
                available -= u32::from(wanted && proactive);
            }
        }
    }
}

impl Rules for Mig {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["updater"];

    fn initial(&self) -> State {
        State {
            target: VersionId::OLD,
            begun: false,
            proactive: self.settings.kind == MigType::Proactive,
            reached: true,
            promoted: false,
            fleet: if self.settings.in_place() {
                Fleet::InPlace(Places::new(self.instances))
            } else {
                Fleet::Anywhere(Ledger::new(self.instances))
            },
            proven: (0..self.instances).collect(),
            teller: Teller::new(),
        }
    }

    fn command(&self, state: &mut State, command: Command, _: Time) {
        match command {
            Command::Begin => {
                state.begun = true;
                state.reached &= state.target == VersionId::NEW;
                state.target = VersionId::NEW;
                state.proactive = self.settings.kind == MigType::Proactive;
            }
            Command::Rollback => state.go_back(),
            Command::Operate(Operation::Undo | Operation::Abort) => {
                state.teller.undo(state.target, VersionId::OLD);
                state.go_back();
            }
            Command::Operate(Operation::Pause) => state.proactive = false,
            Command::Operate(Operation::Resume) => state.proactive = true,
            Command::Operate(Operation::Promote) => {
                state.reached &= state.promoted || state.target == VersionId::OLD;
                state.promoted = true;
            }
            Command::Operate(
                Operation::Scale(_)
                | Operation::Rollover
                | Operation::Set(_)
                | Operation::Partition(_),
            ) => {}
        }
    }

    fn reconcile(
        &self,
        state: &mut State,
        _: Controller,
        now: Time,
        view: &View<'_>,
        _: Draws,
        decision: &mut Decision,
    ) {
        state.fleet.observe(view);
        state.teller.tell_undone(decision);
        self.prove(state, now, view, decision);
        self.heal(state, now, view, decision);
        if state.begun {
            let is_done = self.update(state, view, decision);
            state.report(is_done, decision);
        }
    }

    fn budget(&self) -> Budget {
        let instances = self.instances;
        let goal = self.settings.target_size.of(instances, Rounding::Up).min(instances);
        let proactive = self.settings.kind == MigType::Proactive;
        let goal = if proactive { goal } else { 0 };
        let out = self.settings.unavailable(instances).min(goal);
        let width = out + self.settings.surge(instances);
        Budget {
            instances,
            out,
            above: width.min(goal) - out,
            rounds: goal.div_ceil(width.max(1)),
            wait: self.settings.min_ready,
            out_key: "strategy.mig.max_unavailable",
            above_key: "strategy.mig.max_surge",
        }
    }
}
