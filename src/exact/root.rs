//! Roots of monotone functions on the half-line.

/// The `t` >= 0 where a falling function crosses zero, to the last digits of an f64; 0 where it
/// starts below. `scale` is a guess of the size of the answer, greater than 0.
pub(super) fn of_falling(function: impl Fn(f64) -> f64, scale: f64) -> f64 {
    if function(0.0) <= 0.0 {
        return 0.0;
    }
    let mut high = scale;
    while function(high) > 0.0 {
        high *= 2.0;
    }
    let mut low = 0.0;
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if function(middle) > 0.0 { low = middle } else { high = middle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_crossing_from_any_guess() {
        for scale in [1e-6, 1.0, 1e6] {
            assert!((of_falling(|t| 2.0 - t * t, scale) - 2f64.sqrt()).abs() < 1e-15);
        }
        assert_eq!(of_falling(|t| -1.0 - t, 1.0), 0.0);
    }
}
