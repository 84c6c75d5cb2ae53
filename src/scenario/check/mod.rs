//! From what was written to what it means: complete, consistent, every default filled in.

mod clients;
mod conduct;
mod dist;
mod fleet;
mod gates;
mod hosts;
mod strategy;
mod traffic;

use std::path::Path;

use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::keys::{self, Key};
use super::pieces::{Pieces, Preset};
use super::raw::{Fields, Section, Value};
use super::reader::{Raw, missing_key};
use super::settings::{Orchestrator, StrategySettings};
use super::source::Place;
use super::{Assumed, Pipeline, Scenario, Slo};
use crate::units::Span;

/// What checking needs at hand.
pub(in crate::scenario) struct Env<'a> {
    /// What was written.
    raw: &'a Raw,
    /// Which of the defaults apply.
    orchestrator: Orchestrator,
    /// Whose defaults count before those.
    plane: Option<Preset>,
    /// Recorded files are looked for here.
    base_dir: &'a Path,
    /// Complaints so far.
    problems: &'a mut Vec<Diagnostic>,
    /// Stands in for tables that are not there.
    nothing: Fields,
}

/// The longest that a rollout, or the time before it, may take: simulated clocks reach 13 days.
const LONGEST: Span = Span::from_secs(6 * 86_400);

/// Checks a scenario. The result is only worth something if no error was added to `problems`.
pub(super) fn check(raw: &Raw, base_dir: &Path, problems: &mut Vec<Diagnostic>) -> Scenario {
    let orchestrator = strategy::orchestrator(raw, problems);
    let nothing = Fields::empty(Place::file(0..0));
    let plane = Preset::written(raw.tables.get("data_plane"));
    let mut env = Env { raw, orchestrator, plane, base_dir, problems, nothing };
    env.format_version();
    let service = fleet::service(&mut env);
    let traffic = traffic::traffic(&mut env);
    let pieces = Pieces::read(&mut env);
    let asked = traffic.is_some() || pieces.users.is_some();
    let versions = fleet::versions(&mut env, asked || pieces.queue.is_some());
    let gates = gates::gates(&mut env, asked);
    let strategy = StrategySettings::read(orchestrator, &mut env);
    Scenario {
        clients: clients::clients(&mut env),
        balancer: clients::balancer(&mut env),
        probes: fleet::probes(&mut env),
        shutdown: fleet::shutdown(&mut env, &strategy),
        restart: fleet::restart(&mut env),
        pipeline: Pipeline::read(&mut env, &strategy),
        strategy,
        control: fleet::control(&mut env),
        hosts: hosts::hosts(&mut env, service.instances),
        pieces,
        slo: env.slo(),
        gates,
        assumed: env.assumed(),
        horizon: env.positive_up_to("", "horizon", LONGEST),
        margin: env.up_to("", "margin", LONGEST),
        service,
        versions,
        traffic,
    }
}

impl<'a> Env<'a> {
    /// The table of this name; one without entries if it was not written.
    pub(in crate::scenario) fn section<'b>(&'b self, path: &'b str) -> Section<'b> {
        let keys = keys::table(path).map_or(&[][..], |table| table.keys);
        let fields = self.raw.tables.get(path).unwrap_or(&self.nothing);
        Section { path, ..self.inline(keys, fields) }
    }

    /// An inline table.
    fn inline<'b>(&self, keys: &'static [Key], fields: &'b Fields) -> Section<'b> {
        let (orchestrator, plane) = (self.orchestrator, self.plane);
        Section { keys, fields, behind: None, path: "", orchestrator, plane }
    }

    /// Whether a table was written.
    pub(in crate::scenario) fn is_there(&self, path: &str) -> bool {
        self.raw.tables.contains_key(path)
    }

    /// The tables that were written of `dependencies.*`: (name, path), by name.
    pub(in crate::scenario) fn names_of(&self, pattern: &str) -> Vec<(String, String)> {
        let above = pattern.trim_end_matches('*');
        let paths = self.raw.tables.keys().filter(|path| path.len() > above.len());
        paths
            .filter_map(|path| Some((path.strip_prefix(above)?.to_owned(), path.clone())))
            .collect()
    }

    /// The fields of a table, for as long as the raw scenario lives.
    fn fields(&self, path: &str) -> Option<&'a Fields> {
        self.raw.tables.get(path)
    }

    pub(in crate::scenario) fn problem(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// Complains about the required keys of a table that is not there at all.
    fn require(&mut self, path: &str) {
        if self.raw.tables.contains_key(path) {
            return;
        }
        let is_required = |key: &&Key| matches!(key.default, keys::Default::Required);
        let keys = keys::table(path).map_or(&[][..], |table| table.keys);
        for key in keys.iter().filter(is_required) {
            self.problems.push(missing_key(key, path, None));
        }
    }

    /// A duration that must not be zero.
    pub(in crate::scenario) fn positive(&mut self, path: &str, key: &str) -> Span {
        let section = self.section(path);
        let (span, place) = (section.span(key), section.place(key));
        if span == Span::ZERO {
            let message = format!("`{key}` must not be zero");
            self.problem(Diagnostic::new(Code::OutOfRange, place, message, ""));
        }
        span
    }

    /// A duration that must not be zero, and not longer than `limit`.
    fn positive_up_to(&mut self, path: &str, key: &str, limit: Span) -> Span {
        self.up_to(path, key, limit);
        self.positive(path, key)
    }

    /// A duration not longer than `limit`.
    fn up_to(&mut self, path: &str, key: &str, limit: Span) -> Span {
        let section = self.section(path);
        let (span, place) = (section.span(key), section.place(key));
        if span > limit {
            let message = format!("`{key}` is longer than what can be simulated");
            let hint = format!("at most {limit}");
            self.problem(Diagnostic::new(Code::OutOfRange, place, message, hint));
        }
        span
    }

    fn format_version(&mut self) {
        let section = self.section("");
        if let Some(entry) = section.written("rollcast")
            && entry.value != Value::Count(1)
        {
            let message = "this is not a format version that this program reads";
            let at = entry.at;
            self.problem(Diagnostic::new(Code::FormatVersion, at, message, "write rollcast = 1"));
        }
    }

    fn slo(&mut self) -> Slo {
        let (period, window) = (self.positive("slo", "period"), self.positive("slo", "window"));
        let slo = self.section("slo");
        Slo {
            availability: slo.share("availability"),
            latency: slo.span("latency"),
            latency_share: slo.share("latency_share"),
            period,
            window,
            outage_share: slo.share("outage_share"),
        }
    }

    fn assumed(&self) -> Vec<Assumed> {
        let section = self.section("assumed");
        let of = |(key, entry): (&String, &super::raw::Entry)| match &entry.value {
            Value::Range(low, high) => {
                Some(Assumed { key: key.clone(), low: low.clone(), high: high.clone() })
            }
            _ => None,
        };
        section.fields.entries.iter().filter_map(of).collect()
    }
}
