//! The incomplete beta function and the laws that rest on it.

/// Step of the continued fraction below which it counts as found.
const PRECISION: f64 = 1e-15;

/// The regularised incomplete beta function `I_x(a, b)` for positive a and b and x in 0..=1, by
/// its continued fraction (DLMF 8.17.22) in Lentz's form.
pub fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast below the law's mean; beyond it, its mirror image does.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let ln_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = libm::exp(a * libm::log(x) + b * libm::log1p(-x) - ln_beta) / a;
    front * beta_fraction(a, b, x)
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let away = |value: f64| if value.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    let mut m = 1.0;
    loop {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        fraction *= d * c;
        // It needs some √max(a, b) rounds; the bound only guards against input beyond reason.
        if (d * c - 1.0).abs() < PRECISION || m > 1e6 {
            return fraction;
        }
        m += 1.0;
    }
}

/// P(at most `successes` of `trials`) where each succeeds with probability `p`.
pub fn binomial_cdf(successes: u64, trials: u64, p: f64) -> f64 {
    if successes >= trials {
        return 1.0;
    }
    let (k, n) = (successes as f64, trials as f64);
    incomplete_beta(n - k, k + 1.0, 1.0 - p)
}

/// The value that Student's t with `freedom` degrees of freedom exceeds with probability `tail`
/// (0 to 1/2); infinite without freedom.
pub fn student_t_upper(tail: f64, freedom: f64) -> f64 {
    if freedom <= 0.0 {
        return f64::INFINITY;
    }
    let beyond = |t: f64| student_t_beyond(t, freedom);
    let mut high = 1.0;
    while beyond(high) > tail {
        high *= 2.0;
        if high > 1e100 {
            return f64::INFINITY;
        }
    }
    let mut low = 0.0;
    while high - low > 1e-13 * high {
        let middle = f64::midpoint(low, high);
        if beyond(middle) > tail { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// P(Z > `z`) of the standard normal law, accurate in the upper tail too.
pub fn normal_beyond(z: f64) -> f64 {
    libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2) / 2.0
}

/// The value that the standard normal law exceeds with probability `tail`, in 0..1.
pub fn normal_upper(tail: f64) -> f64 {
    let (mut low, mut high) = (-40.0_f64, 40.0_f64);
    while high - low > 1e-14 * high.abs().max(1.0) {
        let middle = f64::midpoint(low, high);
        if normal_beyond(middle) > tail { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// P(at least `count`) of Poisson's law with this mean.
pub fn poisson_from(count: u64, mean: f64) -> f64 {
    if count == 0 {
        return 1.0;
    }
    if mean <= 0.0 {
        return 0.0;
    }
    let term = |k: f64| libm::exp(k * libm::log(mean) - mean - libm::lgamma(k + 1.0));
    // From the count upwards if that is the small tail, else what is left of the other.
    if count as f64 > mean {
        let (mut k, mut sum, mut last) = (count as f64, 0.0, term(count as f64));
        while last > sum * 1e-17 {
            sum += last;
            k += 1.0;
            last *= mean / k;
        }
        return sum;
    }
    1.0 - (0..count).map(|k| term(k as f64)).sum::<f64>()
}

/// P(at least `successes` of `trials`) where each succeeds with probability `p`.
pub fn binomial_from(successes: u64, trials: u64, p: f64) -> f64 {
    if successes == 0 {
        return 1.0;
    }
    if successes > trials {
        return 0.0;
    }
    let (k, n) = (successes as f64, trials as f64);
    incomplete_beta(k, n - k + 1.0, p)
}

/// P(T > `t`) of Student's law with `freedom` degrees of freedom, for t ≥ 0.
pub fn student_t_beyond(t: f64, freedom: f64) -> f64 {
    let square = t * t;
    // Of the two forms of the argument the one whose digits are not lost.
    let x = freedom / (freedom + square);
    if x < 0.5 {
        incomplete_beta(freedom / 2.0, 0.5, x) / 2.0
    } else {
        (1.0 - incomplete_beta(0.5, freedom / 2.0, square / (freedom + square))) / 2.0
    }
}

/// P(F > `f`) of Fisher's law with these degrees of freedom.
pub fn fisher_beyond(f: f64, (above, below): (f64, f64)) -> f64 {
    incomplete_beta(below / 2.0, above / 2.0, below / (below + above * f))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn normal_agrees_with_the_tables() {
        let table = [(0.025, 1.959_963_984_540), (0.005, 2.575_829_303_549), (0.5, 0.0)];
        for (tail, wanted) in table {
            assert!((normal_upper(tail) - wanted).abs() < 1e-11, "{tail}");
        }
    }

    #[test]
    fn student_t_agrees_with_the_tables() {
        // Closed forms for 1 and 2 degrees: tan(0.475π) and √(2·0.95²/(1−0.95²)).
        let one = (0.475 * std::f64::consts::PI).tan();
        let two = (2.0 * 0.9025 / 0.0975f64).sqrt();
        let cases = [
            (1.0, one),
            (2.0, two),
            (5.0, 2.570_581_836),
            (10.0, 2.228_138_852),
            (30.0, 2.042_272_456),
            (100.0, 1.983_971_519),
            (1e6, 1.959_966_357),
        ];
        for (freedom, wanted) in cases {
            let found = student_t_upper(0.025, freedom);
            assert!((found / wanted - 1.0).abs() < 1e-8, "{freedom}: {found}, not {wanted}");
        }
        assert!(student_t_upper(0.025, 0.0).is_infinite());
    }

    #[test]
    fn tails_agree_with_the_tables() {
        assert!((normal_upper(0.01) - 2.326_347_874_040_841).abs() < 1e-9);
        assert!((normal_upper(0.99) + 2.326_347_874_040_841).abs() < 1e-9);
        assert!((poisson_from(4, 0.6) - 0.003_358_068_853).abs() < 1e-11);
        assert!((poisson_from(2, 3.0) - (1.0 - 4.0 * (-3f64).exp())).abs() < 1e-12);
        assert!((binomial_from(4, 4, 0.5) - 0.0625).abs() < 1e-12);
        assert!((binomial_from(3, 5, 0.5) - 0.5).abs() < 1e-12);
        // F(2, 4) has the closed form (1 + f/2)⁻².
        assert!((fisher_beyond(6.0, (2.0, 4.0)) - 1.0 / 16.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_beta_function_is_the_binomial_sum(n in 1u64..200, p in 0.001..0.95f64) {
            // An independent way: add up the terms, each from the one before.
            let mut term = (n as f64 * (-p).ln_1p()).exp();
            let mut sum = 0.0;
            for k in 0..=n {
                sum += term;
                prop_assert!((binomial_cdf(k, n, p) - sum).abs() < 1e-9, "{k}");
                term *= (n - k) as f64 / (k + 1) as f64 * p / (1.0 - p);
            }
        }
    }
}
