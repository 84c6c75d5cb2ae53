//! Load that varies, and what is left of a fleet while some are out.

use super::estimate::{Seen, replicate};
use super::queues::{exponential, units};
use super::{Case, Measured, measured};
use crate::exact::staffing::square_root_batch_max;
use crate::scenario::{Algorithm, Arrivals, Discipline, Dist, Profile, Traffic};
use crate::sim::steady::{Steady, SteadyFleet};
use crate::units::{Rate, Span};

const HOUR: f64 = 3600.0;

/// A day of the row's sine, in hours as in scenarios; a slot for whoever comes.
pub(super) fn sine(case: &Case) -> Vec<Measured> {
    let hours = |count: f64| Span::from_secs_f64(count * HOUR);
    let (mean, swing) = (case.number("lbar") / HOUR, case.number("A"));
    // A scenario's day is a cosine about its peak: the sine's time 0 is six hours before it.
    let peak_at = hours(6.0);
    let profile = Profile::Day {
        mean: Rate(mean),
        peak: Rate(mean * (1.0 + swing)),
        peak_at,
        start_at: Span::ZERO,
    };
    let traffic = Traffic { profile, arrivals: Arrivals::Poisson, scale: 1.0 };
    let service = Dist::Exponential { mean: hours(1.0 / case.number("mu")) };
    let discipline = Discipline::Fifo { slots: 1000, queue: None };
    let (runs, days) = case.pick((256, 10), (64, 3));
    let found = replicate(case.replications(runs), |replication| {
        let steady =
            Steady { discipline, service: service.clone(), replication, ..Steady::default() };
        let mut fleet = SteadyFleet::with_traffic(&steady, &traffic);
        fleet.run(hours(case.number("t")));
        let busy = |fleet: &mut SteadyFleet| {
            // The day before is forgotten: e^-24 of it is left.
            fleet.run(hours(24.0));
            f64::from(fleet.in_flight_at(0))
        };
        let sum: f64 = (0..days).map(|_| busy(&mut fleet)).sum();
        Seen { values: vec![sum / f64::from(days)], controls: vec![] }
    });
    let how = format!(
        "one server with a slot for all, a sinusoidal day of the product, {runs} runs of {days} \
         days, one look a day"
    );
    measured(&["E[in service] periodic"], &found, &how)
}

/// A fleet on one central queue of which `b_max` servers are killed: how often does one wait that
/// comes after?
pub(super) fn waits_while_out(case: &Case) -> Vec<Measured> {
    const QUANTITY: &str = "ErlangC at N-b_max";
    if !case.asks(QUANTITY) {
        return Vec::new();
    }
    let (servers, offered) = (case.count("N"), case.number("a"));
    if servers > 100 && !case.full {
        // Longer than all the rest of the sample.
        return Vec::new();
    }
    let out = square_root_batch_max(servers, offered, case.number("beta"));
    let steady =
        Steady { servers, algorithm: Algorithm::Central { room: None }, ..exponential(offered) };
    let looks = if servers > 100 { 15_000 } else { 300_000 };
    let (runs, looks) = case.pick((64, looks), (32, 20_000));
    let found = replicate(case.replications(runs), |replication| {
        let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
        (0..out).for_each(|server| fleet.kill(server));
        fleet.run(units(200.0));
        fleet.measure_from_now();
        let (mut full, mut number) = (0u32, 0u64);
        for _ in 0..looks {
            fleet.run(units(0.5));
            let inside = fleet.in_flight();
            full += u32::from(inside >= u64::from(servers - out));
            number += inside;
        }
        let looks = f64::from(looks);
        // Arrivals see time averages; of busy servers theory knows the mean, the offered load.
        let arrivals = fleet.arrived() as f64 / (looks * 0.5) - offered;
        let busy = number as f64 / looks - offered;
        Seen { values: vec![f64::from(full) / looks], controls: vec![arrivals, busy] }
    });
    let how = format!(
        "central queue, {out} of {servers} servers killed, {runs} runs of {looks} looks half a \
         service time apart; control variates: arrivals, busy servers"
    );
    measured(&[QUANTITY], &found, &how)
}
