//! What both strategies of an Argo Rollout have in common: the Rollout's object and its status.

use serde::{Deserialize, Serialize};

use super::kubernetes::{Counts, SetController, Sets};
use super::{Action, Controller, Decision, View};
use crate::scenario::settings::Operation;
use crate::trace::{Moment, Said, VersionId};
use crate::units::{Span, Time};

/// The controller of Rollouts; gets commands.
pub(super) const ROLLOUT: Controller = 0;
/// The controller of `ReplicaSet`s; watches pods.
pub(super) const REPLICASET: Controller = 1;
/// Their names.
pub(super) const CONTROLLERS: &[&str] = &["rollout", "replicaset"];
/// All of the traffic, in an [`Action::Route`].
pub(super) const ALL: u32 = 1_000_000;

/// The Rollout: spec, status, sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rollout {
    pub(super) sets: Sets,
    /// `spec.template`: the version of the new set.
    pub(super) target: VersionId,
    /// `status.stableRS`.
    pub(super) stable: VersionId,
    /// `spec.replicas`.
    pub(super) desired: u32,
    /// `spec.paused`.
    pub(super) paused: bool,
    /// `status.abort`.
    pub(super) aborted: bool,
    /// An analysis was inconclusive; somebody must promote.
    pub(super) inconclusive: bool,
    /// The present target was reached, or given up, once.
    pub(super) finished: bool,
    /// When sets are to be scaled down (annotation `scale-down-deadline`).
    deadlines: Vec<(VersionId, Time)>,
    /// When the rollout began.
    begun: Option<Time>,
    operations_done: usize,
    /// The number of instances that was last announced.
    announced: u32,
    /// The share that was last sent to the data plane.
    routed: Option<u32>,
    progress: Progress,
    said: Said,
    /// Marks that no decision has told yet.
    untold: Vec<Moment>,
}

/// What the progress deadline looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// Updated, others, ready, available; and what else counts as a step forward.
    seen: (u32, u32, u32, u32, u32),
    at: Time,
    /// Pauses and analyses do not count.
    suspended: bool,
    timed_out: bool,
}

impl Rollout {
    /// Before the rollout.
    pub(super) fn new(controller: &SetController, instances: u32) -> Self {
        Self {
            sets: controller.initial(instances),
            target: VersionId::OLD,
            stable: VersionId::OLD,
            desired: instances,
            paused: false,
            aborted: false,
            inconclusive: false,
            finished: true,
            deadlines: Vec::new(),
            begun: None,
            operations_done: 0,
            announced: instances,
            routed: None,
            progress: Progress {
                seen: (0, 0, 0, 0, 0),
                at: Time::ZERO,
                suspended: true,
                timed_out: false,
            },
            said: Said::Completed,
            untold: Vec::new(),
        }
    }

    /// The rollout begins.
    pub(super) fn begin(&mut self, now: Time) {
        self.begun.get_or_insert(now);
    }

    /// Whether it has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// Writes the template; says whether it is another one. A new template ends an abort.
    pub(super) fn set_target(&mut self, target: VersionId) -> bool {
        if target == self.target {
            return false;
        }
        self.target = target;
        self.aborted = false;
        self.inconclusive = false;
        self.finished = false;
        self.progress.suspended = true;
        self.progress.timed_out = false;
        true
    }

    /// The template that an operation writes; `None` if it writes none.
    pub(super) fn template(&self, operation: Operation) -> Option<VersionId> {
        match operation {
            Operation::Undo => Some(VersionId::OLD),
            Operation::Set(version) => Some(VersionId(version)),
            Operation::Rollover => {
                let newest = self.sets.versions().max().unwrap_or(VersionId::NEW);
                Some(VersionId(newest.max(VersionId::NEW).max(self.target).0.saturating_add(1)))
            }
            Operation::Scale(_)
            | Operation::Pause
            | Operation::Resume
            | Operation::Partition(_)
            | Operation::Promote
            | Operation::Abort => None,
        }
    }

    /// Notes that somebody undid the rollout.
    pub(super) fn tell(&mut self, moment: Moment) {
        self.untold.push(moment);
    }

    /// Gives up: the traffic goes back to the stable set. Says whether that is news.
    pub(super) fn abort(&mut self, detected: bool) -> bool {
        if self.aborted || self.target == self.stable {
            return false;
        }
        self.aborted = true;
        self.inconclusive = false;
        self.finished = false;
        if detected {
            self.untold.push(Moment::Detected);
        }
        self.untold.push(Moment::RollbackDecided);
        true
    }

    /// The next operation that is due, if one is.
    pub(super) fn take_due(
        &mut self,
        operations: &[(Span, Operation)],
        now: Time,
    ) -> Option<Operation> {
        let (after, operation) = operations.get(self.operations_done)?;
        if self.begun? + *after > now {
            return None;
        }
        self.operations_done += 1;
        Some(*operation)
    }

    /// When something is due that an end which was said is not the last word on: an operation,
    /// or an old set to be scaled down.
    pub(super) fn next_due(&self, operations: &[(Span, Operation)]) -> Option<Time> {
        let begun = self.begun?;
        let operation = operations.get(self.operations_done).map(|(after, _)| begun + *after);
        let sets = self.deadlines.iter().filter(|(v, _)| self.sets.counts(*v).size > 0);
        sets.map(|(_, at)| *at).chain(operation).min()
    }

    /// Whether somebody will promote or resume.
    fn expects_promotion(&self, operations: &[(Span, Operation)]) -> bool {
        let ahead = &operations[self.operations_done.min(operations.len())..];
        ahead.iter().any(|(_, op)| matches!(op, Operation::Promote | Operation::Resume))
    }

    /// Whether it is on the way back: to the old version, or from one that was given up.
    fn goes_back(&self) -> bool {
        if self.aborted { self.stable < self.target } else { self.target == VersionId::OLD }
    }

    /// Of the set of the template.
    pub(super) fn new_set(&self) -> Counts {
        self.sets.counts(self.target)
    }

    /// Of the stable set.
    pub(super) fn stable_set(&self) -> Counts {
        self.sets.counts(self.stable)
    }

    /// Sets that are neither the new nor the stable one and have a size, newest first.
    pub(super) fn other_sets(&self) -> Vec<VersionId> {
        let is_other = |v: &VersionId| *v != self.target && *v != self.stable;
        let mut others: Vec<_> = self.sets.versions().filter(is_other).collect();
        others.retain(|v| self.sets.counts(*v).size > 0);
        others.reverse();
        others
    }

    /// The set's scale-down deadline.
    pub(super) fn deadline(&self, version: VersionId) -> Option<Time> {
        self.deadlines.iter().find(|(v, _)| *v == version).map(|(_, at)| *at)
    }

    /// Sets it.
    pub(super) fn set_deadline(&mut self, version: VersionId, at: Time) {
        self.clear_deadline(version);
        self.deadlines.push((version, at));
    }

    /// Removes it.
    pub(super) fn clear_deadline(&mut self, version: VersionId) {
        self.deadlines.retain(|(v, _)| *v != version);
    }

    /// Scales a set down once it has stayed `delay`; says whether it was scaled.
    pub(super) fn scale_down_after(&mut self, version: VersionId, delay: Span, now: Time) -> bool {
        let at = self.deadline(version).unwrap_or(now + delay);
        if now < at {
            self.set_deadline(version, at);
            return false;
        }
        self.clear_deadline(version);
        self.sets.resize(version, 0)
    }

    /// The new set of an aborted rollout: it stays until the stable set is whole, and then for
    /// `delay` (zero: for ever). Says whether it was scaled.
    pub(super) fn scale_down_aborted(&mut self, delay: Span, now: Time) -> bool {
        let target = self.target;
        if delay == Span::ZERO || self.sets.counts(target).size == 0 {
            return false;
        }
        if self.deadline(target).is_none() && self.stable_set().available < self.desired {
            return false;
        }
        self.scale_down_after(target, delay, now)
    }

    /// Sends `share` (of [`ALL`]) of the requests to `version` and the rest to `rest`.
    pub(super) fn route(
        &mut self,
        version: VersionId,
        share: u32,
        rest: VersionId,
        decision: &mut Decision,
    ) {
        let of = |v: VersionId, share: u32| if v == VersionId::OLD { 0 } else { share };
        let new = of(version, share) + of(rest, ALL - share);
        if self.routed != Some(new) {
            self.routed = Some(new);
            decision.actions.push(Action::Route { new });
        }
    }

    /// Brings the condition `Progressing` up to date; says whether the deadline just passed.
    /// `step` is anything else whose change is progress.
    pub(super) fn note_progress(
        &mut self,
        step: u32,
        suspended: bool,
        deadline: Span,
        now: Time,
    ) -> bool {
        let (new, all) = (self.new_set(), self.sets.total());
        let seen = (new.replicas, all.replicas - new.replicas, all.ready, all.available, step);
        let before = std::mem::replace(&mut self.progress.seen, seen);
        let forward = seen.0 > before.0
            || seen.1 < before.1
            || seen.2 > before.2
            || seen.3 > before.3
            || seen.4 != before.4;
        if forward || suspended || self.progress.suspended {
            self.progress.at = now;
            self.progress.timed_out = false;
        }
        self.progress.suspended = suspended;
        let late = !suspended && deadline != Span::MAX && now > self.progress.at + deadline;
        late && !std::mem::replace(&mut self.progress.timed_out, true)
    }

    /// When the progress deadline passes.
    pub(super) fn progress_ends(&self, deadline: Span) -> Option<Time> {
        let runs = !self.progress.suspended && !self.progress.timed_out && deadline != Span::MAX;
        // The deadline must be exceeded.
        runs.then(|| self.progress.at + deadline + Span(1))
    }

    /// What is to be said. `waits`: nothing happens until somebody promotes.
    pub(super) fn verdict(&self, waits: bool, operations: &[(Span, Operation)]) -> Said {
        let waits = waits && !self.expects_promotion(operations);
        match (self.finished, waits, self.goes_back()) {
            (true, _, false) => Said::Completed,
            (true, _, true) => Said::RolledBack,
            (false, true, false) => Said::Paused,
            (false, true, true) => Said::RollbackPaused,
            (false, false, _) if self.progress.timed_out => Said::DeadlineExceeded,
            (false, false, false) => Said::Progressing,
            (false, false, true) => Said::RollingBack,
        }
    }

    /// Tells what changed.
    pub(super) fn report(&mut self, said: Said, decision: &mut Decision) {
        if self.announced != self.desired {
            self.announced = self.desired;
            decision.desired = Some(self.desired);
        }
        decision.moments.append(&mut self.untold);
        if self.said != said {
            self.said = said;
            decision.said = Some(said);
        }
    }
}

/// Asks for a look at those of the times that lie ahead.
pub(super) fn wake(
    times: impl IntoIterator<Item = Option<Time>>,
    now: Time,
    decision: &mut Decision,
) {
    for time in times.into_iter().flatten().filter(|t| *t > now && *t != Time::NEVER) {
        decision.wake(time);
    }
}

/// The share of errors in the answers of a version, as its metrics show it; `None` if nobody of
/// that version answers.
pub(super) fn errors(view: &View<'_>, version: VersionId) -> Option<f64> {
    let answers = view.instances.iter().any(|i| i.version == version && i.phase.is_ready());
    answers.then(|| view.errors[usize::from(version.0).min(1)])
}
