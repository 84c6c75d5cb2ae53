//! The keys of `[faults.NAME]`, and which kind takes which.

use crate::scenario::keys::Default::{Is, Required, Says};
use crate::scenario::keys::{Key, Kind, key};

/// The keys beside `kind` that a kind takes.
pub(super) fn keys_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "instance_crash" => &["lifetime", "version"],
        "host_loss" => &["at", "every", "for", "host", "silent", "replaced"],
        "zone_loss" => &["at", "every", "for", "zone", "silent", "replaced"],
        "slow_host" => &["at", "every", "for", "host", "share", "factor", "cv"],
        "partition" => &["at", "every", "for", "node", "zone"],
        "registry_outage" => &["at", "every", "for", "retry", "retry_max"],
        "control_outage" => &["at", "every", "for"],
        "control_delay" => &["at", "every", "for", "delay"],
        "controller_crash" => &["at", "every", "election"],
        "flapping_probe" => &["at", "every", "for", "share", "version", "down", "up"],
        "stuck_drain" => &["at", "for", "share", "version", "until"],
        _ => &[],
    }
}

/// Whether it must be said how long it lasts.
pub(super) fn needs_length(kind: &str) -> bool {
    matches!(
        kind,
        "slow_host"
            | "partition"
            | "registry_outage"
            | "control_outage"
            | "control_delay"
            | "flapping_probe"
    )
}

const KINDS: Kind = Kind::Word(&[
    "instance_crash",
    "host_loss",
    "zone_loss",
    "slow_host",
    "partition",
    "registry_outage",
    "control_outage",
    "control_delay",
    "controller_crash",
    "flapping_probe",
    "stuck_drain",
]);

pub(super) const KEYS: &[Key] = &[
    key("kind", KINDS, Required, "What breaks.", "\"host_loss\""),
    key(
        "at",
        Kind::Duration,
        Says("see `every`"),
        "When, after the beginning of the rollout.",
        "\"1m\"",
    ),
    key(
        "every",
        Kind::Dist,
        Says("once"),
        "At random instead, with such times in between, as long as the rollout runs.",
        "{ law = \"exponential\", mean = \"10m\" }",
    ),
    key("for", Kind::Duration, Says("for good"), "How long each time.", "\"2m\""),
    key("host", Kind::Count(0, 10_000_000), Says("drawn"), "Which host.", "0"),
    key("zone", Kind::Count(0, 10_000_000), Says("drawn"), "Which zone.", "0"),
    key("node", Kind::Count(0, 10_000_000), Says("drawn"), "Which data-plane node.", "0"),
    key(
        "share",
        Kind::Share,
        Is("\"100%\""),
        "Of the hosts or instances that could have it; each has it by chance.",
        "\"10%\"",
    ),
    key(
        "version",
        Kind::Word(&["any", "old", "new"]),
        Is("\"any\""),
        "Instances of this version.",
        "\"new\"",
    ),
    key(
        "lifetime",
        Kind::Dist,
        Says("must be written for instance_crash"),
        "Time that a process lives; for those that run already, from the rollout's beginning on.",
        "{ law = \"weibull\", scale = \"2h\", shape = 0.7 }",
    ),
    key(
        "silent",
        Kind::Dist,
        Says("the orchestrator's: its heartbeats"),
        "Host gone → its instances count as not ready.",
        "\"50s\"",
    ),
    key(
        "replaced",
        Kind::OneOf(&[Kind::Word(&["never"]), Kind::Dist]),
        Says("the orchestrator's: its patience"),
        "Not ready → lost, and replaced.",
        "\"300s\"",
    ),
    key(
        "cv",
        Kind::Number(0.0, true),
        Says("no noise"),
        "Hosts differ in speed for good: a lognormal factor with mean 1 and this variation.",
        "0.05",
    ),
    key(
        "factor",
        Kind::Number(0.0, true),
        Says("must be written for a slow host"),
        "Service times on a slow host are so many times longer.",
        "3",
    ),
    key(
        "retry",
        Kind::Duration,
        Is("\"10s\""),
        "A failed pull is tried again after this, doubled each time.",
        "\"10s\"",
    ),
    key("retry_max", Kind::Duration, Is("\"5m\""), "The longest such wait.", "\"5m\""),
    key(
        "delay",
        Kind::Dist,
        Says("must be written for control_delay"),
        "What each step of the control plane takes longer.",
        "\"2s\"",
    ),
    key(
        "election",
        Kind::Dist,
        Says("the orchestrator's: its leader election"),
        "Controller dead → another one acts.",
        "\"15s\"",
    ),
    key("down", Kind::Duration, Is("\"10s\""), "Probes fail so long.", "\"10s\""),
    key("up", Kind::Duration, Is("\"20s\""), "Then they pass so long.", "\"20s\""),
    key(
        "until",
        Kind::Word(&["kill", "never"]),
        Is("\"kill\""),
        "What ends a stuck instance: SIGKILL after the grace period, or nothing.",
        "\"never\"",
    ),
];
