//! Pieces of the world crossed at random, under every orchestrator: whatever meets, the books
//! balance. Each piece has tests of its own; these are for what only happens between two.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::kernel::guard;
use super::{Depth, Model, World};
use crate::engine::Seeds;
use crate::scenario::{Scenario, load};
use crate::trace::life::Checker;
use crate::trace::{Moment, Phase, Record, Said, Sink};
use crate::units::{Span, Time};

/// Requests stop so long after the rollout began.
const SILENCE: Span = Span::from_secs(40);

/// Pieces by table, each in a few kinds. What is written first stays if two do not go together.
const MENU: &[(&str, &[&str])] = &[
    (
        "service",
        &[
            "slots = 2\nqueue = 6",
            "slots = 12",
            "discipline = \"ps\"\ncores = 2.5\nlimit = 40",
            "discipline = \"ps\"\ncores = 3\ncpu_limit = 1.4",
        ],
    ),
    (
        "clients",
        &[
            "attempt_timeout = \"150ms\"\ncancel = true\n\
             retries = { attempts = 3, backoff = \"20ms\", budget = \"20%\" }\n\
             hedge = { after = \"p90\", most = 2 }",
            "protocol = \"http1\"\npool = { max = 4, idle_timeout = \"2s\", max_requests = 50 }\n\
             connect = \"4ms\"\nhandshake = \"2ms\"\ncount = 3",
            "protocol = \"grpc\"\nconnections = 2\nmax_connection_age = \"9s\"\nmax_streams = 3\n\
             connect = \"3ms\"\ncount = 4",
            "protocol = \"http2\"\ncount = 2\nretries = { attempts = 4, delay = \"50ms\" }",
            "sticky = { sessions = 40, cookie = false, length = \"20s\" }\ncount = 2\n\
             hedge = { after = \"60ms\" }",
            "timeout = \"900ms\"\nattempt_timeout = \"90ms\"\nlag_remove = \"4s\"\n\
             retries = { attempts = \"unbounded\", delay = \"100ms\",\
             on = [\"cut\", \"connect\"] }",
        ],
    ),
    ("users", &["count = 60\nthink = { law = \"exponential\", mean = \"2s\" }"]),
    (
        "balancer",
        &[
            "algorithm = \"round_robin\"\nslow_start = \"10s\"",
            "algorithm = \"leastconn\"",
            "algorithm = \"peak_ewma\"",
            "algorithm = \"consistent_hash\"\nkeys = 30",
            "algorithm = \"central\"\nroom = 20",
        ],
    ),
    (
        "data_plane",
        &[
            "kind = \"kube-proxy\"",
            "kind = \"mesh\"\nsidecar = \"ordered\"",
            "kind = \"alb\"\ncheck = \"3s\"",
            "kind = \"haproxy\"",
            "kind = \"nginx\"",
            "kind = \"envoy\"\nsuccess_rate = 1.9\nsuccess_rate_requests = 20",
            "kind = \"kamal-proxy\"",
            "dns = \"60%\"\nttl = \"9s\"\nnever = \"20%\"",
        ],
    ),
    (
        "versions.old",
        &[
            "exit = \"3s\"\nwarmup = { requests = 60, slowdown = 3 }",
            "exit = { values = [\"1s\", \"25s\"] }",
        ],
    ),
    (
        "versions.new",
        &[
            "errors = \"8%\"\ncrash = \"20%\"\ncrash_after = \"9s\"",
            "never_ready = \"30%\"",
            "start = { pull = \"200MiB\", cpu = \"4s\", boot = \"1s\" }\n\
             warmup = { time = \"5s\", slowdown = 2 }",
        ],
    ),
    (
        "shutdown",
        &[
            "pre_stop = \"5s\"\ngrace = \"12s\"",
            "grace = \"2s\"\non_term = \"ignore\"",
            "pre_stop = \"0s\"\ndrain_wait = \"6s\"",
        ],
    ),
    ("probes", &["period = \"2s\"\nfailure = 2\nkills = true", "initial_delay = \"3s\""]),
    (
        "hosts",
        &[
            "count = 3\nroom = 3\nzones = 3\nmax_skew = 1\ncores = 2\nwave_cv = 0.3",
            "count = 4\nroom = 4\nzones = 2\n[faults.zone]\nkind = \"zone_loss\"\nat = \"9s\"\n\
             for = \"20s\"",
            "count = 3\nroom = 3\nprovision = \"15s\"\nnodes_max = 5\nscan_interval = \"4s\"",
            "count = 4\nbandwidth = \"1Gbit/s\"\nregistry = \"200MiB/s\"",
        ],
    ),
    (
        "drains",
        &[
            "hosts = 2\nat = \"4s\"\nretry = \"3s\"\nmin_available = \"60%\"",
            "hosts = 1\nat = \"20s\"\nback = \"9s\"\nmax_unavailable = 1",
        ],
    ),
    ("quota", &["instances = 9"]),
    ("autoscaler", &["min = 3\nmax = 12\nsync = \"5s\"\nscrape = \"5s\"\ntarget_cpu = \"30%\""]),
    (
        "dependencies.db",
        &[
            "connections_max = 30\nper_instance = 4\nconnect_rate = \"9/s\"",
            "connections_max = 30\nper_instance = 4\nover = \"wait\"\ncapacity = \"90/s\"\n\
             calls = 1.5",
            "capacity = \"200/s\"\nfails = { at = \"9s\", for = \"12s\" }\nreadiness = true",
        ],
    ),
    ("cache", &["requests = 40\nmiss_time = \"15ms\""]),
    (
        "queue",
        &[
            "rate = \"3/s\"\nvisibility_timeout = \"5s\"\nmax_receives = 3",
            "rate = \"6/s\"\nredelivery = \"disconnect\"\nextend = true",
        ],
    ),
    ("quorum", &["catch_up = \"2s\""]),
    (
        "streams",
        &[
            "open = 90\nlength = \"1000h\"\non_drain = \"goaway\"\nwait = true",
            "rate = \"3/s\"\nlength = \"6s\"\non_drain = \"migrate\"",
        ],
    ),
    ("change", &["kind = \"secret\"\nreload = \"hot\"\npropagate = \"6s\""]),
    (
        "migration",
        &[
            "takes = \"8s\"\nlocks = \"30%\"\nold_errors = \"5%\"",
            "takes = \"8s\"\nwhen = \"after\"",
        ],
    ),
    (
        "judges.default",
        &[
            "kind = \"robust\"\nsamples = 40\ninterval = \"5s\"\ndelay = \"2s\"\nbake = \"20s\"",
            "kind = \"burn_rate\"\non_fail = \"alert\"",
        ],
    ),
    ("liveness", &["period = \"3s\"\ntimeout = \"200ms\"\nfailure = 2"]),
    ("startup", &["period = \"2s\"\nfailure = 9"]),
    ("prices", &["instance_hour = 0.1\nlost_request = 0.01"]),
    ("release", &["bad = \"30%\"\n[defects.sometimes]\nkind = \"errors\"\nshare = \"15%\""]),
    (
        "defects.one",
        &[
            "kind = \"errors\"\nshare = \"20%\"\nafter = \"5s\"",
            "kind = \"leak\"\nfactor = 5\nafter = \"15s\"",
            "kind = \"less_capacity\"\nshare = \"40%\"",
            "kind = \"mixed\"\nshare = \"10%\"",
        ],
    ),
    (
        "faults.one",
        &[
            "kind = \"host_loss\"\nat = \"9s\"",
            "kind = \"partition\"\nat = \"5s\"\nfor = \"9s\"",
            "kind = \"control_outage\"\nat = \"5s\"\nfor = \"12s\"",
            "kind = \"controller_crash\"\nat = \"5s\"",
            "kind = \"stuck_drain\"\nat = \"0s\"",
        ],
    ),
    (
        "pipeline",
        &[
            "kind = \"helm-atomic\"\ntimeout = \"50s\"",
            "kind = \"human\"\nreaction = \"20s\"\ntimeout = \"40s\"",
        ],
    ),
];

/// Every orchestrator, and those with two ways of working in both.
const STRATEGIES: &[&str] = &[
    "generic]\nbatch = \"40%\"\norder = \"start-first\"\nbake = \"2s\"\non_failure = \"rollback\"",
    "generic]\nbatch = 2\nwindow = \"sliding\"\nready_deadline = \"30s\"",
    "kubernetes]",
    "kubernetes]\nmax_surge = 0\nmax_unavailable = 2\nprogress_deadline = \"60s\"\n\
     operations = [{ at = \"9s\", do = \"undo\" }, { at = \"15s\", scale = 7 }]",
    "kubernetes]\ntype = \"Recreate\"",
    "statefulset]\npod_management_policy = \"Parallel\"",
    "daemonset]",
    "swarm]\nparallelism = 2\norder = \"start-first\"\nfailure_action = \"rollback\"",
    "swarm]\nparallelism = 0",
    "nomad]\nmax_parallel = 2\ncanary = 1\nauto_promote = true",
    "ecs]",
    "codedeploy]",
    "asg]",
    "mig]\nmax_surge = 2\nmax_unavailable = 0",
    "vmss]",
    "service_fabric]\nupgrade_domains = 3",
    "ansible]\nserial = 2",
    "argo_canary]\ntraffic_routing = true\nsteps = [{ set_weight = 30 }, { pause = \"9s\" }]",
    "argo_canary]\nsteps = [{ set_weight = 40 }, { pause = \"9s\" }]",
    "argo_bluegreen]\nauto_promotion_enabled = true",
    "flagger]",
    "kamal]\nboot_limit = 2",
    "capistrano]\nin = \"groups\"\nlimit = 2",
    "appconfig]\ngrowth_factor = \"50%\"\ndeployment_duration = \"1m\"",
];

/// A file with these pieces, as far as they go together.
fn scenario(instances: u32, picks: &[(usize, usize)], strategy: usize) -> (String, Scenario) {
    let strategy = format!("[strategy.{}\n", STRATEGIES[strategy % STRATEGIES.len()]);
    let mut chosen: BTreeMap<&str, &str> = BTreeMap::new();
    let read = |chosen: &BTreeMap<&str, &str>| {
        let mut text = "rollcast = 1\nmargin = \"45s\"\nhorizon = \"6m\"\n".to_owned();
        let mut tables = chosen.clone();
        for table in ["service", "versions.old", "clients"] {
            tables.entry(table).or_default();
        }
        if !chosen.contains_key("queue") {
            tables.entry("traffic").or_default();
        }
        for (table, lines) in tables {
            let part = match table {
                "service" => format!("[service]\ninstances = {instances}\n{lines}\n"),
                "versions.old" => format!(
                    "[versions.old]\nstart = {{ p50 = \"3s\", p95 = \"6s\" }}\n\
                     service_time = {{ p50 = \"30ms\", p95 = \"90ms\" }}\n{lines}\n"
                ),
                "clients" if !lines.contains("timeout =") => {
                    format!("[clients]\ntimeout = \"3s\"\n{lines}\n")
                }
                "traffic" => {
                    "[traffic]\nrate = { table = [[\"0s\", \"50/s\"], [\"39s\", \"90/s\"], \
                              [\"40s\", \"0/s\"]] }\n"
                        .to_owned()
                }
                _ => format!("[{table}]\n{lines}\n"),
            };
            text += &part;
        }
        text += &strategy;
        let loaded = load(&text, "crossing.toml", Path::new("."), &[]);
        loaded.map(|loaded| (text, loaded.scenario)).map_err(|error| error.diagnostics)
    };
    let mut best = read(&chosen).unwrap_or_else(|problems| panic!("{strategy}{problems:?}"));
    for (table, lines) in picks {
        let (table, kinds) = MENU[table % MENU.len()];
        let before = chosen.insert(table, kinds[lines % kinds.len()]);
        if let Ok(read) = read(&chosen) {
            best = read;
        } else {
            chosen.remove(table);
            before.map(|before| chosen.insert(table, before));
        }
    }
    best
}

/// What the records of a run add up to.
#[derive(Debug, Default)]
struct Books {
    phases: BTreeMap<u32, Phase>,
    most_alive: usize,
    serving: std::collections::BTreeSet<u32>,
    arrived: u64,
    ended: u64,
    attempts: u64,
    said: Option<Said>,
    gave_up: u32,
    desired: Vec<u32>,
    held: u32,
    all: Vec<(Time, Record)>,
}

impl Sink for Books {
    fn record(&mut self, at: Time, record: Record) {
        match &record {
            Record::Phase { instance, to: Phase::Stopped | Phase::Lost, .. } => {
                self.phases.remove(instance);
            }
            Record::Phase { instance, to, .. } => _ = self.phases.insert(*instance, *to),
            Record::Serving { instance, serving: true, .. } => {
                assert!(self.serving.insert(*instance), "{instance} served before");
            }
            Record::Serving { instance, .. } => {
                assert!(self.serving.remove(instance), "{instance} did not serve");
            }
            Record::Said(said) => self.said = Some(*said),
            Record::Moment(Moment::GaveUp) => self.gave_up += 1,
            Record::Desired { instances } => self.desired.push(*instances),
            Record::Window { counts } => {
                self.arrived += counts.iter().map(|c| u64::from(c.arrived)).sum::<u64>();
                let ended = counts.iter().flat_map(|c| c.ended);
                self.ended += ended.map(u64::from).sum::<u64>();
            }
            Record::Totals { attempts, .. } => self.attempts = *attempts,
            Record::Connections { held, wanted, limit, .. } => {
                assert!(held <= wanted && limit.is_none_or(|limit| *held <= limit), "{record:?}");
                self.held = *held;
            }
            Record::Messages(counts) => {
                assert_eq!(counts.sent, counts.done + counts.dead + counts.left, "{record:?}");
            }
            Record::Streams { held, .. } => {
                for (instance, held) in held {
                    assert!(*held == 0 || self.phases[instance].is_ready(), "{record:?}");
                }
            }
            _ => {}
        }
        // As a quota counts: what has failed holds nothing.
        let alive = self.phases.values().filter(|phase| **phase != Phase::Failed).count();
        self.most_alive = self.most_alive.max(alive);
        self.all.push((at, record));
    }
}

/// What holds between any two events.
fn check(world: &World<'_>) {
    let Some(kernel) = world.kernel.as_ref().filter(|_| world.depth == Depth::Requests) else {
        return;
    };
    let Some(journeys) = &kernel.journeys else { return };
    journeys.check();
    let ended: u64 = crate::trace::Ending::ALL.map(|e| kernel.desk.tally.total(e)).iter().sum();
    assert_eq!(kernel.desk.tally.arrived(), ended + journeys.unfinished() as u64);
    for (node, server) in journeys.open_pairs() {
        assert!(node < world.scenario.clients.nodes);
        let closed = kernel.desk.servers[server as usize].guard & guard::CLOSED != 0;
        let phase = world.fleet.get(server).phase;
        let gone = matches!(phase, Phase::Stopped | Phase::Failed | Phase::Lost);
        // What falls silent closes nothing.
        let silent = kernel.desk.is_dark(server as usize, node) && !gone;
        assert!(silent || !closed && !gone, "{node} has a connection to {server}, {phase:?}");
    }
}

/// One replication, looked at from inside now and then.
fn play(world: &mut World<'_>, replication: u64, depth: Depth) -> (Books, Time) {
    let mut sink = Checker::new(Books::default());
    world.prepare(Seeds::new(1, replication), depth, &mut sink);
    let mut events = 0_u32;
    while !world.ended {
        let Some((at, event)) = world.queue.pop() else {
            world.give_up(&mut sink);
            break;
        };
        world.reach(at);
        world.happen(event, &mut sink);
        events += 1;
        assert!(events < 1_000_000, "time stands still at {at:?}: {event:?}");
        if events.is_multiple_of(7) {
            check(world);
        }
    }
    check(world);
    let end = world.finish(&mut sink);
    (sink.into_inner(), end)
}

/// What must be true of the whole record.
fn audit(scenario: &Scenario, books: &Books, end: Time, depth: Depth) {
    let alive = |id: &u32| books.phases.contains_key(id);
    assert!(books.serving.iter().all(alive), "the dead do not serve: {:?}", books.serving);
    assert!(books.gave_up <= 1);
    let terminal = books.said.is_some_and(Said::is_terminal);
    assert!(terminal || books.gave_up == 1, "{:?} at {end:?}", books.said);
    let most = scenario.margin * 2.0 + scenario.horizon + scenario.slo.window * 2.0;
    assert!(end <= Time::ZERO + most, "{end:?}");
    if let Some(quota) = &scenario.pieces.quota {
        assert!(books.most_alive <= quota.instances as usize, "{}", books.most_alive);
    }
    if let Some(scaler) = &scenario.pieces.autoscaler {
        let written = scenario.service.instances;
        for desired in &books.desired {
            let fits =
                (scaler.min..=scaler.max).contains(desired) || [written, 7].contains(desired);
            assert!(fits, "{:?}", books.desired);
        }
    }
    if depth == Depth::Requests && scenario.has_requests() {
        assert!(books.attempts >= books.arrived);
        let left = books.arrived - books.ended;
        let users = scenario.pieces.users.as_ref().map_or(0, |users| u64::from(users.count));
        // Who gives up early leaves requests in flight.
        let patience = scenario.clients.timeout;
        if end >= Time::ZERO + scenario.margin + SILENCE + patience + scenario.slo.window {
            assert!(left <= users, "{left} have not ended, {users} users");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_meets_the_books_balance(
        instances in 3_u32..8,
        picks in prop::collection::vec((0_usize..840, 0_usize..60), 2..6),
        strategy in 0..STRATEGIES.len(),
        replication in 0_u64..100,
    ) {
        let (text, scenario) = scenario(instances, &picks, strategy);
        let model = Model::new(&scenario);
        let mut world = World::new(&model);
        let run = |world: &mut World<'_>, depth| {
            let (books, end) = play(world, replication, depth);
            audit(&scenario, &books, end, depth);
            (books.all, end)
        };
        let first = run(&mut world, Depth::Requests);
        run(&mut world, Depth::Control);
        let again = run(&mut World::new(&model), Depth::Requests);
        prop_assert!(first == again, "another world, another record: {text}");
        prop_assert!(first == run(&mut world, Depth::Requests), "used worlds forget: {text}");
    }
}

/// The list above is of all there are.
#[test]
fn every_orchestrator_and_every_piece_is_crossed() {
    for table in crate::scenario::pieces::TABLES {
        let known = MENU.iter().any(|(name, _)| {
            *name == table.path || table.path.strip_suffix("*").is_some_and(|p| name.starts_with(p))
        });
        assert!(known, "{}", table.path);
    }
    for of in crate::scenario::settings::Orchestrator::ALL {
        let table = of.table().path;
        let of_it = |text: &&str| format!("strategy.{text}").starts_with(&format!("{table}]"));
        assert!(STRATEGIES.iter().any(of_it), "{table}");
    }
    // Each kind of each piece is sound by itself under some orchestrator.
    for (table, kinds) in MENU {
        for kind in 0..kinds.len() {
            let place = MENU.iter().position(|(name, _)| name == table).unwrap_or_default();
            let sound = (0..STRATEGIES.len()).any(|strategy| {
                let (text, _) = scenario(4, &[(place, kind)], strategy);
                text.contains(kinds[kind])
            });
            assert!(sound, "{table}: {}", kinds[kind]);
        }
    }
}
