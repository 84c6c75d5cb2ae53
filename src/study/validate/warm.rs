//! Fresh servers: slow at first, and given less at first.

use super::estimate::{Seen, replicate};
use super::{Case, Measured, measured};
use crate::scenario::{Algorithm, Arrivals, Discipline, Dist, Warmup};
use crate::sim::steady::{Steady, SteadyFleet, slow_start_weight};
use crate::units::{Rate, Span};

/// A fresh server that always has work, beside the work that a warm one does: all the time.
pub(super) fn lost_work(case: &Case) -> Vec<Measured> {
    let (tau, slowdown) = (case.number("tau"), 1.0 / (1.0 - case.number("beta")));
    let mean = case.pick(0.001, 0.004);
    let steady = Steady {
        discipline: Discipline::Fifo { slots: 1, queue: Some(20) },
        service: Dist::Exponential { mean: Span::from_secs_f64(mean) },
        warmup: Warmup::Time { scale: Span::from_secs_f64(tau), slowdown },
        arrivals: Arrivals::Deterministic,
        rate: Rate(4.0 / mean),
        ..Steady::default()
    };
    // After ten time constants e^-10 of the loss is left.
    let span = 10.0 * tau;
    let runs = case.pick(128, 40);
    let found = replicate(case.replications(runs), |replication| {
        let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
        fleet.run(Span::from_secs_f64(span));
        let done = fleet.served(0) - u64::from(fleet.in_flight_at(0));
        Seen { values: vec![span - done as f64 * mean], controls: vec![] }
    });
    let how = format!(
        "a saturated server: what a warm one does in {span} s less the work done, {runs} runs of \
         services of {mean} s"
    );
    measured(&["equivalent extra downtime per server, s"], &found, &how)
}

/// Requests that a fresh host gets of a weighted balancer.
pub(super) fn share(case: &Case) -> Vec<Measured> {
    let span = |key: &str| Span::from_secs_f64(case.number(key));
    let weight = slow_start_weight(span("t"), span("window"), case.number("aggression"), 0.1);
    let others = case.count("others");
    let rate = 1000.0;
    let steady = Steady {
        servers: others + 1,
        algorithm: Algorithm::Weighted,
        discipline: Discipline::Fifo { slots: 8, queue: None },
        service: Dist::Exponential { mean: Span::from_millis(1) },
        rate: Rate(rate),
        ..Steady::default()
    };
    let (runs, length) = case.pick((64, 600.0), (32, 20.0));
    let found = replicate(case.replications(runs), |replication| {
        let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
        fleet.open(others, weight);
        fleet.run(Span::from_secs_f64(length));
        let share = fleet.served(others) as f64 / fleet.arrived() as f64;
        Seen { values: vec![share], controls: vec![] }
    });
    let how = format!("weighted balancing, {runs} runs of {:.0} requests", rate * length);
    measured(&["traffic share of new host"], &found, &how)
}
