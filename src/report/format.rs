//! Numbers as people read them. Files for machines never use this.

use crate::scenario::Unit;

/// Seconds as a duration with two units at most: `3m44s`, `1h05m`, `12.3s`, `340ms`, `0s`.
pub fn duration(secs: f64) -> String {
    if !secs.is_finite() {
        return "-".into();
    }
    if secs < 0.0 {
        return format!("-{}", duration(-secs));
    }
    if secs < 0.9995 {
        return if secs == 0.0 { "0s".into() } else { format!("{}ms", significant(secs * 1e3)) };
    }
    if secs < 59.95 {
        let text = format!("{secs:.1}");
        return format!("{}s", text.strip_suffix(".0").unwrap_or(&text));
    }
    let whole = secs.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}

/// A share of one as a percentage with sensible digits: `12%`, `5.4%`, `0.012%`.
pub fn share(value: f64) -> String {
    let percent = value * 100.0;
    // Close to 100 % the distance from it is what matters: 99.97% must not read 100%.
    if percent > 99.0 && percent < 100.0 {
        let digits = (1.0 - (100.0 - percent).log10().floor()).clamp(1.0, 4.0) as usize;
        let text = format!("{percent:.digits$}");
        return if text.starts_with("100") { ">99.999%".into() } else { format!("{text}%") };
    }
    format!("{}%", significant(percent))
}

/// A count with thousands separators: `1,250,000`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number with about three significant digits; thousands separated, whole from 100 on.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "-".into();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let value = value.abs();
    if value >= 99.5 {
        return format!("{sign}{}", count(value.round() as u64));
    }
    format!("{sign}{}", significant(value))
}

/// A value in its unit.
pub fn value(value: f64, unit: Unit) -> String {
    match unit {
        _ if !value.is_finite() => "-".into(),
        Unit::Seconds => duration(value),
        Unit::Share | Unit::Event => share(value),
        Unit::Instances | Unit::Number => number(value),
        Unit::InstanceSeconds => format!("{} inst·s", number(value)),
    }
}

/// Seconds as `m:ss` or `h:mm:ss`, for axes.
pub fn clock(secs: f64) -> String {
    let sign = if secs <= -0.5 { "\u{2212}" } else { "" };
    let whole = secs.abs().round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, m, s) => format!("{sign}{m}:{s:02}"),
        (h, m, s) => format!("{sign}{h}:{m:02}:{s:02}"),
    }
}

/// Like [`clock`], with tenths of a second.
pub fn clock_tenths(secs: f64) -> String {
    let sign = if secs <= -0.05 { "\u{2212}" } else { "" };
    let tenths = (secs.abs() * 10.0).round() as u64;
    format!("{sign}{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// A tick of a counting axis.
pub fn plain(value: f64) -> String {
    if (value - value.round()).abs() < 1e-9 {
        count(value.round() as u64)
    } else {
        significant(value)
    }
}

/// A tick of a percentage axis.
pub fn percent_short(value: f64) -> String {
    format!("{}%", significant(value * 100.0))
}

/// Three significant digits below 1, two after the leading ones above; no trailing zeros.
fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if value.abs() < 1e-6 {
        return format!("{value:.1e}");
    }
    let magnitude = value.abs().log10().floor() as i32;
    let digits = (if value.abs() < 1.0 { 1 - magnitude } else { 2 - magnitude }).clamp(0, 9);
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Broken at blanks so that no line is longer than `width` if words allow it; further lines begin
/// with `indent`.
pub fn wrap(text: &str, width: usize, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("{indent}{word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// Most bytes of a Markdown text: comments on pull requests end at 65,535 characters.
const COMMENT: usize = 60_000;

/// The text, or as many of its first lines as a comment holds, and a word about it.
pub fn capped(text: &str) -> String {
    if text.len() <= COMMENT {
        return text.to_owned();
    }
    let end = "\nToo long for a comment: the rest is left out here.\n";
    let mut kept = String::new();
    for line in text.lines() {
        if kept.len() + line.len() + 1 + end.len() > COMMENT {
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept + end
}

#[cfg(test)]
mod tests {
    use super::{clock, count, duration, number, share};

    #[test]
    fn durations_have_at_most_two_units() {
        let shown = [0.0, 0.34, 12.3, 59.94, 59.96, 224.2, 3930.0].map(duration);
        assert_eq!(shown, ["0s", "340ms", "12.3s", "59.9s", "1m00s", "3m44s", "1h05m"]);
        assert_eq!(duration(0.0042), "4.2ms");
        assert_eq!(duration(f64::NAN), "-");
    }

    #[test]
    fn shares_keep_what_matters() {
        let shown = [0.054, 0.00012, 0.0, 1.0, 0.9997, 0.25].map(share);
        assert_eq!(shown, ["5.4%", "0.012%", "0%", "100%", "99.970%", "25%"]);
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(1_250_000), "1,250,000");
        assert_eq!(count(999), "999");
        assert_eq!(number(1234.6), "1,235");
        assert_eq!(number(9.0), "9");
        assert_eq!(number(11.25), "11.2");
    }

    #[test]
    fn clocks_count_from_the_beginning() {
        assert_eq!(clock(224.0), "3:44");
        assert_eq!(clock(-10.0), "\u{2212}0:10");
        assert_eq!(clock(3725.0), "1:02:05");
    }
}
