//! The best setting: as a screen, as a table, as JSON, as a scenario and as a manifest's patch.

mod json;
mod patch;
mod schema;

use std::fmt::Write;

use super::format;
use crate::scenario::Scenario;
use crate::stats::Verdict;
use crate::stats::selection::{Place, Rule};
use crate::study::sweep::Goal;
use crate::study::tune::{Cliff, Plan, Tried, Tuned};

pub use json::json;
pub use patch::{Patch, patch, toml};
pub use schema::schema;

/// Name and number of the JSON format.
pub const SCHEMA: &str = "rollcast-tune/1";
/// Rows of the screen's table.
const ROWS: usize = 12;
/// Columns of a terminal that everybody has.
const COLUMNS: usize = 80;

/// All there is to tell.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The service's name.
    pub name: &'a str,
    /// How it was tuned.
    pub plan: &'a Plan,
    /// What was found.
    pub tuned: &'a Tuned,
    /// The chosen scenario.
    pub best: Option<&'a Scenario>,
    /// How near the cliff is.
    pub cliffs: &'a [Cliff],
}

impl Answer<'_> {
    /// The keys with the values of the choice.
    fn chosen(&self) -> Vec<(&str, &str)> {
        let Some(best) = self.tuned.best else { return Vec::new() };
        let values = self.tuned.tried[best].values.iter().map(String::as_str);
        self.tuned.keys.iter().map(String::as_str).zip(values).collect()
    }
}

/// The patch of the manifest, if there is a choice and it is known how.
pub fn patch_of(answer: &Answer<'_>) -> Option<Patch> {
    patch(answer.name, &answer.chosen(), answer.best?)
}

/// The screen.
pub fn text(answer: &Answer<'_>) -> String {
    let tuned = answer.tuned;
    let mut out = format!(
        "{}: {}, {} settings, {} gates; {} runs, seed {}\n\n",
        answer.name,
        answer.plan.goal.text,
        tuned.tried.len(),
        tuned.gates.len(),
        format::count(tuned.runs()),
        answer.plan.seed,
    );
    out.push_str(&rows(answer));
    out.push('\n');
    out.push_str(&wrapped(&sentence(answer), ""));
    for cliff in answer.cliffs {
        out.push_str(&wrapped(&cliff_line(cliff), "  "));
    }
    let chosen = answer.chosen();
    if let Some(best) = answer.best {
        let _ = write!(out, "\nThe setting:\n{}", indented(&toml(&chosen, best)));
        if let Some(patch) = patch_of(answer) {
            let _ = write!(out, "\n{}:\n{}", patch.what, indented(&patch.text));
        }
    }
    out
}

fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}

/// Lines of at most 80 columns; those after the first are moved in.
fn wrapped(text: &str, margin: &str) -> String {
    let (mut out, mut line) = (String::new(), margin.to_owned());
    for word in text.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > COLUMNS && line.trim() != "" {
            let _ = writeln!(out, "{line}");
            line = format!("{margin}  {word}");
        } else {
            let blank = if line.trim().is_empty() { "" } else { " " };
            let _ = write!(line, "{blank}{word}");
        }
    }
    let _ = writeln!(out, "{line}");
    out
}

/// What is known, in words that say what the guarantee covers.
fn sentence(answer: &Answer<'_>) -> String {
    let tuned = answer.tuned;
    let sure = format!("{:.0}%", (1.0 - answer.plan.error) * 100.0);
    let unit = answer.plan.goal.unit();
    let Some(_) = tuned.best else {
        let open = tuned.tried.iter().any(|t| matches!(t.place, Ok(Place::Open(_))));
        return if open {
            "No setting is known to keep all gates; for some it is open: --max-runs with more."
        } else {
            "No setting keeps all gates: there is no choice to make."
        }
        .to_owned();
    };
    let chosen: Vec<String> = answer
        .chosen()
        .iter()
        .map(|(key, value)| format!("{} {value}", key.rsplit('.').next().unwrap_or(key)))
        .collect();
    let within = format::value(tuned.within, unit);
    let gates = if tuned.gates.is_empty() { "" } else { " keeps all gates, and" };
    let among = if tuned.gates.is_empty() { "none" } else { "none that keeps them" };
    let claim = match tuned.rule {
        _ if !tuned.certain => format!(
            "leads, but --max-runs was reached before all others were told from it within {within}"
        ),
        Rule::Triangle => format!(
            "is the best by {sure}{}: if the others are {within} or more away, the choice is right \
             with {sure}",
            if gates.is_empty() { "" } else { " of those that keep all gates" },
        ),
        Rule::Race => {
            format!("{} with {sure} {among} is better by more than {within}", gates.trim_start())
        }
    };
    let about = if tuned.batch > 10 {
        format!(" The value is the mean of that quantile over batches of {} runs.", tuned.batch)
    } else {
        String::new()
    };
    format!("{} {}.{about}", chosen.join(", "), claim.trim())
}

fn cliff_line(cliff: &Cliff) -> String {
    let holds =
        cliff.holds.as_ref().map_or_else(String::new, |value| format!("holds at {value}, "));
    let short = cliff.what.rsplit('.').next().unwrap_or(&cliff.what);
    match &cliff.breaks {
        None => format!("{short}: {holds}nothing breaks on this side of what was tried"),
        Some((value, gate)) => {
            let what =
                if gate.verdict == Verdict::Fail { "breaks" } else { "is not known to keep" };
            let unit = gate.gate.outcome.unit();
            let found = gate.share.map_or_else(
                || format::value(gate.value.value, unit),
                |share| format!("kept in {} of runs", format::share(share.value)),
            );
            format!("{short}: {holds}{value} {what} `{}` ({found})", gate.gate.text)
        }
    }
}

/// The table: the choice, then the front, then the others by value.
fn rows(answer: &Answer<'_>) -> String {
    let tuned = answer.tuned;
    let goal = &answer.plan.goal;
    let rank = |index: &usize| {
        let tried = &tuned.tried[*index];
        let value = if goal.max { -tried.goal.value } else { tried.goal.value };
        let group = match tried.place {
            Ok(Place::Best) => 0,
            Ok(Place::Close | Place::Open(_)) => 1,
            Ok(Place::Behind(_)) => 2,
            Ok(Place::Breaks(_)) => 3,
            Ok(Place::Void) | Err(_) => 4,
        };
        (group, value)
    };
    let mut order: Vec<usize> = (0..tuned.tried.len()).collect();
    order.sort_by(|a, b| rank(a).0.cmp(&rank(b).0).then(rank(a).1.total_cmp(&rank(b).1)));
    let versus = &answer.plan.versus;
    let mut head: Vec<String> = vec![String::new()];
    head.extend(tuned.keys.iter().map(|key| key.rsplit('.').next().unwrap_or(key).to_owned()));
    head.extend([goal.expression(), versus.expression(), "runs", ""].map(str::to_owned));
    let mut cells = vec![head];
    for index in order.iter().take(ROWS) {
        cells.push(row(answer, &tuned.tried[*index]));
    }
    let mut text = table(&cells);
    if order.len() > ROWS {
        let _ = writeln!(text, "  and {} more; -o FILE.csv has all", order.len() - ROWS);
    }
    text
}

fn row(answer: &Answer<'_>, tried: &Tried) -> Vec<String> {
    let goal: &Goal = &answer.plan.goal;
    let mark = match (&tried.place, tried.on_front) {
        (Ok(Place::Best), _) => "▶",
        (_, true) => "·",
        _ => "",
    };
    let mut line = vec![mark.to_owned()];
    line.extend(tried.values.iter().cloned());
    let Ok(place) = &tried.place else {
        line.extend(["-", "-", "0"].map(str::to_owned));
        line.push(tried.place.as_ref().err().cloned().unwrap_or_default());
        return line;
    };
    let (unit, found) = (goal.unit(), tried.goal);
    let shown = |value: f64| format::value(value, unit);
    line.push(if found.low.is_finite() && found.low < found.high {
        format!("{} [{}, {}]", shown(found.value), shown(found.low), shown(found.high))
    } else {
        shown(found.value)
    });
    line.push(format::value(tried.versus, answer.plan.versus.unit()));
    line.push(format::count(tried.runs));
    line.push(words(place, tried.on_front, &answer.tuned.gates));
    line
}

/// What became of a setting, in words.
fn words(place: &Place, on_front: bool, gates: &[String]) -> String {
    let gate = |index: usize| gates.get(index).map_or("a gate", String::as_str);
    match place {
        Place::Best => "best".to_owned(),
        Place::Behind(_) if on_front => "behind; on the front".to_owned(),
        Place::Behind(_) => "behind".to_owned(),
        Place::Breaks(index) => format!("breaks {}", gate(*index)),
        Place::Close => "too close to tell".to_owned(),
        Place::Open(index) => format!("open: {}", gate(*index)),
        Place::Void => "has no value in some runs".to_owned(),
    }
}

/// Columns side by side; the last one is cut at 80 columns.
fn table(cells: &[Vec<String>]) -> String {
    let columns = cells[0].len();
    let width = |column: usize| cells.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for line in cells {
        let mut text = String::new();
        for (column, cell) in line.iter().enumerate() {
            let gap = if column > 1 { "  " } else { "" };
            let pad = widths[column].max(usize::from(column == 0) * 2);
            let _ = write!(text, "{gap}{cell:<pad$}");
        }
        let text = text.trim_end();
        if text.chars().count() > COLUMNS {
            let cut: String = text.chars().take(COLUMNS - 1).collect();
            let _ = writeln!(out, "{cut}…");
        } else {
            let _ = writeln!(out, "{text}");
        }
    }
    out
}

/// All settings as CSV.
pub fn csv(answer: &Answer<'_>) -> String {
    let tuned = answer.tuned;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut head = tuned.keys.clone();
    let names = ["place", "gate", "goal", "goal_low", "goal_high", "versus", "runs", "on_front"];
    head.extend(names.map(str::to_owned));
    let number = |value: f64| if value.is_finite() { value.to_string() } else { String::new() };
    let lines = tuned.tried.iter().map(|tried| {
        let mut line = tried.values.clone();
        line.extend(json::place(tried, &tuned.gates));
        line.extend([tried.goal.value, tried.goal.low, tried.goal.high, tried.versus].map(number));
        line.extend([tried.runs.to_string(), tried.on_front.to_string()]);
        line
    });
    for line in [head].into_iter().chain(lines) {
        writer.write_record(line).expect("memory takes it, and all lines are alike");
    }
    String::from_utf8(writer.into_inner().expect("memory takes it")).expect("written from text")
}

#[cfg(test)]
mod tests;
