//! What is wrong with the release of a run: drawn when the run begins, shown by its instances.

use super::chance::Chance;
use super::kernel::{Failing, Flaw, Kernel, Leak};
use super::model::Quality;
use super::world::{Depth, Event, World};
use crate::scenario::pieces::{Defect, Mix, Named, Until, Wrong};
use crate::scenario::{Dist, Scenario, Version};
use crate::trace::{Record, Sink, VersionId};
use crate::traffic;
use crate::units::{Span, Time};

/// The defects of a release, by their places among the scenario's.
#[derive(Debug, Clone, Default)]
pub(super) struct Carried {
    defects: Vec<usize>,
    /// Some of them are about the service as a whole.
    of_service: bool,
    /// Since when the new version has answered; `NEVER`: it has not.
    answers_since: Time,
    /// Somebody looks at the memory of processes.
    watched: bool,
}

impl Carried {
    /// Whether anything is wrong.
    fn is_bad(&self) -> bool {
        !self.defects.is_empty()
    }
}

/// Which defects a bad release carries: each with its chance, given that there is one at least.
fn draw(defects: &[Named<Defect>], chance: &Chance<'_>) -> Vec<usize> {
    let mut carried = Vec::new();
    for (index, defect) in defects.iter().enumerate() {
        let mut p = defect.piece.chance.0;
        if carried.is_empty() {
            // None so far, and one of those from here on.
            let rest = defects[index..].iter().map(|d| 1.0 - d.piece.chance.0);
            p /= 1.0 - rest.product::<f64>();
        }
        if chance.carries(index) < p {
            carried.push(index);
        }
    }
    carried
}

/// Whether requests may fail for what the versions do to each other.
pub(super) fn troubles(scenario: &Scenario) -> bool {
    let of_service = |d: &Named<Defect>| is_of_service(&d.piece.fault);
    scenario.pieces.defects.iter().any(of_service)
}

fn is_of_service(fault: &Wrong) -> bool {
    matches!(fault, Wrong::Mixed { .. } | Wrong::Irreversible { .. })
}

impl World<'_> {
    /// Draws what is wrong with the release, and writes it down.
    pub(super) fn draw_release(&mut self, sink: &mut impl Sink) {
        let defects = &self.scenario.pieces.defects;
        self.carried = Carried { answers_since: Time::NEVER, ..Carried::default() };
        if defects.is_empty() {
            return;
        }
        if self.model.quality == Quality::Bad {
            self.carried.defects = draw(defects, &self.chance);
        }
        let fault = |index: &usize| &defects[*index].piece.fault;
        self.carried.of_service = self.carried.defects.iter().map(fault).any(is_of_service);
        let numbers = self.carried.defects.iter().map(|index| *index as u8).collect();
        let bad = self.carried.is_bad();
        sink.record(self.now, Record::Release { bad, defects: numbers });
        let crossings: Vec<(u32, f64)> = (self.carried.defects.iter().map(fault))
            .filter_map(|fault| match fault {
                Wrong::Mixed { how: Mix::Crossing { clients }, share } => Some((*clients, share.0)),
                _ => None,
            })
            .collect();
        if let Some(kernel) = self.kernel() {
            for (clients, share) in crossings {
                kernel.desk.calls.cross(clients, share);
            }
        }
    }

    /// The defects that an instance shows, with their places.
    fn shown(&self, instance: u32) -> Vec<(usize, &Defect)> {
        let entry = self.fleet.get(instance);
        if entry.version == VersionId::OLD || !self.carried.is_bad() {
            return Vec::new();
        }
        let (version, ordinal, host) = (entry.version, entry.ordinal, entry.host);
        let shows = |(index, defect): &(usize, &Defect)| {
            let by_instance = defect.instances.0 >= 1.0
                || self.chance.shows(*index, version, ordinal) < defect.instances.0;
            let by_host =
                defect.hosts.0 >= 1.0 || self.chance.shows_on(*index, host) < defect.hosts.0;
            let hidden = self.is_hidden(&defect.fault);
            !hidden && by_instance && by_host && !is_of_service(&defect.fault)
        };
        let defects = &self.scenario.pieces.defects;
        let carried = self.carried.defects.iter().map(|index| (*index, &defects[*index].piece));
        carried.filter(shows).collect()
    }

    /// Whether a flag that is off keeps a fault from showing. Who starts has not read it yet.
    fn is_hidden(&self, fault: &Wrong) -> bool {
        let at_start = match fault {
            Wrong::NeverReady { .. } | Wrong::SlowStart { .. } => true,
            Wrong::Crash { after, .. } => *after == Dist::Fixed(Span::ZERO),
            _ => false,
        };
        self.is_flag_off() && !at_start
    }

    /// Start of the `process`-th process → its end by itself, whatever makes it; `None`: it stays.
    pub(super) fn crash_of(&self, instance: u32, process: u32) -> Option<Span> {
        let entry = self.fleet.get(instance);
        let own = self.chance.crash(entry.version, entry.ordinal, process);
        let crash = |(index, defect): &(usize, &Defect)| match &defect.fault {
            Wrong::Crash { share, .. } => {
                let strikes = self.chance.strikes(*index, entry.version, entry.ordinal, process);
                let well = || self.chance.well(*index, entry.version, entry.ordinal, process);
                (strikes < share.0).then(well)
            }
            _ => None,
        };
        self.shown(instance).iter().filter_map(crash).chain(own).min()
    }

    /// Start of the `process`-th process → able to answer; `None`: never.
    pub(super) fn start_of(&self, instance: u32, process: u32) -> Option<Span> {
        let entry = self.fleet.get(instance);
        let hangs = |(index, defect): &(usize, &Defect)| match &defect.fault {
            Wrong::NeverReady { share } => {
                self.chance.strikes(*index, entry.version, entry.ordinal, 0) < share.0
            }
            _ => false,
        };
        if self.shown(instance).iter().any(hangs) {
            return None;
        }
        let start = self.chance.start(entry.version, entry.ordinal, process)?;
        Some(start * self.slow_start_of(instance))
    }

    /// By how much longer an instance takes to start than it should.
    pub(super) fn slow_start_of(&self, instance: u32) -> f64 {
        let factor = |(_, defect): &(usize, &Defect)| match &defect.fault {
            Wrong::SlowStart { factor } => *factor,
            _ => 1.0,
        };
        self.shown(instance).iter().map(factor).product()
    }

    /// The process of an instance answers from now on: its requests feel what is wrong with it,
    /// and it begins to lose memory.
    pub(super) fn afflict(&mut self, instance: u32) {
        if self.scenario.pieces.defects.is_empty() {
            return;
        }
        let entry = *self.fleet.get(instance);
        if entry.version != VersionId::OLD {
            self.carried.answers_since = self.carried.answers_since.min(self.now);
        }
        let shown = self.shown(instance);
        let flaw = (!shown.is_empty()).then(|| self.flaw(instance, &shown));
        let ends: Vec<Time> = (shown.iter())
            .filter_map(|shown| self.killed_after(instance, shown))
            .map(|after| self.now + after)
            .collect();
        for at in ends {
            self.plan_crash(at, instance, entry.process);
        }
        let watched = flaw.as_ref().is_some_and(|flaw| flaw.leaks.iter().any(|l| l.served > 0.0));
        let depth = self.depth;
        if let Some(kernel) = self.kernel() {
            kernel.afflict(instance, flaw);
        }
        if watched && depth == Depth::Requests && !self.carried.watched {
            self.carried.watched = true;
            self.plan_memory();
        }
    }

    /// When the process of an instance is killed for the memory that it has lost since now, where
    /// that is not for requests to say.
    fn killed_after(&self, instance: u32, (index, defect): &(usize, &Defect)) -> Option<Span> {
        let Wrong::Leak { until, .. } = &defect.fault else { return None };
        let entry = self.fleet.get(instance);
        match until {
            Until::After(_) => {
                Some(self.chance.well(*index, entry.version, entry.ordinal, entry.process))
            }
            Until::Served(_) if self.depth == Depth::Requests => None,
            Until::Served(requests) => {
                // As many requests as each would get if all got the same.
                let traffic = self.scenario.traffic.as_ref()?;
                let rate = traffic::rate_at(traffic, self.now, self.begun);
                let each = rate / f64::from(self.scenario.service.instances);
                Some(Span::from_secs_f64((requests / each.max(1e-9)).min(1e6)))
            }
        }
    }

    fn flaw(&self, instance: u32, shown: &[(usize, &Defect)]) -> Flaw {
        let entry = self.fleet.get(instance);
        let now = self.now.0;
        let well =
            |index: usize| self.chance.well(index, entry.version, entry.ordinal, entry.process);
        let mut flaw =
            Flaw { factor: 1.0, capacity: 1.0, errors: Vec::new(), leaks: Vec::new(), slots: None };
        for (index, defect) in shown {
            match &defect.fault {
                Wrong::Slower { factor } => flaw.factor *= factor,
                Wrong::LessCapacity { share } => flaw.capacity *= 1.0 - share.0,
                Wrong::Errors { share, rise, class, .. } => flaw.errors.push(Failing {
                    share: share.0,
                    from: now + well(*index).0,
                    rise: rise.0,
                    class: class.0,
                    key: self.chance.class_key(*index),
                }),
                Wrong::Leak { until, factor } => {
                    let (time, served) = match until {
                        Until::After(_) => (well(*index).0.max(1), 0.0),
                        Until::Served(requests) => (0, *requests),
                    };
                    flaw.leaks.push(Leak { since: now, time, served, factor: *factor });
                }
                Wrong::NeverReady { .. }
                | Wrong::Crash { .. }
                | Wrong::SlowStart { .. }
                | Wrong::Mixed { .. }
                | Wrong::Irreversible { .. } => {}
            }
        }
        flaw
    }

    /// Somebody looks at the memory of processes once in each window.
    fn plan_memory(&mut self) {
        self.queue.push(self.now + self.scenario.slo.window, Event::Memory);
    }

    /// Processes without memory are killed.
    pub(super) fn reclaim(&mut self, sink: &mut impl Sink) -> bool {
        let exhausted = self.kernel().map(Kernel::exhausted).unwrap_or_default();
        let mut happened = false;
        for instance in exhausted {
            let process = self.fleet.get(instance).process;
            happened |= self.crash(instance, process, sink);
        }
        self.plan_memory();
        happened
    }

    /// Shares of requests that fail for what the two versions do to each other now.
    pub(super) fn discord(&self) -> [f64; 2] {
        let mut failing = [0.0; 2];
        if !self.carried.of_service {
            return failing;
        }
        let mut add = |version: usize, share: f64| {
            failing[version] = 1.0 - (1.0 - failing[version]) * (1.0 - share);
        };
        for index in &self.carried.defects {
            match &self.scenario.pieces.defects[*index].piece.fault {
                Wrong::Mixed { how: Mix::Peers, share } if !self.is_flag_off() => {
                    let [old, new] = self.fleet.serving_by_version().map(f64::from);
                    let x = new / (old + new).max(1.0);
                    let share = share.0 * 4.0 * x * (1.0 - x);
                    add(0, share);
                    add(1, share);
                }
                Wrong::Irreversible { share } if self.carried.answers_since < Time::NEVER => {
                    add(0, share.0);
                }
                _ => {}
            }
        }
        failing
    }

    /// Something happened to an instance: the versions may disagree more, or less.
    pub(super) fn disagree(&mut self) {
        if self.carried.of_service {
            self.lock();
        }
    }

    /// The share of requests that each version fails now, on average over its instances.
    pub(super) fn error_shares(&self) -> [f64; 2] {
        let of = |version: &Version| version.errors.0;
        let mut shares = [of(&self.scenario.versions.old), of(&self.scenario.versions.new)];
        if !self.carried.is_bad() {
            return shares;
        }
        let age = self.now.since(self.carried.answers_since.min(self.now)).as_secs_f64();
        let mut add = |version: usize, share: f64| {
            shares[version] = 1.0 - (1.0 - shares[version]) * (1.0 - share);
        };
        for index in &self.carried.defects {
            let defect = &self.scenario.pieces.defects[*index].piece;
            if let Wrong::Errors { share, after, rise, class } = &defect.fault {
                let since = age - after.quantile(0.5).as_secs_f64();
                let rise = rise.as_secs_f64();
                let grown = match since {
                    since if since < 0.0 => 0.0,
                    since if rise > 0.0 => (since / rise).min(1.0),
                    _ => 1.0,
                };
                add(1, share.0 * grown * class.0 * defect.instances.0 * defect.hosts.0);
            }
        }
        let [old, new] = self.discord();
        add(0, old);
        add(1, new);
        shares
    }
}
