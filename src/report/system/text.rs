//! The answer for a system on a screen.

use std::fmt::Write as _;

use super::{expand_and_contract, name, reason};
use crate::report::{Style, format};
use crate::study::system::{Spread, SystemResult};

/// Orders shown; the JSON has more.
const SHOWN: usize = 6;

/// One line: whether users notice that versions are mixed.
pub fn verdict_line(result: &SystemResult) -> String {
    let tolerated = format::share(result.system.tolerate.0);
    let worst = result.entries.iter().max_by(|a, b| a.peak.p95.total_cmp(&b.peak.p95));
    let worst = worst.map_or("", |entry| name(&result.system, entry.service));
    if let Some((service, load)) = result.busiest().filter(|_| !result.has_capacity()) {
        let (service, load) = (name(&result.system, service), format::share(load));
        return format!("✗ FAIL  {service} gets up to {load} of what it can answer\n");
    }
    if result.pairs.is_empty() {
        return "✓ PASS  no service gets more than it can answer\n".to_owned();
    }
    if result.is_compatible() {
        format!("✓ PASS  versions that do not fit fail no more than {tolerated} of requests\n")
    } else {
        let share = format::share(result.worst());
        format!(
            "✗ FAIL  versions that do not fit fail up to {share} of requests to {worst}; \
             {tolerated} is tolerated\n"
        )
    }
}

/// The whole answer.
pub fn text(title: &str, result: &SystemResult, style: &Style) -> String {
    let mut out = String::new();
    let (services, runs) = (result.lanes.len(), result.runs);
    let seed = result.seed;
    let _ =
        writeln!(out, "{title}  {services} services   {runs} runs, control plane, seed {seed}\n");
    out.push_str(&verdict_line(result));
    let completed = format::share(result.completed.value);
    let _ = writeln!(out, "  all complete   {completed} of runs");
    let _ = writeln!(out, "  duration       {}", range(result.duration));
    out.push('\n');
    out.push_str(&lanes(result));
    if !result.pairs.is_empty() {
        out.push('\n');
        out.push_str(&pairs(result));
        out.push('\n');
        out.push_str(&orders(result));
    }
    let lines: Vec<String> =
        out.lines().map(|line| style.cut(&style.plain(line)).trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

/// `3m44s [3m20s, 4m11s]`.
fn range(spread: Option<Spread>) -> String {
    let Some(Spread { p5, p50, p95 }) = spread else { return "never".to_owned() };
    let (low, middle, high) = (format::duration(p5), format::duration(p50), format::duration(p95));
    if low == high { middle } else { format!("{middle} [{low}, {high}]") }
}

fn table(rows: &[Vec<String>]) -> String {
    let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = format!("  {}", cells.collect::<Vec<_>>().join("  "));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn lanes(result: &SystemResult) -> String {
    let head = ["service", "begins", "takes", "complete at", "old lingers", "load", "stops"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (service, lane) in result.lanes.iter().enumerate() {
        let stopped = f64::from(lane.stopped) / f64::from(result.runs);
        rows.push(vec![
            name(&result.system, service).to_owned(),
            range(lane.begins),
            range(lane.duration),
            lane.ends.map_or("never".to_owned(), |spread| format::duration(spread.p50)),
            lane.lingers.map_or("-".to_owned(), |spread| format::duration(spread.p95)),
            lane.load.map_or("-".to_owned(), |spread| format::share(spread.p95)),
            if lane.stopped == 0 { "-".to_owned() } else { format::share(stopped) },
        ]);
    }
    table(&rows)
}

fn pairs(result: &SystemResult) -> String {
    let head = ["calls", "fail at worst", "for", "as if all failed for"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for pair in &result.pairs {
        let (caller, callee) =
            (name(&result.system, pair.caller), name(&result.system, pair.callee));
        rows.push(vec![
            format!("{caller} → {callee}"),
            format::share(pair.peak.p95),
            format::duration(pair.seconds.p95),
            format::duration(pair.lost),
        ]);
    }
    table(&rows)
}

fn orders(result: &SystemResult) -> String {
    let (system, orders) = (&result.system, &result.orders);
    let mut out = String::new();
    for (caller, callee) in &orders.hopeless {
        let (caller, callee) = (name(system, *caller), name(system, *callee));
        let _ = writeln!(out, "new {caller} does not get on with new {callee}: no order helps");
    }
    for constraint in &orders.broken {
        let (first, then) = (name(system, constraint.first), name(system, constraint.then));
        let _ = writeln!(
            out,
            "{first} must be complete before {then}, and `needs` does not say so:\n  {}",
            reason(system, constraint)
        );
    }
    if orders.pace.is_none() {
        out.push_str("no order keeps every pair compatible:\n");
        for constraint in &orders.conflict {
            let (first, then) = (name(system, constraint.first), name(system, constraint.then));
            let _ = writeln!(out, "  {first} before {then}: {}", reason(system, constraint));
        }
        out.push_str("what does, in steps:\n");
        for (i, step) in expand_and_contract(system, &orders.conflict).iter().enumerate() {
            let _ = writeln!(out, "  {}. {step}", i + 1);
        }
        return out;
    }
    if orders.constraints.is_empty() {
        out.push_str("any order keeps every pair compatible\n");
    } else {
        let count = orders.count.map_or("an".to_owned(), |count| {
            let all: u64 = (1..=result.lanes.len() as u64).product();
            format!("{} of {}", format::count(count), format::count(all))
        });
        let plural = if orders.count.is_some() { "orders keep" } else { "order keeps" };
        let _ = writeln!(out, "{count} {plural} every pair compatible:");
        for order in orders.compatible.iter().take(SHOWN) {
            let names: Vec<&str> = order.iter().map(|service| name(system, *service)).collect();
            let _ = writeln!(out, "  {}", names.join(", "));
        }
        if orders.compatible.len() > SHOWN {
            out.push_str("  …\n");
        }
    }
    let _ = writeln!(out, "one after the other: {}", range(result.one_by_one));
    let _ = writeln!(out, "each as soon as the pairs allow: {}", range(result.at_pace));
    let waits = orders.pace.iter().flatten().enumerate().filter(|(_, after)| !after.is_empty());
    for (service, after) in waits {
        let names: Vec<&str> = after.iter().map(|first| name(system, *first)).collect();
        let _ = writeln!(out, "  {} after {}", name(system, service), names.join(" and "));
    }
    for constraint in &orders.constraints {
        let lingers = result.lanes[constraint.first].lingers.map_or(0.0, |spread| spread.p95);
        if lingers > system.services[constraint.first].bake.as_secs_f64() {
            let first = name(system, constraint.first);
            let _ = writeln!(
                out,
                "with a bake of {first} of {}, or {} still meets its old version",
                format::duration(lingers.ceil()),
                name(system, constraint.then)
            );
        }
    }
    out
}
