//! The table of trouble as Markdown and CSV, with what to take from it.

use super::format;
use crate::stats::Estimate;
use crate::study::trouble::{DEFECTS, JUDGES, PIPELINES, Row, STRATEGIES, Table};

/// How both files begin: they are replaced only if so.
pub const TITLE: &str = "# What bad releases cost";
/// Head of the table for spreadsheets.
pub const HEAD: &str = "defect,strategy,judge,pipeline,runs,\
exposure_mean,exposure_low,exposure_high,noticed,noticed_low,noticed_high,\
detected_p50_s,detected_low_s,detected_high_s,restored_share,restored_share_low,\
restored_share_high,restored_p50_s,restored_low_s,restored_high_s,\
false_stops,false_stops_low,false_stops_high";

/// Head of each table for people.
const COLUMNS: &str = "\n\n| strategy | judge | pipeline | exposure | detected | restored | false \
                       stops |\n|---|---|---|--:|--:|--:|--:|\n";

/// For spreadsheets and data frames.
pub fn render_csv(table: &Table) -> String {
    let mut out = format!("{HEAD}\n");
    for row in &table.rows {
        let names = [row.defect, row.strategy, row.judge, row.pipeline].join(",");
        let some = |e: Estimate| format!("{},{},{}", e.value, e.low, e.high);
        let time = |e: Option<Estimate>| e.map_or(",,".into(), some);
        let numbers = [
            some(row.exposure),
            some(row.noticed),
            time(row.detected),
            some(row.healed),
            time(row.restored),
            some(row.false_stops),
        ];
        let fields = [names, table.runs.to_string(), numbers.join(",")];
        out.push_str(&fields.join(","));
        out.push('\n');
    }
    out
}

/// For people: the conclusion, what it rests on, and every cell.
pub fn render_markdown(table: &Table) -> String {
    let mut out = format!(
        "{TITLE}\n\n{}\n\n{} bad versions × {} strategies × {} judges × {} pipelines, {} runs \
         each, seed {}. Twelve instances at about a third of their capacity, 150 requests/s. \
         Brackets are 95 % intervals. *Exposure*: requests that the bad version answered until \
         it was stopped or the record ended, mean. *Detected*, *restored*: median time since the \
         rollout began, over the runs in which that happened at all; their share comes first. \
         *False stops*: good releases that the same strategy, judge and pipeline stop.\n\n\
         Again: `rollcast trouble -o trouble.md -o trouble.csv`\n",
        takeaway(table),
        DEFECTS.len(),
        STRATEGIES.len(),
        JUDGES.len(),
        PIPELINES.len(),
        table.runs,
        table.seed
    );
    for defect in DEFECTS {
        out.extend(["\n## ", defect.name, COLUMNS]);
        for row in table.rows.iter().filter(|row| row.defect == defect.name) {
            out.push_str(&line(row));
        }
    }
    out
}

fn line(row: &Row) -> String {
    let time = |share: Estimate, of: Option<Estimate>| match of {
        None => format!("{}: –", format::share(share.value)),
        Some(e) => format!(
            "{}: {} [{}, {}]",
            format::share(share.value),
            format::duration(e.value),
            format::duration(e.low),
            format::duration(e.high)
        ),
    };
    let Row { exposure, false_stops, .. } = row;
    let count = |value: f64| format::count(value.max(0.0).round() as u64);
    format!(
        "| {} | {} | {} | {} [{}, {}] | {} | {} | {} [{}, {}] |\n",
        row.strategy,
        row.judge,
        row.pipeline,
        count(exposure.value),
        count(exposure.low),
        count(exposure.high),
        time(row.noticed, row.detected),
        time(row.healed, row.restored),
        format::share(false_stops.value),
        format::share(false_stops.low),
        format::share(false_stops.high),
    )
}

/// The one paragraph: every number in it, and the order of its sentences, is computed.
pub fn takeaway(table: &Table) -> String {
    let by = |name: fn(&Row) -> &'static str| Groups::of(table, name);
    let (judges, defects) = (by(|row| row.judge), by(|row| row.defect));
    let mut axes = [
        ("who takes it back", by(|row| row.pipeline)),
        ("how it is let out", by(|row| row.strategy)),
        ("who judges it", by(|row| row.judge)),
    ];
    axes.sort_by(|a, b| b.1.spread().total_cmp(&a.1.spread()));
    let mut said = vec![format!(
        "A bad release answers {} requests on average before it is stopped.",
        requests(Groups::of(table, |_| "all").exposure("all"))
    )];
    for ((what, groups), begins) in axes.iter().zip(["Most depends on", "Next comes", "Last is"]) {
        let ((least, few), (most, many)) = (groups.least(), groups.most());
        let (few, many, spread) = (requests(few), requests(many), groups.spread());
        said.push(format!(
            "{begins} {what}: {few} requests with {least}, {many} with {most} ({spread:.1} times \
             as many)."
        ));
    }
    let stops: Vec<String> = JUDGES
        .map(|judge| format!("{} {}", judge.name, format::share(judges.false_stops(judge.name))))
        .into();
    let worst = defects.most();
    let unseen = table.rows.iter().filter(|row| row.noticed.value < 0.5).count();
    said.push(format!(
        "What that costs in trust is how many good releases are stopped in vain: {}. The dearest \
         bad version is the one that {} ({} requests); in {unseen} of {} combinations most bad \
         releases are not noticed before the record ends.",
        stops.join(", "),
        verb(worst.0),
        requests(worst.1),
        table.rows.len(),
    ));
    said.join(" ")
}

/// A defect in a relative clause.
fn verb(defect: &str) -> String {
    match defect {
        "never ready" => "never gets ready".into(),
        "5% errors" => "answers 5% with errors".into(),
        "1.5 times slower" => "is 1.5 times slower".into(),
        "errors of 1 in 4" => "errs on one instance in four".into(),
        other => other.into(),
    }
}

fn requests(value: f64) -> String {
    format::count(value.max(0.0).round() as u64)
}

/// Means of the rows that have a name in common.
struct Groups(Vec<(&'static str, f64, f64)>);

impl Groups {
    fn of(table: &Table, name: fn(&Row) -> &'static str) -> Self {
        let mut names: Vec<&'static str> = Vec::new();
        for row in &table.rows {
            if !names.contains(&name(row)) {
                names.push(name(row));
            }
        }
        let group = |wanted: &'static str| {
            let rows: Vec<&Row> = table.rows.iter().filter(|row| name(row) == wanted).collect();
            let mean = |of: fn(&Row) -> f64| {
                rows.iter().map(|row| of(row)).sum::<f64>() / rows.len().max(1) as f64
            };
            (wanted, mean(|row| row.exposure.value), mean(|row| row.false_stops.value))
        };
        Self(names.into_iter().map(group).collect())
    }

    fn exposure(&self, name: &str) -> f64 {
        self.0.iter().find(|group| group.0 == name).map_or(0.0, |group| group.1)
    }

    fn false_stops(&self, name: &str) -> f64 {
        self.0.iter().find(|group| group.0 == name).map_or(0.0, |group| group.2)
    }

    /// How many times as much the dearest costs as the cheapest.
    fn spread(&self) -> f64 {
        self.most().1 / self.least().1.max(1.0)
    }

    fn least(&self) -> (&'static str, f64) {
        let least = self.0.iter().min_by(|a, b| a.1.total_cmp(&b.1));
        least.map_or(("nobody", 0.0), |group| (group.0, group.1))
    }

    fn most(&self) -> (&'static str, f64) {
        let most = self.0.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        most.map_or(("nobody", 0.0), |group| (group.0, group.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toy() -> Table {
        let at = |value: f64| Estimate { value, low: value * 0.9, high: value * 1.1 };
        let mut rows = Vec::new();
        for (d, defect) in DEFECTS.into_iter().enumerate() {
            for (s, strategy) in STRATEGIES.into_iter().enumerate() {
                for (j, judge) in JUDGES.into_iter().enumerate() {
                    for (p, pipeline) in PIPELINES.into_iter().enumerate() {
                        rows.push(Row {
                            defect: defect.name,
                            strategy: strategy.name,
                            judge: judge.name,
                            pipeline: pipeline.name,
                            exposure: at(1000.0 * (1 + d + s + j) as f64 * (1 + 2 * p) as f64),
                            noticed: at(if d == 0 { 0.0 } else { 0.9 }),
                            detected: (d > 0).then(|| at(60.0)),
                            healed: at(0.5),
                            restored: None,
                            false_stops: at(0.01 * j as f64),
                        });
                    }
                }
            }
        }
        Table { runs: 10, seed: 1, rows }
    }

    #[test]
    fn the_paragraph_says_what_the_table_says() {
        let text = takeaway(&toy());
        let first = "Most depends on who takes it back: 7,000 requests with job, 21,000 with \
                     person (3.0 times as many)";
        assert!(text.contains(first), "{text}");
        assert!(text.contains("Next comes how it is let out"), "{text}");
        assert!(text.contains("threshold 0%, kayenta 1%, robust 2%"), "{text}");
        assert!(text.contains("errs on one instance in four"), "{text}");
        assert!(text.contains("in 36 of 216 combinations"), "{text}");
    }

    #[test]
    fn every_cell_is_in_both_files() {
        let table = toy();
        let csv = render_csv(&table);
        let fields = |line: &str| line.split(',').count();
        assert_eq!(csv.lines().count(), 217);
        assert!(csv.lines().all(|line| fields(line) == fields(HEAD)), "{HEAD}");
        let markdown = render_markdown(&table);
        assert_eq!(markdown.lines().filter(|line| line.starts_with("| ")).count(), 216 + 6);
        assert!(markdown.starts_with(TITLE));
    }
}
