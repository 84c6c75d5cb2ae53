//! The screen: one line a recording, then what all of them come to.

use std::fmt::Write as _;
use std::path::Path;

use crate::study::verify::{Class, Difference, Inputs, Pair, Report, Spread, Verdict};

/// The whole screen, for a terminal of so many columns, at least 80. `ascii`: only ASCII.
pub fn text(report: &Report, ascii: bool, columns: usize) -> String {
    let mut text = String::new();
    table(&mut text, report, columns);
    total(&mut text, report);
    if let Some(against) = &report.against {
        let _ = writeln!(
            text,
            "\n{:<45} {:>4} {:>8} {:>8} {:>8}",
            "|difference| / recorded duration", "n", "median", "p90", "max"
        );
        for (group, difference) in &against.groups {
            compared(&mut text, group, difference);
        }
        if against.groups.is_empty() {
            text.push_str("  no recording has a second one there\n");
        }
    }
    if ascii { text.replace('✓', "+").replace('✗', "x").replace('…', "~") } else { text }
}

/// Columns of a terminal that everybody has.
const COLUMNS: usize = 80;
/// The longest file name and class that fit beside the figures there.
const FILE: usize = 19;
const CLASS: usize = 29;

fn table(text: &mut String, report: &Report, columns: usize) {
    if report.verdicts.is_empty() {
        return;
    }
    let name = |v: &Verdict| {
        let name = Path::new(&v.file).file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| v.file.clone())
    };
    let width = |column: &dyn Fn(&Verdict) -> usize, least: usize| {
        report.verdicts.iter().map(column).max().unwrap_or(0).max(least)
    };
    let file = width(&|v| name(v).chars().count(), 4).min(FILE);
    let class = width(&|v| v.class.len(), 5);
    let shows_class = columns > COLUMNS + 1 + class;
    let line = |cells: [&str; 8], class: &str| {
        let [name, fate, recorded, predicted, band, max, min, steps] = cells;
        let name = shortened(name, file);
        let row = format!(
            "{name:<file$} {fate:<4} {recorded:>9} {predicted:>9} {band:>13} {max:>7} {min:>7} \
             {steps:<5}"
        );
        let row = if shows_class { format!("{row}  {class}") } else { row };
        format!("{}\n", row.trim_end())
    };
    let head = ["file", "fate", "recorded", "predicted", "5-95 %, s", "max", "min", "steps"];
    text.push_str(&line(head, "class"));
    for v in &report.verdicts {
        let band = v.band_s.map_or(String::new(), |(a, b)| format!("{a:.2}-{b:.2}"));
        let cells = [
            &name(v),
            mark(Some(v.final_ok)),
            &seconds(v.duration_s.recorded),
            &seconds(v.duration_s.predicted),
            &band,
            &counts(&v.instances_max),
            &counts(&v.available_min),
            mark(v.steps_equal),
        ];
        text.push_str(&line(cells, &v.class));
        for note in notes(v) {
            let _ = writeln!(text, "  {note}");
        }
    }
    text.push('\n');
}

/// What is to be said of a recording beside its figures.
fn notes(v: &Verdict) -> Vec<String> {
    let mut notes = Vec::new();
    if !v.final_ok {
        let (said, is) = (&v.said, &v.is);
        notes.push(format!("recorded {}, {}; predicted {}, {}", said.0, is.0, said.1, is.1));
    }
    notes.extend(v.misses.iter().cloned());
    if v.steps_equal == Some(false) {
        notes.extend(v.first_difference.iter().cloned());
    }
    notes
}

/// The end of a name tells more than its beginning.
fn shortened(name: &str, most: usize) -> String {
    let length = name.chars().count();
    if length <= most {
        return name.to_owned();
    }
    let end: String = name.chars().skip(length + 1 - most).collect();
    format!("…{end}")
}

fn total(text: &mut String, report: &Report) {
    let (total, options) = (&report.total, &report.options);
    let inputs = match options.inputs {
        Inputs::Observed => "each instance's recorded delays",
        Inputs::Spec => "only what was known beforehand",
    };
    let _ = writeln!(
        text,
        "{} recordings, told {inputs}; {} runs each, seed {}",
        total.traces, options.runs, options.seed
    );
    if total.traces == 0 {
        return;
    }
    let all = total.traces;
    let _ = writeln!(text, "  fate                    {} of {all}", total.final_ok);
    let _ = writeln!(text, "  most instances at once  {} of {all}", total.instances_max_equal);
    let _ = writeln!(text, "  fewest available        {} of {all}", total.available_min_equal);
    let _ = writeln!(
        text,
        "  order of steps          {} of {} that have a determinate one",
        total.steps_equal, total.steps
    );
    if let (Some(share), Some(secs)) = (total.duration_error, total.duration_error_s) {
        let _ = writeln!(
            text,
            "  |error| of duration     median {}, p90 {}, max {}\n\
             \x20                         {:.3} s, {:.3} s, {:.3} s",
            percent(share.p50),
            percent(share.p90),
            percent(share.max),
            secs.p50,
            secs.p90,
            secs.max
        );
    }
    if let Some(band) = total.band {
        let _ = writeln!(
            text,
            "  5-95 % of duration      holds {} of {}; mean width {} of the duration",
            band.holds,
            band.n,
            percent(band.mean_width)
        );
    }
    let width = total.classes.keys().map(String::len).max().unwrap_or(0).clamp(5, CLASS);
    let _ =
        writeln!(text, "\n{:<width$}   n fate  max  min   steps |error|     p90     max", "class");
    for (name, class) in &total.classes {
        one_class(text, name, width, class);
    }
    text.push_str(
        "\nPredicted: of the duration the median over runs, of all else the most frequent.\n\
         max: neither terminating nor failed; min: as the orchestrator itself reported.\n\
         a/b: recorded a, predicted b. |error|: the median.\n",
    );
}

fn one_class(text: &mut String, name: &str, width: usize, class: &Class) {
    let steps = format!("{}/{}", class.steps_equal, class.steps);
    let of = |pick: fn(Spread) -> f64| {
        class.duration_error.map_or_else(String::new, |spread| percent(pick(spread)))
    };
    let _ = writeln!(
        text,
        "{:<width$} {:>3} {:>4} {:>4} {:>4} {steps:>7} {:>7} {:>7} {:>7}",
        shortened(name, width),
        class.traces,
        class.final_ok,
        class.instances_max_equal,
        class.available_min_equal,
        of(|s| s.p50),
        of(|s| s.p90),
        of(|s| s.max),
    );
}

fn compared(text: &mut String, group: &str, difference: &Difference) {
    let rows = [("prediction", difference.predicted), ("repeated", difference.repeated)];
    for (what, spread) in rows {
        let Some(spread) = spread else { continue };
        let _ = writeln!(
            text,
            "  {group:<32} {what:<10} {:>4} {:>8} {:>8} {:>8}",
            spread.n,
            percent(spread.p50),
            percent(spread.p90),
            percent(spread.max)
        );
    }
}

fn mark(ok: Option<bool>) -> &'static str {
    match ok {
        Some(true) => "✓",
        Some(false) => "✗",
        None => "-",
    }
}

fn seconds(value: Option<f64>) -> String {
    value.map_or("never".to_owned(), |value| format!("{value:.2} s"))
}

fn counts(pair: &Pair) -> String {
    let count = |value: Option<f64>| value.map_or("none".to_owned(), |value| format!("{value}"));
    if pair.is_equal() {
        count(pair.recorded)
    } else {
        format!("{}/{}", count(pair.recorded), count(pair.predicted))
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
