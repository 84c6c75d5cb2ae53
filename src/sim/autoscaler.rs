//! The autoscaler in the world: its metrics are read, it looks at them, and it scales.

use std::collections::VecDeque;

use super::world::{Depth, Event, World};
use crate::scenario::pieces::Autoscaler;
use crate::scenario::settings::Operation;
use crate::scenario::{Discipline, Version, Warmup};
use crate::strategy::hpa::{self, Memory, Pod, Sample, Standing};
use crate::strategy::{Command, InstanceView};
use crate::trace::{Phase, Record, Sink, VersionId};
use crate::traffic;
use crate::units::{Span, Time};

/// What an instance had done when metrics were read.
#[derive(Debug, Clone, Copy)]
struct Point {
    process: u32,
    at: Time,
    /// Attempts, or messages, that it had taken.
    taken: u64,
    /// Time of slots that it had spent on messages.
    worked: Span,
}

/// Metrics that were read at one time, by instance.
#[derive(Debug, Clone, Default)]
struct Scrape {
    at: Time,
    samples: Vec<Option<Sample>>,
}

/// The autoscaler of a run.
#[derive(Debug)]
pub(super) struct Scaler {
    rules: Autoscaler,
    memory: Memory,
    /// The instances wanted, as they stand in the specification.
    pub(super) wanted: u32,
    /// By instance: the last reading of its counters.
    points: Vec<Option<Point>>,
    /// By instance: which process was started last, and when.
    started: Vec<Option<(u32, Time)>>,
    /// The last scrape that it can see, and those after it.
    scrapes: VecDeque<Scrape>,
    events: u32,
    most: u32,
}

impl Scaler {
    pub(super) fn new(rules: &Autoscaler) -> Self {
        Self {
            rules: rules.clone(),
            memory: Memory::default(),
            wanted: 0,
            points: Vec::new(),
            started: Vec::new(),
            scrapes: VecDeque::new(),
            events: 0,
            most: 0,
        }
    }

    pub(super) fn reset(&mut self, instances: u32) {
        self.memory = Memory::default();
        (self.wanted, self.most, self.events) = (instances, instances, 0);
        self.points.clear();
        self.started.clear();
        self.scrapes.clear();
    }

    /// A process was started.
    pub(super) fn note_start(&mut self, instance: u32, process: u32, now: Time) {
        *slot(&mut self.started, instance) = Some((process, now));
    }

    /// The number of instances wanted changed, whoever changed it.
    pub(super) fn note_wanted(&mut self, instances: u32) {
        self.wanted = instances;
        self.most = self.most.max(instances);
    }

    /// What it did, for the end of the record.
    pub(super) fn record(&self) -> Record {
        Record::Scaled { events: self.events, most: self.most }
    }

    /// The newest metrics that it can see at `now`.
    fn visible(&mut self, now: Time) -> Option<&Scrape> {
        let delay = self.rules.delay;
        while self.scrapes.get(1).is_some_and(|next| next.at + delay <= now) {
            self.scrapes.pop_front();
        }
        self.scrapes.front().filter(|scrape| scrape.at + delay <= now)
    }
}

/// The entry of an instance, which is made if it is not there.
fn slot<T>(all: &mut Vec<Option<T>>, instance: u32) -> &mut Option<T> {
    let index = instance as usize;
    if all.len() <= index {
        all.resize_with(index + 1, || None);
    }
    &mut all[index]
}

impl World<'_> {
    /// Plans its first looks. Metrics have been read before; it looks from the beginning of the
    /// rollout on, since before that the fleet has the size that it wants.
    pub(super) fn plan_autoscaler(&mut self) {
        let Some(scaler) = &self.scaler else { return };
        let (sync, scrape) = (scaler.rules.sync, scaler.rules.scrape);
        let [first_scrape, first_look] = self.chance.autoscaler_phases();
        self.queue.push(Time::ZERO + scrape * first_scrape, Event::Scrape);
        self.queue.push(self.begun + sync * first_look, Event::Autoscale);
    }

    /// Metrics are read.
    pub(super) fn scrape(&mut self) {
        let Some(mut scaler) = self.scaler.take() else { return };
        let now = self.now;
        let mut samples = vec![None; self.fleet.len()];
        for index in 0..self.fleet.views().len() {
            let view = self.fleet.views()[index];
            let runs = standing(&scaler, self.process(&view), &view) == Standing::Running;
            let point = if runs { Some(self.point(&view)) } else { None };
            let last = slot(&mut scaler.points, view.id);
            if let (Some(last), Some(point)) = (*last, point)
                && last.process == point.process
                && point.at > last.at
            {
                samples[view.id as usize] = Some(self.sample(&view, last, point));
            }
            *last = point;
        }
        scaler.scrapes.push_back(Scrape { at: now, samples });
        self.queue.push(now + scaler.rules.scrape, Event::Scrape);
        self.scaler = Some(scaler);
    }

    /// It looks at what it sees, and scales; says whether it did.
    pub(super) fn autoscale(&mut self) -> bool {
        let Some(mut scaler) = self.scaler.take() else { return false };
        let now = self.now;
        self.queue.push(now + scaler.rules.sync, Event::Autoscale);
        let samples = scaler.visible(now).map(|scrape| scrape.samples.clone()).unwrap_or_default();
        let views = self.fleet.views().iter();
        let pods: Vec<Pod> = views
            .map(|view| {
                let sample = samples.get(view.id as usize).copied().flatten();
                pod(standing(&scaler, self.process(view), view), view, sample)
            })
            .collect();
        let wanted = scaler.wanted;
        let next = hpa::look(&scaler.rules, &mut scaler.memory, now, wanted, &pods);
        if next != wanted {
            scaler.events += 1;
            scaler.note_wanted(next);
            self.command(Command::Operate(Operation::Scale(next)));
        }
        self.scaler = Some(scaler);
        next != wanted
    }

    fn process(&self, view: &InstanceView) -> u32 {
        self.fleet.get(view.id).process
    }

    /// The counters of an instance.
    fn point(&mut self, view: &InstanceView) -> Point {
        let (now, process) = (self.now, self.process(view));
        let (mut taken, mut worked) = (0, Span::ZERO);
        if let Some(kernel) = self.kernel() {
            taken = kernel.desk.servers[view.id as usize].served;
        } else if let Some(messages) = &self.messages {
            (worked, taken) = messages.worked(view.id, now);
        }
        Point { process, at: now, taken, worked }
    }

    /// What an instance did between two readings.
    fn sample(&mut self, view: &InstanceView, last: Point, point: Point) -> Sample {
        let (at, window) = (point.at, point.at.since(last.at));
        let seconds = window.as_secs_f64();
        let capacity = match self.scenario.service.discipline {
            Discipline::Fifo { slots, .. } => f64::from(slots),
            Discipline::Sharing { cores, .. } => cores,
        };
        if self.messages.is_some() {
            let spent = Span(point.worked.0 - last.worked.0).as_secs_f64();
            let requests = (point.taken - last.taken) as f64 / seconds;
            return Sample { at, window, cpu: spent / seconds / capacity, requests };
        }
        let requests = if self.depth == Depth::Requests {
            (point.taken - last.taken) as f64 / seconds
        } else {
            self.expected_rate(view.id, window)
        };
        let service = self.version_of(view.version).service_time.mean_secs();
        let slowness = self.slowness(view, requests, at.before(window * 0.5));
        let cpu = (requests * service * slowness / capacity).min(1.0);
        Sample { at, window, cpu, requests }
    }

    fn version_of(&self, version: VersionId) -> &Version {
        let versions = &self.scenario.versions;
        if version == VersionId::OLD { &versions.old } else { &versions.new }
    }

    /// Requests per second at an instance as if they were spread evenly over those that serve.
    fn expected_rate(&self, instance: u32, window: Span) -> f64 {
        let serves = |id: u32| {
            let entry = self.fleet.get(id);
            entry.able && entry.rotations > 0
        };
        let Some(traffic) = self.scenario.traffic.as_ref().filter(|_| serves(instance)) else {
            return 0.0;
        };
        let serving = self.fleet.views().iter().filter(|view| serves(view.id)).count();
        let middle = self.now.before(window * 0.5);
        traffic::rate_at(traffic, middle, self.begun) / serving.max(1) as f64
    }

    /// How much longer a service takes that begins then on an instance that is not warm.
    fn slowness(&mut self, view: &InstanceView, rate: f64, then: Time) -> f64 {
        let Some(opened) = self.fleet.warming_since(view.id) else { return 1.0 };
        if let Some(kernel) = self.kernel() {
            return kernel.slowness(view.id, then);
        }
        let since = then.since(opened).as_secs_f64();
        let (x, slowdown) = match self.version_of(view.version).warmup {
            Warmup::None => return 1.0,
            Warmup::Requests { scale, slowdown } => (rate * since / scale, slowdown),
            Warmup::Time { scale, slowdown } => (since / scale.as_secs_f64(), slowdown),
        };
        1.0 / (1.0 - (1.0 - 1.0 / slowdown) * libm::exp(-x))
    }

    /// Writes what it did.
    pub(super) fn finish_autoscaler(&self, end: Time, sink: &mut impl Sink) {
        if let Some(scaler) = &self.scaler {
            sink.record(end, scaler.record());
        }
    }
}

/// Whether the process of an instance has started.
fn standing(scaler: &Scaler, process: u32, view: &InstanceView) -> Standing {
    let started = scaler.started.get(view.id as usize).copied().flatten();
    match view.phase {
        Phase::Ready | Phase::Available => Standing::Running,
        Phase::Starting if started.is_some_and(|(which, _)| which == process) => Standing::Running,
        Phase::Pending | Phase::Starting => Standing::Pending,
        Phase::Draining | Phase::Stopped | Phase::Failed | Phase::Lost => Standing::Gone,
    }
}

fn pod(standing: Standing, view: &InstanceView, sample: Option<Sample>) -> Pod {
    let ready = view.phase.is_ready();
    // Of an instance that is not ready it is not known when it ceased to be; one that was started
    // again was ready once, later than any first readiness that counts.
    let changed = match (ready, view.restarts) {
        (true, _) => view.ready_since,
        (false, 0) => view.created,
        (false, _) => Time::NEVER,
    };
    Pod { standing, created: view.created, changed, ready, sample }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::scenario::load;
    use crate::scenario::pieces::SCALED;
    use crate::scenario::settings::{Operation, Orchestrator};
    use crate::strategy::{Command, Strategy};
    use crate::units::Time;

    /// The list in the catalogue is what the strategies do.
    #[test]
    fn those_that_can_be_scaled_are_those_that_notice() {
        for of in Orchestrator::ALL {
            let text = format!(
                "rollcast = 1\n[service]\ninstances = 12\n[versions.old]\nstart = \"9s\"\n\
                 [strategy.{}]\n",
                of.name()
            );
            let loaded = load(&text, "x.toml", Path::new("."), &[]);
            let scenario = loaded.unwrap_or_else(|_| panic!("{}", of.name())).scenario;
            let strategy = Strategy::new(&scenario.strategy, 12);
            let mut state = strategy.initial();
            strategy.command(&mut state, Command::Begin, Time(1));
            let before = state.clone();
            strategy.command(&mut state, Command::Operate(Operation::Scale(15)), Time(2));
            assert_eq!(state != before, SCALED.contains(of), "{}", of.name());
        }
    }
}
