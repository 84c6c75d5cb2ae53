//! Parts of a scenario that every importer writes in the same way.

use super::toml_text::{TomlText, quantiles, quoted};
use crate::units::{CountOrPercent, Span};

/// 95 % of instances are assumed to be up after so long.
pub(super) const START_P95: Span = Span::from_secs(30);

/// What to write where a rollout waits for somebody to promote.
pub(super) const PROMOTE: &str = "add when: operations = [{ at = \"10m\", do = \"promote\" }]";

/// What the gates say.
#[derive(Debug, Clone, Default)]
pub(super) struct Gates {
    /// Serving instances that the settings mean to keep, and why; 0: none.
    pub(super) floor: u32,
    /// How it comes about.
    pub(super) floor_why: String,
    /// One wave, from start to end.
    pub(super) wave: Span,
    /// Waves, one after the other.
    pub(super) waves: u32,
    /// Waiting beside them: pauses, bakes.
    pub(super) pauses: Span,
    /// Why it waits for a person, if it does.
    pub(super) waits: Option<String>,
    /// More lines, as they are.
    pub(super) more: Vec<String>,
}

/// The comment on top, with notes, one a line.
pub(super) fn head(out: &mut TomlText, title: &str, file: &str, notes: &[String]) {
    out.comment(&format!("{title} from {file}"));
    out.comment("Values marked \"assumed\" are in no manifest; [assumed] has their ranges.");
    for note in notes {
        out.comment(note);
    }
    out.raw("rollcast = 1");
}

/// The gates, and a horizon where the usual hour is too short.
pub(super) fn gates(out: &mut TomlText, gates: &Gates, done: &str) {
    let line = |out: &mut TomlText, gate: &str, why: &str| {
        // A line break in a name of the file must not end the comment.
        let why = why.replace(['\n', '\r'], " ");
        out.raw(&format!("  {:<42}  # {why}", format!("{},", quoted(gate))));
    };
    // Half as much again as it takes if every wave is as slow as one start in twenty.
    let waves = gates.wave * f64::from(gates.waves.max(1)) * 1.5;
    // A year is as good as for ever, and can be rounded up.
    let limit = (waves + gates.pauses).min(Span::from_secs(365 * 86_400));
    let limit = Span::from_secs((limit.0 / 1_000_000_000).div_ceil(60) * 60);
    if limit > Span::from_secs(1800) {
        out.value("horizon", &span(limit * 2.0), "long enough to see the end");
    }
    out.raw("gates = [");
    if let Some(why) = &gates.waits {
        out.raw("  # \"p(completed) >= 99%\",");
        out.raw(&format!("  # (^ {why})"));
    } else {
        line(out, "p(completed) >= 99%", done);
    }
    if gates.floor > 0 {
        let gate = format!("serving_min >= {} in 99% of runs", gates.floor);
        line(out, &gate, &gates.floor_why);
    }
    if gates.waits.is_none() {
        line(out, &format!("p95(duration) <= {limit}"), "made up: say how long it may take");
    }
    for more in &gates.more {
        out.raw(more);
    }
    out.raw("]");
}

/// `[service]` up to its instances' inner life, which no file of an orchestrator knows.
pub(super) fn inner_life(out: &mut TomlText, unit: &str, limit: &str) {
    out.assumed("discipline", "\"fifo\"", "fifo..ps", "matters with traffic only");
    out.assumed("slots", "16", "4..64", &format!("requests at once in {unit} ({limit})"));
    out.assumed("queue", "\"unbounded\"", "0..unbounded", &format!("places to wait in {unit}"));
}

/// `[versions]`: how long a start takes, and an exit.
pub(super) fn versions(out: &mut TomlText, longest_start: Span, start: &str, grace: Span) {
    out.table("versions.old");
    let service_time = quantiles("20ms", "100ms");
    out.assumed("service_time", &service_time, "5ms..500ms", "matters with traffic only");
    let usual = quantiles("10s", &START_P95.to_string());
    let longest = longest_start.max(Span::from_secs(60));
    out.assumed("start", &usual, &format!("5s..{longest}"), start);
    exit(out, grace);
}

/// `exit`, and an empty `[versions.new]`.
pub(super) fn exit(out: &mut TomlText, grace: Span) {
    let longest = grace.clamp(Span::from_secs(1), Span::from_secs(30));
    let range = format!("100ms..{longest}");
    out.assumed("exit", "\"1s\"", &range, "SIGTERM until an idle process is gone");
    out.table("versions.new");
    out.comment("What is not said is like old.");
}

/// The traffic that no manifest has, as a comment.
pub(super) fn traffic(out: &mut TomlText) {
    out.raw("");
    out.comment("Without traffic only capacity and duration are simulated. For lost requests and");
    out.comment(
        "latency, uncomment the next two lines; a rate may also be a record (an access log,",
    );
    out.comment("a CSV file of times or of counts): rate = { from = \"access.log\" }");
    out.comment("[traffic]");
    out.comment("rate = \"100/s\"");
}

/// What a process does when told to stop, at the end of `[shutdown]`.
pub(super) fn on_term(out: &mut TomlText) {
    out.assumed("on_term", "\"drain\"", "drain..exit", "what the process does at SIGTERM");
}

/// A duration in TOML.
pub(super) fn span(span: Span) -> String {
    quoted(&span.to_string())
}

/// A duration in TOML, in whole seconds as Kubernetes counts them.
pub(super) fn quoted_secs(span: Span) -> String {
    quoted(&format!("{}s", span.0 / 1_000_000_000))
}

/// A count or a percentage in TOML.
pub(super) fn amount(value: CountOrPercent) -> String {
    match value {
        CountOrPercent::Count(count) => count.to_string(),
        CountOrPercent::Percent(_) => quoted(&value.to_string()),
    }
}

/// Where a value comes from: its key, or the orchestrator's default.
pub(super) fn source(key: &str, stated: bool) -> String {
    if stated { key.to_owned() } else { format!("no {key}: default") }
}

/// A value from the file, or a default that is marked as one.
pub(super) fn stated<T>(
    out: &mut TomlText,
    (key, theirs): (&str, &str),
    value: Option<T>,
    default: T,
    text: impl Fn(&T) -> String,
) -> T {
    let comment = source(theirs, value.is_some());
    let value = value.unwrap_or(default);
    out.value(key, &text(&value), &comment);
    value
}
