//! The answer on one screen: verdict first, then gates, numbers, one picture, causes.
//!
//! At most 25 lines. No wall time, so that the same result prints the same bytes. Verdicts are
//! words with a mark; colour only repeats them.

mod assumed;
mod gates;
mod numbers;
mod picture;
mod release;
mod style;

pub use style::Style;

use crate::outcome::Fate;
use crate::report::format;
use crate::scenario::OutcomeKey;
use crate::stats::{Estimate, Verdict};
use crate::study::SimResult;
use crate::trace::Said;

/// What a terminal shows without scrolling.
const MAX_LINES: usize = 25;

/// The whole screen, lines ended by `\n`.
pub fn render(result: &SimResult, style: &Style) -> String {
    let mut lines = identity(result, style);
    lines.push(verdict(result, style));
    let mut ends = ends(result, style);
    let apart = release::lines(result);
    if !apart.is_empty() {
        ends.splice(..0, apart);
    }
    let numbers = numbers::lines(result, style);
    let mut last: Vec<String> = numbers::causes(result).into_iter().collect();
    last.extend(time(result));
    last.extend(assumed::line(result));
    last.push(next(result));
    // What must be there; the picture and then a blank line take what is left.
    let gates = gates::lines(result, style, 0).len();
    let fixed = lines.len() + gates + ends.len() + numbers.len() + last.len();
    let picture = picture::lines(result, style, MAX_LINES.saturating_sub(fixed));
    let mut below = ends;
    if fixed + picture.len() < MAX_LINES {
        below.push(String::new());
    }
    below.extend(numbers);
    below.extend(picture);
    below.extend(last);
    let spare = MAX_LINES.saturating_sub(lines.len() + below.len());
    lines.extend(gates::lines(result, style, spare));
    lines.extend(below);
    let mut out = String::new();
    for line in lines {
        out.push_str(style.cut(&style.plain(&line)).trim_end());
        out.push('\n');
    }
    out
}

/// One line without symbols: the verdict and the three numbers that decide.
pub fn verdict_line(result: &SimResult) -> String {
    let name = &result.scenario.service.name;
    let verdict = result.verdict.map_or(String::new(), |v| format!("{}: ", style::word(v)));
    let deciding = result.gates.iter().find(|g| Some(g.verdict) == result.verdict);
    let gates = match deciding.filter(|g| g.verdict != Verdict::Pass) {
        Some(gate) => {
            let value = format::value(gate.value.value, gate.gate.outcome.unit());
            format!("{} is {value}; ", gate.gate.text)
        }
        None if !result.gates.is_empty() => format!("{}; ", gates::count(result)),
        None => String::new(),
    };
    let duration = result.summary(OutcomeKey::Duration).map_or(String::new(), |s| {
        let (p50, p95) = (s.quantiles[2].value, s.quantiles[4].value);
        format!("duration {} (p95 {}), ", format::duration(p50), format::duration(p95))
    });
    let serving = result.summary(OutcomeKey::ServingMin).map_or(String::new(), |s| {
        let (p50, p5) = (s.quantiles[2].value, s.quantiles[0].value);
        format!("lowest serving {} (p5 {}), ", format::number(p50), format::number(p5))
    });
    let failed = result
        .summary(OutcomeKey::FailedShare)
        .map_or("capacity only".into(), |s| format!("failed {}", format::share(s.mean.value)));
    format!("{verdict}{name}: {gates}{duration}{serving}{failed}")
}

/// What was simulated and how often: one line and a blank one, or two where it is narrow.
fn identity(result: &SimResult, style: &Style) -> Vec<String> {
    let service = &result.scenario.service;
    let instances = format::count(u64::from(service.instances));
    let plural = if service.instances == 1 { "" } else { "s" };
    let left = format!(
        "{}  {instances} instance{plural}, {}",
        service.name,
        result.scenario.strategy.describe()
    );
    let runs = format::count(u64::from(result.runs_control));
    let requests = match result.runs_requests {
        0 => "capacity only".to_owned(),
        n => format!("{} with requests", format::count(u64::from(n))),
    };
    let right = format!("{runs} runs, {requests}, seed {}", result.seed);
    if left.chars().count() + right.chars().count() + 2 <= style.columns() {
        vec![style.justify(&left, &right), String::new()]
    } else {
        vec![left, format!("  {right}")]
    }
}

fn verdict(result: &SimResult, style: &Style) -> String {
    match result.verdict {
        Some(verdict) => format!("{}  {}", style.verdict(verdict), gates::count(result)),
        None => "No gates in the scenario: nothing to pass or fail".into(),
    }
}

/// Both truths: how runs end, and whether what the orchestrator says is so.
fn ends(result: &SimResult, style: &Style) -> Vec<String> {
    let shares = |intervals: bool| {
        let one = |(fate, e): &(Fate, Estimate)| {
            let share = format!("{} {}", fate.name(), format::share(e.value));
            let [low, high] = [e.low, e.high].map(format::share);
            if intervals { format!("{share} [{low}, {high}]") } else { share }
        };
        result.fates.iter().map(one).collect::<Vec<_>>().join("   ")
    };
    let room = style.columns() - 13;
    // Rather without intervals than without an end.
    let shares = Some(shares(true)).filter(|s| s.chars().count() <= room).unwrap_or(shares(false));
    let mut lines = vec![format!("  runs end   {shares}")];
    let rows = result.table.rows.len();
    let mut said: Vec<(Said, usize)> = Vec::new();
    for (.., outcome) in &result.table.rows {
        match said.iter_mut().find(|s| s.0 == outcome.said) {
            Some(entry) => entry.1 += 1,
            None => said.push((outcome.said, 1)),
        }
    }
    said.sort_unstable();
    let agrees = result.fates.iter().all(|(fate, _)| match fate {
        Fate::Completed | Fate::RolledBack | Fate::Paused | Fate::GivenUp => true,
        Fate::CompletedNotServing | Fate::Stuck => false,
    });
    if !agrees {
        let share = |n: usize| format::share(n as f64 / rows.max(1) as f64);
        let text: Vec<String> =
            said.iter().map(|(s, n)| format!("{} {}", said_name(*s), share(*n))).collect();
        lines =
            vec![format!("  it says    {}", text.join("   ")), format!("  in fact    {shares}")];
    }
    let blocked = result.summary(OutcomeKey::RollbackBlocked).map_or(0.0, |s| s.mean.value);
    if blocked > 0.0 {
        let share = format::share(blocked);
        lines.push(format!(
            "  no way back in {share} of runs: the migration that was begun cannot be undone"
        ));
    }
    lines
}

/// What the orchestrator says, as a word.
fn said_name(said: Said) -> &'static str {
    match said {
        Said::Progressing => "progressing",
        Said::Completed => "completed",
        Said::Paused => "paused",
        Said::RollingBack => "rolling back",
        Said::RolledBack => "rolled back",
        Said::Failed => "failed",
        Said::RollbackPaused => "rollback paused",
        Said::DeadlineExceeded => "deadline exceeded",
    }
}

fn time(result: &SimResult) -> Option<String> {
    let shares: Vec<String> = result
        .time_shares
        .iter()
        .filter(|(_, share)| *share >= 0.005)
        .map(|(what, share)| format!("{what} {:.0}%", share * 100.0))
        .collect();
    (!shares.is_empty()).then(|| format!("  time goes  {}   (median run)", shares.join("   ")))
}

fn next(result: &SimResult) -> String {
    if let Some(range) = assumed::deciding(result) {
        return format!("next: measure {0}, then sim with --set {0}=…", range.key);
    }
    let more = u64::from(result.runs_control).saturating_mul(10);
    match result.verdict {
        Some(Verdict::Undecided) => {
            format!("next: more runs narrow the intervals: --runs {more}")
        }
        Some(Verdict::Pass | Verdict::Fail) | None => {
            "next: -o result.json has every number, -o capacity.svg the picture".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Style, render, verdict_line};
    use crate::report::fixture;
    use crate::study::SimResult;

    fn screen(result: &SimResult, width: usize, ascii: bool) -> String {
        let text = render(result, &Style { width, ascii, color: false });
        for line in text.lines() {
            assert!(line.chars().count() <= width, "too wide: {line}");
            assert!(!ascii || line.is_ascii(), "not ASCII: {line}");
        }
        assert!(text.lines().count() <= super::MAX_LINES, "{text}");
        text
    }

    #[test]
    fn failing_gate_at_100_columns() {
        insta::assert_snapshot!(screen(&fixture::kubernetes(), 100, false));
    }

    #[test]
    fn undecided_at_100_columns() {
        insta::assert_snapshot!(screen(&fixture::batches(), 100, false));
    }

    #[test]
    fn undecided_at_80_columns() {
        insta::assert_snapshot!(screen(&fixture::batches(), 80, false));
    }

    #[test]
    fn undecided_in_ascii() {
        insta::assert_snapshot!(screen(&fixture::batches(), 80, true));
    }

    #[test]
    fn without_traffic_and_gates() {
        insta::assert_snapshot!(screen(&fixture::capacity_only(), 100, false));
    }

    #[test]
    fn one_instance_with_an_outage() {
        insta::assert_snapshot!(screen(&fixture::recreate(), 100, false));
    }

    #[test]
    fn the_orchestrator_says_something_else() {
        insta::assert_snapshot!(screen(&fixture::not_serving(), 100, false));
    }

    #[test]
    fn colour_only_repeats_the_words() {
        let result = fixture::kubernetes();
        let plain = render(&result, &Style { width: 100, ascii: false, color: false });
        let colored = render(&result, &Style { width: 100, ascii: false, color: true });
        assert_ne!(plain, colored);
        let mut stripped = String::new();
        let mut inside = false;
        for c in colored.chars() {
            match c {
                '\u{1b}' => inside = true,
                'm' if inside => inside = false,
                _ if inside => {}
                c => stripped.push(c),
            }
        }
        assert_eq!(stripped, plain);
    }

    #[test]
    fn verdict_lines() {
        let all = [
            fixture::batches(),
            fixture::kubernetes(),
            fixture::recreate(),
            fixture::capacity_only(),
        ];
        let lines: Vec<String> = all.iter().map(verdict_line).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
