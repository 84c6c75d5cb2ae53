//! Scenarios of all kinds, small and short.

use std::path::Path;

use proptest::prelude::*;
use rollcast::scenario::settings::{
    AvailabilityTiming, DeploymentKind, Generic, KubernetesDeployment, OnFailure, Operation, Order,
    StrategySettings, Window,
};
use rollcast::scenario::{
    Algorithm, Arrivals, Discipline, Dist, Hosts, OnTerm, Pipeline, PipelineKind, Probes, Profile,
    Protocol, Retries, Scenario, Traffic, Warmup, Watch, load,
};
use rollcast::units::{Bandwidth, Bytes, CountOrPercent, Rate, Share, Span};

const fn ms(millis: u64) -> Span {
    Span::from_millis(millis)
}

fn lognormal(p50: f64, sigma: f64) -> Dist {
    Dist::LogNormal { mu: p50.ln(), sigma }
}

/// `instances` instances without traffic, probes, latencies or chance; one is replaced at a
/// time, each starts in a second.
pub(crate) fn quiet(instances: u32) -> Scenario {
    let text = "rollcast = 1\n[service]\ninstances = 1\n[versions.old]\nstart = \"1s\"\n\
        [strategy.generic]\n";
    let loaded = load(text, "quiet.toml", Path::new("."), &[]).expect("a good scenario");
    let mut scenario = loaded.scenario;
    scenario.service.instances = instances;
    scenario.strategy = StrategySettings::Generic(batches());
    let nothing = Dist::Fixed(Span::ZERO);
    for version in [&mut scenario.versions.old, &mut scenario.versions.new] {
        version.exit = nothing.clone();
        version.service_time = Dist::Fixed(ms(10));
    }
    let control = &mut scenario.control;
    for latency in [&mut control.watch, &mut control.sync, &mut control.act, &mut control.schedule]
    {
        *latency = nothing.clone();
    }
    scenario.clients.lag_add = nothing.clone();
    scenario.clients.lag_remove = nothing;
    scenario.clients.nodes = 1;
    scenario.probes.period = Span::ZERO;
    scenario.probes.initial_delay = Span::ZERO;
    scenario.shutdown.pre_stop = Span::ZERO;
    scenario.margin = Span::from_secs(10);
    scenario
}

/// One at a time behind a barrier, the old one first.
pub(crate) fn batches() -> Generic {
    Generic {
        batch: CountOrPercent::Count(1),
        window: Window::Barrier,
        order: Order::StopFirst,
        bake: Span::ZERO,
        ready_deadline: Span::from_secs(600),
        failures_allowed: CountOrPercent::Count(0),
        on_failure: OnFailure::Pause,
    }
}

/// The defaults of a Deployment.
pub(crate) fn deployment() -> KubernetesDeployment {
    KubernetesDeployment {
        kind: DeploymentKind::RollingUpdate,
        max_surge: CountOrPercent::Percent(25.0),
        max_unavailable: CountOrPercent::Percent(25.0),
        min_ready: Span::ZERO,
        progress_deadline: Span::from_secs(600),
        timing: AvailabilityTiming::WholeSeconds,
        operations: Vec::new(),
    }
}

/// A constant rate for ever.
pub(crate) fn steady(rate: f64) -> Traffic {
    let profile = Profile::Constant(Rate(rate));
    Traffic { profile, arrivals: Arrivals::Poisson, scale: 1.0 }
}

/// One of each.
pub(crate) const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RoundRobin,
    Algorithm::Random,
    Algorithm::LeastOutstanding,
    Algorithm::PowerOfChoices { choices: 2 },
    Algorithm::Weighted,
    Algorithm::PeakEwma { decay: Span::from_secs(10) },
    Algorithm::ConsistentHash { keys: 50 },
    Algorithm::Central { room: None },
];

/// A scenario in parts that shrink well.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    instances: u32,
    discipline: Discipline,
    algorithm: Algorithm,
    traffic: Traffic,
    service: (f64, f64),
    new: (f64, Warmup, Share, Share, Option<Bytes>),
    nodes: u32,
    protocol: Protocol,
    retries: Retries,
    timeout: Span,
    lags: (Dist, Dist),
    shutdown: (Span, Span, OnTerm),
    probes: (Span, Span, u32),
    hosts: Hosts,
    latencies: Dist,
    slow_start: Span,
    pipeline: Pipeline,
    strategy: StrategySettings,
}

impl Plan {
    /// Traffic stops so long after the rollout began.
    pub(crate) const SILENCE: Span = ms(30_250);
    /// Counts are kept for windows of this length.
    pub(crate) const WINDOW: Span = Span::from_secs(1);

    pub(crate) fn scenario(&self) -> Scenario {
        let mut scenario = quiet(self.instances);
        scenario.service.discipline = self.discipline;
        scenario.balancer.algorithm = self.algorithm;
        scenario.balancer.slow_start = self.slow_start;
        scenario.traffic = Some(self.traffic.clone());
        let service = lognormal(self.service.0, self.service.1);
        let old = &mut scenario.versions.old;
        old.start = lognormal(3.0, 0.4);
        old.exit = Dist::Exponential { mean: ms(200) };
        old.service_time = service.clone();
        let new = &mut scenario.versions.new;
        new.clone_from(old);
        (new.warmup, new.errors, new.never_ready, new.pull) =
            (self.new.1, self.new.2, self.new.3, self.new.4);
        new.service_time = Dist::Scaled(Box::new(service), self.new.0);
        let clients = &mut scenario.clients;
        (clients.nodes, clients.protocol) = (self.nodes, self.protocol);
        (clients.retries, clients.timeout) = (self.retries.clone(), self.timeout);
        (clients.lag_add, clients.lag_remove) = self.lags.clone();
        let (pre_stop, grace, on_term) = self.shutdown;
        (scenario.shutdown.pre_stop, scenario.shutdown.grace) = (pre_stop, grace);
        scenario.shutdown.on_term = on_term;
        let (initial_delay, period, success_threshold) = self.probes;
        scenario.probes = Probes { initial_delay, period, success_threshold, ..scenario.probes };
        scenario.hosts = self.hosts.clone();
        let control = &mut scenario.control;
        for latency in
            [&mut control.watch, &mut control.sync, &mut control.act, &mut control.schedule]
        {
            *latency = self.latencies.clone();
        }
        scenario.pipeline = self.pipeline.clone();
        scenario.strategy = self.strategy.clone();
        scenario.slo.window = Self::WINDOW;
        scenario.margin = Span::from_secs(60);
        scenario.horizon = Span::from_secs(1200);
        scenario
    }
}

fn discipline() -> impl Strategy<Value = Discipline> {
    let limit = || proptest::option::of(0u32..20);
    prop_oneof![
        (1u32..=12, limit()).prop_map(|(slots, queue)| Discipline::Fifo { slots, queue }),
        (0.5f64..4.0, proptest::option::of(1u32..20))
            .prop_map(|(cores, limit)| Discipline::Sharing { cores, limit }),
    ]
}

fn algorithm() -> impl Strategy<Value = Algorithm> {
    prop_oneof![
        6 => proptest::sample::select(&ALGORITHMS[..]),
        1 => (1u32..40).prop_map(|room| Algorithm::Central { room: Some(room) }),
        1 => (1u32..6).prop_map(|choices| Algorithm::PowerOfChoices { choices }),
    ]
}

/// Of all kinds, with silence from [`Plan::SILENCE`] on.
fn traffic() -> impl Strategy<Value = Traffic> {
    let rate = 1.0f64..200.0;
    let second = Span::from_secs;
    let profile = prop_oneof![
        (rate.clone(), rate.clone()).prop_map(move |(low, high)| {
            let table = [(0, low), (10, high), (29, low), (30, 0.0)];
            Profile::Table(table.map(|(at, rate)| (second(at), Rate(rate))).to_vec())
        }),
        (40.0f64..200.0, 1u64..20).prop_map(move |(peak, at)| Profile::Flash {
            base: Rate(0.0),
            peak: Rate(peak),
            at: second(at),
            rise: second(2),
            // Twenty-odd time constants before silence: e⁻²⁰ of a few hundred is nothing.
            decay: ms(300),
        }),
        proptest::collection::vec(0.0f64..400.0, 10..30).prop_map(move |mut counts| {
            counts[0] = 100.0;
            Profile::Counts { interval: second(1), counts }
        }),
        proptest::collection::btree_set(0u64..30_000_000_000, 1..2000).prop_map(move |at| {
            Profile::Instants { at: at.into_iter().collect(), period: second(3600) }
        }),
    ];
    let arrivals = prop_oneof![Just(Arrivals::Poisson), Just(Arrivals::Deterministic)];
    (profile, arrivals, 0.5f64..1.5).prop_map(|(profile, arrivals, scale)| Traffic {
        profile,
        arrivals,
        scale,
    })
}

fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![
        (0.0f64..=1.0).prop_map(|reuse| Protocol::PerRequest { reuse: Share(reuse) }),
        (
            1u32..8,
            prop_oneof![Just(Span::MAX), (1u64..30).prop_map(Span::from_secs)],
            any::<bool>()
        )
            .prop_map(|(connections, max_age, goaway)| Protocol::PerConnection {
                connections,
                max_age,
                goaway,
            }),
    ]
}

fn retries() -> impl Strategy<Value = Retries> {
    let delay = prop_oneof![
        (10u64..500).prop_map(|delay| Dist::Fixed(ms(delay))),
        (50u64..500).prop_map(|mean| Dist::Exponential { mean: ms(mean) }),
    ];
    let attempts = prop_oneof![2 => Just(1u32), 2 => 2u32..5, 1 => Just(u32::MAX)];
    (attempts, delay).prop_map(|(attempts, delay)| Retries { attempts, delay })
}

fn lag() -> impl Strategy<Value = Dist> {
    prop_oneof![
        (0u64..3000).prop_map(|lag| Dist::Fixed(ms(lag))),
        (100u64..2000).prop_map(|mean| Dist::Exponential { mean: ms(mean) }),
    ]
}

fn shutdown() -> impl Strategy<Value = (Span, Span, OnTerm)> {
    let on_term = prop_oneof![Just(OnTerm::Drain), Just(OnTerm::Exit), Just(OnTerm::Ignore)];
    (0u64..5000, 0u64..8000, on_term).prop_map(|(pre, grace, on)| (ms(pre), ms(grace), on))
}

fn version() -> impl Strategy<Value = (f64, Warmup, Share, Share, Option<Bytes>)> {
    let warmup = prop_oneof![
        Just(Warmup::None),
        (5.0f64..200.0, 1.0f64..5.0)
            .prop_map(|(scale, slowdown)| Warmup::Requests { scale, slowdown }),
        (1u64..20, 1.0f64..5.0)
            .prop_map(|(scale, slowdown)| Warmup::Time { scale: Span::from_secs(scale), slowdown }),
    ];
    let share = |most: f64| prop_oneof![Just(Share(0.0)), (0.0..=most).prop_map(Share)];
    let pull = proptest::option::of((1u64..2000).prop_map(|mib| Bytes(mib << 20)));
    (0.5f64..3.0, warmup, share(0.5), share(1.0), pull)
}

fn hosts() -> impl Strategy<Value = Hosts> {
    let link = || proptest::option::of((50u64..2000).prop_map(|mib| Bandwidth(mib << 20)));
    (1u32..5, link(), link(), any::<bool>(), any::<bool>()).prop_map(
        |(count, bandwidth, registry, serial_pulls, cache)| Hosts {
            bandwidth,
            serial_pulls,
            registry,
            cache,
            ..Hosts::of(count)
        },
    )
}

fn pipeline() -> impl Strategy<Value = Pipeline> {
    let span = |seconds: u64| Dist::Exponential { mean: Span::from_secs(seconds) };
    let kind = prop_oneof![
        Just(PipelineKind::HelmAtomic),
        Just(PipelineKind::Ci),
        Just(PipelineKind::CiUndo),
        Just(PipelineKind::Human),
        (1u64..200).prop_map(move |sync| PipelineKind::GitopsRevert {
            sync: Span::from_secs(sync),
            reconcile: span(5),
            by_hand: None,
        }),
        (0u32..=4).prop_map(move |covers| PipelineKind::KillSwitch {
            propagation: span(10),
            covers: Share(f64::from(covers) / 4.0),
        }),
    ];
    let watch = (kind, 20u64..400, prop::option::of(1u64..200), 0u32..=2, 0u64..20);
    let watched = watch.prop_map(move |(kind, timeout, back, fails, act)| {
        Pipeline::Watched(Box::new(Watch {
            kind,
            timeout: Span::from_secs(timeout),
            reaction: span(60),
            act: span(act),
            fails: Share(f64::from(fails) / 2.0),
            back_timeout: back.map(Span::from_secs),
        }))
    });
    prop_oneof![1 => Just(Pipeline::None), 3 => watched]
}

/// Any strategy with any settings.
pub(crate) fn strategy() -> impl Strategy<Value = StrategySettings> {
    let amount = || {
        prop_oneof![
            (0u32..6).prop_map(CountOrPercent::Count),
            (0u32..=100).prop_map(|percent| CountOrPercent::Percent(f64::from(percent))),
        ]
    };
    let operation = prop_oneof![
        (1u32..15).prop_map(Operation::Scale),
        Just(Operation::Pause),
        Just(Operation::Resume),
        Just(Operation::Undo),
        Just(Operation::Rollover),
    ];
    let operations = proptest::collection::vec((0u64..60, operation), 0..4).prop_map(|mut all| {
        all.sort_by_key(|(at, _)| *at);
        all.into_iter().map(|(at, operation)| (Span::from_secs(at), operation)).collect()
    });
    let timing =
        prop_oneof![Just(AvailabilityTiming::WholeSeconds), Just(AvailabilityTiming::Rechecked)];
    let kubernetes = (any::<bool>(), amount(), amount(), 0u64..10, timing, operations).prop_map(
        |(recreate, max_surge, max_unavailable, min_ready, timing, operations)| {
            StrategySettings::Kubernetes(KubernetesDeployment {
                kind: if recreate {
                    DeploymentKind::Recreate
                } else {
                    DeploymentKind::RollingUpdate
                },
                max_surge,
                max_unavailable,
                min_ready: Span::from_secs(min_ready),
                progress_deadline: Span::from_secs(120),
                timing,
                operations,
            })
        },
    );
    let on_failure =
        prop_oneof![Just(OnFailure::Pause), Just(OnFailure::Rollback), Just(OnFailure::Continue)];
    let generic = (amount(), any::<bool>(), any::<bool>(), 0u64..10, amount(), on_failure)
        .prop_map(|(batch, sliding, start_first, bake, failures_allowed, on_failure)| {
            StrategySettings::Generic(Generic {
                batch,
                window: if sliding { Window::Sliding } else { Window::Barrier },
                order: if start_first { Order::StartFirst } else { Order::StopFirst },
                bake: Span::from_secs(bake),
                ready_deadline: Span::from_secs(60),
                failures_allowed,
                on_failure,
            })
        });
    prop_oneof![kubernetes, generic]
}

/// Any scenario.
pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let service = (0.005f64..0.3, 0.0f64..1.0);
    let requests = (discipline(), algorithm(), traffic(), service, version());
    let clients = (1u32..=4, protocol(), retries(), 500u64..5000, (lag(), lag()));
    let probes = ((0u64..3000).prop_map(ms), (0u64..5000).prop_map(ms), 1u32..3);
    let latencies = prop_oneof![Just(Dist::Fixed(Span::ZERO)), Just(lognormal(0.05, 0.5))];
    let slow_start = prop_oneof![Just(Span::ZERO), (1u64..20).prop_map(Span::from_secs)];
    let control = (shutdown(), probes, hosts(), latencies, slow_start, pipeline(), strategy());
    (1u32..=12, requests, clients, control).prop_map(|(instances, requests, clients, control)| {
        let (discipline, algorithm, traffic, service, new) = requests;
        let (nodes, protocol, retries, timeout, lags) = clients;
        let (shutdown, probes, hosts, latencies, slow_start, pipeline, strategy) = control;
        let timeout = ms(timeout);
        Plan {
            instances,
            discipline,
            algorithm,
            traffic,
            service,
            new,
            nodes,
            protocol,
            retries,
            timeout,
            lags,
            shutdown,
            probes,
            hosts,
            latencies,
            slow_start,
            pipeline,
            strategy,
        }
    })
}
