//! The reference table.

use serde_json::Value;

/// One copy in the repository; a package must contain it, as it does by default.
const TABLE: &str = include_str!("../../../tests/data/theory.csv");

/// Standard errors in the half-width of a 95 % interval.
pub(super) const NORMAL_95: f64 = 1.959_964;

/// A row of the reference table.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) name: String,
    /// JSON as it stands in the table.
    pub(super) text: String,
    parameters: Value,
    pub(super) quantity: String,
    pub(super) value: f64,
    /// Standard error of `value` where that is a Monte Carlo result, else 0.
    pub(super) error: f64,
    /// Names the luck of the model that the row is about.
    pub(super) luck: u64,
}

impl Reference {
    /// A parameter that must be there.
    pub(super) fn number(&self, key: &str) -> f64 {
        let value = self.parameters[key].as_f64();
        value.unwrap_or_else(|| panic!("{} {} has no number {key}", self.name, self.text))
    }

    pub(super) fn count(&self, key: &str) -> u32 {
        self.number(key) as u32
    }

    /// A parameter that is a list of numbers.
    pub(super) fn numbers(&self, key: &str) -> Vec<f64> {
        let list = self.parameters[key].as_array();
        let list = list.unwrap_or_else(|| panic!("{} {} has no {key}", self.name, self.text));
        list.iter().filter_map(Value::as_f64).collect()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.parameters[key].is_number()
    }
}

/// The rows that a simulator of fleets must answer, in the order of the table.
pub(super) fn rows() -> Vec<Reference> {
    let mut reader = csv::Reader::from_reader(TABLE.as_bytes());
    let read = |record: csv::StringRecord| Reference {
        name: record[0].to_owned(),
        text: record[1].to_owned(),
        parameters: serde_json::from_str(&record[1]).expect("parameters are JSON"),
        quantity: record[2].to_owned(),
        value: record[3].parse().expect("a number"),
        error: monte_carlo_error(&record[4]),
        luck: record.position().map_or(0, csv::Position::line),
    };
    let all = reader.records().map(|r| read(r.expect("a CSV line")));
    let mut rows: Vec<Reference> = all.filter(|row| is_ours(&row.name)).collect();
    // The first rows that were played are numbered by themselves, those that came later by their
    // line: to play one more moves nobody's luck.
    let mut models = 0;
    for i in 0..rows.len() {
        let same = i > 0 && rows[i - 1].name == rows[i].name && rows[i - 1].text == rows[i].text;
        if came_later(&rows[i].name) {
            rows[i].luck = LATER + if same { rows[i - 1].luck - LATER } else { rows[i].luck };
            continue;
        }
        models += u64::from(!same);
        rows[i].luck = models - 1;
    }
    rows
}

/// Above every number of a model that is counted.
const LATER: u64 = 1000;

/// Rows that are numbered by their line.
fn came_later(name: &str) -> bool {
    let names = [
        "mt_minf_sin",
        "koon_upgrade",
        "sqrt_staffing_bmax",
        "metastable_mm1_timeout",
        "linear_rollout_exposure",
        "appconfig_linear20_6min",
    ];
    names.contains(&name) || name.starts_with("retry_") || is_judged(name)
}

/// What judges of canaries should say.
fn is_judged(name: &str) -> bool {
    let names = ["kth_error_rule", "sprt_bernoulli", "burn_rate_alert", "kayenta_judge_oc"];
    names.contains(&name) || name.starts_with("canary_")
}

fn is_ours(name: &str) -> bool {
    let names = [
        "mmc",
        "mmck",
        "erlang_b",
        "md1",
        "mginf_drain",
        "drain_mm1",
        "p2c_meanfield",
        "sliding_window_exp",
        "warmup_dq",
        "envoy_slow_start",
        "mt_minf_sin",
        "koon_upgrade",
        "sqrt_staffing_bmax",
        "metastable_mm1_timeout",
        "linear_rollout_exposure",
        "appconfig_linear20_6min",
    ];
    let families = [
        "mm1",
        "mg1_",
        "split_",
        "exact_",
        "rolling_",
        "makespan_",
        "emax_",
        "lognormal_",
        "retry_",
    ];
    names.contains(&name)
        || is_judged(name)
        || families.iter().any(|family| name.starts_with(family))
}

fn monte_carlo_error(method: &str) -> f64 {
    let Some((_, half_width)) = method.split_once("95% half-width ") else { return 0.0 };
    half_width.parse::<f64>().expect("a half-width") / NORMAL_95
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_with_its_own_errors() {
        let rows = rows();
        assert!(rows.len() >= 90, "{}", rows.len());
        let listed = rows.iter().find(|row| row.quantity.contains("list scheduling")).unwrap();
        assert!((listed.error * NORMAL_95 - 0.0226).abs() < 1e-12);
        assert_eq!((rows[0].error, rows[0].number("lambda")), (0.0, 0.8));
    }
}
