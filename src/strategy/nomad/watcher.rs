//! The deployment watcher: reports of health, promotion, deadlines, failure.

use super::allocs::Health;
use super::{Deployment, EVALUATION_BATCH, Nomad, State, Status};
use crate::scenario::settings::HealthCheck;
use crate::strategy::{Decision, View};
use crate::trace::VersionId;
use crate::units::{Span, Time};

impl Nomad {
    /// Takes in what clients report, promotes, and fails what is late.
    pub(super) fn watch(&self, state: &mut State, now: Time, decision: &mut Decision) {
        if state.reported_at <= now {
            state.reported_at = Time::NEVER;
            if self.take_reports(state, now) {
                state.teller.detect(decision);
                self.fail(state);
            }
        }
        let Some(deployment) = state.deployment.clone().filter(|d| d.status == Status::Running)
        else {
            return;
        };
        let wanted = self.settings.auto_promote || state.promotion;
        let ready = deployment.is_canarying() && state.canaries_are_healthy(&deployment);
        if ready && wanted {
            self.promote(state, now);
        } else if !ready && deployment.progress_by <= now {
            let healthy = state.healthy(&deployment);
            if healthy < state.desired || deployment.is_canarying() {
                state.teller.detect(decision);
                self.fail(state);
            }
        }
    }

    /// The servers learn what clients found out; says whether the deployment fails early
    /// (`shouldFailEarly`).
    fn take_reports(&self, state: &mut State, now: Time) -> bool {
        let active = state.deployment.as_ref().filter(|d| d.is_active()).map(|d| d.number);
        let (mut fails, mut progress) = (false, Time::ZERO);
        for alloc in state.allocs.iter_mut().filter(|a| a.health.is_some() && !a.reported) {
            alloc.reported = true;
            state.evaluated_at = state.evaluated_at.min(now + EVALUATION_BATCH);
            if Some(alloc.deployment) != active {
                continue;
            }
            match alloc.health {
                Some(Health::Healthy(at)) => progress = progress.max(at),
                Some(Health::Unhealthy) => {
                    let policy = &self.settings.reschedule;
                    let earlier = &alloc.rescheduled;
                    let eligible = super::allocs::reschedule_at(policy, now, earlier).is_some();
                    fails |= !eligible || self.settings.progress_deadline == Span::ZERO;
                }
                None => {}
            }
        }
        if let Some(deployment) = state.deployment.as_mut()
            && progress > Time::ZERO
            && deployment.progress_by != Time::NEVER
        {
            let moved = progress + self.settings.progress_deadline;
            deployment.progress_by = deployment.progress_by.max(moved);
        }
        fails
    }

    /// `nomad deployment fail`, or what amounts to it.
    pub(super) fn fail(&self, state: &mut State) {
        let Some(deployment) = state.deployment.as_mut().filter(|d| d.is_active()) else { return };
        deployment.status = Status::Failed;
        state.evaluated_at = Time::ZERO;
        if self.settings.auto_revert {
            state.submit(state.stable);
        }
    }

    /// `nomad deployment promote`; by hand it also says what is healthy, if nobody else does.
    pub(super) fn promote_by_hand(&self, state: &mut State, now: Time) {
        if self.settings.health_check == HealthCheck::Manual {
            state.vouched = true;
            state.promotion = true;
            return;
        }
        let running = state.deployment.as_ref().filter(|d| d.status == Status::Running);
        if running.is_some_and(|d| d.is_canarying() && state.canaries_are_healthy(d)) {
            self.promote(state, now);
        }
    }

    fn promote(&self, state: &mut State, now: Time) {
        state.promotion = false;
        let Some(deployment) = state.deployment.as_mut() else { return };
        deployment.promoted = true;
        if deployment.progress_by != Time::NEVER {
            deployment.progress_by = now + self.settings.progress_deadline;
        }
        for alloc in state.allocs.iter_mut().filter(|a| a.deployment == deployment.number) {
            alloc.canary = false;
        }
        state.evaluated_at = now;
    }

    /// Asks for a look when something is due.
    pub(super) fn wake(&self, state: &State, now: Time, decision: &mut Decision) {
        let running = state.deployment.as_ref().filter(|d| d.status == Status::Running);
        let deadline = running.map_or(Time::NEVER, |d| d.progress_by);
        let next = state.schedule.next(&self.settings.operations).unwrap_or(Time::NEVER);
        for at in [state.reported_at, state.evaluated_at, deadline, next] {
            if now < at && at < Time::NEVER {
                decision.wake(at);
            }
        }
    }
}

impl State {
    /// Allocations of the deployment that are known to be healthy.
    pub(super) fn healthy(&self, deployment: &Deployment) -> u32 {
        let well = |known| matches!(known, Some(Health::Healthy(_)));
        self.of(deployment.number).filter(|alloc| well(alloc.known())).count() as u32
    }

    /// Notes that a version without a deployment runs everywhere.
    pub(super) fn settle(&mut self, view: &View<'_>) {
        if self.settled || self.deployment.is_some() {
            return;
        }
        let ready = |version: VersionId| {
            let all = view.instances.iter();
            all.filter(move |i| i.version == version && i.phase.is_ready()).count()
        };
        self.settled = self.allocs.len() == self.desired as usize
            && self.allocs.iter().all(|alloc| alloc.is_placed() && alloc.version == self.target)
            && ready(self.target) == self.allocs.len();
    }
}
