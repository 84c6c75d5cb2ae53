//! An instance refresh of an EC2 Auto Scaling group: sets of instances between two limits, with
//! checkpoints, an alarm, a bake time and a way back.
//!
//! # Source
//! The EC2 Auto Scaling user guide (instance refresh, its defaults, checkpoints, rollback) and the
//! API's `RefreshPreferences`. There is no public source code.
//!
//! # Rules
//! - Both percentages are of the desired capacity, rounded up. So many instances stay healthy, so
//!   many exist; one that is being terminated does not count as existing.
//! - A *set* is as many instances as the limits allow. Instances below the upper limit are
//!   terminated and launched at the same time; above 100 % new ones are launched first and old
//!   ones are terminated when they count. The next set begins when every new instance counts.
//! - A minimum of 0 replaces all at once. Where rounding leaves no room (100/100, or 90/100 of
//!   five), one instance at a time is terminated and, when it is gone, another launched.
//! - A new instance counts when it is healthy and `instance_warmup` has passed since its launch.
//! - An instance that is not healthy `health_check_grace_period` after its launch, or whose
//!   process is gone for good, is replaced, at any time: by the group, not by the refresh.
//! - A checkpoint is reached when at least that share (rounded up) is new; no instance beyond it
//!   is replaced before `checkpoint_delay` is over. The refresh ends with the last checkpoint,
//!   without a wait there; if that is not 100, the rest stays old.
//! - `bake_time` runs when everything is replaced; then the refresh is successful.
//! - `alarm`: while new instances answer, and the new version's share of errors has been above the
//!   limit for `alarm_delay`, the refresh fails; during checkpoints and the bake too.
//! - A refresh that makes no progress for an hour fails; waits at checkpoints do not count. So
//!   does one of 14 days.
//! - After a failure everything stays as it is; or, with `auto_rollback`, another refresh brings
//!   the old template back. If that fails too, it stops there.
//! - `scale_in_protected_instances`: `Refresh` replaces them, `Ignore` leaves them old and ends
//!   without them, `Wait` waits, here for ever: after an hour the refresh fails.
//!
//! # Settings and defaults
//! The defaults are the API's, except that `health_check_grace_period` is the console's 300 s
//! (the API's is 0). Around it: target-group probes every 30 s (one success makes healthy, two
//! failures unhealthy), 300 s of deregistration before the guest is shut down, a boot of half a
//! minute.
//!
//! # Known surprises
//! - The warm-up decides the duration: it delays the next set even if instances serve at once.
//! - A start longer than the grace period never ends: the group replaces the instance again and
//!   again, until the hour is over.
//! - With the defaults and fewer than ten instances it is one at a time: 90 % rounds up to all.
//!
//! # Where we depart
//! - The rounding of the upper limit, the rounding of checkpoints and what follows the last one
//!   are not documented; see above for what we do.
//! - The warm-up is counted from the creation of the instance; AWS counts from `InService`, which
//!   follows within seconds unless lifecycle hooks hold it.
//! - The alarm sees the new version alone. One on a metric of the whole group would see its errors
//!   diluted by the old instances.
//! - On the way back there are no checkpoints, no alarm and no bake time.
//! - `SkipMatching`, `StandbyInstances`, lifecycle hooks and scaling policies are left out:
//!   nothing matches, nobody stands by, the capacity is fixed. The group's own rebalancing of
//!   zones is left out, and its polling takes no time of its own.
//! - The group launches the new template while the refresh goes on and after its success, else
//!   the old one.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::checkpoints::{Checkpoints, last, longest_step};
use super::flips::Flips;
use super::ledger::Ledger;
use super::limits::{Limits, Tally};
use super::verdict::Teller;
use super::{Action, Budget, Command, Controller, Decision, Draws, InstanceView, Rules, View};
use crate::scenario::settings::{self, Operation, Protected};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{CountOrPercent, Rounding, Span, Time};

/// "Fails when no progress is possible for an hour."
const PATIENCE: Span = Span::from_secs(3600);
/// No refresh takes longer.
const TOTAL: Span = Span::from_secs(14 * 86_400);

/// Between two looks at the metrics, at most: the shortest usual period of an alarm.
const ALARM_LOOK: Span = Span::from_secs(60);

/// The rules with their settings.
#[derive(Debug, Clone)]
pub struct Asg {
    settings: settings::Asg,
    instances: u32,
}

/// Where the refresh is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    target: VersionId,
    course: Course,
    ledger: Ledger,
    checkpoints: Checkpoints,
    /// The most instances of the target that counted, and since when.
    progress: (u32, Time),
    /// When the refresh began.
    begun: Time,
    alarm: Flips,
    /// The next look at the alarm.
    alarm_look: Time,
    teller: Teller,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Course {
    /// No refresh so far.
    Idle,
    /// Instances are replaced.
    Replacing,
    /// All are; since then.
    Baking(Time),
    /// The refresh succeeded.
    Done,
    /// It failed.
    GivenUp,
}

impl Course {
    fn is_running(self) -> bool {
        matches!(self, Self::Replacing | Self::Baking(_))
    }
}

impl Asg {
    /// From checked settings and the desired capacity.
    pub fn new(settings: settings::Asg, instances: u32) -> Self {
        Self { settings, instances }
    }

    /// So many stay healthy, so many exist, and whether one must be gone before the next comes.
    fn window(&self) -> (u32, u32, bool) {
        let n = self.instances;
        let of = |percentage| CountOrPercent::Percent(f64::from(percentage)).of(n, Rounding::Up);
        let lowest = of(self.settings.min_healthy_percentage);
        let highest = of(self.settings.max_healthy_percentage);
        if lowest >= n && highest <= n { (n.max(1) - 1, n, true) } else { (lowest, highest, false) }
    }

    /// Instances that the refresh leaves alone.
    fn ignored(&self) -> u32 {
        match self.settings.scale_in_protected_instances {
            Protected::Ignore => self.settings.protected_instances.min(self.instances),
            Protected::Refresh | Protected::Wait => 0,
        }
    }

    fn is_spared(&self, i: &InstanceView) -> bool {
        i.id < self.settings.protected_instances
            && self.settings.scale_in_protected_instances != Protected::Refresh
    }

    fn percentages(&self, target: VersionId) -> &[u32] {
        if target == VersionId::OLD { &[] } else { &self.settings.checkpoint_percentages }
    }

    fn counts(&self, i: &InstanceView, now: Time) -> bool {
        let is_warm = now >= i.created + self.settings.instance_warmup;
        i.phase == Phase::Available || (i.phase == Phase::Ready && is_warm)
    }

    fn limits(&self, state: &State) -> Limits {
        let (lowest, highest, gone_first) = self.window();
        let limit = state.checkpoints.limit(self.percentages(state.target), self.instances);
        // Whoever was left alone is what is wanted on the way back.
        let ignored = if state.target == VersionId::NEW { self.ignored() } else { 0 };
        Limits {
            desired: self.instances,
            lowest,
            highest,
            goal: limit.min(self.instances - ignored),
            target: state.target,
            other: state.target,
            sets: true,
            gone_first,
        }
    }

    /// Marks who counts now, asks for a look when the next will, replaces who is unhealthy.
    fn care(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        for i in view.instances {
            match i.phase {
                Phase::Ready if self.counts(i, now) => {
                    decision.actions.push(Action::MarkAvailable { instance: i.id });
                }
                Phase::Ready => decision.wake(i.created + self.settings.instance_warmup),
                Phase::Failed => state.replace_unhealthy(i, decision),
                Phase::Pending | Phase::Starting => {
                    let until = i.created + self.settings.health_check_grace_period;
                    if now >= until {
                        state.replace_unhealthy(i, decision);
                    } else {
                        decision.wake(until);
                    }
                }
                Phase::Available | Phase::Draining | Phase::Stopped | Phase::Lost => {}
            }
        }
    }

    /// Everything that a refresh in progress does in one look.
    fn refresh(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        let counts = |i: &InstanceView| self.counts(i, now);
        let tally = Tally::of(&state.ledger, view, state.target, &counts);
        if tally.done > state.progress.0 {
            state.progress = (tally.done, now);
        }
        if self.alarm_rings(state, now, view, decision) {
            return self.fail(state, now, decision);
        }
        let percentages = self.percentages(state.target);
        let delay = self.settings.checkpoint_delay;
        let wait = state.checkpoints.pass(percentages, self.instances, tally.done, delay, now);
        if let Some(until) = wait {
            state.progress.1 = until;
            decision.wake(until);
        }
        let limits = self.limits(state);
        let is_last = wait.is_none();
        match state.course {
            Course::Replacing if is_last && tally.is_done(&limits) => {
                state.course = Course::Baking(now);
            }
            Course::Baking(_) if !tally.is_done(&limits) => {
                // Somebody failed meanwhile: the bake begins again.
                state.course = Course::Replacing;
                state.progress.1 = now;
            }
            _ => {}
        }
        if let Course::Baking(since) = state.course {
            let forward = state.target == VersionId::NEW;
            let bake = if forward { self.settings.bake_time } else { Span::ZERO };
            if now >= since + bake {
                state.course = Course::Done;
            } else {
                decision.wake(since + bake);
            }
            return;
        }
        let deadline = (state.progress.1 + PATIENCE).min(state.begun + TOTAL);
        if now >= deadline {
            return self.fail(state, now, decision);
        }
        decision.wake(deadline);
        let spared = |i: &InstanceView| self.is_spared(i);
        limits.replace(&mut state.ledger, view, &counts, &spared, decision);
    }

    fn alarm_rings(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) -> bool {
        let Some(alarm) = self.settings.alarm.filter(|_| state.target == VersionId::NEW) else {
            return false;
        };
        let answers =
            view.instances.iter().any(|i| i.version == VersionId::NEW && i.phase.is_ready());
        let good = !answers || view.errors[1] <= alarm.errors.0;
        state.alarm.note(good, now);
        let due = state.alarm.due(false, alarm.delay);
        if now >= due {
            return true;
        }
        // Metrics change without an instance changing.
        if now >= state.alarm_look {
            state.alarm_look = now + ALARM_LOOK;
        }
        decision.wake(due.min(state.alarm_look));
        false
    }

    fn fail(&self, state: &mut State, now: Time, decision: &mut Decision) {
        state.teller.detect(decision);
        if self.settings.auto_rollback && state.target == VersionId::NEW {
            decision.moments.push(Moment::RollbackDecided);
            state.begin(VersionId::OLD, now);
        } else {
            state.course = Course::GivenUp;
        }
    }

    /// The group's own work outside of a refresh: as many as desired.
    fn keep(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        let succeeded = matches!(state.course, Course::Done) && state.target == VersionId::NEW;
        let version = if succeeded { VersionId::NEW } else { VersionId::OLD };
        let tally = Tally::of(&state.ledger, view, version, &|i| self.counts(i, now));
        for _ in tally.total..self.instances {
            state.ledger.start(version, decision);
        }
    }
}

impl State {
    fn begin(&mut self, target: VersionId, now: Time) {
        self.target = target;
        self.course = Course::Replacing;
        self.checkpoints = Checkpoints::START;
        self.progress = (0, now);
        self.begun = now;
        self.alarm = Flips::from(now);
        self.alarm_look = now;
    }

    fn replace_unhealthy(&mut self, i: &InstanceView, decision: &mut Decision) {
        if !self.ledger.stays(i) {
            return;
        }
        self.ledger.stop(i.id, decision);
        if i.version == VersionId::NEW {
            decision.moments.push(Moment::InstanceFailed(i.id));
            self.teller.detect(decision);
        }
    }

    fn report(&mut self, decision: &mut Decision) {
        let forward = self.target == VersionId::NEW;
        let said = match (self.course, forward) {
            (Course::Idle, _) => return,
            (Course::Replacing | Course::Baking(_), true) => Said::Progressing,
            (Course::Replacing | Course::Baking(_), false) => Said::RollingBack,
            (Course::Done, true) => Said::Completed,
            (Course::Done, false) => Said::RolledBack,
            (Course::GivenUp, true) => Said::Failed,
            (Course::GivenUp, false) => Said::RollbackPaused,
        };
        self.teller.say(said, decision);
    }
}

impl Rules for Asg {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["instance-refresh"];

    fn initial(&self) -> State {
        State {
            target: VersionId::OLD,
            course: Course::Idle,
            ledger: Ledger::new(self.instances),
            checkpoints: Checkpoints::START,
            progress: (0, Time::ZERO),
            begun: Time::ZERO,
            alarm: Flips::from(Time::ZERO),
            alarm_look: Time::ZERO,
            teller: Teller::new(),
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        match command {
            Command::Begin => state.begin(VersionId::NEW, now),
            Command::Rollback => state.begin(VersionId::OLD, now),
            Command::Operate(Operation::Undo | Operation::Abort) => {
                state.teller.undo(state.target, VersionId::OLD);
                state.begin(VersionId::OLD, now);
            }
            Command::Operate(
                Operation::Pause
                | Operation::Resume
                | Operation::Promote
                | Operation::Scale(_)
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
        state.ledger.observe(view);
        state.teller.tell_undone(decision);
        self.care(state, now, view, decision);
        let target = state.target;
        if state.course.is_running() {
            self.refresh(state, now, view, decision);
        }
        if state.target != target {
            // It failed, and the way back begins at once.
            self.refresh(state, now, view, decision);
        }
        if matches!(state.course, Course::Done | Course::GivenUp) {
            self.keep(state, now, view, decision);
        }
        state.report(decision);
    }

    fn budget(&self) -> Budget {
        let (lowest, highest, _) = self.window();
        let instances = self.instances;
        let percentages = self.percentages(VersionId::NEW);
        let goal = last(percentages, instances).min(instances - self.ignored());
        let step = longest_step(percentages, instances).min(goal);
        let spared = match self.settings.scale_in_protected_instances {
            Protected::Refresh => 0,
            Protected::Ignore | Protected::Wait => self.settings.protected_instances,
        };
        let out = (instances - lowest).min(step).min(instances.saturating_sub(spared));
        let width = (highest - lowest).max(1);
        Budget {
            instances,
            out,
            above: (width.min(step) - out).min(highest - instances),
            rounds: goal.div_ceil(width),
            wait: Span::ZERO,
            out_key: "strategy.asg.min_healthy_percentage",
            above_key: "strategy.asg.max_healthy_percentage",
        }
    }
}
