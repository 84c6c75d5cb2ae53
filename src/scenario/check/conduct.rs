//! What clients do beyond one attempt for each request.

use super::Env;
use crate::scenario::codes::Code;
use crate::scenario::conduct::{
    Backoff, Budget, Hedge, HedgeAfter, Jitter, Pool, RetryCause, RetryOn, Sticky,
};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::keys::{BUDGET, Form, HEDGE, POOL, RETRIES, STICKY, quantile_of};
use crate::scenario::raw::{Entry, Fields, Section, Value};
use crate::scenario::{Conduct, Dist, Protocol};
use crate::units::{Rate, Share, Span};

pub(super) fn conduct(env: &mut Env<'_>, protocol: Protocol) -> Conduct {
    let section = env.section("clients");
    let retries = section.entry("retries");
    let Value::Record(_, written) = &retries.value else {
        unreachable!("`retries` is declared as a table")
    };
    let keys = section.inner(RETRIES[0].keys, written);
    let conduct = Conduct {
        attempt_timeout: endless(&section.value("attempt_timeout")),
        cancel: section.flag("cancel"),
        retry_on: retry_on(&keys),
        backoff: backoff(&keys),
        budget: keys.written("budget").map(|entry| budget(&section, &entry.value)),
        hedge: section.written("hedge").map(|entry| hedge(&section, entry)),
        pool: section.written("pool").map(|entry| pool(&section, entry)),
        handshake: section.span("handshake"),
        max_streams: section.limit("max_streams"),
        sticky: section.written("sticky").map(|entry| sticky(&section, entry)),
        connect: Dist::Fixed(Span::ZERO),
    };
    let written = written.clone();
    let conduct = Conduct { connect: env.dist("clients", "connect"), ..conduct };
    spans(env, &conduct, &written);
    backoff_keys(env, &written);
    strangers(env, protocol, &conduct);
    conduct
}

fn endless(value: &Value) -> Span {
    match value {
        Value::Span(span) => *span,
        _ => Span::MAX,
    }
}

/// The section of an inline table that is written in `section`.
fn inner<'a>(section: &Section<'_>, forms: &'static [Form], value: &'a Value) -> Section<'a> {
    let Value::Record(name, fields) = value else { unreachable!("declared as a table: {value:?}") };
    let keys = forms.iter().find(|form| form.name == *name).map_or(&[][..], |form| form.keys);
    section.inner(keys, fields)
}

fn retry_on(retries: &Section<'_>) -> RetryOn {
    let cause = |entry: &Entry| {
        let Value::Word(word) = entry.value else { return None };
        RetryCause::ALL.into_iter().find(|cause| cause.name() == word)
    };
    RetryOn::of(retries.list("on").iter().filter_map(cause))
}

fn backoff(retries: &Section<'_>) -> Option<Backoff> {
    retries.written("backoff")?;
    let jitter = match retries.word("jitter") {
        "full" => Jitter::Full,
        "equal" => Jitter::Equal,
        _ => Jitter::None,
    };
    let (base, factor) = (retries.span("backoff"), retries.number("factor"));
    Some(Backoff { base, factor, max: retries.span("max").max(base), jitter })
}

fn budget(section: &Section<'_>, value: &Value) -> Budget {
    if let Value::Share(ratio) = value {
        // Finagle's defaults, which Linkerd has, too.
        return Budget::Ratio { ratio: *ratio, ttl: Span::from_secs(10), least: Rate(10.0) };
    }
    let keys = inner(section, BUDGET, value);
    if keys.written("active").is_some() {
        return Budget::Active { share: keys.share("active"), least: keys.count("least") };
    }
    Budget::Ratio { ratio: keys.share("ratio"), ttl: keys.span("ttl"), least: keys.rate("least") }
}

fn hedge(section: &Section<'_>, entry: &Entry) -> Hedge {
    let keys = inner(section, HEDGE, &entry.value);
    let after = match keys.value("after") {
        Value::Word(word) => HedgeAfter::Quantile(quantile_of(word).unwrap_or(0.95)),
        value => HedgeAfter::Span(endless(&value)),
    };
    Hedge { after, most: keys.count("most") }
}

fn pool(section: &Section<'_>, entry: &Entry) -> Pool {
    let keys = inner(section, POOL, &entry.value);
    Pool {
        max: keys.count("max"),
        idle_timeout: endless(&keys.value("idle_timeout")),
        max_requests: keys.limit("max_requests"),
    }
}

fn sticky(section: &Section<'_>, entry: &Entry) -> Sticky {
    let keys = inner(section, STICKY, &entry.value);
    Sticky {
        sessions: keys.count("sessions"),
        cookie: keys.flag("cookie"),
        length: endless(&keys.value("length")),
    }
}

/// Durations that would be endless work at one instant if they were zero.
fn spans(env: &mut Env<'_>, conduct: &Conduct, retries: &Fields) {
    let zero = |span: Span| span == Span::ZERO;
    let ttl = matches!(conduct.budget, Some(Budget::Ratio { ttl: Span::ZERO, .. }));
    let after = conduct.hedge.is_some_and(|hedge| hedge.after == HedgeAfter::Span(Span::ZERO));
    let wrong = [
        ("attempt_timeout", zero(conduct.attempt_timeout)),
        ("backoff", conduct.backoff.is_some_and(|backoff| zero(backoff.base))),
        ("ttl", ttl),
        ("after", after),
        ("length", conduct.sticky.is_some_and(|sticky| zero(sticky.length))),
    ];
    for (key, _) in wrong.into_iter().filter(|(_, wrong)| *wrong) {
        let place = match key {
            "backoff" | "ttl" => retries.at,
            "after" => env.section("clients").place("hedge"),
            "length" => env.section("clients").place("sticky"),
            _ => env.section("clients").place(key),
        };
        let message = format!("`{key}` must not be zero");
        env.problem(Diagnostic::new(Code::OutOfRange, place, message, ""));
    }
}

fn backoff_keys(env: &mut Env<'_>, retries: &Fields) {
    let at = |key: &str| retries.get(key).map(|entry| entry.key_at);
    let mut stray = Vec::new();
    if at("backoff").is_some() {
        stray.extend(at("delay").map(|at| ("delay", at, "`backoff` says how long to wait")));
    } else {
        for key in ["factor", "max", "jitter"] {
            stray.extend(at(key).map(|at| (key, at, "there is no `backoff`")));
        }
    }
    for (key, at, why) in stray {
        let message = format!("`{key}` has no meaning here: {why}");
        env.problem(Diagnostic::new(Code::Conflict, at, message, "leave one of them out"));
    }
}

/// Keys about another way to choose instances than the one that is chosen.
fn strangers(env: &mut Env<'_>, protocol: Protocol, conduct: &Conduct) {
    let per_request = matches!(protocol, Protocol::PerRequest { .. });
    let section = env.section("clients");
    let mut stray: Vec<(&str, &str)> = Vec::new();
    if per_request {
        stray.push(("max_streams", "an instance is chosen for each request here"));
        let is_kept = protocol != Protocol::PerRequest { reuse: Share(0.0) };
        if is_kept && (conduct.pool.is_some() || conduct.opens()) {
            stray.push(("reuse", "`pool` says which connections are kept"));
        }
    } else {
        let why = "an instance is chosen for each connection here";
        stray.extend([("pool", why), ("sticky", why)]);
    }
    let is_plain = *conduct == Conduct::default();
    let central = env.section("balancer").value("algorithm") == Value::Word("central");
    let mut problems: Vec<(String, _)> = stray
        .into_iter()
        .filter_map(|(key, why)| {
            let at = section.written(key)?.key_at;
            Some((format!("`{key}` has no meaning here: {why}"), at))
        })
        .collect();
    let users = env.is_there("users");
    if central && (!is_plain || users) {
        let what = if is_plain { "users" } else { "attempts and connections" };
        let message = format!("one queue for all knows nothing of {what}");
        problems.push((message, env.section("balancer").place("algorithm")));
    }
    for (message, at) in problems {
        let hint = "see `protocol`, `balance` and `algorithm`";
        env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
    }
}
