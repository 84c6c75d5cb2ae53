//! Whatever breaks, under whichever orchestrator: requests end once, instances move legally, the
//! same run has the same record, and the record ends.

use std::path::Path;

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq};
use proptest::proptest;

use crate::scenario::keys::any::{Choices, scenario};
use crate::scenario::settings::{Orchestrator, StrategySettings};
use crate::scenario::{Scenario, load};
use crate::sim::{Depth, Model, World};
use crate::strategy::properties::has_patience;
use crate::trace::life::Checker;
use crate::trace::{Ending, Moment, Record};
use crate::units::{Span, Time};

/// Faults of every kind; a file has some.
const FAULTS: &[&str] = &[
    "kind = \"instance_crash\"\nlifetime = { law = \"weibull\", scale = \"40s\", shape = 0.7 }",
    "kind = \"instance_crash\"\nlifetime = \"25s\"\nversion = \"new\"",
    "kind = \"host_loss\"\nat = \"5s\"",
    "kind = \"host_loss\"\nat = \"3s\"\nfor = \"20s\"\nhost = 0\n\
     silent = \"4s\"\nreplaced = \"9s\"",
    "kind = \"host_loss\"\nevery = { law = \"exponential\", mean = \"30s\" }\nfor = \"15s\"\n\
     silent = \"2s\"\nreplaced = \"5s\"",
    "kind = \"zone_loss\"\nat = \"8s\"\nfor = \"40s\"\nsilent = \"3s\"\nreplaced = \"never\"",
    "kind = \"zone_loss\"\nat = \"8s\"\nzone = 1\nsilent = \"3s\"\nreplaced = \"10s\"",
    "kind = \"slow_host\"\ncv = 0.3",
    "kind = \"slow_host\"\nat = \"2s\"\nfor = \"20s\"\nfactor = 4\nshare = \"50%\"",
    "kind = \"partition\"\nat = \"1s\"\nfor = \"15s\"",
    "kind = \"partition\"\nevery = \"20s\"\nfor = \"5s\"\nzone = 0",
    "kind = \"registry_outage\"\nat = \"1s\"\nfor = \"30s\"",
    "kind = \"control_outage\"\nat = \"4s\"\nfor = \"25s\"",
    "kind = \"control_delay\"\nat = \"0s\"\nfor = \"30s\"\ndelay = \"2s\"",
    "kind = \"controller_crash\"\nat = \"6s\"",
    "kind = \"controller_crash\"\nevery = { law = \"exponential\", mean = \"15s\" }",
    "kind = \"flapping_probe\"\nat = \"2s\"\nfor = \"40s\"\nshare = \"40%\"\n\
     down = \"3s\"\nup = \"7s\"",
    "kind = \"stuck_drain\"\nshare = \"30%\"",
    "kind = \"stuck_drain\"\nat = \"0s\"\nfor = \"1m\"\nshare = \"50%\"\nuntil = \"never\"",
];

const CLIENTS: &[&str] = &[
    "",
    "retries = { attempts = 3, delay = \"200ms\" }",
    "attempt_timeout = \"600ms\"\nretries = { attempts = 2, on = [\"timeout\", \"reset\"] }",
    "protocol = \"http2\"",
];

/// A world with some of them.
fn world(of: Orchestrator, n: u32, choices: &mut Choices) -> Scenario {
    let mut text = format!(
        "rollcast = 1\nhorizon = \"10m\"\nmargin = \"70s\"\n[service]\ninstances = {n}\n\
         slots = 2\n[versions.old]\nstart = {{ pull = \"50MiB\", boot = \"3s\" }}\n\
         service_time = {{ law = \"exponential\", mean = \"50ms\" }}\n\
         [traffic]\nrate = {{ table = [[\"0s\", \"20/s\"], [\"40s\", \"20/s\"], \
         [\"41s\", \"0/s\"]] }}\n\
         [hosts]\ncount = {}\nzones = 2\n[clients]\ncount = 3\ntimeout = \"2s\"\n{}\n[{}]\n",
        2 + choices.below(6),
        CLIENTS[choices.below(CLIENTS.len())],
        Orchestrator::Kubernetes.table().path,
    );
    for number in 0..=choices.below(3) {
        let fault = FAULTS[choices.below(FAULTS.len())];
        text.extend([&format!("[faults.f{number}]\n"), fault, "\n"]);
    }
    let loaded = load(&text, "faults.toml", Path::new("."), &[]);
    let mut world =
        loaded.unwrap_or_else(|error| panic!("{text}: {:?}", error.diagnostics)).scenario;
    let made_up = loop {
        let made_up = scenario(of, n, choices).scenario;
        if has_patience(&made_up.strategy) {
            break made_up;
        }
    };
    if !routes(&made_up.strategy) || world.clients.conduct == made_up.clients.conduct {
        world.strategy = made_up.strategy;
    }
    (world.restart, world.shutdown, world.control) =
        (made_up.restart, made_up.shutdown, made_up.control);
    world
}

fn routes(settings: &StrategySettings) -> bool {
    matches!(settings, StrategySettings::ArgoCanary(_) | StrategySettings::Flagger(_))
}

fn play(scenario: &Scenario, replication: u32, depth: Depth) -> (Vec<(Time, Record)>, Time) {
    let mut sink = Checker::new(Vec::new());
    let end = World::new(&Model::new(scenario)).run(1, replication, depth, &mut sink);
    (sink.into_inner(), end)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn whatever_breaks_the_books_hold(n in 1u32..10, seed in any::<u64>()) {
        for of in Orchestrator::ALL {
            let mut choices = Choices(seed);
            let scenario = world(*of, n, &mut choices);
            let what = || format!("{} of {n}: {:?}", of.name(), scenario.pieces.faults);
            let (records, end) = play(&scenario, 0, Depth::Requests);
            prop_assert!(records == play(&scenario, 0, Depth::Requests).0, "{}", what());
            let (mut arrived, mut ended, mut answered) = (0_u64, 0_u64, 0_u64);
            let mut said = None;
            let mut gave_up = false;
            for (_, record) in &records {
                match record {
                    Record::Window { counts } => for counts in counts {
                        arrived += u64::from(counts.arrived);
                        ended += counts.ended.iter().map(|count| u64::from(*count)).sum::<u64>();
                        answered += u64::from(counts.ended[Ending::Ok as usize]);
                    },
                    Record::Said(now) => said = Some(*now),
                    Record::Moment(Moment::GaveUp) => gave_up = true,
                    _ => {}
                }
            }
            prop_assert!(arrived > 100);
            prop_assert_eq!(arrived, ended, "{}", what());
            prop_assert!(answered > 0 || n < 3, "{}", what());
            let terminal = said.is_some_and(crate::trace::Said::is_terminal);
            prop_assert!(terminal || gave_up, "{said:?} at {end:?}: {}", what());
            let latest = Time::ZERO + scenario.horizon + scenario.margin * 3.0 + Span::from_secs(9);
            prop_assert!(end <= latest, "{end:?}: {}", what());
            play(&scenario, 1, Depth::Control);
        }
    }
}
