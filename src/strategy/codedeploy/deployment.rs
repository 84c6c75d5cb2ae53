//! One deployment: which host next, how each one fares, how it ends.

use serde::{Deserialize, Serialize};

use super::{AlarmWatch, CodeDeploy, State};
use crate::strategy::{Decision, Draws, InstanceView, View};
use crate::trace::{Moment, Phase, VersionId};
use crate::units::Time;

/// Purpose of the draws that order hosts; the number of the deployment is added.
const ORDER: u32 = 0xC0DE_0000;

/// How the last deployment to a host ended, or where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Host {
    /// It succeeded, with this revision.
    Succeeded(VersionId),
    Failed,
    Work(Step),
}

/// Where a host in work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// This instance was told to stop.
    Emptying(u32),
    /// The start of a new one was asked for.
    Awaiting,
}

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Verdict {
    Succeeded,
    Failed,
    /// Somebody stopped it.
    Stopped,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Deployment {
    pub(super) version: VersionId,
    /// The revision of the deployment before.
    pub(super) replaces: VersionId,
    /// Hosts still to be taken, the last one first; `None` until the first look.
    pending: Option<Vec<u32>>,
    /// The zone in work.
    zone: u32,
    /// The next zone begins then.
    resumes: Option<Time>,
    /// Hosts that succeeded.
    succeeded: u32,
    pub(super) alarm: AlarmWatch,
    /// No host is taken any more; whether a rollback follows when those in work are finished.
    pub(super) stopping: Option<bool>,
    pub(super) verdict: Option<Verdict>,
}

impl Deployment {
    pub(super) fn new(version: VersionId, replaces: VersionId) -> Self {
        Self {
            version,
            replaces,
            pending: None,
            zone: 0,
            resumes: None,
            succeeded: 0,
            alarm: AlarmWatch::default(),
            stopping: None,
            verdict: None,
        }
    }
}

impl State {
    /// The deployment to this host failed; it is left as it is.
    fn fail(&mut self, slot: usize, id: Option<u32>, decision: &mut Decision) {
        self.hosts[slot] = Host::Failed;
        decision.moments.extend(id.map(Moment::InstanceFailed));
        self.teller.detect(decision);
    }

    /// The host that comes next.
    fn next(&self) -> Option<u32> {
        self.deployment.pending.as_ref()?.last().copied()
    }

    /// Begins with a host: its process is stopped, or there is none.
    fn clear(
        &mut self,
        slot: u32,
        occupant: Option<&InstanceView>,
        decision: &mut Decision,
    ) -> Step {
        if let Some(i) = occupant {
            if self.ledger.stays(i) {
                self.ledger.stop(i.id, decision);
            }
            return Step::Emptying(i.id);
        }
        if !self.ledger.starts().iter().any(|(_, asked)| *asked == slot) {
            self.ledger.start_in(slot, self.deployment.version, decision);
        }
        Step::Awaiting
    }
}

/// Hosts by how they are.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    healthy: u32,
    work: u32,
}

impl CodeDeploy {
    /// Moves hosts along and takes new ones. Says whether another deployment has begun.
    pub(super) fn deploy_to_hosts(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) -> bool {
        let mut occupants: Vec<Option<u32>> = vec![None; state.hosts.len()];
        for i in view.instances {
            if let Some(occupant) = occupants.get_mut(i.slot as usize) {
                *occupant = Some(i.id);
            }
        }
        for (slot, occupant) in occupants.iter().enumerate() {
            self.advance(slot, *occupant, state, now, view, decision);
        }
        if state.deployment.verdict.is_some() {
            return false;
        }
        self.order(state, draws);
        self.take(state, &occupants, now, view, decision);
        self.conclude(state, now, decision)
    }

    /// One host.
    fn advance(
        &self,
        slot: usize,
        occupant: Option<u32>,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        let version = state.deployment.version;
        let number = slot as u32;
        if let Host::Succeeded(_) = state.hosts[slot]
            && occupant.is_none()
        {
            // The host itself is gone.
            state.hosts[slot] = Host::Failed;
        }
        if let Host::Work(Step::Emptying(id)) = state.hosts[slot]
            && view.find(id).is_none()
        {
            state.ledger.start_in(number, version, decision);
            state.hosts[slot] = Host::Work(Step::Awaiting);
        }
        if state.hosts[slot] != Host::Work(Step::Awaiting)
            || state.ledger.starts().iter().any(|(_, slot)| *slot == number)
        {
            return;
        }
        let Some(i) = occupant.and_then(|id| view.find(id)).filter(|i| state.ledger.stays(i))
        else {
            return state.fail(slot, occupant, decision);
        };
        let deadline = i.created + self.settings.allow_traffic_timeout;
        if i.version != version {
            // Another deployment had asked for it.
            state.ledger.stop(i.id, decision);
            state.hosts[slot] = Host::Work(Step::Emptying(i.id));
        } else if i.phase.is_ready() {
            state.hosts[slot] = Host::Succeeded(version);
            state.deployment.succeeded += 1;
        } else if i.phase == Phase::Failed || now >= deadline {
            state.fail(slot, occupant, decision);
        } else {
            decision.wake(deadline);
        }
    }

    /// Puts the hosts in order, once.
    fn order(&self, state: &mut State, draws: Draws) {
        let (number, version) = (state.deployments, state.deployment.version);
        let hosts = &state.hosts;
        state.deployment.pending.get_or_insert_with(|| {
            let mut slots: Vec<u32> = (0..self.instances).collect();
            slots.sort_by_key(|slot| {
                let class = match hosts[*slot as usize] {
                    Host::Failed | Host::Work(_) => 0,
                    Host::Succeeded(revision) if revision != version => 1,
                    Host::Succeeded(_) => 2,
                };
                (self.zone_of(*slot), class, draws.bits(ORDER.wrapping_add(number), *slot), *slot)
            });
            slots.reverse();
            slots
        });
    }

    /// Takes hosts while the minimum allows.
    fn take(
        &self,
        state: &mut State,
        occupants: &[Option<u32>],
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        if state.deployment.stopping.is_some() {
            return;
        }
        let mut counts = None;
        while let Some(slot) = state.next() {
            let zone = self.zone_of(slot);
            if zone != state.deployment.zone || state.deployment.resumes.is_none() {
                if !self.enter(zone, state, now, decision) {
                    return;
                }
                continue;
            }
            if state.deployment.resumes > Some(now) {
                decision.wake(state.deployment.resumes.unwrap_or(now));
                return;
            }
            let (all, here) = counts
                .get_or_insert_with(|| (self.count(state, None), self.count(state, Some(zone))));
            let healthy = matches!(state.hosts[slot as usize], Host::Succeeded(_));
            let allowed = if healthy {
                all.healthy > self.minimum() && here.healthy > self.minimum_in(zone)
            } else {
                all.work < self.instances.saturating_sub(self.minimum())
                    && here.work < self.hosts_in(zone).saturating_sub(self.minimum_in(zone))
            };
            if !allowed {
                return;
            }
            for count in [all, here] {
                count.healthy -= u32::from(healthy);
                count.work += 1;
            }
            state.deployment.pending.as_mut().and_then(Vec::pop);
            let occupant = occupants[slot as usize].and_then(|id| view.find(id));
            state.hosts[slot as usize] = Host::Work(state.clear(slot, occupant, decision));
        }
    }

    /// Goes on to a zone, when the one before is finished. Says whether that is so.
    fn enter(&self, zone: u32, state: &mut State, now: Time, decision: &mut Decision) -> bool {
        let first = state.deployment.resumes.is_none();
        let before = state.deployment.zone;
        let left = self.count(state, Some(before));
        if !first && (left.work > 0 || left.healthy < self.minimum_in(before)) {
            return false;
        }
        let wait = match self.settings.zonal {
            Some(_) if first => None,
            Some(zonal) if before == 0 => Some(zonal.first_zone_monitor_duration),
            Some(zonal) => Some(zonal.monitor_duration),
            None => None,
        };
        if self.settings.zonal.is_some() {
            decision.moments.push(Moment::Batch(zone + 1));
        }
        state.deployment.zone = zone;
        state.deployment.resumes = Some(wait.map_or(now, |wait| now + wait));
        true
    }

    fn count(&self, state: &State, zone: Option<u32>) -> Count {
        let mut count = Count::default();
        for (slot, host) in (0u32..).zip(&state.hosts) {
            if zone.is_none_or(|zone| self.zone_of(slot) == zone) {
                count.healthy += u32::from(matches!(host, Host::Succeeded(_)));
                count.work += u32::from(matches!(host, Host::Work(_)));
            }
        }
        count
    }

    /// The verdict, when no host is in work and none can be taken. Says whether a rollback
    /// begins.
    fn conclude(&self, state: &mut State, now: Time, decision: &mut Decision) -> bool {
        let count = self.count(state, None);
        let monitoring = state.deployment.resumes.is_some_and(|resumes| resumes > now);
        let stopping = state.deployment.stopping;
        let left = state.next().is_some();
        if count.work > 0 || (stopping.is_none() && left && monitoring) {
            return false;
        }
        let well = count.healthy >= self.minimum()
            && (0..self.zones())
                .all(|zone| self.count(state, Some(zone)).healthy >= self.minimum_in(zone))
            && state.deployment.succeeded > 0;
        if stopping.is_none() && !left && well {
            state.deployment.verdict = Some(Verdict::Succeeded);
            state.good = state.deployment.version;
            return false;
        }
        state.teller.detect(decision);
        state.deployment.verdict = Some(Verdict::Failed);
        let rollback = stopping.unwrap_or(self.settings.auto_rollback_on_failure);
        let back = rollback && state.good != state.deployment.version;
        if back {
            state.go_back(state.good);
        }
        back
    }
}
