//! What is in flight when servers are told to stop.

use super::estimate::{Seen, replicate};
use super::queues::{UNIT, exponential, units};
use super::{Case, Measured, measured};
use crate::scenario::{Algorithm, Discipline, Dist};
use crate::sim::steady::{Steady, SteadyFleet};
use crate::trace::Ending;
use crate::units::{Rate, Span};

/// Random choice makes servers independent queues: looks at groups of `b` of them.
pub(super) fn longest(case: &Case) -> Vec<Measured> {
    let (rho, batch) = (case.number("rho"), case.count("b"));
    let (servers, apart) = (100 * batch, 30.0);
    let rate = rho * f64::from(servers);
    let steady = Steady { servers, algorithm: Algorithm::Random, ..exponential(rate) };
    let (runs, looks) = case.pick((64, 40), (32, 3));
    let found = replicate(case.replications(runs), |replication| {
        let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
        fleet.run(units(500.0));
        let mut sum = 0.0;
        for _ in 0..looks {
            fleet.run(units(apart));
            let drains: Vec<Span> = (0..servers).map(|server| fleet.drain_time(server)).collect();
            let longest = |group: &[Span]| group.iter().max().map_or(0.0, |s| s.as_secs_f64());
            sum += drains.chunks(batch as usize).map(longest).sum::<f64>();
        }
        let groups = f64::from(looks * servers / batch);
        Seen { values: vec![sum / groups / UNIT.as_secs_f64()], controls: vec![] }
    });
    let how = format!(
        "drain times of 100 groups of {batch} of {servers} servers, random choice, {looks} looks \
         {apart} service times apart, {runs} runs"
    );
    measured(&["E[max drain time of b servers]"], &found, &how)
}

/// Servers with more slots than are ever busy stop accepting together and are killed when the
/// grace period ends.
pub(super) fn cut(case: &Case) -> Vec<Measured> {
    let (servers, per_server) = (case.pick(400, 250), case.number("lambda_per_server"));
    let steady = Steady {
        servers,
        discipline: Discipline::Fifo { slots: 512, queue: None },
        service: Dist::lognormal_mean_sd(0.2, 0.4),
        rate: Rate(per_server * f64::from(servers)),
        ..Steady::default()
    };
    let grace = Span::from_secs_f64(case.number("grace_s"));
    let (runs, stops) = case.pick((64, 4), (32, 1));
    let found = replicate(case.replications(runs), |replication| {
        let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
        for _ in 0..stops {
            // After 20 s fewer than one service in 10⁵ of those that outlast the grace goes on.
            fleet.run(Span::from_secs(20));
            (0..servers).for_each(|server| fleet.close(server));
            fleet.run(grace);
            (0..servers).for_each(|server| fleet.kill(server));
            (0..servers).for_each(|server| fleet.open(server, 1.0));
        }
        let cut = fleet.ended(Ending::Cut) as f64;
        Seen { values: vec![cut / f64::from(servers * stops)], controls: vec![] }
    });
    let how = format!(
        "{servers} servers of 512 slots closed, then killed after the grace period, {stops} times \
         in each of {runs} runs"
    );
    measured(&["E[requests cut]"], &found, &how)
}
