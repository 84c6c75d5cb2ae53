//! The reference table held against everything in this room.

use std::collections::BTreeSet;

use serde_json::Value;

use super::drain::{mginf_mean_cut, mm1_mean_longest_drain};
use super::join::Join;
use super::makespan::{Lognormal, exponential_mean_batches};
use super::rolling::Rolling;
use super::single::{self, Md1};
use super::sliding::SlidingWindow;
use super::stationary::{Mmc, Mmck, erlang_b};

/// Relative error allowed; the table has 12 digits.
const TOLERANCE: f64 = 1e-9;

struct Row {
    name: String,
    parameters: Value,
    quantity: String,
    value: f64,
}

impl Row {
    fn number(&self, key: &str) -> f64 {
        let value = self.parameters[key].as_f64();
        value.unwrap_or_else(|| panic!("{} has no number {key}", self.name))
    }

    fn count(&self, key: &str) -> u32 {
        self.number(key) as u32
    }
}

fn rows() -> Vec<Row> {
    let text = include_str!("../../tests/data/theory.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let read = |record: csv::StringRecord| Row {
        name: record[0].to_owned(),
        parameters: serde_json::from_str(&record[1]).expect("parameters are JSON"),
        quantity: record[2].to_owned(),
        value: record[3].parse().expect("a number"),
    };
    reader.records().map(|r| read(r.expect("a CSV line"))).collect()
}

/// The rows that this room must answer. The simulated makespan of a window has no closed form.
fn ours(row: &Row) -> bool {
    let names = [
        "mm1",
        "mm1_asymptotic_variance",
        "mmc",
        "mmck",
        "erlang_b",
        "md1",
        "mg1_fcfs",
        "mg1_ps",
        "mginf_drain",
        "drain_mm1",
        "p2c_meanfield",
        "sliding_window_exp",
        "mm1_retrial",
    ];
    let families = ["split_", "exact_", "rolling_", "makespan_batches_", "emax_", "lognormal_"];
    let named = names.contains(&row.name.as_str());
    let bound = row.name == "makespan_window_lognormal" && row.quantity.contains("Graham");
    named || bound || families.iter().any(|family| row.name.starts_with(family))
}

#[test]
fn every_row_agrees() {
    let ours: Vec<Row> = rows().into_iter().filter(ours).collect();
    let names: BTreeSet<&str> = ours.iter().map(|row| row.name.as_str()).collect();
    assert!(ours.len() >= 80 && names.len() >= 25, "{} rows, {names:?}", ours.len());
    for row in &ours {
        let found = computed(row);
        let error = (found / row.value - 1.0).abs();
        let Row { name, parameters, quantity, value } = row;
        assert!(error <= TOLERANCE, "{name} {parameters} {quantity}: {found}, not {value}");
    }
}

fn computed(row: &Row) -> f64 {
    let name = row.name.as_str();
    match name {
        "rolling_MMc_t" | "rolling_MMcK_t" | "rolling_loss_hardkill" => rolling(row),
        "sliding_window_exp" => sliding(row),
        "mm1" | "mmc" | "mmck" | "erlang_b" => several_servers(row),
        "exact_p2c" | "exact_jsq" => join(row),
        _ if row.parameters["sd"].is_number() => lognormal(row),
        "makespan_batches_exp" => {
            exponential_mean_batches(row.count("N"), row.count("b"), row.number("tau"))
        }
        _ => one_server(row),
    }
}

fn rolling(row: &Row) -> f64 {
    let update = Rolling {
        servers: row.count("N"),
        batch: row.count("b"),
        outage: row.number("D"),
        arrival_rate: row.number("lambda"),
        service_rate: row.number("mu"),
        settle: row.number("settle"),
    };
    let waiting = || update.waiting().expect("a load that can be carried");
    match row.quantity.as_str() {
        "excess waiting, request-seconds" => waiting().excess_waiting,
        "E[queue] when last batch ends" => waiting().queue_at_last_end,
        "extra mean wait per request in window" => waiting().extra_mean_wait,
        "server-seconds of capacity lost" => waiting().capacity_lost,
        "expected lost requests" => update.losing(row.count("K")).lost,
        "excess lost over no-update baseline" => update.losing(row.count("K")).excess_lost,
        "lost fraction of arrivals in window" => update.losing(row.count("K")).lost_share,
        "expected killed in-flight" => update.hard_kill().killed,
        "expected blocked requests" => update.hard_kill().blocked,
        "excess lost (killed+blocked-baseline)" => update.hard_kill().excess_lost,
        other => panic!("{} has an unknown quantity {other}", row.name),
    }
}

fn sliding(row: &Row) -> f64 {
    let window = SlidingWindow {
        servers: row.count("N"),
        at_once: row.count("b"),
        mean_outage: row.number("tau"),
        arrival_rate: row.number("lambda"),
        service_rate: row.number("mu"),
        room: row.count("K"),
    };
    match row.quantity.as_str() {
        "expected lost requests until done" => window.solve().lost,
        "expected makespan" => window.solve().makespan,
        other => panic!("{} has an unknown quantity {other}", row.name),
    }
}

fn several_servers(row: &Row) -> f64 {
    if row.name == "erlang_b" {
        return erlang_b(row.number("a"), row.count("c"));
    }
    let servers = if row.name == "mm1" { 1 } else { row.count("c") };
    let (arrival_rate, service_rate) = (row.number("lambda"), row.number("mu"));
    let queue = Mmc { servers, arrival_rate, service_rate };
    let small = || Mmck { servers, room: row.count("K"), arrival_rate, service_rate };
    match row.quantity.as_str() {
        "mean wait Wq" => queue.mean_wait(),
        "mean in system L" => queue.mean_in_system(),
        "p99 sojourn" => queue.sojourn_quantile(0.99),
        "P(wait) ErlangC" => queue.wait_probability(),
        "blocking" => small().blocking(),
        "mean wait of admitted Wq" => small().mean_wait(),
        other => panic!("{} has an unknown quantity {other}", row.name),
    }
}

fn join(row: &Row) -> f64 {
    let servers = row.count("N");
    let join = Join {
        servers,
        choices: if row.name == "exact_p2c" { 2 } else { servers },
        cap: row.number("cap") as u8,
        arrival_rate: f64::from(servers) * row.number("rho"),
        service_rate: 1.0,
    };
    join.solve().mean_sojourn
}

fn lognormal(row: &Row) -> f64 {
    let law = Lognormal { mean: row.number("mean"), sd: row.number("sd") };
    match (row.name.as_str(), row.quantity.as_str()) {
        ("lognormal_huawei", "mu") => law.mu(),
        ("lognormal_huawei", "sigma") => law.sigma(),
        ("lognormal_huawei", "p99") => law.quantile(0.99),
        ("emax_lognormal_huawei", _) => law.mean_max(row.count("b")),
        ("makespan_batches_lognormal", _) => law.mean_batches(row.count("N"), row.count("b")),
        ("makespan_window_lognormal", _) => law.mean_window_bound(row.count("N"), row.count("b")),
        other => panic!("an unknown row {other:?}"),
    }
}

fn one_server(row: &Row) -> f64 {
    let md1 = || Md1 { arrival_rate: row.number("rho"), service: row.number("service") };
    let fleet = || f64::from(row.count("N")) * row.number("rho");
    let choices = || single::choices_mean_field_sojourn(row.number("rho"), row.count("d"));
    match (row.name.as_str(), row.quantity.as_str()) {
        ("mm1_asymptotic_variance", _) => {
            single::mm1_asymptotic_variance(row.number("lambda"), row.number("mu"))
        }
        ("md1", "P(wait<=5)") => md1().wait_cdf(5.0),
        ("md1", "p99 wait") => md1().wait_quantile(0.99),
        ("mg1_fcfs", _) => {
            single::mg1_mean_wait(row.number("lambda"), row.number("ES"), row.number("cv2"))
        }
        ("mg1_ps", _) => single::mg1_ps_mean_sojourn(row.number("lambda"), row.number("ES")),
        ("mginf_drain", _) => {
            let service = Lognormal { mean: 0.2, sd: 0.4 };
            mginf_mean_cut(row.number("lambda_per_server"), service, row.number("grace_s"))
        }
        ("drain_mm1", _) => {
            mm1_mean_longest_drain(row.number("rho"), row.number("mu"), row.count("b"))
        }
        ("split_random", _) => single::random_split_mean_sojourn(fleet(), 1.0, row.count("N")),
        ("split_random_rolling", _) => {
            let up = row.count("N") - row.count("b_out");
            single::random_split_mean_sojourn(row.number("lambda"), row.number("mu"), up)
        }
        ("split_roundrobin_EkM1", _) => {
            single::round_robin_mean_sojourn(fleet(), 1.0, row.count("N"))
        }
        ("split_roundrobin_DM1", _) => single::dm1_mean_sojourn(row.number("rho"), 1.0),
        ("p2c_meanfield", _) => choices(),
        ("mm1_retrial", _) => {
            let rates = (row.number("lambda"), row.number("mu"), row.number("theta"));
            single::mm1_retrial_mean_orbit(rates.0, rates.1, rates.2)
        }
        other => panic!("an unknown row {other:?}"),
    }
}
