//! What closed forms and the exact solver say of a reference row.

use super::judges;
use super::reference::Reference;
use super::row::Kind;
use crate::exact::absorbing::rounds_to_upgrade;
use crate::exact::drain::{mginf_mean_cut, mm1_mean_longest_drain};
use crate::exact::exposure::{Linear, stepped};
use crate::exact::makespan::exponential_mean_batches;
use crate::exact::retry::{Storm, amplification, critical_failure};
use crate::exact::single::{self, Md1};
use crate::exact::staffing::{at_least_up, mean_busy_of_sine, square_root_batch_max};
use crate::exact::stationary::{erlang_b, erlang_c};
use crate::exact::{Join, Lognormal, Mmc, Mmck, Rolling, SlidingWindow};
use crate::scenario::{Dist, Warmup};
use crate::sim::steady::{Steady, SteadyFleet, slow_start_weight};
use crate::units::Span;

/// The computed value of a row and what kind of answer that is; `None` where there is no formula
/// and the row can only be simulated.
pub(super) fn solved(row: &Reference) -> Option<(f64, Kind)> {
    if let Some(judged) = judges::solved(row) {
        return Some(judged);
    }
    let kind = match row.name.as_str() {
        "kayenta_judge_oc" => return None,
        "exact_p2c" | "exact_jsq" | "dtmc_rolling_failures" => Kind::Solver,
        "rolling_MMc_t" if row.quantity.contains("capacity") => Kind::Deterministic,
        "sliding_window_exp" if row.quantity.contains("makespan") => Kind::Deterministic,
        "rolling_MMc_t" | "rolling_MMcK_t" | "rolling_loss_hardkill" | "sliding_window_exp" => {
            Kind::Solver
        }
        "makespan_window_lognormal" if !row.quantity.contains("Graham") => return None,
        _ => Kind::Deterministic,
    };
    Some((computed(row), kind))
}

fn computed(row: &Reference) -> f64 {
    let name = row.name.as_str();
    match name {
        "rolling_MMc_t" | "rolling_MMcK_t" | "rolling_loss_hardkill" => rolling(row),
        "sliding_window_exp" => sliding(row),
        "mm1" | "mmc" | "mmck" | "erlang_b" => several_servers(row),
        "exact_p2c" | "exact_jsq" => join(row),
        "dtmc_rolling_failures" => {
            rounds_to_upgrade(row.count("N"), row.count("b"), row.number("q"), row.number("s"))
        }
        "retry_amplification" | "retry_stability" | "metastable_mm1_timeout" => retries(row),
        "warmup_dq" => warmup_loss(row),
        "envoy_slow_start" => slow_start_share(row),
        "linear_rollout_exposure" | "appconfig_linear20_6min" => exposure(row),
        "mt_minf_sin" | "koon_upgrade" | "sqrt_staffing_bmax" => staffing(row),
        _ if row.has("sd") => lognormal(row),
        "makespan_batches_exp" => {
            exponential_mean_batches(row.count("N"), row.count("b"), row.number("tau"))
        }
        _ => one_server(row),
    }
}

/// What a bad release reaches.
fn exposure(row: &Reference) -> f64 {
    if row.name == "appconfig_linear20_6min" {
        return stepped(row.number("step_min"), &row.numbers("steps"));
    }
    let growth = row.number("v") / row.number("N");
    let linear = Linear {
        errors: row.number("k"),
        rate: row.number("lambda") * row.number("p"),
        growth,
        shrink: row.number("w") / row.number("N"),
        reaction: row.number("R"),
    };
    match row.quantity.as_str() {
        "mean time to k-th error, s" => linear.mean_detection(),
        "mean fleet fraction at detection" => growth * linear.mean_detection(),
        "mean bad responses until fully rolled back" => linear.mean_errors(),
        other => panic!("{} has no {other}", row.name),
    }
}

/// Integral of the speed that a warming server lacks, by Simpson's rule over the kernel's own
/// formula, seconds.
fn warmup_loss(row: &Reference) -> f64 {
    let scale = Span::from_secs_f64(row.number("tau"));
    let slowdown = 1.0 / (1.0 - row.number("beta"));
    let warmup = Warmup::Time { scale, slowdown };
    let mut fleet = SteadyFleet::new(&Steady { warmup, ..Steady::default() });
    // The kernel calls a server warm after 40 scales, where e^-40 is left.
    let steps = 40_000_u32;
    let step = 40.0 * row.number("tau") / f64::from(steps);
    let lacking = |fleet: &mut SteadyFleet, i: u32| {
        1.0 - fleet.speed_at(0, Span::from_secs_f64(f64::from(i) * step))
    };
    let sum: f64 = (0..=steps)
        .map(|i| {
            let weight = if i == 0 || i == steps { 1.0 } else { f64::from(2 + i % 2 * 2) };
            weight * lacking(&mut fleet, i)
        })
        .sum();
    sum * step / 3.0
}

fn retries(row: &Reference) -> f64 {
    let tries = row.count("tries");
    match row.name.as_str() {
        "retry_amplification" => amplification(row.count("layers"), tries, row.number("p")),
        "retry_stability" => critical_failure(row.number("rho"), tries),
        _ => {
            let storm = Storm { mu: row.number("mu"), tau: row.number("tau"), tries };
            match row.quantity.as_str() {
                "healthy attempt rate" => storm.healthy(row.number("lambda")),
                "tipping attempt rate" => storm.tipping(row.number("lambda")),
                "collapse possible above rho" => storm.sustained_above(),
                _ => storm.saddle().1,
            }
        }
    }
}

fn slow_start_share(row: &Reference) -> f64 {
    let span = |key| Span::from_secs_f64(row.number(key));
    let weight = slow_start_weight(span("t"), span("window"), row.number("aggression"), 0.1);
    weight / (weight + row.number("others"))
}

fn staffing(row: &Reference) -> f64 {
    match (row.name.as_str(), row.quantity.as_str()) {
        ("mt_minf_sin", _) => {
            let sine = (row.number("lbar"), row.number("A"), row.number("gamma"));
            mean_busy_of_sine(sine, row.number("mu"), row.number("t"))
        }
        ("koon_upgrade", _) => {
            let up = row.count("n") - row.count("b_out");
            at_least_up(up, row.number("A"), row.count("need"))
        }
        (_, quantity) => {
            let (servers, offered) = (row.count("N"), row.number("a"));
            let out = square_root_batch_max(servers, offered, row.number("beta"));
            match quantity {
                "b_max" => f64::from(out),
                _ => erlang_c(offered, servers - out),
            }
        }
    }
}

fn rolling(row: &Reference) -> f64 {
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
        other => unreachable!("{} has an unknown quantity {other}", row.name),
    }
}

fn sliding(row: &Reference) -> f64 {
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
        other => unreachable!("{} has an unknown quantity {other}", row.name),
    }
}

fn several_servers(row: &Reference) -> f64 {
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
        other => unreachable!("{} has an unknown quantity {other}", row.name),
    }
}

fn join(row: &Reference) -> f64 {
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

fn lognormal(row: &Reference) -> f64 {
    let law = Lognormal { mean: row.number("mean"), sd: row.number("sd") };
    match (row.name.as_str(), row.quantity.as_str()) {
        ("lognormal_huawei", quantity) => parameter(quantity, law),
        ("emax_lognormal_huawei", _) => law.mean_max(row.count("b")),
        ("makespan_batches_lognormal", _) => law.mean_batches(row.count("N"), row.count("b")),
        ("makespan_window_lognormal", _) => law.mean_window_bound(row.count("N"), row.count("b")),
        other => unreachable!("an unknown row {other:?}"),
    }
}

/// As scenarios compute it, not as the solver does.
fn parameter(quantity: &str, law: Lognormal) -> f64 {
    let dist = Dist::lognormal_mean_sd(law.mean, law.sd);
    match (quantity, &dist) {
        ("mu", Dist::LogNormal { mu, .. }) => *mu,
        ("sigma", Dist::LogNormal { sigma, .. }) => *sigma,
        ("p99", _) => dist.quantile(0.99).as_secs_f64(),
        other => unreachable!("an unknown parameter {other:?}"),
    }
}

fn one_server(row: &Reference) -> f64 {
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
        other => unreachable!("an unknown row {other:?}"),
    }
}
