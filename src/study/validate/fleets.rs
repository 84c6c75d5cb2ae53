//! Many servers with queues of their own, and how requests are spread over them.

use std::fmt::Write as _;

use super::estimate::{Seen, replicate};
use super::queues::{at_rest, exponential, rest};
use super::{Case, Measured, measured};
use crate::exact::single::round_robin_mean_sojourn;
use crate::scenario::Algorithm;
use crate::sim::steady::{Steady, SteadyFleet};

const SOJOURN: [&str; 1] = ["mean sojourn"];

/// Plays a fleet and measures the mean sojourn; lengths in mean service times.
fn sojourn(
    case: &Case,
    steady: &Steady,
    rate: f64,
    (runs, warm, length): (u32, f64, f64),
    what: &str,
) -> Measured {
    let found = replicate(case.replications(runs), |replication| {
        let rest = rest(steady, replication, warm, length);
        Seen { values: vec![rest.mean], controls: vec![rest.rate / rate - 1.0] }
    });
    let how =
        format!("{what}, {runs} runs of {length:.0} service times; control variate: arrivals");
    measured(&SOJOURN, &found, &how).remove(0)
}

pub(super) fn random(case: &Case) -> Vec<Measured> {
    let servers = case.count("N");
    let (rate, out) = match case.row.name.as_str() {
        "split_random" => (case.number("rho") * f64::from(servers), 0),
        _ => (case.number("lambda"), case.count("b_out")),
    };
    let steady = Steady { servers, algorithm: Algorithm::Random, ..exponential(rate) };
    let (runs, length) = case.pick((64, 1.5e5), (32, 4e3));
    let found = replicate(case.replications(runs), |replication| {
        let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
        (0..out).for_each(|server| fleet.kill(server));
        fleet.run(super::queues::units(2e3));
        let rest = at_rest(&mut fleet, length);
        Seen { values: vec![rest.mean], controls: vec![rest.rate / rate - 1.0] }
    });
    let how = format!(
        "random choice among {} servers, {runs} runs of {length:.0} service times; \
         control variate: arrivals",
        servers - out
    );
    measured(&[if out == 0 { SOJOURN[0] } else { "stationary mean sojourn" }], &found, &how)
}

/// Fleets large enough to stand for infinitely many.
const INFINITE: (u32, u32) = (10_000, 2_000);

pub(super) fn round_robin(case: &Case) -> Vec<Measured> {
    let finite = case.row.has("N");
    let servers = if finite { case.count("N") } else { case.pick(INFINITE.0, INFINITE.1) };
    let rate = case.number("rho") * f64::from(servers);
    let steady = Steady { servers, algorithm: Algorithm::RoundRobin, ..exponential(rate) };
    // So many service times of single servers in all.
    let (work, runs) = case.pick((4e7, 64), (1e6, 32));
    let length = (work / f64::from(servers * runs)).max(25.0);
    let mut what = format!("round robin over {servers}");
    if !finite {
        let here = round_robin_mean_sojourn(rate, 1.0, servers);
        let above = 100.0 * (here / case.row.value - 1.0);
        let _ = write!(what, " (N is finite: the exact value is {above:.3} % higher)");
    }
    vec![sojourn(case, &steady, rate, (runs, if finite { 500.0 } else { 150.0 }, length), &what)]
}

pub(super) fn join(case: &Case) -> Vec<Measured> {
    let servers = case.count("N");
    let rate = case.number("rho") * f64::from(servers);
    let (algorithm, what) = if case.row.name == "exact_p2c" {
        (Algorithm::PowerOfChoices { choices: 2 }, "the less loaded of two different ones")
    } else {
        (Algorithm::LeastOutstanding, "the least loaded, ties at random")
    };
    let steady = Steady { servers, algorithm, ..exponential(rate) };
    let (runs, length) = case.pick((64, 1e5), (32, 4e3));
    vec![sojourn(case, &steady, rate, (runs, 500.0, length), what)]
}

/// Share of servers with at least `jobs` jobs in the mean field: ρ^((dᵏ − 1)/(d − 1)).
fn share_with(jobs: u32, rho: f64, choices: f64) -> f64 {
    libm::pow(rho, (libm::pow(choices, f64::from(jobs)) - 1.0) / (choices - 1.0))
}

/// Starts with the queue lengths of the mean field itself, in every run the same numbers of each,
/// and lets the fleet find its own rest from there.
pub(super) fn mean_field(case: &Case) -> Vec<Measured> {
    let (rho, choices) = (case.number("rho"), case.count("d"));
    let servers = case.pick(100_000, 20_000);
    let rate = rho * f64::from(servers);
    let algorithm = Algorithm::PowerOfChoices { choices };
    let steady = Steady { servers, algorithm, ..exponential(rate) };
    // The relaxation time grows like 1/(1 - ρ), and so does the error of the mean.
    let relaxation = 1.0 / (1.0 - rho);
    let (runs, length) = case.pick((32, relaxation.clamp(10.0, 30.0)), (16, 5.0));
    let warm = 0.5 * relaxation.min(case.pick(60.0, 10.0));
    let found = replicate(case.replications(runs), |replication| {
        let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
        for jobs in 1.. {
            let many = (share_with(jobs, rho, f64::from(choices)) * f64::from(servers)).round();
            if many == 0.0 {
                break;
            }
            (0..many as u32).for_each(|server| fleet.preload(server, 1));
        }
        fleet.run(super::queues::units(warm));
        let rest = at_rest(&mut fleet, length);
        Seen { values: vec![rest.mean], controls: vec![rest.rate / rate - 1.0] }
    });
    let how = format!(
        "N = {servers}, so above the limit by some 1/((1-rho)N) of itself = {:.0e}; begun at the \
         mean field's law, {warm:.0} + {length:.0} service times, {runs} runs; control variate: \
         arrivals",
        relaxation / f64::from(servers)
    );
    measured(&SOJOURN, &found, &how)
}
