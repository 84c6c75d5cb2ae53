//! What breaks around the service: faults strike, last, and are over.
//!
//! A world without faults has none of this and does not come by here.

mod control;
mod hosts;
mod instances;
mod luck;
#[cfg(test)]
mod properties;

pub(crate) use luck::Luck;

use super::world::{Event, World};
use crate::scenario::pieces::{Fault, Occasion, Trouble};
use crate::trace::{Said, Sink};
use crate::units::{Span, Time};

/// What happens to a fault, or because of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It strikes for the `round`-th time.
    Strike { fault: u8, round: u32 },
    /// It is over.
    Over { fault: u8, round: u32 },
    /// A process has lived its life.
    Die { instance: u32, process: u32 },
    /// Nobody has heard of a host for long enough.
    Silent { host: u32, stamp: u32 },
    /// It is given up.
    Lost { host: u32, stamp: u32 },
    /// Probes of a sound instance fail.
    Flap { instance: u32, process: u32, fault: u8 },
}

/// A host, as far as faults are concerned.
#[derive(Debug, Clone, Copy)]
struct Host {
    /// Faults that keep it down.
    down: u32,
    /// Changes whenever it goes down or comes back.
    stamp: u32,
    /// What service times there are multiplied by, for good.
    noise: f64,
}

/// The state of all faults of a run.
#[derive(Debug)]
pub(crate) struct Faults {
    /// By fault: how often it has struck, and until when it lasts.
    active: Vec<Active>,
    hosts: Vec<Host>,
    /// Until then the API answers nobody.
    closed_until: Time,
    /// Late answers so far.
    late: u64,
}

#[derive(Debug, Clone, Copy)]
struct Active {
    round: u32,
    /// It lasts until then; [`Time::ZERO`]: it does not.
    until: Time,
}

impl Faults {
    /// `None` if nothing breaks.
    pub(crate) fn new(world: &[crate::scenario::Named<Fault>]) -> Option<Box<Self>> {
        let idle = Active { round: 0, until: Time::ZERO };
        (!world.is_empty()).then(|| {
            Box::new(Self {
                active: vec![idle; world.len()],
                hosts: Vec::new(),
                closed_until: Time::ZERO,
                late: 0,
            })
        })
    }
}

impl<'a> World<'a> {
    /// A fault by its number.
    fn fault(&self, fault: u8) -> &'a Fault {
        &self.scenario.pieces.faults[usize::from(fault)].piece
    }

    /// All faults with their numbers.
    fn all_faults(&self) -> impl Iterator<Item = (u8, &'a Fault)> + use<'a> {
        let faults = self.scenario.pieces.faults.iter().enumerate();
        faults.map(|(number, named)| (number as u8, &named.piece))
    }

    /// Whether a fault lasts now.
    fn is_active(&self, fault: u8) -> bool {
        match (&self.faults, &self.fault(fault).occasion) {
            (None, _) => false,
            (Some(_), Occasion::Always) => true,
            (Some(faults), _) => self.now < faults.active[usize::from(fault)].until,
        }
    }

    /// The luck of a fault.
    fn fault_luck(&self, fault: u8) -> &'a Luck {
        &self.model.faults[usize::from(fault)]
    }

    /// As at the beginning of a run: nothing is broken.
    pub(super) fn reset_faults(&mut self) {
        let Some(faults) = &mut self.faults else { return };
        for active in &mut faults.active {
            *active = Active { round: 0, until: Time::ZERO };
        }
        faults.hosts.clear();
        let pieces = &self.scenario.pieces.faults;
        let stalls = |trouble: &Trouble| matches!(trouble, Trouble::RegistryOutage { .. });
        if pieces.iter().any(|named| stalls(&named.piece.trouble)) {
            self.pulls.expect_stalls();
        }
        (faults.closed_until, faults.late) = (Time::ZERO, 0);
    }

    /// When each fault strikes first. What is planned is part of the record; what is random lasts
    /// as long as the rollout.
    pub(super) fn plan_faults(&mut self) {
        if self.faults.is_none() {
            return;
        }
        for (fault, Fault { trouble, occasion, .. }) in self.all_faults() {
            let strike = Event::Fault(Step::Strike { fault, round: 0 });
            match occasion {
                Occasion::Always => {}
                Occasion::At(at) => self.plan(self.begun + *at, strike),
                Occasion::Every(_) => {
                    let wait = self.fault_luck(fault).wait(self.chance.seeds(), fault, 0);
                    self.queue.push(self.begun + wait, strike);
                }
            }
            if matches!(trouble, Trouble::InstanceCrash { .. }) {
                for instance in 0..self.fleet.len() as u32 {
                    self.plan_death(instance, self.begun);
                }
            }
        }
    }

    /// Whether the orchestrator has said its last word: what comes by chance ends with it, for a
    /// record must end, too.
    fn has_last_word(&self) -> bool {
        let waits = matches!(self.said, Said::Paused | Said::RollbackPaused);
        let goes_on =
            self.script().end.is_some() || self.strategy.next_operation(&self.state).is_some();
        self.said.is_terminal() && !(waits && goes_on)
    }

    /// Something happens to a fault; says whether that moved anything.
    pub(super) fn break_down(&mut self, step: Step, sink: &mut impl Sink) -> bool {
        match step {
            Step::Strike { fault, round } => self.strike(fault, round, sink),
            Step::Die { instance, process } => {
                self.restless -= 1;
                // After the last word of the orchestrator nothing more happens by chance.
                !self.has_last_word() && self.crash(instance, process, sink)
            }
            Step::Over { fault, round } => {
                self.moving -= 1;
                self.over(fault, round, sink);
                true
            }
            Step::Silent { host, stamp } => {
                self.moving -= 1;
                self.silent(host, stamp, sink);
                true
            }
            Step::Lost { host, stamp } => {
                self.moving -= 1;
                self.lost(host, stamp, sink);
                true
            }
            Step::Flap { instance, process, fault } => {
                self.moving -= 1;
                self.flap(instance, process, fault, sink);
                true
            }
        }
    }

    fn strike(&mut self, fault: u8, round: u32, sink: &mut impl Sink) -> bool {
        let Fault { trouble, occasion, length } = self.fault(fault);
        let is_random = matches!(occasion, Occasion::Every(_));
        if is_random && self.has_last_word() {
            return false;
        }
        if is_random {
            let wait = self.fault_luck(fault).wait(self.chance.seeds(), fault, round + 1);
            let next = self.now + wait.max(Span::from_millis(1));
            self.queue.push(next, Event::Fault(Step::Strike { fault, round: round + 1 }));
        } else {
            self.moving -= 1;
        }
        let until = length.map_or(Time::NEVER, |length| self.now + length);
        let overlaps = self.fault(fault).takes_hosts();
        if let Some(faults) = &mut self.faults {
            let active = &mut faults.active[usize::from(fault)];
            // One that lasts is not begun again; other hosts may be lost meanwhile.
            if self.now < active.until && length.is_some() && !overlaps {
                return false;
            }
            *active = Active { round, until };
        }
        self.plan(until, Event::Fault(Step::Over { fault, round }));
        match trouble {
            Trouble::HostLoss { .. } | Trouble::ZoneLoss { .. } => {
                for host in self.struck_hosts(fault, round) {
                    self.lose_host(host, fault, round, sink);
                }
            }
            Trouble::SlowHost { .. } => self.pace_all(),
            Trouble::Partition { .. } => self.part_all(),
            Trouble::RegistryOutage { .. } => self.pulls.stall(self.now),
            Trouble::ControlOutage => self.close_control(until),
            Trouble::ControllerCrash { .. } => self.crash_controllers(fault, round),
            Trouble::FlappingProbe { .. } => self.flap_all(fault, sink),
            Trouble::ControlDelay { .. }
            | Trouble::InstanceCrash { .. }
            | Trouble::HostNoise { .. }
            | Trouble::StuckDrain { .. } => {}
        }
        true
    }

    fn over(&mut self, fault: u8, round: u32, sink: &mut impl Sink) {
        match self.fault(fault).trouble {
            Trouble::HostLoss { .. } | Trouble::ZoneLoss { .. } => {
                for host in self.struck_hosts(fault, round) {
                    self.host_back(host, sink);
                }
            }
            Trouble::SlowHost { .. } => self.pace_all(),
            Trouble::Partition { .. } => self.part_all(),
            Trouble::RegistryOutage { retry, retry_max } => {
                self.pulls.resume(self.now, retry, retry_max);
                self.plan_pull();
            }
            Trouble::StuckDrain { .. } => self.unstick(sink),
            Trouble::ControlOutage
            | Trouble::ControlDelay { .. }
            | Trouble::ControllerCrash { .. }
            | Trouble::FlappingProbe { .. }
            | Trouble::InstanceCrash { .. }
            | Trouble::HostNoise { .. } => {}
        }
    }
}
