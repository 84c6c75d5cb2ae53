//! The fitted as tables of a scenario, or as changes to one, with where every value comes from.

use std::fmt::Write;

use super::{MARK, count, heading, seconds};
use crate::scenario::edit::Change;
use crate::scenario::print::dist;
use crate::stats::fit::{Goodness, Law};
use crate::study::fit::{Answer, Meant, Recorder, Report, Row, Service, Setting};

/// Comments are wrapped here.
const WIDTH: usize = 96;

/// Tables of a scenario, or all of it.
pub fn toml(report: &Report, complete: bool) -> String {
    let mut out = String::new();
    comment(&mut out, &format!("{MARK}: {}", heading(report)));
    for version in &report.versions {
        let revision = version.revision.map_or(String::new(), |r| format!("revision {r}, "));
        let (hash, image) = (&version.hash, &version.image);
        let pods = count(version.pods, what(report));
        let _ = writeln!(out, "#   {hash}: {revision}{image}, {pods}");
    }
    if complete {
        let name = report.workload.rsplit('/').next().unwrap_or_default();
        let instances = report.instances.max(1);
        let _ = write!(
            out,
            "rollcast = 1\n\n[service]\nname = {}\ninstances = {instances}  # ready {}s of the \
             newest version\n",
            serde_json::Value::from(name),
            what(report)
        );
    }
    let settings = report.settings();
    let mut table = "";
    for setting in &settings {
        if setting.table != table {
            table = setting.table;
            let _ = writeln!(out, "\n[{table}]");
        }
        if let Some(value) = &setting.value {
            for line in provenance(report, setting) {
                comment(&mut out, &line);
            }
            let _ = writeln!(out, "{} = {}", setting.key, written(value));
        } else {
            let note = setting.note.as_deref().unwrap_or_default();
            comment(&mut out, &format!("{}: {note}", setting.key));
            if complete && setting.key == "start" {
                out.push_str("start = \"0s\"  # assumed\n");
            }
        }
    }
    if complete {
        let strategy = match report.recorder {
            Some(Recorder::Docker) => "swarm",
            Some(Recorder::Kubectl) | None => "kubernetes",
        };
        let _ = writeln!(out, "\n[strategy.{strategy}]  # defaults; see rollcast import");
    }
    out
}

/// The same as changes to a scenario that is there.
pub fn changes(report: &Report) -> Vec<Change> {
    let settings = report.settings();
    let change = |setting: &Setting<'_>| {
        let mut comments = Vec::new();
        let mut text = String::new();
        if setting.row.is_some() || setting.key == "service_time" {
            comment(&mut text, &format!("{MARK}: {}", heading(report)));
        } else {
            comment(&mut text, &format!("{MARK}:"));
        }
        for line in provenance(report, setting) {
            comment(&mut text, &line);
        }
        comments.extend(text.lines().map(str::to_owned));
        Some(Change {
            table: setting.table.to_owned(),
            key: setting.key.to_owned(),
            value: written(setting.value.as_ref()?),
            comments,
        })
    };
    settings.iter().filter_map(change).collect()
}

pub(super) fn what(report: &Report) -> &'static str {
    if report.recorder == Some(Recorder::Docker) { "task" } else { "pod" }
}

/// A value as TOML.
pub(super) fn written(value: &Meant) -> String {
    match value {
        Meant::Dist(law) => dist(law),
        Meant::Pulled(bytes, boot) => format!("{{ pull = \"{bytes}\", boot = {} }}", dist(boot)),
        Meant::Bandwidth(rate) => format!("\"{rate}\""),
        Meant::Span(span) => format!("\"{span}\""),
        Meant::Count(count) => count.to_string(),
        Meant::Flag(flag) => flag.to_string(),
    }
}

fn comment(out: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH && line.len() > 1 {
            out.extend([line.as_str(), "\n"]);
            line = String::from("#");
        }
        line.extend([" ", word]);
    }
    out.extend([line.as_str(), "\n"]);
}

/// Sentences that say where a value comes from, a paragraph each.
fn provenance(report: &Report, setting: &Setting<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(row) = setting.row {
        lines.push(source(report, row));
        lines.extend(law(&row.answer, report.tick));
    } else if setting.key == "service_time"
        && let Some(service) = &report.service
    {
        lines.push(of_logs(service));
        lines.extend(law(&service.answer, service.tick));
    }
    lines.extend(setting.note.clone());
    lines
}

fn source(report: &Report, row: &Row) -> String {
    let version = row.version.map_or("all versions", |v| report.versions[v].hash.as_str());
    format!(
        "{}: {} of {version}, {} that had not (right-censored).",
        capital(row.quantity.describe(report.recorder)),
        count(row.ended, what(report)),
        row.censored
    )
}

fn of_logs(service: &Service) -> String {
    format!(
        "Times of responses ({} of {}): {} that were answered, {} that failed and {} without a \
         time left out; a law was sought for {} of them. They hold the wait for a free slot, too: \
         take logs of quiet hours.",
        service.field,
        service.files.join(", "),
        service.requests,
        service.failed,
        service.without,
        service.taken
    )
}

fn law(answer: &Answer, tick: f64) -> Option<String> {
    let held = |goodness: &Goodness| {
        let Goodness { distance, p_value, resamples } = goodness;
        format!("KS distance {distance:.3}, p = {p_value:.3} (bootstrap of {resamples})")
    };
    Some(match answer {
        Answer::Law { fitted, goodness, .. } => {
            let of = |of: fn(&Law) -> f64| answer.interval(of).map_or(String::new(), seconds);
            let parameters: Vec<String> = fitted
                .parameters()
                .iter()
                .map(|(name, i)| format!("{name} {:.3} ({:.3}..{:.3})", i.value, i.low, i.high))
                .collect();
            let rounded = match tick {
                0.0 => String::new(),
                1.0 => " of whole-second times".to_owned(),
                tick => format!(" of times in steps of {tick}s"),
            };
            format!(
                "Maximum likelihood{rounded}, 90% intervals: {}, median {}, mean {}; {}.",
                parameters.join(", "),
                of(|law| law.quantile(0.5)),
                of(Law::mean),
                held(goodness)
            )
        }
        Answer::Quantiles { best, goodness, .. } => {
            let law = best.law.family().name();
            format!("Quantiles of the values: no law fits; the best, {law}: {}.", held(goodness))
        }
        Answer::Fixed(_) => {
            format!("They do not differ by more than the clock's resolution of {tick}s.")
        }
        Answer::Nothing(_) => return None,
    })
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
