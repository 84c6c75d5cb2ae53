//! Service times, from the times of responses in access logs.

use super::{Answer, Options};
use crate::scenario::recorded::Responses;
use crate::stats::fit::Sample;

/// Laws are fitted to no more values than this, taken evenly from the log: of more, each law is
/// refused for what nobody would see.
const MOST: usize = 1000;
/// Finer clocks are as good as exact.
const FINE: f64 = 1e-5;

/// What access logs say of the time that a request takes.
#[derive(Debug, Clone)]
pub struct Service {
    /// Names of the logs.
    pub files: Vec<String>,
    /// The field that the times come from.
    pub field: String,
    /// Answered requests with a time.
    pub requests: usize,
    /// Requests left out because they failed.
    pub failed: usize,
    /// Lines without a time.
    pub without: usize,
    /// Of so many of them a law was sought.
    pub taken: usize,
    /// Resolution of the clock in seconds; 0: as good as exact.
    pub tick: f64,
    /// What they follow.
    pub answer: Answer,
}

/// Of all logs together; `None` without any.
pub(super) fn service(logs: &[(String, Responses)], options: &Options) -> Option<Service> {
    let (_, first) = logs.first()?;
    let coarsest = logs.iter().map(|(_, log)| log.tick).fold(0.0, f64::max);
    let tick = if coarsest < FINE { 0.0 } else { coarsest };
    let all: Vec<f64> = logs.iter().flat_map(|(_, log)| &log.seconds).copied().collect();
    let shown = |seconds: f64| {
        // On the clock's grid to the bit, and never nothing where the clock is exact.
        if tick > 0.0 { (seconds / tick).round() * tick } else { seconds.max(FINE / 10.0) }
    };
    let step = all.len().div_ceil(MOST).max(1);
    let taken: Vec<f64> = all.iter().step_by(step).map(|x| shown(*x)).collect();
    let mut answer = Answer::of(&Sample::new(tick, &taken, &[]), options);
    if let Answer::Quantiles { points, .. } = &mut answer {
        let whole = Sample::new(tick, &all.iter().map(|x| shown(*x)).collect::<Vec<_>>(), &[]);
        for (p, value) in points.iter_mut() {
            *value = whole.quantile(*p).max(FINE / 10.0);
        }
    }
    let sum = |of: fn(&Responses) -> usize| logs.iter().map(|(_, log)| of(log)).sum();
    Some(Service {
        files: logs.iter().map(|(name, _)| name.clone()).collect(),
        field: first.field.clone(),
        requests: all.len(),
        failed: sum(|log| log.failed),
        without: sum(|log| log.without),
        taken: taken.len(),
        tick,
        answer,
    })
}

#[cfg(test)]
mod tests {
    use super::{Options, service};
    use crate::scenario::recorded::Responses;
    use crate::stats::fit::Law;

    /// A thousand quantiles of a law, as a clock of milliseconds shows them.
    fn log(law: Law, count: u32) -> Responses {
        let at = |i: u32| law.quantile((f64::from(i) + 0.5) / f64::from(count));
        // In an order that has nothing to do with their size.
        let place = |i: u32| (u64::from(i) * 7919 % u64::from(count)) as u32;
        let shown = |x: f64| (x * 1e3).floor() / 1e3;
        let seconds = (0..count).map(|i| shown(at(place(i)))).collect();
        Responses { seconds, tick: 1e-3, field: "request_time".into(), failed: 2, without: 1 }
    }

    #[test]
    fn a_law_of_milliseconds_is_found() {
        let options = Options { resamples: 49, seed: 1, ..Options::default() };
        let law = Law::LogNormal { mu: -3.0, sigma: 0.7 };
        let logs = [("a.log".to_owned(), log(law, 3001))];
        let found = service(&logs, &options).unwrap();
        assert_eq!((found.requests, found.taken, found.failed), (3001, 751, 2));
        let median = found.answer.dist().unwrap().quantile(0.5).as_secs_f64();
        // The clock cuts half a millisecond off.
        assert!((median / (0.0498 - 0.0005) - 1.0).abs() < 0.05, "{median}");
        assert!(service(&[], &options).is_none());
    }
}
