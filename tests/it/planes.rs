//! The stories of data planes and long-lived streams: what each claims, in numbers.

use std::path::Path;

use proptest::prelude::*;
use rollcast::outcome::{Collector, Outcome};
use rollcast::scenario::pieces::DataPlane;
use rollcast::scenario::{OutcomeKey, Override, Scenario, load};
use rollcast::sim::{Depth, Model, World};

use crate::world::any;
use crate::world::books::{self, Books};

use OutcomeKey::{
    CutStreams, Failed, FailedCut, FailedNoEndpoint, FailedRefused, FailedReset, FailedShare,
    FailedTimeout, LatencyP99, ReconnectPeak, Requests, StreamSkew,
};

/// A story, changed as `--set` would.
fn story(name: &str, changes: &[&str]) -> Scenario {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("scenarios").join(name)).unwrap();
    let change = |assignment: &&str| {
        let (key, value) = assignment.split_once('=').unwrap();
        let (key, value) = (key.to_owned(), value.to_owned());
        Override { flag: format!("--set {assignment}"), key, value, append: false }
    };
    let changes: Vec<Override> = changes.iter().map(change).collect();
    match load(&text, name, root, &changes) {
        Ok(loaded) => loaded.scenario,
        Err(error) => panic!("{name}: {:?}", error.diagnostics),
    }
}

/// Outcomes of some runs.
struct Told(Vec<Outcome>);

fn play(scenario: &Scenario, runs: u32, depth: Depth) -> Told {
    let model = Model::new(scenario);
    let mut world = World::new(&model);
    let one = |replication| {
        let mut collector = Collector::new(&scenario.slo, false);
        let end = world.run(1, replication, depth, &mut collector);
        collector.finish(end)
    };
    Told((0..runs).map(one).collect())
}

fn told(name: &str, changes: &[&str]) -> Told {
    play(&story(name, changes), 4, Depth::Requests)
}

impl Told {
    fn mean(&self, key: OutcomeKey) -> f64 {
        let values = self.0.iter().map(|outcome| outcome.get(key).expect("it has a value"));
        values.sum::<f64>() / self.0.len() as f64
    }
}

fn plane(index: usize) -> Option<DataPlane> {
    let kinds =
        ["kube-proxy", "mesh", "alb", "nlb", "haproxy", "nginx", "envoy", "kamal-proxy", "dns"];
    let kind = format!("data_plane.kind={}", kinds[index]);
    story("no-pre-stop-cloud-lb.toml", &[&kind]).pieces.data_plane
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_request_ends_once_in_any_data_plane(plan in any::plan(), index in 0_usize..9) {
        let mut scenario = plan.scenario();
        scenario.pieces.data_plane = plane(index);
        let (records, _) = books::play(&scenario, 0, Depth::Requests);
        let books = Books::of(&records);
        prop_assert!(books.arrived > 0);
        prop_assert_eq!(books.arrived, books.ended.iter().flatten().sum::<u64>());
    }
}

/// Each of ten instances is asked by 50 requests a second for 2 to 15 s after it has closed.
#[test]
fn no_pre_stop_behind_a_cloud_load_balancer() {
    let name = "no-pre-stop-cloud-lb.toml";
    let before = told(name, &[]);
    let refused = before.mean(FailedRefused);
    // With those that stop beside it still on the list, an instance has less than a tenth; with
    // new ones late on it, more.
    // 8.5 s on average: 10 · 50/s · 8.5 s, less what the two surging ones take.
    assert!((3200.0..4400.0).contains(&refused), "{refused}");
    let others = before.mean(Failed) - refused;
    assert!(others < 0.05 * refused, "{others} of other causes, {refused} refused");
    assert!(before.mean(FailedShare) > 0.01);
    let patch = ["shutdown.pre_stop=20s", "strategy.min_ready=20s"];
    let after = told(name, &patch);
    assert!(after.mean(Requests) > 10_000.0);
    for cause in [FailedRefused, FailedReset, FailedCut, FailedNoEndpoint, FailedTimeout] {
        assert_eq!(after.mean(cause), 0.0, "{cause:?}");
    }
    assert_eq!(after.mean(Failed), 0.0);
    // Half of the patch is not enough: one new pod alone, still unknown to the load balancer, is
    // waited for by nobody.
    let single = ["service.instances=1", "traffic.rate=50/s", "strategy.max_surge=1"];
    let only_stop: Vec<&str> = [&single[..], &patch[..1]].concat();
    let only_stop = told(name, &only_stop);
    assert!(only_stop.mean(FailedNoEndpoint) > 0.0);
    assert_eq!(only_stop.mean(FailedRefused), 0.0);
    let both: Vec<&str> = [&single[..], &patch[..]].concat();
    assert_eq!(told(name, &both).mean(Failed), 0.0);
}

/// Those who look again lose TTL/2 of requests to each stop; those who never do lose everything
/// once all they know is gone.
#[test]
fn clients_that_look_up_by_dns() {
    let name = "dns-clients.toml";
    let at_once = told(name, &["data_plane.never=0%"]);
    // Eight stops, 25 requests a second each, 15 s until half of the clients have looked again.
    let expected = 8.0 * 25.0 * 15.0;
    let refused = at_once.mean(FailedRefused);
    assert!((refused / expected - 1.0).abs() < 0.35, "{refused}, {expected} expected");
    let patient = told(name, &["data_plane.never=0%", "shutdown.pre_stop=35s"]);
    assert_eq!(patient.mean(Failed), 0.0);
    // One of twenty clients never looks again: all of its requests in the end.
    let for_ever = told(name, &["shutdown.pre_stop=35s"]);
    let share = for_ever.mean(FailedShare);
    assert!(share > 0.001 && share < 0.05, "{share}");
}

#[test]
fn one_host_more_and_envoy_panics() {
    let name = "panic-threshold.toml";
    let half = told(name, &[]);
    let more = told(name, &["strategy.serial=7"]);
    let (half, more) = (half.mean(FailedShare), more.mean(FailedShare));
    // Four attempts at hosts of which 7/12 refuse: (7/12)^4, for most of the restart.
    assert!(half < 0.005 && more > 5.0 * half, "{half} {more}");
    // It is the threshold that makes the difference, not the size of the batch.
    let calm = told(name, &["strategy.serial=7", "data_plane.panic=off"]).mean(FailedShare);
    assert!(calm < 0.4 * more, "{calm} {more}");
}

#[test]
fn slow_start_protects_one_by_one_and_not_all_at_once() {
    let name = "slow-start.toml";
    let one_by_one = told(name, &[]).mean(LatencyP99);
    let at_once = told(name, &["strategy.max_surge=100%"]).mean(LatencyP99);
    let never = told(name, &["balancer.slow_start=0s", "strategy.max_surge=100%"]);
    let unprotected = told(name, &["balancer.slow_start=0s"]).mean(LatencyP99);
    assert!(one_by_one < 0.4 && at_once > 1.5 * one_by_one, "{one_by_one} {at_once}");
    assert!(unprotected > one_by_one, "{unprotected} {one_by_one}");
    let never = never.mean(LatencyP99);
    assert!(at_once > 0.7 * never, "slow start saves little there: {at_once} {never}");
}

#[test]
fn streams_are_cut_more_often_than_there_are_streams() {
    let name = "streams.toml";
    let cut = play(&story(name, &[]), 4, Depth::Control);
    assert!((6000.0..12_000.0).contains(&cut.mean(CutStreams)), "{}", cut.mean(CutStreams));
    assert!(cut.mean(ReconnectPeak) > 400.0);
    assert!(cut.mean(StreamSkew) > 1.2, "{}", cut.mean(StreamSkew));
    let patch = ["streams.on_drain=goaway", "streams.wait=true", "streams.reconnect=15s"];
    let asked = play(&story(name, &patch), 4, Depth::Control);
    assert_eq!(asked.mean(CutStreams), 0.0);
    assert!(asked.mean(ReconnectPeak) < 250.0, "{}", asked.mean(ReconnectPeak));
}

#[test]
fn sidecars_that_leave_first_cut_their_pods_off() {
    let name = "sidecars.toml";
    let unordered = told(name, &[]);
    assert!(unordered.mean(FailedRefused) > 0.0);
    assert!(unordered.mean(FailedShare) > 0.001, "{}", unordered.mean(FailedShare));
    let ordered = told(name, &["data_plane.sidecar=ordered"]);
    assert_eq!(ordered.mean(Failed), 0.0);
}

/// Envoy's outlier detection leaves out an instance that fails everything, for 30 s at first.
#[test]
fn an_instance_that_fails_everything_is_ejected() {
    let name = "no-pre-stop-cloud-lb.toml";
    let envoy = ["data_plane.kind=envoy", "clients.lag_remove=12s"];
    let on = told(name, &envoy).mean(FailedRefused);
    let off: Vec<&str> = [&envoy[..], &["data_plane.outlier=off"]].concat();
    let off = told(name, &off).mean(FailedRefused);
    // Five errors at each of two nodes, then silence; but only one of ten may be out.
    assert!(on < 0.7 * off, "{on} {off}");
}
