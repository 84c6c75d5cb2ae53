//! Connections that processes keep to what the service depends on, and outages of it as the
//! control plane sees them.

use std::collections::VecDeque;

use super::world::{Event, World};
use crate::health;
use crate::scenario::{Dependency, Failure, Named, Over};
use crate::trace::{Cause, Phase, Record, Sink};
use crate::units::{Span, Time};

/// The pools of one dependency.
#[derive(Debug)]
struct Pool {
    limit: Option<u32>,
    each: u32,
    /// What one process needs to open its connections; zero: no time.
    opening: Span,
    over: Over,
    readiness: bool,
    /// From, until: it is down.
    down: Option<(Time, Time)>,
    held: u32,
    /// When the last connection asked for will be open.
    opened_at: Time,
}

/// A process that waits for room.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    instance: u32,
    process: u32,
}

/// Everything that processes connect to.
#[derive(Debug)]
pub(crate) struct Pools {
    pools: Vec<Pool>,
    waiting: VecDeque<Waiting>,
}

/// Whether a process has its connections.
enum Answer {
    /// After this.
    Granted(Span),
    Refused,
    Waits,
}

impl Pools {
    /// `None` if processes connect to nothing.
    pub(crate) fn new(dependencies: &[Named<Dependency>], begun: Time) -> Option<Box<Self>> {
        let pool = |named: &Named<Dependency>| {
            let Dependency { per_instance, over, readiness, .. } = named.piece;
            let opening = named.piece.connect_rate.map_or(Span::ZERO, |rate| {
                Span::from_secs_f64(f64::from(per_instance) / rate.0.max(1e-9))
            });
            let down = named.piece.fails.filter(Failure::is_down);
            let down = down.map(|failure| {
                let from = begun + failure.at;
                (from, from + failure.length)
            });
            Pool {
                limit: named.piece.connections_max,
                each: per_instance,
                opening,
                over,
                readiness,
                down,
                held: 0,
                opened_at: Time::ZERO,
            }
        };
        let pools: Vec<Pool> = dependencies.iter().map(pool).collect();
        let matters = |pool: &Pool| pool.each > 0 || pool.readiness;
        let waiting = VecDeque::new();
        pools.iter().any(matters).then(|| Box::new(Self { pools, waiting }))
    }

    /// As at the beginning, with this many processes connected.
    pub(crate) fn reset(&mut self, processes: u32) {
        self.waiting.clear();
        for pool in &mut self.pools {
            pool.held = pool.each * processes;
            pool.opened_at = Time::ZERO;
        }
    }

    /// A process asks for all its connections at once: it gets all or none.
    fn ask(&mut self, now: Time) -> Answer {
        let mut answer = None;
        for pool in self.pools.iter().filter(|pool| !pool.has_room(now)) {
            match pool.over {
                Over::Fail => return Answer::Refused,
                Over::Wait => answer = Some(Answer::Waits),
            }
        }
        answer.unwrap_or_else(|| Answer::Granted(self.take(now)))
    }

    /// Takes the connections of one process; returns how long it takes until they are open.
    fn take(&mut self, now: Time) -> Span {
        let mut longest = Span::ZERO;
        for pool in &mut self.pools {
            pool.held += pool.each;
            if pool.opening > Span::ZERO {
                pool.opened_at = pool.opened_at.max(now) + pool.opening;
                longest = longest.max(pool.opened_at.since(now));
            }
        }
        longest
    }

    /// Until when some dependency that readiness follows is down.
    fn unready_until(&self, now: Time) -> Option<Time> {
        let down = self.pools.iter().filter(|pool| pool.readiness).filter_map(|pool| pool.down);
        down.filter(|(from, until)| (*from..*until).contains(&now)).map(|(_, until)| until).max()
    }
}

impl Pool {
    fn has_room(&self, now: Time) -> bool {
        let down = self.down.is_some_and(|(from, until)| (from..until).contains(&now));
        let full = self.limit.is_some_and(|limit| self.held + self.each > limit);
        self.each == 0 || !(down || full)
    }
}

impl World<'_> {
    /// As at the beginning of a run. Failures of dependencies are part of the record, whoever
    /// notices them.
    pub(super) fn plan_outages(&mut self, sink: &mut impl Sink) {
        for (dependency, named) in self.scenario.pieces.dependencies.iter().enumerate() {
            if let Some(failure) = named.piece.fails {
                let (dependency, from) = (dependency as u8, self.begun + failure.at);
                self.plan(from, Event::Outage { dependency, begins: true });
                self.plan(from + failure.length, Event::Outage { dependency, begins: false });
            }
        }
        if let Some(pools) = &mut self.pools {
            pools.reset(self.scenario.service.instances);
        }
        self.note_connections(0, sink);
    }

    /// The process that has just been launched opens its connections; says how long that takes,
    /// or `None` if it does not get them now.
    pub(super) fn connect(&mut self, instance: u32, sink: &mut impl Sink) -> Option<Span> {
        let now = self.now;
        let Some(pools) = &mut self.pools else { return Some(Span::ZERO) };
        let process = self.fleet.get(instance).process;
        match pools.ask(now) {
            Answer::Granted(delay) => {
                self.fleet.get_mut(instance).connected = true;
                self.note_connections(0, sink);
                Some(delay)
            }
            Answer::Refused => {
                self.note_connections(1, sink);
                // It notices when it has started as far as that.
                let start = self.start_of(instance, process).unwrap_or(Span::ZERO);
                self.plan_crash(now + start, instance, process);
                None
            }
            Answer::Waits => {
                pools.waiting.push_back(Waiting { instance, process });
                let unfit = health::unfit_at(now, Time::NEVER, &self.scenario.probes);
                if unfit < Time::NEVER {
                    self.restless += 1;
                    self.queue.push(unfit, Event::Unfit { instance, process });
                }
                self.note_connections(0, sink);
                None
            }
        }
    }

    /// A process is gone, and with it its connections.
    pub(super) fn disconnect(&mut self, instance: u32, sink: &mut impl Sink) {
        let connected = std::mem::take(&mut self.fleet.get_mut(instance).connected);
        let Some(pools) = &mut self.pools else { return };
        if connected {
            for pool in &mut pools.pools {
                pool.held -= pool.each;
            }
            self.admit(sink);
        }
    }

    /// Gives connections to those who wait, in order.
    fn admit(&mut self, sink: &mut impl Sink) {
        let now = self.now;
        self.forget_the_dead();
        while let Some(pools) = &mut self.pools
            && let Some(Waiting { instance, .. }) = pools.waiting.front().copied()
            && pools.pools.iter().all(|pool| pool.has_room(now))
        {
            pools.waiting.pop_front();
            let delay = pools.take(now);
            self.fleet.get_mut(instance).connected = true;
            self.warm_up(instance, delay, sink);
        }
        self.note_connections(0, sink);
    }

    /// Who waits no longer: told to stop, or killed by its probe.
    fn forget_the_dead(&mut self) {
        let fleet = &self.fleet;
        if let Some(pools) = &mut self.pools {
            pools.waiting.retain(|waiting| {
                let entry = fleet.get(waiting.instance);
                entry.process == waiting.process && entry.phase == Phase::Starting
            });
        }
    }

    /// Records what is held and asked for; `refused` processes have just got nothing.
    fn note_connections(&mut self, refused: u32, sink: &mut impl Sink) {
        self.forget_the_dead();
        let Some(pools) = &self.pools else { return };
        let without = pools.waiting.len() as u32 + refused;
        for (dependency, pool) in pools.pools.iter().enumerate().filter(|(_, pool)| pool.each > 0) {
            let (dependency, held, limit) = (dependency as u8, pool.held, pool.limit);
            let wanted = held + without * pool.each;
            sink.record(self.now, Record::Connections { dependency, held, wanted, limit });
        }
    }

    /// A dependency goes down or is there again.
    pub(super) fn outage(&mut self, dependency: u8, begins: bool, sink: &mut impl Sink) {
        let Some(pools) = &self.pools else { return };
        let Pool { readiness, down, .. } = pools.pools[usize::from(dependency)];
        if !begins {
            self.admit(sink);
        } else if readiness && let Some((from, until)) = down {
            let ready = self.fleet.views().iter().filter(|view| view.phase.is_ready());
            for instance in ready.map(|view| view.id).collect::<Vec<_>>() {
                let entry = *self.fleet.get(instance);
                let jitter = self.chance.probe_phase(instance, entry.started);
                let probes = &self.scenario.probes;
                let at = health::unready_at(entry.started, from, until, probes, jitter);
                self.plan(at, Event::Unready { instance, process: entry.process });
            }
        }
    }

    /// Probes of a ready instance have failed too often because a dependency is down.
    pub(super) fn unready(&mut self, instance: u32, process: u32, sink: &mut impl Sink) {
        let entry = *self.fleet.get(instance);
        if entry.process != process || !entry.phase.is_ready() {
            return;
        }
        self.fleet.move_to(self.now, instance, Phase::Starting, Cause::Unready, sink);
        self.withdraw(instance);
        self.changed();
        if self.scenario.probes.kills {
            self.fleet.get_mut(instance).able_at = Time::NEVER;
            self.unfit(instance, process);
        } else {
            self.postpone_ready(instance, process);
        }
    }

    /// Whether an instance cannot become ready now because a dependency is down; if so, that is
    /// planned for later.
    pub(super) fn postpone_ready(&mut self, instance: u32, process: u32) -> bool {
        let now = self.now;
        let until = self.pools.as_ref().and_then(|pools| pools.unready_until(now));
        let Some(until) = until else { return false };
        let probes = &self.scenario.probes;
        let booted = self.fleet.get(instance).started;
        let jitter = self.chance.probe_phase(instance, booted);
        let failures = u64::from(probes.failure_threshold.max(1) - 1);
        let killed = now + Span(probes.period.0.saturating_mul(failures));
        if probes.kills && killed < until {
            self.fleet.get_mut(instance).able_at = Time::NEVER;
            self.restless += 1;
            self.queue.push(killed, Event::Unfit { instance, process });
        } else {
            let ready = health::ready_at(booted, until, probes, jitter);
            self.plan(ready, Event::Ready { instance, process });
        }
        true
    }
}
