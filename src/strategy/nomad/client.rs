//! What clients do by themselves: they start what is no longer blocked and judge its health.

use super::allocs::{Alloc, Health, Stage};
use super::{Nomad, State, UPDATE_BATCH};
use crate::scenario::settings::HealthCheck;
use crate::strategy::{Action, Decision, InstanceView, View};
use crate::trace::{Moment, Phase};
use crate::units::Time;

impl Nomad {
    /// Brings allocations up to what can be seen.
    pub(super) fn look_at_clients(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        let mut allocs = std::mem::take(&mut state.allocs);
        arrivals(state, &mut allocs, view, decision);
        let before = allocs.len();
        allocs.retain(|alloc| match alloc.stage {
            Stage::Placed(id) => view.find(id).is_some_and(|i| state.ledger.stays(i)),
            Stage::Asked => {
                let asked = (alloc.version, alloc.slot);
                state.ledger.starts().contains(&asked)
            }
            Stage::Blocked(_) | Stage::Unblocked(_) => true,
        });
        if allocs.len() < before {
            // A host was lost.
            state.evaluated_at = now;
        }
        for alloc in &mut allocs {
            if let Stage::Blocked(id) = alloc.stage
                && view.find(id).is_none()
            {
                alloc.stage = Stage::Unblocked(now + UPDATE_BATCH);
            }
            match alloc.stage {
                Stage::Unblocked(at) if at <= now => {
                    state.ledger.start_in(alloc.slot, alloc.version, decision);
                    alloc.stage = Stage::Asked;
                }
                Stage::Unblocked(at) => decision.wake(at),
                Stage::Placed(id) => {
                    if let Some(i) = view.find(id) {
                        self.judge(state, alloc, i, now, decision);
                    }
                }
                Stage::Blocked(_) | Stage::Asked => {}
            }
        }
        state.allocs = allocs;
        state.vouched = false;
    }

    fn judge(
        &self,
        state: &mut State,
        alloc: &mut Alloc,
        i: &InstanceView,
        now: Time,
        decision: &mut Decision,
    ) {
        if i.phase == Phase::Failed && !alloc.has_failed() {
            alloc.failed_at = now;
            state.evaluated_at = state.evaluated_at.min(now + UPDATE_BATCH);
            decision.moments.push(Moment::InstanceFailed(i.id));
            state.teller.detect(decision);
        } else if i.phase != Phase::Failed && alloc.has_failed() {
            // Somebody started it again.
            alloc.failed_at = Time::NEVER;
        }
        if alloc.health.is_none() && alloc.deployment > 0 {
            alloc.health = self.verdict(state.vouched, alloc, i, now, decision);
            if alloc.health == Some(Health::Unhealthy) && !alloc.has_failed() {
                decision.moments.push(Moment::InstanceFailed(i.id));
                state.teller.detect(decision);
            }
        }
        if alloc.health.is_some() && !alloc.reported && state.reported_at == Time::NEVER {
            state.reported_at = now + UPDATE_BATCH;
        }
        // Without a deployment nobody judges; what was judged unhealthy may still serve.
        let judged = alloc.deployment == 0 || alloc.health.is_some();
        if i.phase == Phase::Ready && judged {
            decision.actions.push(Action::MarkAvailable { instance: i.id });
        }
    }

    /// `tracker.go`: healthy after `min_healthy_time` without a break, unhealthy when it failed
    /// or at the deadline. `vouched`: somebody just said that what is ready is healthy.
    fn verdict(
        &self,
        vouched: bool,
        alloc: &Alloc,
        i: &InstanceView,
        now: Time,
        decision: &mut Decision,
    ) -> Option<Health> {
        if i.phase == Phase::Failed {
            return Some(Health::Unhealthy);
        }
        if self.settings.health_check == HealthCheck::Manual {
            return (vouched && i.phase.is_ready()).then_some(Health::Healthy(now));
        }
        let well = if i.phase.is_ready() {
            i.ready_since.max(alloc.since) + self.settings.min_healthy_time
        } else {
            Time::NEVER
        };
        let deadline = i.created.max(alloc.since) + self.settings.healthy_deadline;
        if well <= now.min(deadline) {
            return Some(Health::Healthy(well));
        }
        if deadline <= now {
            return Some(Health::Unhealthy);
        }
        decision.wake(well.min(deadline));
        None
    }
}

/// Gives instances that answer a start to their allocations, and stops those that answer none:
/// somebody changed the job meanwhile.
fn arrivals(state: &mut State, allocs: &mut [Alloc], view: &View<'_>, decision: &mut Decision) {
    let mut placed: Vec<u32> = allocs
        .iter()
        .filter_map(|alloc| if let Stage::Placed(id) = alloc.stage { Some(id) } else { None })
        .collect();
    placed.sort_unstable();
    let fresh = |i: &&InstanceView| state.ledger.stays(i) && placed.binary_search(&i.id).is_err();
    let fresh: Vec<InstanceView> = view.instances.iter().filter(fresh).copied().collect();
    for i in fresh {
        let asked = allocs.iter_mut().find(|alloc| {
            alloc.stage == Stage::Asked && (alloc.slot, alloc.version) == (i.slot, i.version)
        });
        match asked {
            Some(alloc) => alloc.stage = Stage::Placed(i.id),
            None => state.ledger.stop(i.id, decision),
        }
    }
}
