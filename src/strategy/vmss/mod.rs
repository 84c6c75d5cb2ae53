//! A rolling upgrade of an Azure Virtual Machine Scale Set: batches, a health check before and
//! after each, and an abort that leaves things as they are.
//!
//! # Source
//! Microsoft's documentation of the rolling upgrade policy, of automatic OS upgrades and of
//! `maxSurge`, and the fields of the REST API. There is no public source code.
//!
//! # Rules
//! - A batch is `max_batch_instance_percent` of all machines, rounded down, at least one; less by
//!   every unhealthy machine outside of it, because the percentage is a maximum.
//! - Without `enable_cross_zone_upgrade` a batch lies in one zone, and a zone is finished before
//!   the next. Lowest places first; with `prioritize_unhealthy_instances` unhealthy ones before.
//! - In place: the machine is stopped, and when it is gone its place is filled with the new
//!   version. With `max_surge` the new machine is created first and the old one deleted when the
//!   new one is healthy.
//! - Before each batch the whole set is looked at: *more* than `max_unhealthy_instance_percent` of
//!   all unhealthy aborts the upgrade. After each batch, when each of its machines is healthy, has
//!   failed or has had `health_wait` since its creation: more than
//!   `max_unhealthy_upgraded_instance_percent` of the upgraded machines unhealthy aborts it.
//! - `pause_time_between_batches` follows each batch but the last.
//! - An abort is final: upgraded machines stay upgraded, the others old. With
//!   `rollback_failed_instances_on_policy_breach` the upgraded machines that are unhealthy get the
//!   old version again.
//! - A machine is healthy if its probe says so.
//!
//! # Settings and defaults
//! The percentages and flags have the API's defaults. Around it: load-balancer probes every 15 s
//! (one success, two failures), a boot of half a minute, no draining.
//!
//! # Known surprises
//! - Sets of up to nine machines go one by one at 20 %.
//! - The first batch is judged alone: one unhealthy machine of one is 100 %.
//! - A start longer than `health_wait` aborts a good upgrade.
//! - In place nothing is drained: requests are lost unless `pre_stop` covers the probe's lag.
//!
//! # Where we depart
//! - The rounding of the batch is not documented; up to five machines at 20 % are one. Nor is how
//!   much unhealthy machines take off a batch, nor `health_wait` outside of OS upgrades (there it
//!   is five minutes a machine).
//! - An unhealthy machine within the limits is passed over: it is upgraded, and stays unhealthy.
//!   With `max_surge` its predecessor stays until it is healthy.
//! - Azure refuses to begin an upgrade of a set that is too unhealthy; operators then upgrade
//!   machines by hand. Going back is that: the same batches, the limits not asked.
//! - Quotas do not run out, so `max_surge` never falls back to in place. Automatic repairs are
//!   off. Zones follow one another; Azure does not promise an order.
//! - `pause` cancels after the batch in progress, `resume` goes on.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::domains;
use super::in_place::{Exchange, Places};
use super::verdict::Teller;
use super::{Budget, Command, Controller, Decision, Draws, InstanceView, Rules, View};
use crate::scenario::settings::{self, Operation};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{CountOrPercent, Rounding, Span, Time};

/// The rules with their settings.
#[derive(Debug, Clone)]
pub struct Vmss {
    settings: settings::Vmss,
    instances: u32,
}

/// Where the upgrade is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    target: VersionId,
    step: Step,
    paused: bool,
    places: Places,
    /// Batches begun.
    batches: u32,
    teller: Teller,
}

/// What the upgrade is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    /// No upgrade so far.
    Idle,
    /// The next batch may begin at this time.
    Next(Time),
    /// These places are being upgraded.
    Batch(Vec<u32>),
    /// All places are upgraded.
    Done,
    /// A limit was exceeded.
    Aborted,
}

type Occupants<'a> = [Option<&'a InstanceView>];

impl Vmss {
    /// From checked settings and the capacity.
    pub fn new(settings: settings::Vmss, instances: u32) -> Self {
        Self { settings, instances }
    }

    /// Machines of a full batch.
    fn batch(&self) -> u32 {
        let percent = f64::from(self.settings.max_batch_instance_percent);
        CountOrPercent::Percent(percent).of(self.instances, Rounding::Down).max(1)
    }

    fn exchange(&self) -> Exchange {
        if self.settings.max_surge { Exchange::Surge } else { Exchange::InPlace }
    }

    /// Goes on as far as it can now.
    fn advance(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        if let Step::Batch(batch) = &state.step {
            if !self.is_over(state, batch, now, view, decision) {
                return;
            }
            if self.breaks_after(state, view) {
                return self.abort(state, view, decision);
            }
            let is_last = state.places.of(state.target).count() as u32 == self.instances;
            let pause = if is_last { Span::ZERO } else { self.settings.pause_time_between_batches };
            state.step = Step::Next(now + pause);
        }
        let Step::Next(at) = state.step else { return };
        if state.places.of(state.target).count() as u32 == self.instances {
            state.step = Step::Done;
        } else if state.paused {
        } else if now < at {
            decision.wake(at);
        } else {
            self.begin_batch(state, now, view, decision);
        }
    }

    fn begin_batch(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        let healthy = self.healthy(view);
        let sick = healthy.iter().filter(|is| !**is).count() as u32;
        let forward = state.target == VersionId::NEW;
        if forward && exceeds(sick, self.instances, self.settings.max_unhealthy_instance_percent) {
            return self.abort(state, view, decision);
        }
        let batch = self.choose(state, &healthy);
        for slot in &batch {
            state.places.set(*slot, state.target);
        }
        state.batches += 1;
        decision.moments.push(Moment::Batch(state.batches));
        state.step = Step::Batch(batch);
        // A place may have what it shall run already, on the way back.
        if let Step::Batch(batch) = &state.step
            && self.is_over(state, batch, now, view, decision)
        {
            decision.wake(now + Span(1));
        }
    }

    /// The places of the next batch.
    fn choose(&self, state: &State, healthy: &[bool]) -> Vec<u32> {
        let is_open = |slot: u32| state.places.goal(slot) != state.target;
        let zones = if self.settings.enable_cross_zone_upgrade { 1 } else { self.settings.zones };
        let Some(zone) = domains::next(self.instances, zones, is_open) else { return Vec::new() };
        let mut open: Vec<u32> =
            domains::members(self.instances, zones, zone).filter(|slot| is_open(*slot)).collect();
        if self.settings.prioritize_unhealthy_instances {
            open.sort_by_key(|slot| (healthy[*slot as usize], *slot));
        }
        // Each unhealthy machine that stays outside takes one off the batch.
        let all_sick = healthy.iter().filter(|is| !**is).count();
        let mut size = (self.batch() as usize).min(open.len());
        loop {
            let inside = open[..size].iter().filter(|slot| !healthy[**slot as usize]).count();
            if size <= 1 || size + (all_sick - inside) <= self.batch() as usize {
                break;
            }
            size -= 1;
        }
        open.truncate(size);
        open
    }

    /// Whether every machine of the batch is healthy or will not become so in time.
    fn is_over(
        &self,
        state: &State,
        batch: &[u32],
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) -> bool {
        let occupants = state.places.occupants(view);
        let mut over = true;
        for slot in batch {
            let Some(i) = occupants[*slot as usize] else {
                over = false;
                continue;
            };
            let until = i.created + self.settings.health_wait;
            let waits = !i.phase.is_ready() && i.phase != Phase::Failed && now < until;
            if waits {
                decision.wake(until);
                over = false;
            }
            // A batch created first is over when the old machines have been told to go.
            let doubled = view
                .instances
                .iter()
                .any(|other| other.slot == *slot && other.id != i.id && state.places.stays(other));
            over &= !(i.phase.is_ready() && doubled);
        }
        over
    }

    /// The check after a batch: unhealthy ones among the upgraded.
    fn breaks_after(&self, state: &State, view: &View<'_>) -> bool {
        if state.target == VersionId::OLD {
            return false;
        }
        let occupants = state.places.occupants(view);
        let upgraded = state.places.of(state.target).count() as u32;
        let sick = sick_of(state, &occupants).count() as u32;
        exceeds(sick, upgraded, self.settings.max_unhealthy_upgraded_instance_percent)
    }

    fn abort(&self, state: &mut State, view: &View<'_>, decision: &mut Decision) {
        state.teller.detect(decision);
        state.step = Step::Aborted;
        let occupants = state.places.occupants(view);
        let sick: Vec<u32> = sick_of(state, &occupants).collect();
        for slot in sick {
            if let Some(i) = occupants[slot as usize] {
                decision.moments.push(Moment::InstanceFailed(i.id));
            }
            if self.settings.rollback_failed_instances_on_policy_breach {
                state.places.set(slot, VersionId::OLD);
            }
        }
    }

    /// By place: whether somebody healthy is there.
    fn healthy(&self, view: &View<'_>) -> Vec<bool> {
        let mut healthy = vec![false; self.instances as usize];
        for i in view.instances.iter().filter(|i| i.phase.is_ready()) {
            if let Some(place) = healthy.get_mut(i.slot as usize) {
                *place = true;
            }
        }
        healthy
    }
}

/// Upgraded places without a healthy machine.
fn sick_of(state: &State, occupants: &Occupants<'_>) -> impl Iterator<Item = u32> {
    let is_well = |slot: u32| occupants[slot as usize].is_some_and(|i| i.phase.is_ready());
    state.places.of(state.target).filter(move |slot| !is_well(*slot))
}

/// More than this percentage; exactly as many do not exceed it.
fn exceeds(count: u32, of: u32, percent: u32) -> bool {
    u64::from(count) * 100 > u64::from(of) * u64::from(percent)
}

impl State {
    fn go_back(&mut self, now: Time) {
        self.target = VersionId::OLD;
        self.step = Step::Next(now);
        self.paused = false;
    }

    fn report(&mut self, decision: &mut Decision) {
        let forward = self.target == VersionId::NEW;
        let said = match (&self.step, self.paused, forward) {
            (Step::Idle, ..) => return,
            (Step::Done, _, true) => Said::Completed,
            (Step::Done, _, false) => Said::RolledBack,
            (Step::Aborted, _, true) => Said::Failed,
            (Step::Next(_), true, true) => Said::Paused,
            (Step::Aborted, _, false) | (Step::Next(_), true, false) => Said::RollbackPaused,
            (Step::Next(_) | Step::Batch(_), _, true) => Said::Progressing,
            (Step::Next(_) | Step::Batch(_), _, false) => Said::RollingBack,
        };
        self.teller.say(said, decision);
    }
}

impl Rules for Vmss {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["rolling-upgrade"];

    fn initial(&self) -> State {
        State {
            target: VersionId::OLD,
            step: Step::Idle,
            paused: false,
            places: Places::new(self.instances),
            batches: 0,
            teller: Teller::new(),
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        match command {
            Command::Begin => {
                state.target = VersionId::NEW;
                state.step = Step::Next(now);
            }
            Command::Rollback => state.go_back(now),
            Command::Operate(Operation::Undo | Operation::Abort) => {
                state.teller.undo(state.target, VersionId::OLD);
                state.go_back(now);
            }
            Command::Operate(Operation::Pause) => state.paused = true,
            Command::Operate(Operation::Resume) => state.paused = false,
            Command::Operate(
                Operation::Promote
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
        decision.mark_ready(view);
        state.places.observe(view);
        state.teller.tell_undone(decision);
        self.advance(state, now, view, decision);
        state.places.tend(view, self.exchange(), decision);
        state.report(decision);
    }

    fn budget(&self) -> Budget {
        let instances = self.instances;
        let batch = self.batch().min(instances);
        let zones = if self.settings.enable_cross_zone_upgrade { 1 } else { self.settings.zones };
        let batch = batch.min(domains::largest(instances, zones)).max(1);
        let of_zone = |zone| domains::members(instances, zones, zone).count() as u32;
        let rounds: u32 = (0..zones).map(|zone| of_zone(zone).div_ceil(batch)).sum();
        let pauses = f64::from(rounds.max(1) - 1) / f64::from(rounds.max(1));
        Budget {
            instances,
            out: if self.settings.max_surge { 0 } else { batch },
            above: if self.settings.max_surge { batch } else { 0 },
            rounds,
            wait: self.settings.pause_time_between_batches * pauses,
            out_key: "strategy.vmss.max_batch_instance_percent",
            above_key: "strategy.vmss.max_surge",
        }
    }
}
