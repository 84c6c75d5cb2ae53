//! Rolling updates of a fleet of like servers, played by hand: models A, B and C of the reference
//! and the sliding window.
//!
//! One fleet is updated again and again; the time to settle in between is many relaxation times
//! of the fleet, so that every update begins at rest.

use super::estimate::{Seen, replicate};
use super::queues::{UNIT, exponential, units};
use super::{Case, Measured, measured};
use crate::engine::{EventQueue, Seeds, math};
use crate::exact::{Mmc, Mmck, stationary};
use crate::scenario::{Algorithm, Discipline};
use crate::sim::steady::{Steady, SteadyFleet};
use crate::trace::Ending;
use crate::units::Time;

/// Batches for which a direct simulation tells 1 % in reasonable time; for smaller ones waits and
/// losses are too rare, and the exact solver has to stand alone.
const LARGE_BATCH: u32 = 5;

/// Purpose of the random stream of outages, apart from those of the kernel.
const OUTAGES: u32 = 900;

/// An update in batches.
#[derive(Debug, Clone, Copy)]
struct Update {
    servers: u32,
    batch: u32,
    outage: f64,
    rate: f64,
    settle: f64,
}

impl Update {
    fn of(case: &Case) -> Self {
        Self {
            servers: case.count("N"),
            batch: case.count("b"),
            outage: case.number("D"),
            rate: case.number("lambda"),
            settle: case.number("settle"),
        }
    }

    fn length(&self) -> f64 {
        f64::from(self.servers.div_ceil(self.batch)) * self.outage
    }

    fn window(&self) -> f64 {
        self.length() + self.settle
    }

    fn central(&self, room: Option<u32>) -> Steady {
        let algorithm = Algorithm::Central { room };
        Steady { servers: self.servers, algorithm, ..exponential(self.rate) }
    }

    /// Takes the batches out, one after the other, each as the one before comes back; calls
    /// `at_last` while the last one is still out. Returns by how much more than expected arrived.
    fn play(&self, fleet: &mut SteadyFleet, mut at_last: impl FnMut(&mut SteadyFleet)) -> f64 {
        let arrived = fleet.arrived();
        let mut first = 0;
        while first < self.servers {
            let end = (first + self.batch).min(self.servers);
            (first..end).for_each(|server| fleet.kill(server));
            fleet.run(units(self.outage));
            if end == self.servers {
                at_last(fleet);
            }
            (first..end).for_each(|server| fleet.open(server, 1.0));
            first = end;
        }
        (fleet.arrived() - arrived) as f64 / (self.rate * self.length()) - 1.0
    }

    /// Plays `updates` updates in each of `runs` runs; `seen` is asked before and after each and
    /// the differences are averaged.
    fn repeat<const N: usize>(
        &self,
        case: &Case,
        (runs, updates): (u32, u32),
        steady: &Steady,
        seen: impl Fn(&mut SteadyFleet) -> [f64; N] + Sync,
    ) -> Vec<super::Estimate> {
        replicate(case.replications(runs), |replication| {
            let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
            fleet.requeue_killed();
            fleet.run(units(100.0));
            let (mut values, mut queue, mut excess) = ([0.0; N], 0.0, 0.0);
            for _ in 0..updates {
                let before = seen(&mut fleet);
                excess += self.play(&mut fleet, |fleet| queue += fleet.waiting() as f64);
                fleet.run(units(self.settle));
                let after = seen(&mut fleet);
                (0..N).for_each(|i| values[i] += after[i] - before[i]);
            }
            let mean = |sum: f64| sum / f64::from(updates);
            let values = values.into_iter().chain([queue]).map(mean).collect();
            Seen { values, controls: vec![mean(excess)] }
        })
    }
}

fn how(what: &str, (runs, updates): (u32, u32)) -> String {
    format!("{what}, {runs} runs of {updates} updates; control variate: arrivals")
}

/// Model A.
pub(super) fn waiting(case: &Case) -> Vec<Measured> {
    let update = Update::of(case);
    if update.batch < case.pick(LARGE_BATCH, 2 * LARGE_BATCH) {
        return Vec::new();
    }
    let size = match update.batch {
        ..=9 => (128, 800),
        _ => case.pick((64, 40), (32, 3)),
    };
    let found = update.repeat(case, size, &update.central(None), |fleet| [fleet.waited_secs()]);
    let rest = Mmc { servers: update.servers, arrival_rate: update.rate, service_rate: 1.0 };
    let requests = update.rate * update.window();
    // What waits at rest is known and taken off.
    let wait = found[0].scaled(1.0 / UNIT.as_secs_f64()).less(rest.mean_queue() * update.window());
    let quantities = [
        "excess waiting, request-seconds",
        "extra mean wait per request in window",
        "E[queue] when last batch ends",
    ];
    let how = how("central queue, killed servers' jobs back to its head", size);
    measured(&quantities, &[wait, wait.scaled(1.0 / requests), found[1]], &how)
}

/// Model B.
pub(super) fn losing(case: &Case) -> Vec<Measured> {
    let update = Update::of(case);
    if update.batch < case.pick(LARGE_BATCH, 2 * LARGE_BATCH) {
        return Vec::new();
    }
    let room = case.count("K");
    let size = match update.batch {
        ..=9 => (128, 600),
        _ => case.pick((64, 40), (32, 3)),
    };
    let steady = update.central(Some(room));
    let found = update.repeat(case, size, &steady, |fleet| [fleet.ended(Ending::Shed) as f64]);
    let queue =
        Mmck { servers: update.servers, room, arrival_rate: update.rate, service_rate: 1.0 };
    let requests = update.rate * update.window();
    let lost = found[0];
    let excess = lost.less(queue.blocking() * requests);
    let quantities = [
        "expected lost requests",
        "excess lost over no-update baseline",
        "lost fraction of arrivals in window",
    ];
    measured(
        &quantities,
        &[lost, excess, lost.scaled(1.0 / requests)],
        &how("central queue with room", size),
    )
}

/// Requests lost in one update of model B in batches of so many; runs with one number share their
/// luck.
pub(super) fn lost(batch: u32, replication: u64) -> f64 {
    let update = Update { servers: 20, batch, outage: 60.0, rate: 14.0, settle: 100.0 };
    let steady = Steady { replication, ..update.central(Some(40)) };
    let mut fleet = SteadyFleet::new(&steady);
    fleet.requeue_killed();
    fleet.run(units(100.0));
    let before = fleet.ended(Ending::Shed);
    update.play(&mut fleet, |_| {});
    fleet.run(units(update.settle));
    (fleet.ended(Ending::Shed) - before) as f64
}

/// Model C: servers of one slot and no queue; the least loaded, ties at random, is an idle one
/// while there is any.
pub(super) fn hard_kill(case: &Case) -> Vec<Measured> {
    let update = Update::of(case);
    let steady = Steady {
        servers: update.servers,
        discipline: Discipline::Fifo { slots: 1, queue: Some(0) },
        algorithm: Algorithm::LeastOutstanding,
        ..exponential(update.rate)
    };
    let size = case.pick((64, 40), (32, 14));
    let found = update.repeat(case, size, &steady, |fleet| {
        let (killed, blocked) = (fleet.ended(Ending::Cut), fleet.ended(Ending::Shed));
        [killed as f64, blocked as f64, (killed + blocked) as f64]
    });
    let at_rest = stationary::erlang_b(update.rate, update.servers) * update.rate;
    let excess = found[2].less(at_rest * update.window());
    let quantities = [
        "expected killed in-flight",
        "expected blocked requests",
        "excess lost (killed+blocked-baseline)",
    ];
    let how = how("one slot, no queue, idle servers at random; killed servers cut", size);
    measured(&quantities, &[found[0], found[1], excess], &how)
}

/// At most `b` servers out, each for an exponential time; the next goes as one comes back.
pub(super) fn sliding(case: &Case) -> Vec<Measured> {
    let (servers, at_once) = (case.count("N"), case.count("b"));
    let asks_makespan = case.asks("expected makespan");
    if at_once < LARGE_BATCH && !asks_makespan {
        return Vec::new();
    }
    let (rate, tau) = (case.number("lambda"), case.number("tau"));
    let algorithm = Algorithm::Central { room: Some(case.count("K")) };
    let steady = Steady { servers, algorithm, ..exponential(rate) };
    let size = case.pick((128, if asks_makespan { 40 } else { 200 }), (32, 8));
    let found = replicate(case.replications(size.0), |replication| {
        let mut outages = Seeds::new(steady.seed, replication).stream(OUTAGES, 0);
        let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
        fleet.requeue_killed();
        let (mut lost, mut makespan, mut out, mut arrivals) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..size.1 {
            fleet.run(units(100.0));
            let before = (fleet.ended(Ending::Shed), fleet.arrived());
            let draw = || -tau * math::ln(outages.uniform());
            let (length, total) = slide(&mut fleet, servers, at_once, draw);
            lost += (fleet.ended(Ending::Shed) - before.0) as f64;
            arrivals += (fleet.arrived() - before.1) as f64 - rate * length;
            makespan += length;
            out += total - tau * f64::from(servers);
        }
        let mean = |sum: f64| sum / f64::from(size.1);
        Seen { values: vec![mean(lost), mean(makespan)], controls: vec![mean(out), mean(arrivals)] }
    });
    let how = format!(
        "central queue with room, {} runs of {} updates; control variates: time out, arrivals",
        size.0, size.1
    );
    let all = measured(&["expected lost requests until done", "expected makespan"], &found, &how);
    // With few out at once losses are too rare to be told to 1 %.
    all.into_iter().filter(|m| at_once >= LARGE_BATCH || m.quantity.contains("makespan")).collect()
}

/// One update; its length and the sum of all outages, in units.
fn slide(
    fleet: &mut SteadyFleet,
    servers: u32,
    at_once: u32,
    mut draw: impl FnMut() -> f64,
) -> (f64, f64) {
    let mut returns: EventQueue<u32> = EventQueue::default();
    let (mut now, mut next, mut total) = (Time::ZERO, 0, 0.0);
    let mut leave = |fleet: &mut SteadyFleet, returns: &mut EventQueue<u32>, now: Time| {
        if next < servers {
            let outage = draw();
            total += outage;
            fleet.kill(next);
            returns.push(now + units(outage), next);
            next += 1;
        }
    };
    (0..at_once.min(servers)).for_each(|_| leave(fleet, &mut returns, now));
    while let Some((at, server)) = returns.pop() {
        fleet.run(at.since(now));
        now = at;
        fleet.open(server, 1.0);
        leave(fleet, &mut returns, now);
    }
    (now.as_secs_f64() / UNIT.as_secs_f64(), total)
}
