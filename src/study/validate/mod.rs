//! The simulator and the exact solver held against queueing theory.
//!
//! Every reference row that has a formula is computed by it; every row that a fleet under traffic
//! can show is played by the request kernel of the product, the same compiled loop.

mod drains;
mod estimate;
mod fleets;
mod judges;
mod queues;
mod reference;
mod releases;
mod rolling;
mod row;
mod solved;
mod staffing;
mod starts;
mod storms;
pub mod studies;
mod upgrades;
mod warm;
mod write;

use std::ops::Range;
use std::path::Path;

use reference::{NORMAL_95, Reference};

pub use row::{Kind, Row};

use estimate::Estimate;

/// The whole table.
#[derive(Debug, Clone)]
pub struct Report {
    /// With full precision.
    pub full: bool,
    /// In the order of the reference table; a reference may have several.
    pub rows: Vec<Row>,
}

/// How many simulated rows may have |z| above 3.
const ABOVE_THREE: usize = 1;

impl Report {
    /// Everything that is outside its limits, in words; empty if the table holds.
    pub fn complaints(&self) -> Vec<String> {
        let outside = |row: &Row| {
            let Row { name, parameters, quantity, kind, .. } = row;
            let complaint = row.complaint()?;
            Some(format!("{name} {parameters} {quantity} ({}): {complaint}", kind.name()))
        };
        let mut complaints: Vec<String> = self.rows.iter().filter_map(outside).collect();
        let above = self.above(3.0);
        if above > ABOVE_THREE {
            complaints.push(format!("{above} rows with |z| above 3, {ABOVE_THREE} is allowed"));
        }
        complaints
    }

    /// How many simulated rows have |z| above `limit`.
    pub fn above(&self, limit: f64) -> usize {
        self.rows.iter().filter(|row| row.z.is_some_and(|z| z.abs() > limit)).count()
    }

    /// The table in one sentence.
    pub fn verdict(&self) -> String {
        write::verdict(self)
    }

    /// The largest |z|.
    pub fn worst_z(&self) -> f64 {
        self.rows.iter().filter_map(|row| row.z).fold(0.0, |worst, z| worst.max(z.abs()))
    }

    /// How many rows are of this kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.rows.iter().filter(|row| row.kind == kind).count()
    }
}

/// Makes the table and writes `theory.csv` and `theory.md` into `out`. `full`: to the precision
/// asked for, in minutes; otherwise a sample with wider intervals, in seconds.
///
/// # Errors
/// A file cannot be written. Rows outside their limits are no error here.
pub fn run(full: bool, out: &Path) -> anyhow::Result<Report> {
    let report = table(full);
    write::write(&report, out)?;
    Ok(report)
}

/// Makes the table.
pub fn table(full: bool) -> Report {
    let references = reference::rows();
    let mut rows = Vec::new();
    let groups = references.chunk_by(|a, b| a.name == b.name && a.text == b.text);
    for group in groups {
        let simulated = Case { index: group[0].luck, row: &group[0], group, full }.simulate();
        for reference in group {
            rows.extend(solved_row(reference));
            let ours = simulated.iter().filter(|m| m.quantity == reference.quantity);
            rows.extend(ours.map(|measured| simulated_row(reference, measured, full)));
        }
    }
    Report { full, rows }
}

fn solved_row(reference: &Reference) -> Option<Row> {
    let (measured, kind) = solved::solved(reference)?;
    let how = match kind {
        Kind::Deterministic => "closed form",
        Kind::Solver | Kind::Simulated | Kind::MeanField => "forward or balance equations",
    };
    Some(Row {
        name: reference.name.clone(),
        parameters: reference.text.clone(),
        quantity: reference.quantity.clone(),
        value: reference.value,
        measured,
        half_width: 0.0,
        half_width_limit: 0.0,
        z: None,
        kind,
        how: how.to_owned(),
    })
}

fn simulated_row(reference: &Reference, measured: &Measured, full: bool) -> Row {
    let Estimate { value, half_width } = measured.estimate;
    let kind = measured.kind;
    // Student's half-width in normal terms, so that few replications do not make large z.
    let error = (half_width / NORMAL_95).hypot(reference.error);
    Row {
        name: reference.name.clone(),
        parameters: reference.text.clone(),
        quantity: reference.quantity.clone(),
        value: reference.value,
        measured: value,
        half_width,
        half_width_limit: half_width_limit(reference, full),
        z: (kind == Kind::Simulated).then(|| (value - reference.value) / error),
        kind,
        how: measured.how.clone(),
    }
}

/// 1 % of the value, 10⁻⁴ for probabilities; without `full` 3 % or 10⁻³, whichever is more. No
/// sharper than a reference that was simulated itself.
fn half_width_limit(reference: &Reference, full: bool) -> f64 {
    let own = NORMAL_95 * reference.error * if full { 1.0 } else { 3.0 };
    wanted_half_width(reference, full).max(own)
}

fn wanted_half_width(reference: &Reference, full: bool) -> f64 {
    let probability = ["P(", "blocking", "lost fraction", "traffic share"];
    let is_probability = probability.iter().any(|word| reference.quantity.starts_with(word));
    match (full, is_probability) {
        (true, false) => 0.01 * reference.value,
        (true, true) => 1e-4,
        (false, false) => 0.03 * reference.value,
        (false, true) => (0.03 * reference.value).max(1e-3),
    }
}

/// One quantity that was simulated.
#[derive(Debug, Clone)]
struct Measured {
    quantity: &'static str,
    estimate: Estimate,
    how: String,
    kind: Kind,
}

/// Names estimates after the quantities of the reference table, in the same order.
fn measured(quantities: &[&'static str], estimates: &[Estimate], how: &str) -> Vec<Measured> {
    let pairs = quantities.iter().zip(estimates);
    pairs
        .map(|(quantity, estimate)| Measured {
            quantity,
            estimate: *estimate,
            how: how.to_owned(),
            kind: Kind::Simulated,
        })
        .collect()
}

/// A model with parameters that is to be simulated.
#[derive(Debug, Clone, Copy)]
struct Case<'a> {
    /// Counts models, so that each has its own luck and no two z are of one cast.
    index: u64,
    row: &'a Reference,
    /// All rows of the same model and parameters.
    group: &'a [Reference],
    full: bool,
}

impl Case<'_> {
    fn number(&self, key: &str) -> f64 {
        self.row.number(key)
    }

    fn count(&self, key: &str) -> u32 {
        self.row.count(key)
    }

    /// Numbers of so many replications.
    fn replications(&self, runs: u32) -> Range<u64> {
        let first = self.index << 32;
        first..first + u64::from(runs)
    }

    /// Whether the table asks for this quantity.
    fn asks(&self, quantity: &str) -> bool {
        self.group.iter().any(|row| row.quantity == quantity)
    }

    /// The first for the full table, the second for the sample.
    fn pick<T>(&self, full: T, sample: T) -> T {
        if self.full { full } else { sample }
    }

    /// What the simulator says; empty where a simulation would say nothing, or not in time.
    fn simulate(&self) -> Vec<Measured> {
        match self.row.name.as_str() {
            "mm1" => queues::mm1(self),
            "mm1_asymptotic_variance" => queues::asymptotic_variance(self),
            "mm1_retrial" => queues::retrial(self),
            "retry_stability" => storms::stability(self),
            "metastable_mm1_timeout" => storms::metastable(self),
            "mmc" => queues::mmc(self),
            "mmck" => queues::mmck(self),
            "erlang_b" => queues::erlang_b(self),
            "md1" => queues::md1(self),
            "mg1_fcfs" => queues::mg1_fcfs(self),
            "mg1_ps" => queues::mg1_ps(self),
            "split_random" | "split_random_rolling" => fleets::random(self),
            "split_roundrobin_EkM1" | "split_roundrobin_DM1" => fleets::round_robin(self),
            "exact_p2c" | "exact_jsq" => fleets::join(self),
            "p2c_meanfield" => fleets::mean_field(self),
            "drain_mm1" => drains::longest(self),
            "mginf_drain" => drains::cut(self),
            "rolling_MMc_t" => rolling::waiting(self),
            "rolling_MMcK_t" => rolling::losing(self),
            "rolling_loss_hardkill" => rolling::hard_kill(self),
            "sliding_window_exp" => rolling::sliding(self),
            "emax_lognormal_huawei" => starts::longest(self),
            "makespan_batches_exp" | "makespan_batches_lognormal" => starts::batches(self),
            "makespan_window_lognormal" => starts::window(self),
            "warmup_dq" => warm::lost_work(self),
            "envoy_slow_start" => warm::share(self),
            "linear_rollout_exposure" => releases::linear(self),
            "appconfig_linear20_6min" => releases::appconfig(self),
            "mt_minf_sin" => staffing::sine(self),
            "dtmc_rolling_failures" => upgrades::rounds_to_upgrade(self),
            "sqrt_staffing_bmax" => staffing::waits_while_out(self),
            "kth_error_rule" => judges::until_kth(self),
            "kayenta_judge_oc" => judges::kayenta(self),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_agree_with_the_reference() {
        let rows: Vec<Row> = reference::rows().iter().filter_map(solved_row).collect();
        assert!(rows.len() >= 85, "{}", rows.len());
        let complaints: Vec<_> = rows.iter().filter(|row| row.complaint().is_some()).collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    #[test]
    fn probabilities_have_limits_of_their_own() {
        let rows = reference::rows();
        let limit = |quantity: &str| {
            let row = rows.iter().find(|row| row.quantity == quantity).unwrap();
            half_width_limit(row, true) / row.value
        };
        assert!((limit("mean in system L") - 0.01).abs() < 1e-15);
        assert!(limit("P(wait<=5)") < 1.2e-4);
    }
}
