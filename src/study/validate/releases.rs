//! What a bad release reaches before it is stopped.

use std::path::Path;

use super::estimate::{Seen, replicate};
use super::{Case, Measured, measured};
use crate::scenario::{Discipline, Dist, load};
use crate::sim::steady::{Steady, SteadyFleet};
use crate::sim::{Depth, Model, World};
use crate::trace::{Ending, Moment, Record, Sink, VersionId};
use crate::units::{Rate, Share, Span, Time};

/// Looks at the count of errors between two upgrades.
const LOOKS: u32 = 12;
/// Servers in place of each: upgrades one by one are then nearly a straight line.
const FINER: u32 = 4;

/// Servers become bad one by one until so many requests have failed; after a reaction they
/// become well again one by one.
pub(super) fn linear(case: &Case) -> Vec<Measured> {
    let (servers, errors) = (case.count("N") * FINER, u64::from(case.count("k")));
    let upgrade = Span::from_secs_f64(1.0 / (case.number("v") * f64::from(FINER)));
    let undo = Span::from_secs_f64(1.0 / (case.number("w") * f64::from(FINER)));
    let reaction = Span::from_secs_f64(case.number("R"));
    let share = Share(case.number("p"));
    let steady = Steady {
        servers,
        discipline: Discipline::Fifo { slots: 8, queue: None },
        service: Dist::Fixed(Span::from_millis(1)),
        rate: Rate(case.number("lambda")),
        ..Steady::default()
    };
    let runs = case.pick(2_000, 300);
    let found = replicate(case.replications(runs), |replication| {
        let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
        // The n-th server turns bad half a step after a straight line is at n - 1.
        let (look, mut bad, mut looks) = (upgrade * (1.0 / f64::from(LOOKS)), 0, LOOKS / 2);
        while fleet.ended(Ending::Version) < errors {
            if looks == LOOKS {
                fleet.spoil(bad, share);
                (bad, looks) = (bad + 1, 0);
            }
            fleet.run(look);
            looks += 1;
        }
        let detected = fleet.now().as_secs_f64();
        fleet.run(reaction);
        for server in (0..bad).rev() {
            fleet.run(undo * 0.5);
            fleet.spoil(server, Share(0.0));
            fleet.run(undo * 0.5);
        }
        let reached = f64::from(bad) / f64::from(servers);
        Seen {
            values: vec![detected, reached, fleet.ended(Ending::Version) as f64],
            controls: vec![],
        }
    });
    let quantities = [
        "mean time to k-th error, s",
        "mean fleet fraction at detection",
        "mean bad responses until fully rolled back",
    ];
    let how = format!(
        "{servers} servers become bad and well again one by one, in step with the reference's; \
         {runs} runs"
    );
    measured(&quantities, &found, &how)
}

/// AppConfig's strategy itself, with targets that take a configuration at once.
const LINEAR: &str = "rollcast = 1\nmargin = \"10s\"\n[service]\ninstances = 10\nslots = 8\n\
    [versions.old]\nstart = \"0s\"\nexit = \"0s\"\nservice_time = \"1ms\"\n\
    [clients]\nlag_add = \"0s\"\nlag_remove = \"0s\"\n[probes]\nenabled = false\n\
    [traffic]\nrate = \"20/s\"\n\
    [strategy.appconfig]\npreset = \"AppConfig.Linear20PercentEvery6Minutes\"\n\
    [control]\nwatch = \"0s\"\nsync = \"0s\"\nact = \"0s\"\nschedule = \"0s\"\nlaunch = \"0s\"\n";

/// Minutes of all traffic that the new version answers while the deployment grows.
pub(super) fn appconfig(case: &Case) -> Vec<Measured> {
    let scenario = load(LINEAR, "appconfig.toml", Path::new("."), &[])
        .unwrap_or_else(|error| unreachable!("the scenario is sound: {error:?}"))
        .scenario;
    let model = Model::new(&scenario);
    let runs = case.pick(256, 64);
    // AppConfig makes each step at the end of its interval.
    let step = Span::from_secs_f64(case.number("step_min") * 60.0);
    let grows = step * 5.0;
    let found = replicate(case.replications(runs), |replication| {
        let mut reach = Reach { step, grows, ..Reach::default() };
        World::new(&model).run(1, replication as u32, Depth::Requests, &mut reach);
        let minutes = reach.new as f64 / reach.all as f64 * grows.as_secs_f64() / 60.0;
        Seen { values: vec![minutes], controls: vec![] }
    });
    let how = format!(
        "requests that the new version answered in {grows} from the first step on, {runs} runs"
    );
    measured(&["full-traffic minutes exposed over 30 min"], &found, &how)
}

/// Requests of the time in which a deployment grows.
#[derive(Debug, Default)]
struct Reach {
    /// Until the first step, and all steps.
    step: Span,
    grows: Span,
    begun: Option<Time>,
    all: u64,
    new: u64,
}

impl Sink for Reach {
    fn record(&mut self, at: Time, record: Record) {
        match record {
            Record::Moment(Moment::Begun) => self.begun = Some(at),
            Record::Window { counts } => {
                let within = |begun: Time| {
                    let first = begun + self.step;
                    (first..first + self.grows).contains(&at)
                };
                if self.begun.is_some_and(within) {
                    let ended = counts.map(|c| c.ended.iter().map(|n| u64::from(*n)).sum::<u64>());
                    self.all += ended.iter().sum::<u64>();
                    self.new += ended[usize::from(VersionId::NEW.0)];
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::study::validate::{Case, reference, simulated_row};

    #[test]
    fn releases_reach_what_theory_says() {
        let rows = reference::rows();
        let names = ["linear_rollout_exposure", "appconfig_linear20_6min"];
        let mut held = 0;
        for group in rows.chunk_by(|a, b| a.text == b.text) {
            let row = &group[0];
            if !names.contains(&row.name.as_str()) {
                continue;
            }
            let measured = Case { index: row.luck, row, group, full: false }.simulate();
            for row in group {
                let measured = measured.iter().find(|m| m.quantity == row.quantity).unwrap();
                let found = simulated_row(row, measured, false);
                assert_eq!(found.complaint(), None, "{found:?}");
                held += 1;
            }
        }
        assert_eq!(held, 4);
    }
}
