//! Who sends requests, and how an instance is chosen for them.

use super::Env;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::{Section, Value};
use crate::scenario::{Algorithm, Balancer, Clients, Dist, Protocol, Retries};
use crate::units::Span;

pub(super) fn clients(env: &mut Env<'_>) -> Clients {
    let nodes = nodes(env);
    let protocol = protocol(env);
    let conduct = super::conduct::conduct(env, protocol);
    Clients {
        nodes,
        protocol,
        conduct,
        timeout: env.positive("clients", "timeout"),
        lag_add: env.dist("clients", "lag_add"),
        lag_remove: env.dist("clients", "lag_remove"),
        retries: retries(env),
    }
}

/// A node's number rides in ten bits of every departure.
const NODES_MAX: u32 = 1024;

fn nodes(env: &mut Env<'_>) -> u32 {
    let section = env.section("clients");
    let key = if section.written("nodes").is_some() { "nodes" } else { "count" };
    let (written, place) = (section.count(key), section.place(key));
    if written > NODES_MAX {
        let message = format!("{written} data-plane nodes are more than can be simulated");
        let hint = format!("at most {NODES_MAX}; each then speaks for several");
        env.problem(Diagnostic::new(Code::OutOfRange, place, message, hint));
    }
    let section = env.section("clients");
    match (section.written("count"), section.written("nodes")) {
        (Some(_), Some(nodes)) => {
            let at = nodes.key_at;
            let message = "`nodes` is the same as `count`";
            env.problem(Diagnostic::new(Code::Conflict, at, message, "write one of them"));
            1
        }
        (None, Some(_)) => section.count("nodes"),
        _ => section.count("count"),
    }
}

fn protocol(env: &mut Env<'_>) -> Protocol {
    let section = env.section("clients");
    let protocol = section.word("protocol");
    let per_request = match section.said("balance") {
        Some(balance) => balance == Value::Word("request"),
        None => protocol == "http1",
    };
    let (foreign, why) = if per_request {
        (&["connections", "max_connection_age"][..], "an instance is chosen for each request here")
    } else {
        (&["reuse"][..], "an instance is chosen for each connection here")
    };
    let stray: Vec<_> =
        foreign.iter().filter_map(|key| section.written(key).map(|e| (*key, e.key_at))).collect();
    let checked = if per_request {
        Protocol::PerRequest { reuse: section.share("reuse") }
    } else {
        Protocol::PerConnection {
            connections: section.count("connections"),
            max_age: match section.value("max_connection_age") {
                Value::Span(age) => age,
                _ => Span::MAX,
            },
            goaway: protocol != "http1",
        }
    };
    for (key, at) in stray {
        let message = format!("`{key}` has no meaning here: {why}");
        let hint = "see `protocol` and `balance`";
        env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
    }
    checked
}

/// More attempts need a wait between them: time would stand still otherwise.
const RETRIES_AT_ONCE: u32 = 1000;

fn retries(env: &mut Env<'_>) -> Retries {
    let entry = env.section("clients").entry("retries");
    let Value::Record(_, fields) = &entry.value else {
        unreachable!("`retries` is declared as a table")
    };
    let attempts = match fields.get("attempts").map(|e| &e.value) {
        Some(Value::Count(attempts)) => *attempts,
        _ => u32::MAX,
    };
    let grows = fields.get("backoff").is_some();
    let delay = match fields.get("delay") {
        Some(delay) => env.dist_of(delay, None),
        None => Dist::Fixed(Span::ZERO),
    };
    if attempts > RETRIES_AT_ONCE && !grows && delay == Dist::Fixed(Span::ZERO) {
        let message = "retries without end and without a wait would all happen at one instant";
        let hint = "add a delay: { attempts = \"unbounded\", delay = \"100ms\" }";
        env.problem(Diagnostic::new(Code::Conflict, entry.at, message, hint));
    }
    Retries { attempts, delay }
}

pub(super) fn balancer(env: &mut Env<'_>) -> Balancer {
    let section = env.section("balancer");
    let slow_start = section.span("slow_start");
    // A data plane with a rule of its own is one that has weights if they are to rise.
    let rises = slow_start > Span::ZERO && section.plane.is_some();
    let algorithm = if rises && section.written("algorithm").is_none() {
        Algorithm::Weighted
    } else {
        algorithm(&section)
    };
    let owners = [
        ("keys", matches!(algorithm, Algorithm::ConsistentHash { .. })),
        ("decay", matches!(algorithm, Algorithm::PeakEwma { .. })),
        ("room", matches!(algorithm, Algorithm::Central { .. })),
    ];
    let stray: Vec<_> = owners
        .iter()
        .filter(|(_, owned)| !owned)
        .filter_map(|(key, _)| section.written(key).map(|e| (*key, e.key_at)))
        .collect();
    for (key, at) in stray {
        let message = format!("`{key}` has no meaning for this algorithm");
        env.problem(Diagnostic::new(Code::Conflict, at, message, ""));
    }
    Balancer { algorithm, slow_start }
}

fn algorithm(section: &Section<'_>) -> Algorithm {
    let word = match section.value("algorithm") {
        Value::Word(word) => word,
        Value::Record(_, fields) => {
            let choices = match fields.get("power_of").map(|e| &e.value) {
                Some(Value::Count(choices)) => *choices,
                other => unreachable!("`power_of` is required and a count: {other:?}"),
            };
            return Algorithm::PowerOfChoices { choices };
        }
        other => unreachable!("`algorithm` is a word or a table: {other:?}"),
    };
    match word {
        "round_robin" => Algorithm::RoundRobin,
        "random" => Algorithm::Random,
        "least_outstanding" | "leastconn" => Algorithm::LeastOutstanding,
        "p2c" => Algorithm::PowerOfChoices { choices: 2 },
        "weighted" => Algorithm::Weighted,
        "peak_ewma" => Algorithm::PeakEwma { decay: section.span("decay") },
        "consistent_hash" => Algorithm::ConsistentHash { keys: section.count("keys") },
        "central" => Algorithm::Central { room: section.limit("room") },
        other => unreachable!("not in the catalogue: {other}"),
    }
}
