//! One server, or several behind one queue.

use super::estimate::{Seen, replicate};
use super::{Case, Measured, measured};
use crate::scenario::{Algorithm, Conduct, Discipline, Dist};
use crate::sim::steady::{Steady, SteadyFleet};
use crate::trace::{Ending, Histogram};
use crate::units::{Rate, Span};

/// The mean service time. A power of two, so that whole multiples of it are borders of the
/// latency histogram's buckets; a millionth of the longest run, so that rounding to nanoseconds
/// is nothing.
pub(super) const UNIT: Span = Span(1 << 20);

/// So many mean service times.
pub(super) fn units(count: f64) -> Span {
    UNIT * count
}

/// So many requests per mean service time.
pub(super) fn per_unit(rate: f64) -> Rate {
    Rate(rate / UNIT.as_secs_f64())
}

/// A fleet with exponential services of one unit, `rate` requests per unit.
pub(super) fn exponential(rate: f64) -> Steady {
    let service = Dist::Exponential { mean: UNIT };
    Steady { service, rate: per_unit(rate), ..Steady::default() }
}

fn lognormal(cv2: f64) -> Dist {
    let mean = UNIT.as_secs_f64();
    Dist::lognormal_mean_sd(mean, mean * cv2.sqrt())
}

/// One replication at rest, times in units.
pub(super) struct Rest {
    pub(super) latency: Histogram,
    pub(super) mean: f64,
    pub(super) p99: f64,
    /// Mean number in the system: the sum of sojourns over time.
    pub(super) number: f64,
    /// Mean number waiting (central queue only).
    pub(super) waiting: f64,
    /// Share of arrivals shed.
    pub(super) shed: f64,
    /// Arrivals per unit.
    pub(super) rate: f64,
}

/// Plays `length` units after `warm` units. The warm-up is many relaxation times long
/// (1/(1 − √ρ)² for one server), so that what is left of the empty beginning is beyond notice.
pub(super) fn rest(steady: &Steady, replication: u64, warm: f64, length: f64) -> Rest {
    let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
    fleet.run(units(warm));
    at_rest(&mut fleet, length)
}

/// Measures `length` units from now.
pub(super) fn at_rest(fleet: &mut SteadyFleet, length: f64) -> Rest {
    fleet.measure_from_now();
    let waited = fleet.waited_secs();
    fleet.run(units(length));
    let unit = UNIT.as_secs_f64();
    let latency = fleet.latency();
    let arrived = fleet.arrived() as f64;
    Rest {
        mean: latency.mean_secs() / unit,
        p99: latency.quantile_secs(0.99) / unit,
        number: latency.mean_secs() / unit * latency.len() as f64 / length,
        waiting: (fleet.waited_secs() - waited) / unit / length,
        shed: fleet.ended(Ending::Shed) as f64 / arrived,
        rate: arrived / length,
        latency,
    }
}

const ARRIVALS: &str = "control variate: arrivals";

pub(super) fn mm1(case: &Case) -> Vec<Measured> {
    let rate = case.number("lambda");
    let (runs, length) = case.pick((64, 4e6), (32, 2e5));
    let found = replicate(case.replications(runs), |replication| {
        let rest = rest(&exponential(rate), replication, 5e3, length);
        Seen {
            values: vec![rest.mean - 1.0, rest.number, rest.p99],
            controls: vec![rest.rate - rate],
        }
    });
    let how = format!("one FIFO server, {runs} runs of {length:.0} service times; {ARRIVALS}");
    measured(&["mean wait Wq", "mean in system L", "p99 sojourn"], &found, &how)
}

/// T·Var(L over T) = σ² − b/T up to what decays exponentially, so that twice the value at 2T
/// less the value at T is σ² without that bias. With V and C the variance of the mean over T and
/// its covariance with the next T, that is T·(V + 2C).
pub(super) fn asymptotic_variance(case: &Case) -> Vec<Measured> {
    let rate = case.number("lambda");
    let mean = rate / (1.0 - rate);
    let span = 1000.0;
    if !case.full {
        // A variance to 3 % takes as long as all the rest of the sample.
        return Vec::new();
    }
    let (runs, batches) = (200, 5000);
    let found = replicate(case.replications(runs), |replication| {
        let steady = Steady { replication, ..exponential(rate) };
        let mut fleet = SteadyFleet::new(&steady);
        fleet.run(units(5e3));
        fleet.measure_from_now();
        let mut before = 0.0;
        let numbers: Vec<f64> = (0..batches)
            .map(|_| {
                fleet.run(units(span));
                let latency = fleet.latency();
                let sum = latency.mean_secs() * latency.len() as f64 / UNIT.as_secs_f64();
                let number = (sum - before) / span;
                before = sum;
                // About the mean that theory knows: a sample's own would cost another bias.
                number - mean
            })
            .collect();
        let products = |lag: usize| -> f64 {
            let pairs = numbers.iter().zip(&numbers[lag..]);
            pairs.map(|(a, b)| a * b).sum::<f64>() / (numbers.len() - lag) as f64
        };
        Seen { values: vec![span * (products(0) + 2.0 * products(1))], controls: vec![] }
    });
    let how = format!(
        "one FIFO server, {runs} runs of {batches} batches of T = {span} service times; \
         2·(2T·Var(2T)) - T·Var(T) removes the bias of order 1/T"
    );
    measured(&["lim T*Var(time-average L)"], &found, &how)
}

pub(super) fn retrial(case: &Case) -> Vec<Measured> {
    let rate = case.number("lambda");
    let steady = Steady {
        discipline: Discipline::Fifo { slots: 1, queue: Some(0) },
        retries: (u32::MAX, Dist::Exponential { mean: units(1.0 / case.number("theta")) }),
        ..exponential(rate)
    };
    // The engine of journeys must say the same: nobody gives up, so that cancelling is nothing.
    let conduct = Conduct { cancel: true, ..Conduct::default() };
    let by_events = Steady { conduct, ..steady.clone() };
    let mut all = orbit(case, &steady, "the fast loop");
    all.extend(orbit(case, &by_events, "the engine of journeys"));
    all
}

fn orbit(case: &Case, steady: &Steady, engine: &str) -> Vec<Measured> {
    let rate = case.number("lambda");
    let (runs, length) = case.pick((64, 1.5e5), (32, 1e4));
    let found = replicate(case.replications(runs), |replication| {
        let rest = rest(steady, replication, 1e3, length);
        // Little's law: time in the orbit is the sojourn less the one service.
        Seen { values: vec![rate * (rest.mean - 1.0)], controls: vec![rest.rate - rate] }
    });
    let how = format!(
        "one slot without queue, retries without end; orbit = rate x (sojourn - service) by \
         Little's law, {engine}, {runs} runs of {length:.0} service times; {ARRIVALS}"
    );
    measured(&["mean orbit size"], &found, &how)
}

fn central(servers: u32, rate: f64, room: Option<u32>) -> Steady {
    Steady { servers, algorithm: Algorithm::Central { room }, ..exponential(rate) }
}

pub(super) fn mmc(case: &Case) -> Vec<Measured> {
    let (rate, servers) = (case.number("lambda"), case.count("c"));
    let (runs, length) = case.pick((64, 4e5), (32, 1.5e4));
    let found = replicate(case.replications(runs), |replication| {
        let rest = rest(&central(servers, rate, None), replication, 300.0, length);
        Seen { values: vec![rest.waiting / rate, rest.p99], controls: vec![rest.rate - rate] }
    });
    let how = format!(
        "central queue, {runs} runs of {length:.0} service times; wait = mean queue / rate; \
         {ARRIVALS}"
    );
    let mut all = measured(&["mean wait Wq", "p99 sojourn"], &found, &how);
    all.extend(one_wide_server(case));
    all
}

/// The same queue as one server with c slots: the fast path of the kernel.
fn one_wide_server(case: &Case) -> Vec<Measured> {
    let (rate, slots) = (case.number("lambda"), case.count("c"));
    let steady =
        Steady { discipline: Discipline::Fifo { slots, queue: None }, ..exponential(rate) };
    if !case.asks("P(wait) ErlangC") {
        return Vec::new();
    }
    // Arrivals see time averages, and those are cheaper to know well: one look per half unit.
    let (runs, looks) = case.pick((128, 2_500_000), (32, 4_000));
    let apart = 0.5;
    let found = replicate(case.replications(runs), |replication| {
        let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
        fleet.run(units(300.0));
        fleet.measure_from_now();
        let (mut full, mut number) = (0u64, 0u64);
        for _ in 0..looks {
            fleet.run(units(apart));
            let inside = fleet.in_flight_at(0);
            full += u64::from(inside >= slots);
            number += u64::from(inside.min(slots));
        }
        let looks = f64::from(looks);
        let arrivals = fleet.arrived() as f64 / (looks * apart) - rate;
        // Of busy slots theory knows the mean: the offered load.
        let busy = number as f64 / looks - rate;
        Seen { values: vec![full as f64 / looks], controls: vec![arrivals, busy] }
    });
    let how = format!(
        "one server with {slots} slots, {runs} runs of {looks} looks half a service time apart; \
         control variates: arrivals, busy slots"
    );
    measured(&["P(wait) ErlangC"], &found, &how)
}

pub(super) fn mmck(case: &Case) -> Vec<Measured> {
    let (rate, servers) = (case.number("lambda"), case.count("c"));
    let steady = central(servers, rate, Some(case.count("K")));
    let (runs, length) = case.pick((128, 1.5e5), (32, 1e4));
    let found = replicate(case.replications(runs), |replication| {
        let rest = rest(&steady, replication, 300.0, length);
        let admitted = rest.rate * (1.0 - rest.shed);
        let values = vec![rest.shed, rest.waiting / admitted];
        Seen { values, controls: vec![rest.rate - rate] }
    });
    let how =
        format!("central queue with room, {runs} runs of {length:.0} service times; {ARRIVALS}");
    measured(&["blocking", "mean wait of admitted Wq"], &found, &how)
}

pub(super) fn erlang_b(case: &Case) -> Vec<Measured> {
    let (rate, servers) = (case.number("a"), case.count("c"));
    let (runs, length) = case.pick((128, 1.5e5), (32, 1.5e3));
    let found = replicate(case.replications(runs), |replication| {
        let rest = rest(&central(servers, rate, Some(servers)), replication, 100.0, length);
        // The mean number busy is (1 - blocking) x load: no control of its own, but arrivals are.
        Seen { values: vec![rest.shed], controls: vec![rest.rate - rate] }
    });
    let how = format!(
        "central queue whose room is its slots, {runs} runs of {length:.0} service times; \
         {ARRIVALS}"
    );
    measured(&["blocking"], &found, &how)
}

pub(super) fn md1(case: &Case) -> Vec<Measured> {
    let rate = case.number("rho");
    let steady = Steady { service: Dist::Fixed(UNIT), ..exponential(rate) };
    let (runs, length) = case.pick((128, 8e6), (32, 6e4));
    let found = replicate(case.replications(runs), |replication| {
        let rest = rest(&steady, replication, 5e3, length);
        // Wait = sojourn - service; services last one nanosecond more than a unit.
        let within = rest.latency.share_at_most(units(6.0) + Span(1));
        Seen { values: vec![within, rest.p99 - 1.0], controls: vec![rest.rate - rate] }
    });
    let how = format!(
        "one FIFO server, wait = sojourn - service, {runs} runs of {length:.0} service times; \
         {ARRIVALS}"
    );
    measured(&["P(wait<=5)", "p99 wait"], &found, &how)
}

pub(super) fn mg1_fcfs(case: &Case) -> Vec<Measured> {
    let rate = case.number("lambda");
    let steady = Steady { service: lognormal(case.number("cv2")), ..exponential(rate) };
    let (runs, length) =
        case.pick((128, if case.number("cv2") > 1.0 { 8e6 } else { 1e6 }), (48, 1.5e5));
    let found = replicate(case.replications(runs), |replication| {
        let rest = rest(&steady, replication, 1e4, length);
        Seen { values: vec![rest.mean - 1.0], controls: vec![rest.rate - rate] }
    });
    let how = format!("one FIFO server, {runs} runs of {length:.0} service times; {ARRIVALS}");
    measured(&["mean wait Wq"], &found, &how)
}

pub(super) fn mg1_ps(case: &Case) -> Vec<Measured> {
    let rate = case.number("lambda");
    let steady = Steady {
        discipline: Discipline::Sharing { cores: 1.0, limit: None },
        // Any law will do; one that first come, first served would punish shows the most.
        service: lognormal(4.0),
        ..exponential(rate)
    };
    let (runs, length) = case.pick((64, 1e6), (32, 4e4));
    let found = replicate(case.replications(runs), |replication| {
        let rest = rest(&steady, replication, 5e3, length);
        Seen { values: vec![rest.mean], controls: vec![rest.rate - rate] }
    });
    let how = format!(
        "one shared core, lognormal services of cv 2, {runs} runs of {length:.0} service times; \
         {ARRIVALS}"
    );
    measured(&["mean sojourn"], &found, &how)
}
