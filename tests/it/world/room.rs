//! Hosts with room, zones, bought hosts, quotas and drains: what may never happen, and what does.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use rollcast::outcome::Collector;
use rollcast::scenario::pieces::{Budget, Drains, Quota};
use rollcast::scenario::settings::StrategySettings;
use rollcast::scenario::{
    AntiAffinity, Dist, Hosts, OutcomeKey, Pipeline, Provision, Scenario, load,
};
use rollcast::sim::{Depth, Model, World};
use rollcast::trace::{Cause, HostChange, Phase, Record, Said, VersionId};
use rollcast::units::{CountOrPercent, Span, Time};

use super::any::{deployment, quiet};
use super::books::play;

const fn seconds(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

/// A Deployment of so many, each of which starts in 10 s.
fn deploy(instances: u32, surge: u32, unavailable: u32) -> Scenario {
    let mut scenario = quiet(instances);
    let mut settings = deployment();
    settings.max_surge = CountOrPercent::Count(surge);
    settings.max_unavailable = CountOrPercent::Count(unavailable);
    scenario.strategy = StrategySettings::Kubernetes(settings);
    scenario.versions.new.start = Dist::Fixed(seconds(10));
    scenario
}

fn provision(delay: u64, nodes_max: u32) -> Provision {
    Provision {
        delay: Dist::Fixed(seconds(delay)),
        nodes_max: Some(nodes_max),
        scan_interval: seconds(10),
    }
}

/// One outcome of one run.
fn outcome(scenario: &Scenario, key: OutcomeKey) -> f64 {
    let mut collector = Collector::new(&scenario.slo, false);
    let end = World::new(&Model::new(scenario)).run(1, 0, Depth::Control, &mut collector);
    collector.finish(end).values[key as usize]
}

/// Follows places and holds them to the rules.
#[derive(Default)]
struct Places {
    zones: BTreeMap<u32, u32>,
    cordoned: BTreeMap<u32, bool>,
    placed: BTreeMap<u32, u32>,
    phases: BTreeMap<u32, (Phase, VersionId)>,
    bought: u32,
}

impl Places {
    fn on(&self, host: u32) -> impl Iterator<Item = u32> + '_ {
        self.placed.iter().filter(move |(_, on)| **on == host).map(|(instance, _)| *instance)
    }

    fn in_zone(&self, zone: u32) -> usize {
        let active = |instance: &&u32| self.phases[*instance].0.is_active();
        let placed = self.placed.iter().filter(|(_, host)| self.zones[*host] == zone);
        placed.map(|(instance, _)| instance).filter(active).count()
    }

    fn take(&mut self, record: &Record, scenario: &Scenario) {
        let hosts = &scenario.hosts;
        match *record {
            Record::Host { host, zone, change } => {
                assert!(zone < hosts.zones);
                self.zones.insert(host, zone);
                self.cordoned.insert(
                    host,
                    change == HostChange::Cordoned || { change == HostChange::Drained },
                );
                self.bought += u32::from(change == HostChange::Bought);
                if change == HostChange::Drained {
                    assert_eq!(self.on(host).count(), 0, "a drained host is empty");
                }
            }
            Record::Placed { instance, host, zone } => {
                assert_eq!(self.zones[&host], zone);
                assert!(!self.cordoned[&host], "{host} takes no instances");
                let before = self.placed.insert(instance, host);
                assert_eq!(before, None, "{instance} is on one host");
                let there: Vec<u32> = self.on(host).collect();
                assert!(hosts.room.is_none_or(|room| there.len() <= room as usize), "{there:?}");
                let version = |instance: &u32| self.phases[instance].1;
                let same = there.iter().filter(|other| version(other) == version(&instance));
                match hosts.anti_affinity {
                    AntiAffinity::None => {}
                    AntiAffinity::Version => assert_eq!(same.count(), 1),
                    AntiAffinity::All => assert_eq!(there.len(), 1),
                }
                if let Some(skew) = hosts.max_skew {
                    let counts: Vec<_> = (0..hosts.zones).map(|zone| self.in_zone(zone)).collect();
                    let least = counts.iter().min().expect("a zone");
                    assert!(counts[zone as usize] - least <= skew as usize, "{counts:?}");
                }
            }
            Record::Phase { instance, version, to, cause } => {
                if cause == Cause::Evicted {
                    self.evicted(instance, scenario);
                }
                self.phases.insert(instance, (to, version));
                if matches!(to, Phase::Starting | Phase::Ready | Phase::Available)
                    && cause != Cause::Placed
                    && cause != Cause::Initial
                {
                    assert!(self.placed.contains_key(&instance), "{instance} runs nowhere");
                }
                if to == Phase::Stopped {
                    self.placed.remove(&instance);
                }
            }
            _ => {}
        }
    }

    /// An eviction leaves what the budget keeps, if it takes one that is ready.
    fn evicted(&self, instance: u32, scenario: &Scenario) {
        let drains = scenario.pieces.drains.as_ref().expect("only drains evict");
        assert!(self.cordoned[&self.placed[&instance]]);
        let ready = self.phases.values().filter(|(phase, _)| phase.is_ready()).count();
        let keeps = drains.budget.keeps(scenario.service.instances) as usize;
        if self.phases[&instance].0.is_ready() {
            assert!(ready > keeps, "{ready} ready, {keeps} must stay");
        }
    }

    fn of(scenario: &Scenario, records: &[(Time, Record)]) -> Self {
        let mut places = Self::default();
        for (_, record) in records {
            places.take(record, scenario);
        }
        places
    }
}

fn hosts() -> impl Strategy<Value = Hosts> {
    let tight = (1u32..=4, proptest::option::of(1u32..3), 0u32..3, 1u32..=3);
    let bought = proptest::option::of((0u64..60, 0u32..4));
    (tight, bought, 4u32..10).prop_map(|((room, skew, apart, zones), bought, count)| {
        let anti_affinity = match apart {
            0 => AntiAffinity::None,
            1 => AntiAffinity::Version,
            _ => AntiAffinity::All,
        };
        let max_skew = skew.filter(|_| zones > 1);
        let provision = bought.map(|(delay, more)| provision(delay, count + more));
        Hosts { room: Some(room), zones, max_skew, anti_affinity, provision, ..Hosts::of(count) }
    })
}

fn drains() -> impl Strategy<Value = Drains> {
    let budget = prop_oneof![
        Just(Budget::None),
        (0u32..5).prop_map(|least| Budget::MinAvailable(CountOrPercent::Count(least))),
        (0u32..=100).prop_map(|p| Budget::MinAvailable(CountOrPercent::Percent(f64::from(p)))),
        (0u32..3).prop_map(|most| Budget::MaxUnavailable(CountOrPercent::Count(most))),
    ];
    (0u64..60, 1u32..4, budget, proptest::option::of(0u64..60)).prop_map(
        |(at, hosts, budget, back)| Drains {
            at: seconds(at),
            hosts,
            budget,
            retry: seconds(5),
            back: back.map(seconds),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 192, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn places_keep_their_rules(
        strategy in super::any::strategy(),
        hosts in hosts(),
        drains in proptest::option::of(drains()),
        quota in proptest::option::of(0u32..3),
        instances in 1u32..=4,
        replication in 0u32..100,
    ) {
        let mut scenario = quiet(instances);
        scenario.strategy = strategy;
        scenario.hosts = hosts;
        scenario.pieces.drains = drains;
        scenario.pieces.quota = quota.map(|more| Quota {
            instances: instances + more,
            back_off: Span::from_millis(5),
            back_off_max: seconds(1000),
        });
        for version in [&mut scenario.versions.old, &mut scenario.versions.new] {
            version.start = Dist::Exponential { mean: seconds(8) };
            version.exit = Dist::Exponential { mean: seconds(3) };
        }
        scenario.pipeline = Pipeline::ci(seconds(300));
        scenario.horizon = seconds(1200);
        let scaled = match &scenario.strategy {
            StrategySettings::Kubernetes(settings) => !settings.operations.is_empty(),
            _ => false,
        };
        if scaled {
            // Percentages are of what is wanted now, which these checks do not follow.
            scenario.pieces.drains = None;
        }
        let (records, end) = play(&scenario, replication, Depth::Control);
        let places = Places::of(&scenario, &records);
        if let Some(provision) = &scenario.hosts.provision {
            let most = provision.nodes_max.expect("stated");
            prop_assert!(scenario.hosts.count + places.bought <= most);
        } else {
            prop_assert_eq!(places.bought, 0);
        }
        let mut alive: BTreeMap<u32, Phase> = BTreeMap::new();
        for (_, record) in &records {
            if let Record::Phase { instance, to, .. } = record {
                alive.insert(*instance, *to);
                alive.retain(|_, phase| !matches!(phase, Phase::Stopped));
            }
            if let Some(quota) = &scenario.pieces.quota {
                prop_assert!(alive.len() <= quota.instances as usize, "{:?}", alive);
            }
        }
        let horizon = Time::ZERO + scenario.margin * 2.0 + scenario.horizon;
        prop_assert!(end <= horizon + scenario.slo.window * 2.0);
    }
}

#[test]
fn a_surge_without_room_waits_for_a_bought_host() {
    // Two hosts for three each are full with six.
    let mut scenario = deploy(6, 2, 0);
    scenario.hosts = Hosts { room: Some(3), provision: Some(provision(60, 9)), ..Hosts::of(2) };
    assert_eq!(outcome(&scenario, OutcomeKey::NodesBought), 1.0);
    let pending = outcome(&scenario, OutcomeKey::Pending);
    // Two wait for the next look (at most 10 s) and then for a minute.
    assert!((120.0..=140.0).contains(&pending), "{pending}");
    let duration = outcome(&scenario, OutcomeKey::Duration);
    assert!((90.0..=100.0).contains(&duration), "{duration}");
    // With room nobody waits and nothing is bought.
    scenario.hosts.room = Some(4);
    assert_eq!(outcome(&scenario, OutcomeKey::NodesBought), 0.0);
    assert_eq!(outcome(&scenario, OutcomeKey::Pending), 0.0);
    assert_eq!(outcome(&scenario, OutcomeKey::Duration), 30.0);
    // Nor if one goes before the next comes.
    scenario = deploy(6, 0, 2);
    scenario.hosts = Hosts { room: Some(3), provision: Some(provision(60, 9)), ..Hosts::of(2) };
    assert_eq!(outcome(&scenario, OutcomeKey::NodesBought), 0.0);
    // Nobody knows of hosts where it does not matter.
    scenario.hosts = Hosts::of(2);
    assert!(outcome(&scenario, OutcomeKey::NodesBought).is_nan());
    assert!(outcome(&scenario, OutcomeKey::ZoneServingMin).is_nan());
}

#[test]
fn no_room_no_purchase_no_end() {
    let mut scenario = deploy(6, 2, 0);
    scenario.hosts = Hosts { room: Some(3), ..Hosts::of(2) };
    let (records, _) = play(&scenario, 0, Depth::Control);
    let said = records.iter().rev().find_map(|(_, record)| match record {
        Record::Said(said) => Some(*said),
        _ => None,
    });
    assert_eq!(said, Some(Said::DeadlineExceeded));
}

/// kubernetes/kubernetes#98656: whoever made room did not tell the controller that waits.
#[test]
fn a_refused_creation_waits_about_as_long_again() {
    // One more is wanted and refused; an old one takes 30 s to go.
    let mut scenario = deploy(4, 1, 1);
    scenario.versions.old.exit = Dist::Fixed(seconds(29));
    let quota = |instances| {
        Some(Quota { instances, back_off: Span::from_millis(5), back_off_max: seconds(1000) })
    };
    let first_new = |scenario: &Scenario| {
        let (records, _) = play(scenario, 0, Depth::Control);
        let created = records.iter().find_map(|(at, record)| match record {
            Record::Phase { version: VersionId::NEW, to: Phase::Pending, .. } => Some(*at),
            _ => None,
        });
        created.map(|at| at.since(Time::from_secs(10)).as_secs_f64())
    };
    assert_eq!(first_new(&scenario), Some(0.0));
    scenario.pieces.quota = quota(4);
    // The place is free at 29 s; retries at 5·(2ⁿ − 1) ms: 20.475 s, 40.955 s.
    let at = first_new(&scenario).expect("in the end");
    assert!((at - 40.955).abs() < 1e-6, "{at}");
    // kubernetes/kubernetes#89209: quota equals replicas, nobody may be missing.
    let mut scenario = deploy(4, 1, 0);
    scenario.pieces.quota = quota(4);
    assert_eq!(first_new(&scenario), None);
}

#[test]
fn a_drain_takes_no_more_than_the_budget_allows() {
    let mut scenario = deploy(6, 0, 1);
    scenario.hosts = Hosts::of(3);
    scenario.versions.old.start = Dist::Fixed(seconds(10));
    // Evictions are asked for at 5.5, 10.5, … s, and pods become ready at 10, 20, … s.
    scenario.pieces.drains = Some(Drains {
        at: Span::from_millis(5500),
        hosts: 1,
        budget: Budget::MaxUnavailable(CountOrPercent::Count(1)),
        retry: seconds(5),
        back: None,
    });
    // The rollout has one away at any time: the budget is used up until it is over.
    let drained = outcome(&scenario, OutcomeKey::Drained);
    let duration = outcome(&scenario, OutcomeKey::Duration);
    assert!(duration >= 60.0 && drained > 5.5, "{drained} {duration}");
    assert!(outcome(&scenario, OutcomeKey::ServingMin) >= 5.0);
    let evicted = |scenario: &Scenario| {
        let (records, _) = play(scenario, 0, Depth::Control);
        let evictions = |(_, record): &&(Time, Record)| {
            matches!(record, Record::Phase { cause: Cause::Evicted, version: VersionId::OLD, .. })
        };
        records.iter().filter(evictions).count()
    };
    assert_eq!(evicted(&scenario), 0, "the rollout is quicker");
    // Without a budget both of its instances go at once.
    scenario.pieces.drains.as_mut().expect("stated").budget = Budget::None;
    assert_eq!(outcome(&scenario, OutcomeKey::Drained), 5.5);
    assert!(evicted(&scenario) > 0);
    assert!(outcome(&scenario, OutcomeKey::ServingMin) <= 4.0);
}

#[test]
fn zones_are_counted() {
    let mut scenario = deploy(6, 0, 2);
    scenario.hosts = Hosts { zones: 3, ..Hosts::of(6) };
    let least = outcome(&scenario, OutcomeKey::ZoneServingMin);
    let margin = outcome(&scenario, OutcomeKey::ZoneMargin);
    assert!(least <= 1.0 && (1.0..=3.0).contains(&margin), "{least} {margin}");
    scenario.strategy = deploy(6, 3, 0).strategy;
    assert_eq!(outcome(&scenario, OutcomeKey::ZoneServingMin), 2.0);
    assert_eq!(outcome(&scenario, OutcomeKey::ZoneMargin), 4.0);
}

/// What a story's gates see in its worst and best runs.
fn story(name: &str, changes: &[(&str, &str)], key: OutcomeKey) -> Vec<f64> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let text = std::fs::read_to_string(folder.join(name)).expect("a story");
    let overrides: Vec<_> = changes
        .iter()
        .map(|(key, value)| rollcast::scenario::Override {
            flag: "--set".into(),
            key: (*key).into(),
            value: (*value).into(),
            append: false,
        })
        .collect();
    let scenario = load(&text, name, &folder, &overrides).expect("a sound story").scenario;
    let model = Model::new(&scenario);
    let mut world = World::new(&model);
    let one = |replication| {
        let mut collector = Collector::new(&scenario.slo, false);
        let end = world.run(1, replication, Depth::Control, &mut collector);
        collector.finish(end).values[key as usize]
    };
    (0..60).map(one).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn ten_at_once_are_slower_than_one_by_one_when_they_share_their_hosts() {
    let completed = mean(&story("cold-wave.toml", &[], OutcomeKey::Completed));
    assert!(completed < 0.7, "{completed}");
    let one = [("strategy.kubernetes.max_surge", "4")];
    let completed = mean(&story("cold-wave.toml", &one, OutcomeKey::Completed));
    assert!(completed > 0.98, "{completed}");
}

#[test]
fn a_surge_without_room_buys_hosts_and_waits_for_them() {
    let bought = story("no-room.toml", &[], OutcomeKey::NodesBought);
    assert!(bought.iter().all(|bought| *bought >= 1.0), "{bought:?}");
    let waiting = story("no-room.toml", &[], OutcomeKey::Duration);
    let changes =
        [("strategy.kubernetes.max_surge", "0"), ("strategy.kubernetes.max_unavailable", "2")];
    let bought = mean(&story("no-room.toml", &changes, OutcomeKey::NodesBought));
    assert!(bought < 0.2, "{bought}");
    assert!(mean(&waiting) > mean(&story("no-room.toml", &changes, OutcomeKey::Duration)));
}

#[test]
fn a_budget_holds_a_drain_back_while_the_rollout_uses_it_up() {
    let with = story("node-drain.toml", &[], OutcomeKey::ServingMin);
    let drained = mean(&story("node-drain.toml", &[], OutcomeKey::Drained));
    let none = [("drains.max_unavailable", "100%")];
    let without = story("node-drain.toml", &none, OutcomeKey::ServingMin);
    let at_once = mean(&story("node-drain.toml", &none, OutcomeKey::Drained));
    assert!(mean(&with) > mean(&without) && drained > at_once, "{drained} {at_once}");
}
