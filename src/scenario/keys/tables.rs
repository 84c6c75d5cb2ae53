//! The tables of the file with their keys and defaults.

use super::Default::{Is, Required, Says};
use super::clients::CLIENTS;
use super::forms::{POWER, PROFILE, START, WARMUP, key};
use super::hosts::HOSTS;
use super::{Key, Kind, Table};
use crate::scenario::pipeline;

pub(super) const LIMIT: Kind =
    Kind::OneOf(&[Kind::Word(&["unbounded"]), Kind::Count(0, 1_000_000_000)]);

/// The tables before those of the orchestrators, in the order in which files should show them.
pub(super) const BEFORE: &[Table] = &[
    Table { path: "", about: "A rollout to rehearse.", keys: ROOT },
    Table { path: "service", about: "The fleet that is rolled.", keys: SERVICE },
    Table { path: "versions.old", about: "What runs before the rollout.", keys: VERSION_KEYS },
    Table {
        path: "versions.new",
        about: "What is rolled out; what is not said is like the old version.",
        keys: VERSION_KEYS,
    },
    Table {
        path: "traffic",
        about: "What the service is asked; without it only the control plane is simulated.",
        keys: TRAFFIC,
    },
    Table {
        path: "clients",
        about: "The data-plane nodes (proxies, sidecars, client libraries) that send requests.",
        keys: CLIENTS,
    },
    Table { path: "balancer", about: "How a node chooses an instance.", keys: BALANCER },
    Table { path: "probes", about: "Readiness probing.", keys: PROBES },
    Table { path: "shutdown", about: "From \"stop\" to \"gone\".", keys: SHUTDOWN },
    Table { path: "restart", about: "What follows when a process ends by itself.", keys: RESTART },
];

/// The tables after those of the orchestrators.
pub(super) const AFTER: &[Table] = &[
    Table { path: "control", about: "Latencies of the orchestrator.", keys: CONTROL },
    Table { path: "hosts", about: "Hosts and the image registry.", keys: HOSTS },
    Table { path: "pipeline", about: "Who rolls back.", keys: pipeline::KEYS },
    Table { path: "slo", about: "The service-level objective.", keys: SLO },
    Table {
        path: "assumed",
        about: "Values that nobody measured: key = \"lowest..highest\".",
        keys: &[],
    },
    Table {
        path: "sweep",
        about: "What `rollcast sweep` varies: key = \"LIST\"; goal, versus.",
        keys: &[],
    },
];

const ROOT: &[Key] = &[
    key("rollcast", Kind::Count(0, u32::MAX), Required, "Version of this format.", "1"),
    key(
        "gates",
        Kind::List(&Kind::Text),
        Is("[]"),
        "Limits on outcomes: `OUTCOME <=|>= VALUE [in SHARE of runs]`.",
        "[\"p95(duration) <= 6m\"]",
    ),
    key(
        "horizon",
        Kind::Duration,
        Is("\"1h\""),
        "The simulation gives up so long after the rollout began.",
        "\"1h\"",
    ),
    key(
        "margin",
        Kind::Duration,
        Is("\"10s\""),
        "Traffic simulated before the rollout and after it has settled.",
        "\"10s\"",
    ),
];

const SERVICE: &[Key] = &[
    key("name", Kind::Text, Is("\"service\""), "Its name, for headings.", "\"checkout\""),
    key("instances", Kind::Count(1, 1_000_000), Required, "Instances wanted.", "12"),
    key(
        "discipline",
        Kind::Word(&["fifo", "ps"]),
        Is("\"fifo\""),
        "Requests wait for slots (fifo), or all share the cores (ps).",
        "\"fifo\"",
    ),
    key("slots", Kind::Count(1, 100_000), Is("16"), "fifo: requests in service at once.", "32"),
    key("queue", LIMIT, Is("\"unbounded\""), "fifo: waiting places.", "100"),
    key(
        "cores",
        Kind::Number(0.0, true),
        Says("1, or `cpu_limit` rounded up"),
        "ps: cores; may be a fraction.",
        "2",
    ),
    key(
        "cpu_limit",
        Kind::OneOf(&[Kind::Word(&["none"]), Kind::Number(0.0, true)]),
        Is("\"none\""),
        "ps: cores that an instance may use on average over each 100 ms; then it is throttled.",
        "1.5",
    ),
    key("limit", LIMIT, Is("\"unbounded\""), "ps: requests at once.", "200"),
];

/// Keys of `[versions.old]` and `[versions.new]`.
pub const VERSION_KEYS: &[Key] = &[
    key(
        "service_time",
        Kind::Dist,
        Is("{ p50 = \"20ms\", p95 = \"80ms\" }"),
        "Time one request needs on a warm instance.",
        "{ p50 = \"18ms\", p95 = \"90ms\" }",
    ),
    key(
        "start",
        Kind::OneOf(&[Kind::Record(START), Kind::Dist]),
        Required,
        "Process start until it can answer a probe; for `new`: like `old`.",
        "{ p50 = \"22s\", p95 = \"41s\" }",
    ),
    key(
        "warmup",
        Kind::OneOf(&[Kind::Word(&["none"]), Kind::Record(WARMUP)]),
        Is("\"none\""),
        "How slow a fresh instance is.",
        "{ requests = 5000, slowdown = 3 }",
    ),
    key(
        "exit",
        Kind::Dist,
        Is("\"200ms\""),
        "Time an idle process needs from SIGTERM to its exit.",
        "\"200ms\"",
    ),
    key(
        "never_ready",
        Kind::Share,
        Is("\"0%\""),
        "Chance that an instance never becomes ready.",
        "\"0.4%\"",
    ),
    key(
        "crash",
        Kind::Share,
        Is("\"0%\""),
        "Chance that a process ends by itself, each time it is started.",
        "\"100%\"",
    ),
    key(
        "crash_after",
        Kind::Dist,
        Is("\"0s\""),
        "Process start until it does.",
        "{ p50 = \"2s\", p95 = \"5s\" }",
    ),
    key(
        "errors",
        Kind::Share,
        Is("\"0%\""),
        "Chance that a request is answered with an error.",
        "\"0.01%\"",
    ),
    key("weight", Kind::Number(0.0, true), Is("1"), "Weight in weighted balancing.", "1"),
];

const TRAFFIC: &[Key] = &[
    key(
        "rate",
        Kind::OneOf(&[Kind::Rate, Kind::Record(PROFILE)]),
        Required,
        "Requests per second, or how they vary.",
        "\"1050/s\"",
    ),
    key(
        "arrivals",
        Kind::Word(&["poisson", "deterministic"]),
        Is("\"poisson\""),
        "How requests are spread at a given rate.",
        "\"poisson\"",
    ),
    key("scale", Kind::Number(0.0, false), Is("1"), "Multiplies every rate.", "1.5"),
];

const BALANCER: &[Key] = &[
    key(
        "algorithm",
        Kind::OneOf(&[
            Kind::Word(&[
                "round_robin",
                "random",
                "least_outstanding",
                "leastconn",
                "p2c",
                "weighted",
                "peak_ewma",
                "consistent_hash",
                "central",
            ]),
            Kind::Record(POWER),
        ]),
        Is("\"round_robin\""),
        "The rule.",
        "\"p2c\"",
    ),
    key("keys", Kind::Count(1, u32::MAX), Is("1000"), "consistent_hash: distinct keys.", "1000"),
    key("decay", Kind::Duration, Is("\"10s\""), "peak_ewma: time constant.", "\"10s\""),
    key("room", LIMIT, Is("\"unbounded\""), "central: requests in the whole system.", "500"),
    key(
        "slow_start",
        Kind::Duration,
        Is("\"0s\""),
        "A fresh instance's weight rises over this time (weighted rules only).",
        "\"30s\"",
    ),
];

const PROBES: &[Key] = &[
    key("initial_delay", Kind::Duration, Is("\"0s\""), "Start to first probe.", "\"5s\""),
    key(
        "period",
        Kind::Duration,
        Is("\"1s\""),
        "Between probes; 0: readiness is known at once.",
        "\"5s\"",
    ),
    key("timeout", Kind::Duration, Is("\"1s\""), "An answer must come within this.", "\"1s\""),
    key("success", Kind::Count(1, 10_000), Is("1"), "Successes in a row that make ready.", "1"),
    key("failure", Kind::Count(1, 10_000), Is("3"), "Failures in a row that make unready.", "3"),
    key(
        "enabled",
        Kind::Flag,
        Is("true"),
        "Without probes an instance is ready as soon as its process has started.",
        "true",
    ),
    key(
        "kills",
        Kind::Flag,
        Is("false"),
        "Failures in a row stop the instance, as a container's health check does.",
        "true",
    ),
    key(
        "start_period",
        Kind::Duration,
        Is("\"0s\""),
        "kills: failures so soon after the start do not count.",
        "\"20s\"",
    ),
];

const SHUTDOWN: &[Key] = &[
    key("pre_stop", Kind::Duration, Is("\"0s\""), "Wait before SIGTERM.", "\"10s\""),
    key(
        "drain_wait",
        Kind::Duration,
        Is("\"0s\""),
        "After pre_stop SIGTERM waits until nobody sends anything and all is answered, at most \
         so long.",
        "\"300s\"",
    ),
    key("grace", Kind::Duration, Is("\"30s\""), "Time until SIGKILL.", "\"45s\""),
    key(
        "grace_from",
        Kind::Word(&["stop", "term"]),
        Is("\"stop\""),
        "The grace period begins when the instance is told to stop, or at SIGTERM.",
        "\"term\"",
    ),
    key(
        "on_term",
        Kind::Word(&["drain", "exit", "ignore"]),
        Is("\"drain\""),
        "At SIGTERM the process finishes its requests, exits at once, or goes on.",
        "\"drain\"",
    ),
];

const RESTART: &[Key] = &[
    key(
        "attempts",
        LIMIT,
        Is("0"),
        "So often it is started again in the same instance; then the instance has failed.",
        "2",
    ),
    key(
        "delay",
        Kind::Duration,
        Is("\"0s\""),
        "Before the second restart (the first is immediate); doubles each time.",
        "\"10s\"",
    ),
    key("delay_max", Kind::Duration, Is("\"5m\""), "The longest such delay.", "\"5m\""),
    key(
        "reset",
        Kind::OneOf(&[Kind::Word(&["never"]), Kind::Duration]),
        Is("\"never\""),
        "After a process that ran so long the delays begin anew.",
        "\"10m\"",
    ),
    key(
        "image",
        Kind::Word(&["same", "old"]),
        Is("\"same\""),
        "What it then runs: the same image, or the old version's.",
        "\"old\"",
    ),
];

const CONTROL: &[Key] = &[
    key(
        "watch",
        Kind::Dist,
        Is("\"0s\""),
        "An instance changed until its controller acts.",
        "\"10ms\"",
    ),
    key(
        "sync",
        Kind::Dist,
        Is("\"0s\""),
        "One controller changed something until the next acts.",
        "\"10ms\"",
    ),
    key(
        "act",
        Kind::Dist,
        Is("\"0s\""),
        "A decision until an instance is created or told to stop.",
        "\"15ms\"",
    ),
    key("schedule", Kind::Dist, Is("\"0s\""), "Created until placed on a host.", "\"15ms\""),
    key(
        "next_batch",
        Kind::Dist,
        Is("\"0s\""),
        "One batch of creations (1, 2, 4, …) until the next, which waits for it.",
        "\"20ms\"",
    ),
    key(
        "launch",
        Kind::Dist,
        Is("\"0s\""),
        "Placed, and its image there, until the process has started.",
        "\"900ms\"",
    ),
    key(
        "writes",
        Kind::OneOf(&[Kind::Word(&["unbounded"]), Kind::Rate]),
        Is("\"unbounded\""),
        "What each controller may write to the API.",
        "\"20/s\"",
    ),
    key("burst", Kind::Count(1, 1_000_000), Is("30"), "writes: at once.", "30"),
];

const SLO: &[Key] = &[
    key("availability", Kind::Share, Is("\"99.9%\""), "Requests that must succeed.", "\"99.9%\""),
    key("latency", Kind::Duration, Is("\"1s\""), "Successes should be faster.", "\"1s\""),
    key("latency_share", Kind::Share, Is("\"99%\""), "Share that must be.", "\"99%\""),
    key("period", Kind::Duration, Is("\"30d\""), "Period of the error budget.", "\"30d\""),
    key("window", Kind::Duration, Is("\"1s\""), "Length of a judged window.", "\"1s\""),
    key(
        "outage_share",
        Kind::Share,
        Is("\"50%\""),
        "A window with at least this share of failures is an outage.",
        "\"50%\"",
    ),
];
