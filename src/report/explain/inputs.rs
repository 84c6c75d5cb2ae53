//! What a number over runs hangs on: as text, CSV and JSON.

use std::fmt::Write;

use crate::report::format;
use crate::scenario::{Measure, Measured};
use crate::study::sensitivity::{Bar, End, Sensitivity};

/// Name and number of the JSON format.
pub const SCHEMA: &str = "rollcast.sensitivity/1";
/// Blocks of the longest bar.
const BLOCKS: f64 = 12.0;

/// A change below this share of the largest is not worth a line.
const WORTH: f64 = 0.005;

/// Inputs that surely change the number, and by more than a trifle.
pub(crate) fn telling(found: &Sensitivity) -> impl Iterator<Item = &Bar> {
    let least = found.bars.first().map_or(0.0, Bar::size) * WORTH;
    found.bars.iter().filter(move |bar| bar.size() > least && bar.is_sure())
}

/// The strongest inputs, at most `most`; at most 80 columns wide.
pub fn render(found: &Sensitivity, most: usize) -> String {
    let mut page = format!(
        "what {} hangs on: {} now, {} runs each, same luck\n\n",
        found.of.text,
        amount(&found.of, found.base.value),
        format::count(u64::from(found.runs))
    );
    let bars: Vec<&Bar> = telling(found).collect();
    if bars.is_empty() {
        page += "  nothing that was moved changes it\n";
        return page;
    }
    let longest = bars[0].size();
    for bar in bars.iter().take(most) {
        let mark = if bar.assumed { " (assumed)" } else { "" };
        let _ = writeln!(page, "  {}{mark}", bar.key);
        for end in [&bar.low, &bar.high].into_iter().flatten() {
            row(&mut page, &found.of, end, longest);
        }
    }
    let (shown, silent) = (bars.len().min(most), found.bars.len() - bars.len());
    if bars.len() > shown {
        let _ = writeln!(page, "  … and {} weaker ones", bars.len() - shown);
    }
    let _ = writeln!(page, "  {silent} more inputs do not change it, or hardly");
    page
}

fn row(page: &mut String, of: &Measured, end: &End, longest: f64) {
    let blocks = "█".repeat((end.change.value.abs() / longest * BLOCKS).round() as usize);
    let change = signed(of, end.change.value);
    let range = format!("[{}, {}]", signed(of, end.change.low), signed(of, end.change.high));
    let _ = write!(page, "    {:>10}  {change:>8} {range:<20} {blocks:<12}", cut(&end.text));
    let kept = page.trim_end().len();
    page.truncate(kept);
    page.push('\n');
    for gate in &end.breaks {
        let _ = writeln!(page, "                breaks {gate}");
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= 10 {
        return text.to_owned();
    }
    text.chars().take(9).chain(['…']).collect()
}

pub(crate) fn amount(of: &Measured, value: f64) -> String {
    match of.measure {
        Measure::Probability => format::share(value),
        _ => format::value(value, of.outcome.unit()),
    }
}

pub(crate) fn signed(of: &Measured, value: f64) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", amount(of, value))
}

/// A row an end: `key,assumed,end,value,change,low,high,breaks`.
pub fn render_csv(found: &Sensitivity) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |row: [&str; 8]| writer.write_record(row).expect("memory takes everything");
    write(["key", "assumed", "end", "value", "change", "low", "high", "breaks"]);
    for bar in &found.bars {
        for (name, end) in [("low", &bar.low), ("high", &bar.high)] {
            let Some(end) = end else { continue };
            let [change, low, high] =
                [end.change.value, end.change.low, end.change.high].map(|v| v.to_string());
            let (assumed, breaks) = (bar.assumed.to_string(), end.breaks.join("; "));
            write([&bar.key, &assumed, name, &end.text, &change, &low, &high, &breaks]);
        }
    }
    let bytes = writer.into_inner().expect("memory takes everything");
    String::from_utf8(bytes).expect("fields are text")
}

/// The document, with a line end at its end.
pub fn render_json(found: &Sensitivity) -> String {
    #[derive(serde::Serialize)]
    struct Document<'a> {
        schema: &'static str,
        version: &'static str,
        #[serde(flatten)]
        found: &'a Sensitivity,
    }
    let document = Document { schema: SCHEMA, version: env!("CARGO_PKG_VERSION"), found };
    let mut text = serde_json::to_string_pretty(&document).expect("plain data serialises");
    text.push('\n');
    text
}
