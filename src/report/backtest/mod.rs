//! Forecasts of past rollouts beside what happened.

mod schema;

use std::fmt::Write;

use serde_json::json;

use crate::study::backtest::{Forecast, Report, Score};

pub use schema::schema;

/// Name and number of the JSON format.
pub const SCHEMA: &str = "rollcast-backtest/1";

/// The table for people.
pub fn text(report: &Report) -> String {
    let header =
        ["rollout", "n", "from", "duration", "90%", "happened", "lowest", "90%", "happened"];
    let mut lines = vec![header.map(str::to_owned)];
    let band = |f: &Forecast, unit: &str| format!("{:.0}..{:.0}{unit}", f.low, f.high);
    let mark = |f: &Forecast, unit: &str| {
        format!("{:.0}{unit}{}", f.happened, if f.covered { "" } else { " !" })
    };
    for one in &report.played {
        let (duration, lowest) = (&one.duration, &one.available_min);
        lines.push([
            one.name.clone(),
            one.instances.to_string(),
            format!("{} starts", one.starts),
            format!("{:.0}s", duration.median),
            band(duration, "s"),
            mark(duration, "s"),
            format!("{:.0}", lowest.median),
            band(lowest, ""),
            mark(lowest, ""),
        ]);
    }
    let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut out = String::new();
    for line in &lines {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        out.extend([cells.join("  ").trim_end(), "\n"]);
    }
    out.push_str("\n                   within 90%  interval score (guess)  CRPS (guess)\n");
    for (name, score) in [("duration, s", report.duration), ("lowest", report.available_min)] {
        let Score { coverage, interval_score, guess_interval_score, crps, guess_crps } = score;
        let coverage = format!("{:.0}%", coverage * 100.0);
        let intervals = format!("{interval_score:.1} ({guess_interval_score:.1})");
        let _ = writeln!(out, "{name:<19}{coverage:<12}{intervals:<24}{crps:.2} ({guess_crps:.2})");
    }
    out.push_str(
        "\nScores: smaller is better; in brackets the guess \"same as last time\". ! outside.\n\
         Forecasts draw the laws of start and exit from what the rollouts before leave plausible;\n\
         where these differed by more than chance, the next one may differ as much.\n",
    );
    for one in &report.left_out {
        let _ = writeln!(out, "left out: {one}");
    }
    let verdict = if report.holds() { "no worse than" } else { "WORSE than" };
    let _ = writeln!(out, "Forecasts of the duration were {verdict} \"same as last time\".");
    out
}

/// `rollcast-backtest/1`.
pub fn json(report: &Report) -> String {
    let value = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "confidence": 0.9,
        "rollouts": report.played,
        "left_out": report.left_out,
        "duration_s": report.duration,
        "available_min": report.available_min,
        "holds": report.holds(),
    });
    let mut text = serde_json::to_string_pretty(&value).expect("plain data");
    text.push('\n');
    text
}
