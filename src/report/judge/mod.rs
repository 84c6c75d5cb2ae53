//! What judges do on one rollout, for people and programs.

pub mod noise;
mod schema;

pub use schema::schema;

use std::fmt::Write;

use super::format;
use crate::study::judge::{Characteristics, Interval, Laboratory, Power};

/// Names the form of the JSON.
pub(super) const SCHEMA: &str = "rollcast-judge/1";

/// At most 80 columns.
pub fn text(lab: &Laboratory) -> String {
    let mut page = String::new();
    let whose = if lab.own { "" } else { ", the usual judges" };
    let _ = writeln!(page, "{}, {} instances{whose}", lab.service, lab.instances);
    let _ = writeln!(page, "bad release: {}", lab.bad);
    let _ = writeln!(
        page,
        "{} good and {} bad rollouts a judge, with the same luck\n",
        lab.runs, lab.runs
    );
    let _ = writeln!(
        page,
        "{:<14} {:<18} {:<18} {:>7} {:>7} {:>10}",
        "judge", "stops good", "misses bad", "p50", "p95", "exposure"
    );
    for judge in &lab.judges {
        let time = |secs: Option<f64>| secs.map_or("-".to_owned(), format::clock);
        let (p50, p95) = (judge.detection.map(|d| d.p50_s), judge.detection.map(|d| d.p95_s));
        let _ = writeln!(
            page,
            "{:<14} {:<18} {:<18} {:>7} {:>7} {:>10}",
            name(judge),
            interval(judge.false_stops),
            interval(judge.missed),
            time(p50),
            time(p95),
            format::count(judge.exposure.value.round() as u64)
        );
    }
    page.push_str(
        "\nStops and misses with 95% intervals; times to the verdict on a bad release.\n",
    );
    page.push_str("Exposure: requests that the bad release answered, mean.\n");
    page.push_str("\nOf all releases stopped, really bad if so many releases are:\n");
    let _ = write!(page, "{:<14}", "judge");
    for precision in lab.judges.first().map_or(&[][..], |judge| &judge.precision) {
        let _ = write!(page, " {:<18}", format::share(precision.bad_releases));
    }
    page.push('\n');
    for judge in &lab.judges {
        let _ = write!(page, "{:<14}", name(judge));
        for precision in &judge.precision {
            let text = precision.precision.map_or("never stops".to_owned(), interval);
            let _ = write!(page, " {text:<18}");
        }
        page.push('\n');
    }
    powers(&mut page, lab, "additional errors", |judge| &judge.power_errors);
    powers(&mut page, lab, "slower", |judge| &judge.power_latency);
    let lines: Vec<&str> = page.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

fn powers(
    page: &mut String,
    lab: &Laboratory,
    what: &str,
    of: fn(&Characteristics) -> &Vec<Power>,
) {
    let Some(first) = lab.judges.iter().map(of).find(|power| !power.is_empty()) else { return };
    let _ =
        writeln!(page, "\nReleases stopped, by effect ({what}; {} rollouts each):", lab.power_runs);
    let _ = write!(page, "{:<14}", "judge");
    for power in first {
        let _ = write!(page, " {:>8}", format!("+{}", format::share(power.effect)));
    }
    page.push('\n');
    for judge in lab.judges.iter().filter(|judge| !of(judge).is_empty()) {
        let _ = write!(page, "{:<14}", name(judge));
        for power in of(judge) {
            let _ = write!(page, " {:>8}", format::share(power.stopped.value));
        }
        page.push('\n');
    }
}

fn name(judge: &Characteristics) -> String {
    judge.name.chars().take(14).collect()
}

fn interval(of: Interval) -> String {
    let percent = |share: f64| {
        let percent = share * 100.0;
        if percent > 0.0 && percent < 9.95 {
            format!("{percent:.1}")
        } else {
            format!("{percent:.0}")
        }
    };
    format!("{}% [{}, {}]", percent(of.value), percent(of.low), percent(of.high))
}

/// JSON, by the schema in `docs/judge.schema.json`.
pub fn json(lab: &Laboratory) -> String {
    let value = serde_json::json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "service": lab.service,
        "instances": lab.instances,
        "bad": lab.bad,
        "runs": lab.runs,
        "power_runs": lab.power_runs,
        "seed": lab.seed,
        "own": lab.own,
        "judges": lab.judges,
    });
    format!("{value:#}\n")
}

/// A row for each number: judge, what, at which effect or share of bad releases, and its interval.
pub fn csv(lab: &Laboratory) -> String {
    let mut text = "judge,kind,quantity,at,value,low,high\n".to_owned();
    for judge in &lab.judges {
        let mut row = |quantity: &str, at: String, of: Interval| {
            let Interval { value, low, high } = of;
            let (name, kind) = (&judge.name, judge.kind);
            let _ = writeln!(text, "{name},{kind},{quantity},{at},{value},{low},{high}");
        };
        row("false_stops", String::new(), judge.false_stops);
        row("missed", String::new(), judge.missed);
        row("exposure", String::new(), judge.exposure);
        for precision in &judge.precision {
            if let Some(found) = precision.precision {
                row("precision", precision.bad_releases.to_string(), found);
            }
        }
        for (quantity, powers) in
            [("power_errors", &judge.power_errors), ("power_latency", &judge.power_latency)]
        {
            for power in powers {
                row(quantity, power.effect.to_string(), power.stopped);
            }
        }
        if let Some(detection) = judge.detection {
            for (quantity, value) in
                [("detected_p50_s", detection.p50_s), ("detected_p95_s", detection.p95_s)]
            {
                let (name, kind) = (&judge.name, judge.kind);
                let _ = writeln!(text, "{name},{kind},{quantity},,{value},,");
            }
        }
    }
    text
}

/// A table for the tests of this room.
#[cfg(test)]
pub(super) fn example() -> Laboratory {
    use crate::scenario::pieces::Metric;
    use crate::study::judge::{BASE_RATES, Detection, ERRORS, Precision, SLOWER};
    let of = |value: f64| Interval { value, low: value * 0.8, high: (value * 1.2).min(1.0) };
    let judge = |name: &str, kind, quality: f64| Characteristics {
        name: name.to_owned(),
        kind,
        metric: Metric::Both,
        false_stops: of(0.02 / quality),
        missed: of(1.0 - quality),
        detection: Some(Detection { p50_s: 75.0, p95_s: 190.5 }),
        exposure: Interval { value: 12_345.6, low: 12_000.0, high: 12_700.0 },
        precision: BASE_RATES
            .map(|bad_releases| Precision { bad_releases, precision: Some(of(bad_releases)) })
            .to_vec(),
        power_errors: ERRORS
            .map(|effect| Power { effect, stopped: of((effect * 40.0 * quality).min(1.0)) })
            .to_vec(),
        power_latency: SLOWER
            .map(|effect| Power { effect, stopped: of((effect * 2.0 * quality).min(1.0)) })
            .to_vec(),
    };
    Laboratory {
        service: "cart".to_owned(),
        instances: 12,
        bad: "2% errors".to_owned(),
        runs: 200,
        power_runs: 50,
        seed: 1,
        own: true,
        judges: vec![judge("default", "robust", 0.9), judge("a-very-long-name", "kayenta", 0.5)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_fits_a_terminal_and_says_it_all() {
        let page = text(&example());
        assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
        for words in ["stops good", "bad release: 2% errors", "1:15", "additional errors"] {
            assert!(page.contains(words), "{words} is not in\n{page}");
        }
    }

    #[test]
    fn every_number_is_a_row() {
        let rows = csv(&example());
        let mut reader = csv::Reader::from_reader(rows.as_bytes());
        assert_eq!(reader.records().filter(|row| row.as_ref().unwrap().len() == 7).count(), 38);
    }
}
