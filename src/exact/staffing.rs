//! How many instances a load needs, and how many may be out.

/// Mean number in service of an M(t)/M/∞ queue that has always been there, at time `t`, with
/// arrivals at the rate λ·(1 + a·sin γt): λ/μ·(1 + a·(sin γt − (γ/μ)·cos γt)/(1 + (γ/μ)²)) (Eick,
/// Massey and Whitt, 1993). `swing` is a, `frequency` γ in radians.
pub fn mean_busy_of_sine(
    (mean_rate, swing, frequency): (f64, f64, f64),
    service_rate: f64,
    t: f64,
) -> f64 {
    let ratio = frequency / service_rate;
    let (sin, cos) = (libm::sin(frequency * t), libm::cos(frequency * t));
    let lagged = (sin - ratio * cos) / (1.0 + ratio * ratio);
    mean_rate / service_rate * (1.0 + swing * lagged)
}

/// Probability that at least `need` of `instances` are up, each up by itself with probability
/// `up`: the tail of the binomial law.
pub fn at_least_up(instances: u32, up: f64, need: u32) -> f64 {
    if need > instances {
        return 0.0;
    }
    // The sum with fewer terms, for the sake of digits.
    let down = 1.0 - up;
    let term = |count: u32| {
        let ways: f64 =
            (0..count).map(|i| f64::from(instances - i) / f64::from(count - i)).product();
        ways * libm::pow(up, f64::from(count)) * libm::pow(down, f64::from(instances - count))
    };
    if need > instances / 2 {
        (need..=instances).map(term).sum()
    } else {
        1.0 - (0..need).map(term).sum::<f64>()
    }
}

/// The most of `servers` that may be out at once if the rest shall keep the square-root safety
/// `beta` (Halfin and Whitt, 1981) at `offered` erlangs: N − ⌈a + β·√a⌉.
pub fn square_root_batch_max(servers: u32, offered: f64, beta: f64) -> u32 {
    let needed = libm::ceil(offered + beta * libm::sqrt(offered)) as u32;
    servers.saturating_sub(needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_sine_is_followed_and_a_fast_one_is_averaged() {
        let slow = (100.0, 0.5, 1e-6);
        assert!(
            (mean_busy_of_sine(slow, 1.0, 0.25 * std::f64::consts::TAU / 1e-6) - 150.0).abs()
                < 1e-3
        );
        assert!((mean_busy_of_sine((100.0, 0.5, 1e6), 1.0, 3.0) - 100.0).abs() < 1e-3);
    }

    #[test]
    fn a_quorum_of_three_is_its_textbook_polynomial() {
        for up in [0.3, 0.9, 0.999] {
            let wanted = 3.0 * up * up - 2.0 * up * up * up;
            assert!((at_least_up(3, up, 2) - wanted).abs() < 1e-15);
        }
        assert_eq!([at_least_up(3, 0.9, 0), at_least_up(3, 0.9, 4)], [1.0, 0.0]);
        assert!((at_least_up(9, 0.4, 3) - (1.0 - at_least_up(9, 0.6, 7))).abs() < 1e-12);
    }

    #[test]
    fn who_has_no_safety_may_take_nobody_out() {
        assert_eq!(square_root_batch_max(100, 70.0, 1.0), 21);
        assert_eq!(square_root_batch_max(20, 17.0, 1.0), 0);
        assert_eq!(square_root_batch_max(20, 30.0, 1.0), 0);
    }
}
