//! One server, or a fleet that balancing splits into single servers.

use super::root;

/// The limit of T · Var(mean number in system over T) of M/M/1: how long a run must be for a
/// wanted error. 2ρ(1+ρ) / (μ(1−ρ)⁴).
pub fn mm1_asymptotic_variance(arrival_rate: f64, service_rate: f64) -> f64 {
    let rho = arrival_rate / service_rate;
    let idle = 1.0 - rho;
    2.0 * rho * (1.0 + rho) / (service_rate * idle * idle * idle * idle)
}

/// Mean sojourn of M/M/1, 1/(μ − λ); infinite where the load is too much.
pub fn mm1_mean_sojourn(arrival_rate: f64, service_rate: f64) -> f64 {
    let spare = service_rate - arrival_rate;
    if spare > 0.0 { 1.0 / spare } else { f64::INFINITY }
}

/// Mean sojourn where arrivals choose one of `servers` at random: M/M/1 each.
pub fn random_split_mean_sojourn(arrival_rate: f64, service_rate: f64, servers: u32) -> f64 {
    mm1_mean_sojourn(arrival_rate / f64::from(servers), service_rate)
}

/// Mean sojourn where arrivals take `servers` in turn: each sees Erlang arrivals with that many
/// phases (`E_k/M/1`). 1/(μ(1−σ)) with σ the root of the inter-arrival time's transform.
pub fn round_robin_mean_sojourn(arrival_rate: f64, service_rate: f64, servers: u32) -> f64 {
    let phases = f64::from(servers);
    let ratio = service_rate / arrival_rate;
    let transform = |x: f64| libm::exp(-phases * libm::log1p(ratio * x));
    let slope = |x: f64| -phases * ratio * transform(x) / (1.0 + ratio * x);
    renewal_mean_sojourn(arrival_rate / phases, service_rate, transform, slope)
}

/// Mean sojourn with arrivals at fixed intervals (D/M/1): the limit of
/// [`round_robin_mean_sojourn`] for many servers. `arrival_rate` is that of one server.
pub fn dm1_mean_sojourn(arrival_rate: f64, service_rate: f64) -> f64 {
    let ratio = service_rate / arrival_rate;
    let transform = |x: f64| libm::exp(-ratio * x);
    let slope = |x: f64| -ratio * transform(x);
    renewal_mean_sojourn(arrival_rate, service_rate, transform, slope)
}

/// GI/M/1, with the transform of the inter-arrival time taken at μx, x = 1 − σ, and its slope.
fn renewal_mean_sojourn(
    arrival_rate: f64,
    service_rate: f64,
    transform: impl Fn(f64) -> f64,
    slope: impl Fn(f64) -> f64,
) -> f64 {
    if arrival_rate >= service_rate {
        return f64::INFINITY;
    }
    // x − 1 + transform(x) is convex with the roots 0 and x*; Newton from 1 falls to x*
    // without ever passing it.
    let mut x = 1.0;
    loop {
        let next = x - (x - 1.0 + transform(x)) / (1.0 + slope(x));
        // The last digits of x decide, hence no relative tolerance: stop when it stops falling.
        if next < x {
            x = next;
        } else {
            return 1.0 / (service_rate * x);
        }
    }
}

/// Mean wait of M/G/1 in order of arrival (Pollaczek-Khinchine): λE\[S²\]/(2(1−ρ)), with
/// E\[S²\] = (1 + cv²)E\[S\]²; `cv2` is the squared coefficient of variation of the service.
pub fn mg1_mean_wait(arrival_rate: f64, mean_service: f64, cv2: f64) -> f64 {
    let rho = arrival_rate * mean_service;
    if rho >= 1.0 {
        return f64::INFINITY;
    }
    rho * mean_service * (1.0 + cv2) / (2.0 * (1.0 - rho))
}

/// Mean sojourn of M/G/1 under processor sharing, E\[S\]/(1−ρ), whatever the law of the service.
pub fn mg1_ps_mean_sojourn(arrival_rate: f64, mean_service: f64) -> f64 {
    let rho = arrival_rate * mean_service;
    if rho < 1.0 { mean_service / (1.0 - rho) } else { f64::INFINITY }
}

/// Mean number of jobs in the orbit of M/M/1 with retrials: those who find the server busy come
/// back after Exp(`retrial_rate`). ρ(λ + ρθ)/((1−ρ)θ).
pub fn mm1_retrial_mean_orbit(arrival_rate: f64, service_rate: f64, retrial_rate: f64) -> f64 {
    let rho = arrival_rate / service_rate;
    if rho >= 1.0 {
        return f64::INFINITY;
    }
    rho * (arrival_rate + rho * retrial_rate) / ((1.0 - rho) * retrial_rate)
}

/// Mean sojourn, in mean service times, of endlessly many servers of utilisation `rho` where an
/// arrival joins the shortest of `choices` taken at random: Σ ρ^((dⁱ−d)/(d−1)), i >= 1 (mean
/// field; a limit, not a value for small fleets).
pub fn choices_mean_field_sojourn(rho: f64, choices: u32) -> f64 {
    if rho >= 1.0 {
        return f64::INFINITY;
    }
    let (mut sum, mut exponent) = (0.0, 0.0);
    loop {
        let term = libm::pow(rho, exponent);
        if term <= f64::EPSILON * sum / 4.0 {
            return sum;
        }
        sum += term;
        exponent = f64::from(choices) * (exponent + 1.0);
    }
}

/// M/D/1: fixed service times, one server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Md1 {
    /// Arrivals per unit of time; λ times the service must be below 1.
    pub arrival_rate: f64,
    /// Every service takes this long.
    pub service: f64,
}

impl Md1 {
    /// P(wait <= `t`).
    ///
    /// Erlang's series has terms of both signs that cancel; this is its rearrangement by the
    /// queue's length (Franx 2001), whose terms are all positive: the wait is at most t when
    /// enough jobs of those queued k services before the end of t have been started by then.
    pub fn wait_cdf(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 0.0;
        }
        let k = (t / self.service).floor() as usize + 1;
        let mean = self.arrival_rate * (k as f64 * self.service - t);
        let queue = self.queue_cdf(k);
        let mut weight = libm::exp(-mean);
        let mut sum = 0.0;
        for j in 0..k {
            sum += queue[k - 1 - j] * weight;
            weight *= mean / (j + 1) as f64;
        }
        sum
    }

    /// The time that a share `p` (0 to 1, exclusive) of waits keeps.
    pub fn wait_quantile(&self, p: f64) -> f64 {
        if self.arrival_rate * self.service >= 1.0 {
            return f64::INFINITY;
        }
        root::of_falling(|t| p - self.wait_cdf(t), self.service)
    }

    /// P(at most 0, 1, … `count` − 1 jobs waiting).
    fn queue_cdf(&self, count: usize) -> Vec<f64> {
        let rho = self.arrival_rate * self.service;
        let beyond = poisson_tails(rho, count + 1);
        // Level crossing at the ends of services: a₀ p_{j+1} = p₀ P(A>j) + Σ pᵢ P(A>j+1−i).
        let mut jobs = vec![1.0 - rho];
        for j in 0..count {
            let inner: f64 = (1..=j).map(|i| jobs[i] * beyond[j + 1 - i]).sum();
            jobs.push((jobs[0] * beyond[j] + inner) / libm::exp(-rho));
        }
        let mut sum = jobs[0];
        jobs[1..]
            .iter()
            .map(|p| {
                sum += p;
                sum
            })
            .collect()
    }
}

/// P(A > 0), … P(A > `count` − 1) of the Poisson law, summed from the far end so that small ones
/// keep their digits.
fn poisson_tails(mean: f64, count: usize) -> Vec<f64> {
    let mut terms = vec![libm::exp(-mean)];
    for k in 1..count + 60 {
        terms.push(terms[k - 1] * mean / k as f64);
    }
    let mut tails = vec![0.0; terms.len()];
    for k in (1..terms.len()).rev() {
        tails[k - 1] = tails[k] + terms[k];
    }
    tails.truncate(count);
    tails
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_in_turn_is_mm1() {
        for rho in [0.1, 0.5, 0.9, 0.999] {
            let found = round_robin_mean_sojourn(rho, 1.0, 1);
            assert!((found / mm1_mean_sojourn(rho, 1.0) - 1.0).abs() < 1e-9, "rho = {rho}");
        }
    }

    #[test]
    fn nobody_else_means_no_wait() {
        assert_eq!(round_robin_mean_sojourn(0.0, 2.0, 4), 0.5);
        assert_eq!(dm1_mean_sojourn(0.0, 2.0), 0.5);
    }

    #[test]
    fn one_choice_is_mm1() {
        // d = 1 sums ρⁱ.
        assert!((choices_mean_field_sojourn(0.8, 1) - 5.0).abs() < 1e-12);
    }

    #[test]
    fn md1_mean_wait_is_pollaczek_khinchine() {
        for rho in [0.3, 0.8] {
            let queue = Md1 { arrival_rate: rho / 2.0, service: 2.0 };
            let step = 0.02;
            let tail = |i: i32| 1.0 - queue.wait_cdf((f64::from(i) + 0.5) * step);
            let end = (80.0 / (1.0 - rho) / step) as i32;
            let mean: f64 = (0..end).map(tail).sum::<f64>() * step;
            let wanted = mg1_mean_wait(rho / 2.0, 2.0, 0.0);
            assert!((mean / wanted - 1.0).abs() < 1e-4, "{rho}: {mean} {wanted}");
        }
    }

    #[test]
    fn md1_far_tail_stays_monotone() {
        let queue = Md1 { arrival_rate: 0.97, service: 1.0 };
        let values: Vec<f64> = (0..300).map(|t| queue.wait_cdf(f64::from(t))).collect();
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1] && pair[1] <= 1.0 + 1e-12));
        assert!(values[299] > 0.999_99);
    }
}
