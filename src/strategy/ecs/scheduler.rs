//! Which tasks to start and to stop.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::{Ecs, State};
use crate::strategy::{Decision, InstanceView, View};
use crate::trace::Phase;
use crate::units::Time;

impl Ecs {
    /// Healthy tasks that must be left: rounded up.
    pub(super) fn low(&self, desired: u32) -> u32 {
        let percent = u64::from(self.settings.minimum_healthy_percent);
        (percent * u64::from(desired)).div_ceil(100) as u32
    }

    /// Tasks that may be there by the settings: rounded down.
    pub(super) fn high(&self, desired: u32) -> u32 {
        (u64::from(self.settings.maximum_percent) * u64::from(desired) / 100) as u32
    }

    /// Tasks that may be there by the settings and the cluster's room.
    pub(super) fn most(&self, desired: u32) -> u32 {
        self.high(desired).min(self.settings.room.unwrap_or(u32::MAX))
    }

    /// Starts and stops what the bounds allow.
    pub(super) fn schedule_tasks(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        let is_healthy = |i: &InstanceView| self.healthy_at(i) <= now;
        let mut there = state.ledger.starts().len() as u32;
        let new_starts =
            state.ledger.starts().iter().filter(|(version, _)| *version == state.target);
        let (mut new, mut healthy) = (new_starts.count() as u32, 0);
        let mut kept: Vec<&InstanceView> = Vec::new();
        for i in view.instances.iter().filter(|i| i.phase != Phase::Failed) {
            there += 1;
            if state.ledger.stays(i) {
                kept.push(i);
                new += u32::from(i.version == state.target);
                healthy += u32::from(is_healthy(i));
            }
        }
        let (low, most) = (self.low(state.desired), self.most(state.desired));
        let mut startable = state.desired.saturating_sub(new).min(most.saturating_sub(there));
        if startable > 0 && state.throttle.until() > now {
            decision.wake(state.throttle.until());
            startable = 0;
        }
        for _ in 0..startable {
            state.ledger.start(state.target, decision);
        }
        // More new tasks than wanted go too (somebody scaled in).
        let mut surplus = new.saturating_sub(state.desired);
        let mut crowds: BTreeMap<u32, u32> = BTreeMap::new();
        for i in &kept {
            *crowds.entry(i.host).or_default() += 1;
        }
        for well in [false, true] {
            for of_target in [false, true] {
                let which = |i: &&&InstanceView| {
                    is_healthy(i) == well && (i.version == state.target) == of_target
                };
                let free = if well { healthy.saturating_sub(low) } else { u32::MAX };
                let limit = if of_target { free.min(surplus) } else { free };
                let stopped = crowded_first(kept.iter().filter(which), &mut crowds, limit);
                surplus -= if of_target { stopped.len() as u32 } else { 0 };
                healthy -= if well { stopped.len() as u32 } else { 0 };
                for id in stopped {
                    state.ledger.stop(id, decision);
                }
            }
        }
    }
}

/// The first `limit` of these tasks, each from the host that then has most tasks of the service;
/// from one host the oldest.
fn crowded_first<'a>(
    tasks: impl Iterator<Item = &'a &'a InstanceView>,
    crowds: &mut BTreeMap<u32, u32>,
    limit: u32,
) -> Vec<u32> {
    let mut by_host: BTreeMap<u32, VecDeque<u32>> = BTreeMap::new();
    for i in tasks {
        by_host.entry(i.host).or_default().push_back(i.id);
    }
    let mut hosts: BinaryHeap<(u32, Reverse<u32>, u32)> = by_host
        .iter()
        .map(|(host, tasks)| (crowds.get(host).copied().unwrap_or(0), Reverse(tasks[0]), *host))
        .collect();
    let mut chosen = Vec::new();
    while chosen.len() < limit as usize
        && let Some((crowd, Reverse(id), host)) = hosts.pop()
    {
        chosen.push(id);
        crowds.insert(host, crowd - 1);
        let tasks = by_host.entry(host).or_default();
        tasks.pop_front();
        if let Some(next) = tasks.front() {
            hosts.push((crowd - 1, Reverse(*next), host));
        }
    }
    chosen
}
