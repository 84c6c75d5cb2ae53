//! Weights of fresh instances.

use crate::units::Span;

/// Weight of an instance `since` after it joined, relative to a warm one:
/// max(min, (t/window)^(1/aggression)); Envoy's `slow_start_config`, whose least weight is 10 %.
/// With aggression 1 the weight rises linearly, as that of an ALB or HAProxy does.
pub fn slow_start_weight(since: Span, window: Span, aggression: f64, min: f64) -> f64 {
    if since >= window {
        return 1.0;
    }
    let part = since.as_secs_f64() / window.as_secs_f64();
    libm::pow(part, 1.0 / aggression).max(min)
}

#[cfg(test)]
mod tests {
    use super::slow_start_weight;
    use crate::units::Span;

    const MINUTE: Span = Span::from_secs(60);

    #[test]
    fn share_of_a_new_host_matches_the_closed_form() {
        // theory.csv, rows envoy_slow_start: w/(w + 9), 15 s into a window of 60 s.
        let share = |aggression| {
            let w = slow_start_weight(Span::from_secs(15), MINUTE, aggression, 0.1);
            w / (w + 9.0)
        };
        assert!((share(1.0) - 0.027_027_027_027).abs() < 1e-9);
        assert!((share(2.0) - 0.052_631_578_947_4).abs() < 1e-9);
    }

    #[test]
    fn the_least_weight_holds_at_first_and_nothing_after_the_window() {
        let weight = |secs, min| slow_start_weight(Span::from_secs(secs), MINUTE, 1.0, min);
        assert_eq!([weight(0, 0.1), weight(6, 0.1), weight(60, 0.1)], [0.1, 0.1, 1.0]);
        assert_eq!([weight(0, 0.0), weight(30, 0.0), weight(90, 0.0)], [0.0, 0.5, 1.0]);
    }
}
