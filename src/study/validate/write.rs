//! The table as files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::row::{Kind, Row};
use super::{ABOVE_THREE, Report};

/// Writes `theory.csv` and `theory.md` into `folder`, making it if need be.
pub(super) fn write(report: &Report, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, text) in [("theory.csv", csv(report)?), ("theory.md", markdown(report))] {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn csv(report: &Report) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "name",
        "parameters",
        "quantity",
        "value",
        "measured",
        "half_width",
        "z",
        "relative_error",
        "kind",
        "how",
    ])?;
    for row in &report.rows {
        writer.write_record([
            row.name.clone(),
            row.parameters.clone(),
            row.quantity.clone(),
            row.value.to_string(),
            significant(row.measured, 12),
            if row.kind == Kind::Simulated {
                significant(row.half_width, 4)
            } else {
                String::new()
            },
            row.z.map_or(String::new(), |z| format!("{z:.3}")),
            format!("{:.3e}", row.relative_error()),
            row.kind.name().to_owned(),
            row.how.clone(),
        ])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// So many significant digits, without an exponent where that is readable.
fn significant(x: f64, digits: i32) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let magnitude = libm::floor(libm::log10(x.abs())) as i32;
    let places = (digits - 1 - magnitude).clamp(0, 17) as usize;
    let text = format!("{x:.places$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn markdown(report: &Report) -> String {
    let mut text = String::from("# The simulator against queueing theory\n\n");
    let command = if report.full { "rollcast validate --full" } else { "rollcast validate" };
    let limits = if report.full {
        "the 95 % half-width is at most 1 % of the value, for probabilities 0.0001"
    } else {
        "a sample: the 95 % half-width is at most 3 % of the value, for probabilities that or 0.001"
    };
    let _ = writeln!(text, "Made by `{command}`.\n\n**{}**\n", verdict(report));
    let _ = writeln!(
        text,
        "Closed forms must agree within 1e-9 and the exact solver within 1e-6, fleets within 10 % \
         of a limit of many servers (mean field). For simulated rows \
         {limits}; z is the distance from the value in standard errors, the reference's own Monte \
         Carlo error included; at most {ABOVE_THREE} |z| may be above 3 and none above 4. Times \
         are in mean service times unless parameters say otherwise.\n"
    );
    for complaint in report.complaints() {
        let _ = writeln!(text, "- outside: {complaint}");
    }
    for kind in [Kind::Simulated, Kind::MeanField, Kind::Solver, Kind::Deterministic] {
        section(&mut text, report, kind);
    }
    text
}

fn section(text: &mut String, report: &Report, kind: Kind) {
    let simulated = kind == Kind::Simulated;
    let name = kind.name();
    let _ = writeln!(text, "\n## {}{}\n", name[..1].to_uppercase(), &name[1..]);
    text.push_str("| model | parameters | quantity | value | measured |");
    text.push_str(if simulated { " ± | ± % | z | how |\n" } else { " relative error | how |\n" });
    text.push_str("|---|---|---|--:|--:|");
    text.push_str(if simulated { "--:|--:|--:|---|\n" } else { "--:|---|\n" });
    for row in report.rows.iter().filter(|row| row.kind == kind) {
        let Row { name, quantity, how, value, .. } = row;
        let measured = significant(row.measured, if simulated { 6 } else { 12 });
        let parameters = row.parameters.replace(['{', '}', '"'], "").replace('|', "/");
        let quantity = quantity.replace('|', "/");
        let _ = write!(text, "| {name} | {parameters} | {quantity} | {value} | {measured} | ");
        if simulated {
            let half = significant(row.half_width, 2);
            let share = significant(100.0 * row.half_width / value.abs(), 2);
            let z = row.z.unwrap_or(f64::NAN);
            let _ = writeln!(text, "{half} | {share} | {z:+.2} | {how} |");
        } else {
            let _ = writeln!(text, "{:.1e} | {how} |", row.relative_error());
        }
    }
}

/// One sentence.
pub(super) fn verdict(report: &Report) -> String {
    let count = |kind| report.count(kind);
    let outside = report.complaints().len();
    let verdict =
        if outside == 0 { "All within limits".to_owned() } else { format!("{outside} outside") };
    format!(
        "{verdict}: {} simulated rows, largest |z| {:.2}, {} above 3; {} of a mean field, {} of \
         the exact solver, {} closed forms.",
        count(Kind::Simulated),
        report.worst_z(),
        report.above(3.0),
        count(Kind::MeanField),
        count(Kind::Solver),
        count(Kind::Deterministic),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_significant_ones() {
        assert_eq!(significant(0.000_101_349_168_356, 6), "0.000101349");
        assert_eq!(significant(1234.5, 2), "1234");
        assert_eq!(significant(4.0, 12), "4");
        assert_eq!(significant(0.0, 3), "0");
    }
}
