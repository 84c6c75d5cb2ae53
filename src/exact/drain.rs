//! How long instances drain and what is cut when the grace period ends.

use super::makespan::Lognormal;
use super::normal;

/// Mean of the longest drain of `servers` M/M/1 queues that stop taking work at one moment.
/// A drain lasts as long as the workload found: P(T > t) = ρ e^{−(μ−λ)t}. Hence
/// Σ (1 − (1−ρ)ᵏ)/k over k <= servers, in units of 1/(μ−λ). Infinite where the load is too much.
pub fn mm1_mean_longest_drain(arrival_rate: f64, service_rate: f64, servers: u32) -> f64 {
    let spare = service_rate - arrival_rate;
    if spare <= 0.0 {
        return f64::INFINITY;
    }
    let rho = arrival_rate / service_rate;
    let mut idle = 1.0;
    let mut sum = 0.0;
    for k in 1..=servers {
        idle *= 1.0 - rho;
        sum += (1.0 - idle) / f64::from(k);
    }
    sum / spare
}

/// Expected requests of one instance cut when its grace period ends, where every request is
/// served at once (M/G/∞) and takes `service`: λE\[(S−T)⁺\], T the grace period.
pub fn mginf_mean_cut(arrival_rate: f64, service: Lognormal, grace: f64) -> f64 {
    if grace <= 0.0 {
        return arrival_rate * service.mean;
    }
    let (mu, sigma) = (service.mu(), service.sigma());
    let z = (mu - libm::log(grace)) / sigma;
    let excess = service.mean * normal::cumulative(z + sigma) - grace * normal::cumulative(z);
    arrival_rate * excess
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_drains_its_mean_workload() {
        // Mean workload of M/M/1 = ρ/(μ−λ).
        assert!((mm1_mean_longest_drain(0.8, 1.0, 1) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_short_grace_cuts_all_in_flight_and_a_long_one_none() {
        let service = Lognormal { mean: 0.2, sd: 0.4 };
        assert_eq!(mginf_mean_cut(50.0, service, 0.0), 10.0);
        assert!((mginf_mean_cut(50.0, service, 1e-9) - 10.0).abs() < 1e-6);
        assert!(mginf_mean_cut(50.0, service, 1e4).abs() < 1e-3);
    }
}
