//! The orchestrator's API that does not answer, or answers late, and controllers that die.

use super::luck;
use crate::scenario::pieces::Trouble;
use crate::sim::chance::Latency;
use crate::sim::room::Around;
use crate::sim::world::{Event, World};
use crate::units::{Span, Time};

impl World<'_> {
    /// The API answers nobody until then: controllers wait, and so does what they have asked for.
    pub(super) fn close_control(&mut self, until: Time) {
        if let Some(faults) = &mut self.faults {
            faults.closed_until = faults.closed_until.max(until);
        }
        self.busy_until.iter_mut().for_each(|busy| *busy = until.max(*busy));
    }

    /// Until when something must wait because it needs the API, if it must.
    pub(in crate::sim) fn withheld(&self, event: Event) -> Option<Time> {
        let until = self.faults.as_ref()?.closed_until;
        let asks = matches!(
            event,
            Event::Create { .. }
                | Event::Tell { .. }
                | Event::Place { .. }
                | Event::Release { .. }
                | Event::Ready { .. }
                | Event::Unready { .. }
                | Event::Join { .. }
                | Event::Leave { .. }
                | Event::Follow { .. }
                | Event::Around(Around::Schedule)
                | Event::Fault(super::Step::Silent { .. } | super::Step::Lost { .. })
        );
        (asks && self.now < until).then_some(until)
    }

    /// A latency of the control plane, with what makes it late.
    pub(in crate::sim) fn latency(&mut self, which: Latency) -> Span {
        self.chance.latency(which) + self.lateness()
    }

    /// What the next step of the control plane takes longer.
    pub(in crate::sim) fn lateness(&mut self) -> Span {
        if self.faults.is_none() {
            return Span::ZERO;
        }
        let seeds = self.chance.seeds();
        let mut late = Span::ZERO;
        for (fault, piece) in self.all_faults() {
            if matches!(piece.trouble, Trouble::ControlDelay { .. }) && self.is_active(fault) {
                let number = self.faults.as_mut().map_or(0, |faults| {
                    faults.late += 1;
                    faults.late
                });
                late += self.fault_luck(fault).span(seeds, fault, number);
            }
        }
        late
    }

    /// The process that rolls out dies. What it has written stays; another one reads it, and acts
    /// once it has been elected.
    pub(super) fn crash_controllers(&mut self, fault: u8, round: u32) {
        let written = serde_json::to_string(&self.state).ok();
        if let Some(state) = written.and_then(|text| serde_json::from_str(&text).ok()) {
            self.state = state;
        }
        let election = self.fault_luck(fault).span(self.chance.seeds(), fault, round.into());
        let elected = self.now + election;
        for controller in 0..self.looks.len() {
            self.busy_until[controller] = self.busy_until[controller].max(elected);
            // A new one lists everything first.
            self.looks[controller] = Time::NEVER;
            self.look_at(controller, elected);
        }
    }
}

/// Whether an instance is among those that a fault befalls.
pub(super) fn befalls(world: &World<'_>, fault: u8, instance: u32, share: f64) -> bool {
    let entry = world.fleet.get(instance);
    let whom = u64::from(entry.version.0) << 32 | u64::from(entry.ordinal);
    luck::befalls(world.chance.seeds(), fault, whom, share)
}
