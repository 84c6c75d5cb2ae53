//! The rules of the Kubernetes `HorizontalPodAutoscaler`: what it reads off the pods, and how
//! fast it may follow.
//!
//! Source: `pkg/controller/podautoscaler` of Kubernetes, `replica_calculator.go` and
//! `horizontal.go` (behaviour rules of `autoscaling/v2`), release 1.36.

use std::cmp::Ordering;

use crate::scenario::pieces::Autoscaler;
use crate::units::{Span, Time};

/// A pod as the autoscaler sees it: one of those that its selector covers, whatever version it
/// runs, surge pods included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pod {
    /// Whether it runs.
    pub(crate) standing: Standing,
    /// When it was created.
    pub(crate) created: Time,
    /// When its readiness last changed.
    pub(crate) changed: Time,
    /// It is ready.
    pub(crate) ready: bool,
    /// What is known of its use.
    pub(crate) sample: Option<Sample>,
}

/// Whether a pod runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its process has not started.
    Pending,
    /// Its process runs.
    Running,
    /// It was told to stop, or has failed: it does not count.
    Gone,
}

/// What the metrics say of a pod.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// The end of the window.
    pub(crate) at: Time,
    /// Its length.
    pub(crate) window: Span,
    /// Share of what it has of CPU that it used.
    pub(crate) cpu: f64,
    /// Requests per second that it took.
    pub(crate) requests: f64,
}

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// What the metrics asked for, and when.
    recommended: Vec<(Time, u32)>,
    /// By how much it scaled up, and when.
    ups: Vec<(Time, u32)>,
    /// By how much it scaled down, and when.
    downs: Vec<(Time, u32)>,
}

/// Which of a pod's numbers is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Cpu,
    Requests,
}

/// One look: how many instances it wants now, if now `wanted` are (the replicas in the
/// specification of what it scales).
pub(crate) fn look(
    rules: &Autoscaler,
    memory: &mut Memory,
    now: Time,
    wanted: u32,
    pods: &[Pod],
) -> u32 {
    if memory.recommended.is_empty() {
        memory.recommended.push((now, wanted));
    }
    let next = if wanted == 0 {
        0
    } else if wanted > rules.max {
        rules.max
    } else if wanted < rules.min {
        rules.min
    } else {
        let Some(proposed) = proposed(rules, now, wanted, pods) else { return wanted };
        let stable = stabilized(rules, memory, now, wanted, proposed);
        limited(rules, memory, now, wanted, stable)
    };
    if next > wanted {
        memory.ups.push((now, next - wanted));
    } else if next < wanted {
        memory.downs.push((now, wanted - next));
    }
    next
}

/// The most that any metric asks for; `None` if none says anything. While one says nothing the
/// others do not shrink the fleet.
fn proposed(rules: &Autoscaler, now: Time, wanted: u32, pods: &[Pod]) -> Option<u32> {
    let by = |metric, target: Option<f64>| {
        target.map(|target| replicas(rules, metric, target, now, wanted, pods))
    };
    let answers = [
        by(Metric::Cpu, rules.target_cpu.map(|share| share.0)),
        by(Metric::Requests, rules.target_requests.map(|rate| rate.0)),
    ];
    let answers: Vec<Option<u32>> = answers.into_iter().flatten().collect();
    let most = answers.iter().copied().flatten().max()?;
    let silent = answers.iter().any(Option::is_none);
    if silent && most < wanted { None } else { Some(most) }
}

/// The pods in groups: what those used that count, and how many do not.
#[derive(Debug, Default)]
struct Groups {
    used: Vec<f64>,
    unready: usize,
    missing: usize,
}

/// `GetResourceReplicas` and `GetMetricReplicas`: what one metric asks for; `None` without a
/// single sample that counts.
fn replicas(
    rules: &Autoscaler,
    metric: Metric,
    target: f64,
    now: Time,
    wanted: u32,
    pods: &[Pod],
) -> Option<u32> {
    let mut groups = groups(rules, metric, now, pods);
    if groups.used.is_empty() {
        return None;
    }
    let first = ratio(metric, target, &groups.used);
    let is_near = |ratio: f64| (1.0 - ratio).abs() <= rules.tolerance.0 + 1e-12;
    let unready_count = groups.unready > 0 && first > 1.0;
    if !unready_count && groups.missing == 0 {
        let ready = groups.used.len();
        return Some(if is_near(first) { wanted } else { up(first * ready as f64) });
    }
    // Who is not known is taken to use so much that the change is the smaller for it.
    let fallback = match metric {
        _ if first > 1.0 => Some(0.0),
        _ if first >= 1.0 => None,
        Metric::Cpu => Some(target.max(1.0)),
        Metric::Requests => Some(target),
    };
    if let Some(use_of_one) = fallback {
        groups.used.extend(std::iter::repeat_n(use_of_one, groups.missing));
    }
    if unready_count {
        groups.used.extend(std::iter::repeat_n(0.0, groups.unready));
    }
    let second = ratio(metric, target, &groups.used);
    let turned = (first < 1.0 && second > 1.0) || (first > 1.0 && second < 1.0);
    if is_near(second) || turned {
        return Some(wanted);
    }
    let next = up(second * groups.used.len() as f64);
    let backwards = (second < 1.0 && next > wanted) || (second > 1.0 && next < wanted);
    Some(if backwards { wanted } else { next })
}

/// `groupPods`.
fn groups(rules: &Autoscaler, metric: Metric, now: Time, pods: &[Pod]) -> Groups {
    let mut groups = Groups::default();
    for pod in pods {
        match (pod.standing, pod.sample) {
            (Standing::Gone, _) => {}
            (Standing::Pending, _) => groups.unready += 1,
            (Standing::Running, None) => groups.missing += 1,
            (Standing::Running, Some(sample)) => match metric {
                Metric::Cpu if is_unready(rules, now, pod, sample) => groups.unready += 1,
                Metric::Cpu => groups.used.push(sample.cpu),
                Metric::Requests => groups.used.push(sample.requests),
            },
        }
    }
    groups
}

/// Whether the CPU of a pod is left out: while it may still be starting, unless it has been ready
/// for the whole window; later only if it never was ready.
fn is_unready(rules: &Autoscaler, now: Time, pod: &Pod, sample: Sample) -> bool {
    if pod.created + rules.cpu_initialization > now {
        !pod.ready || sample.at < pod.changed + sample.window
    } else {
        !pod.ready && pod.created + rules.initial_readiness_delay > pod.changed
    }
}

/// Use over target. Of CPU the original computes in whole percent, rounded down.
fn ratio(metric: Metric, target: f64, used: &[f64]) -> f64 {
    let mean = used.iter().sum::<f64>() / used.len() as f64;
    match metric {
        Metric::Cpu => (mean * 100.0 + 1e-9).floor() / (target * 100.0).round().max(1.0),
        Metric::Requests => mean / target,
    }
}

/// ⌈x⌉, as a count.
fn up(x: f64) -> u32 {
    // What is whole but for rounding stays whole.
    (x - 1e-9).ceil().max(0.0) as u32
}

/// `stabilizeRecommendationWithBehaviors`: up to the least, down to the most that was recommended
/// within the windows. Remembers the new recommendation.
fn stabilized(
    rules: &Autoscaler,
    memory: &mut Memory,
    now: Time,
    wanted: u32,
    proposed: u32,
) -> u32 {
    let within = |at: Time, window: Span| at + window > now;
    let (mut least, mut most) = (proposed, proposed);
    for &(at, count) in &memory.recommended {
        if within(at, rules.up.stabilization) {
            least = least.min(count);
        }
        if within(at, rules.down.stabilization) {
            most = most.max(count);
        }
    }
    let longest = rules.up.stabilization.max(rules.down.stabilization);
    memory.recommended.retain(|(at, _)| within(*at, longest));
    memory.recommended.push((now, proposed));
    wanted.max(least).min(most)
}

/// `convertDesiredReplicasWithBehaviorRate`: as fast as the policies allow, and within bounds.
fn limited(rules: &Autoscaler, memory: &mut Memory, now: Time, wanted: u32, stable: u32) -> u32 {
    memory.ups.retain(|(at, _)| *at + rules.up.period.max(rules.down.period) > now);
    memory.downs.retain(|(at, _)| *at + rules.up.period.max(rules.down.period) > now);
    let sum = |events: &[(Time, u32)], period: Span| -> u32 {
        events.iter().filter(|(at, _)| *at + period > now).map(|(_, by)| by).sum()
    };
    // What there was when the period began.
    let base =
        |period| (wanted + sum(&memory.downs, period)).saturating_sub(sum(&memory.ups, period));
    match stable.cmp(&wanted) {
        Ordering::Greater => {
            let base = base(rules.up.period);
            let percent = f64::from(base) * (1.0 + f64::from(rules.up.percent) / 100.0);
            let limit = (base + rules.up.pods).max(up(percent)).max(wanted);
            stable.min(limit).min(rules.max)
        }
        Ordering::Less => {
            let base = f64::from(base(rules.down.period));
            let limit = (base * (1.0 - f64::from(rules.down.percent) / 100.0)) as u32;
            stable.max(limit.min(wanted)).max(rules.min)
        }
        Ordering::Equal => wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::pieces::{DownRule, UpRule};
    use crate::units::{Rate, Share};

    const fn secs(seconds: u64) -> Time {
        Time(seconds * 1_000_000_000)
    }

    fn rules(target_cpu: f64) -> Autoscaler {
        let period = Span::from_secs(15);
        Autoscaler {
            min: 1,
            max: 1000,
            target_cpu: Some(Share(target_cpu)),
            target_requests: None,
            tolerance: Share(0.1),
            sync: period,
            scrape: Span::from_secs(60),
            delay: Span::ZERO,
            initial_readiness_delay: Span::from_secs(30),
            cpu_initialization: Span::from_secs(300),
            up: UpRule { pods: 4, percent: 100, period, stabilization: Span::ZERO },
            down: DownRule { percent: 100, period, stabilization: Span::from_secs(300) },
        }
    }

    const NOW: Time = secs(10_000);

    /// Ready for long, with this share of its CPU in use.
    fn busy(cpu: f64) -> Pod {
        let sample = Sample { at: NOW, window: Span::from_secs(60), cpu, requests: 100.0 * cpu };
        Pod {
            standing: Standing::Running,
            created: secs(0),
            changed: secs(20),
            ready: true,
            sample: Some(sample),
        }
    }

    fn without_sample(standing: Standing) -> Pod {
        Pod { standing, sample: None, ..busy(0.0) }
    }

    fn asks(rules: &Autoscaler, wanted: u32, pods: &[Pod]) -> Option<u32> {
        proposed(rules, NOW, wanted, pods)
    }

    /// Cases with the arithmetic of `replica_calculator.go` beside them.
    #[test]
    fn one_look_at_cpu_is_the_originals() {
        let pods = |used: &[f64]| used.iter().map(|cpu| busy(*cpu)).collect::<Vec<_>>();
        // 50 % of a target of 30: ceil(1.667 · 3).
        assert_eq!(asks(&rules(0.3), 3, &pods(&[0.3, 0.5, 0.7])), Some(5));
        // 28 % of 50: ceil(0.56 · 5).
        assert_eq!(asks(&rules(0.5), 5, &pods(&[0.1, 0.3, 0.5, 0.25, 0.25])), Some(3));
        // Within a tenth of the target nothing changes; whole percents are rounded down.
        assert_eq!(asks(&rules(0.5), 3, &pods(&[0.55, 0.55, 0.559])), Some(3));
        assert_eq!(asks(&rules(0.5), 3, &pods(&[0.56, 0.56, 0.56])), Some(4));
        // More pods than are wanted (a surge) count as they are: ceil(1.2 · 4), not ceil(1.2 · 3).
        assert_eq!(asks(&rules(0.5), 3, &pods(&[0.6; 4])), Some(5));
        assert_eq!(asks(&rules(0.5), 3, &[]), None);
    }

    #[test]
    fn pods_that_are_not_ready_dampen_growth_and_do_not_hinder_shrinking() {
        let fresh =
            |cpu| Pod { created: secs(9_990), changed: secs(9_990), ready: false, ..busy(cpu) };
        // 60 % of 30 over two; with the third at zero 40 %: ceil(1.333 · 3).
        assert_eq!(asks(&rules(0.3), 3, &[fresh(0.3), busy(0.5), busy(0.7)]), Some(4));
        // 40 % over one; with the other two at zero 13 %, the other way: nothing.
        assert_eq!(asks(&rules(0.3), 3, &[busy(0.4), fresh(0.5), fresh(0.7)]), Some(3));
        // Ready since less than the window, within its first five minutes: left out.
        let hot = Pod { created: secs(9_900), changed: secs(9_945), ..busy(0.9) };
        assert_eq!(asks(&rules(0.3), 3, &[hot, busy(0.5), busy(0.7)]), Some(4));
        // Ready for the whole window: counted, five minutes old or not.
        let warm = Pod { changed: secs(9_940), ..hot };
        assert_eq!(asks(&rules(0.3), 3, &[warm, busy(0.5), busy(0.7)]), Some(7));
        // Shrinking looks at the ready ones alone: 30 % of 50 over two.
        assert_eq!(asks(&rules(0.5), 3, &[fresh(0.9), busy(0.3), busy(0.3)]), Some(2));
        // Older than five minutes, and unready only since: counted.
        let ill = Pod { ready: false, changed: secs(9_000), ..busy(0.9) };
        assert_eq!(asks(&rules(0.3), 3, &[ill, busy(0.5), busy(0.7)]), Some(7));
        let never = Pod { ready: false, changed: secs(20), ..busy(0.9) };
        assert_eq!(asks(&rules(0.3), 3, &[never, busy(0.5), busy(0.7)]), Some(4));
    }

    #[test]
    fn pods_without_metrics_count_against_the_change() {
        let running = without_sample(Standing::Running);
        // 24 % of 100, with the two unknown at 100 %: 62 %, ceil(0.62 · 4).
        assert_eq!(asks(&rules(1.0), 4, &[busy(0.4), busy(0.095), running, running]), Some(3));
        // 24 % of 50 is less, 62 % would be more: nothing.
        assert_eq!(asks(&rules(0.5), 4, &[busy(0.4), busy(0.095), running, running]), Some(4));
        // 80 % of 50, with the unknown at zero 53 %: within the tolerance.
        assert_eq!(asks(&rules(0.5), 3, &[busy(0.8), busy(0.8), running]), Some(3));
        let pending = without_sample(Standing::Pending);
        assert_eq!(asks(&rules(0.5), 3, &[busy(0.8), busy(0.8), pending]), Some(3));
        // Gone ones are nobody.
        let gone = Pod { standing: Standing::Gone, ..busy(0.1) };
        assert_eq!(asks(&rules(0.5), 3, &[busy(0.8), busy(0.8), gone]), Some(4));
    }

    #[test]
    fn the_larger_of_two_metrics_counts() {
        let both = Autoscaler { target_requests: Some(Rate(20.0)), ..rules(0.5) };
        // 50 % of 50 and 50 of 20 requests.
        assert_eq!(asks(&both, 4, &[busy(0.5); 4]), Some(10));
        // By requests the unready count, and the unknown are taken to be on target.
        let requests = Autoscaler { target_cpu: None, ..both };
        let fresh = Pod { ready: false, created: secs(9_990), ..busy(0.5) };
        assert_eq!(asks(&requests, 2, &[busy(0.5), fresh]), Some(5));
        let running = without_sample(Standing::Running);
        assert_eq!(asks(&requests, 2, &[busy(0.1), running]), Some(2));
    }

    #[test]
    fn growth_is_by_four_or_double_in_a_period() {
        let rules = rules(0.1);
        let mut memory = Memory::default();
        let all = |count: u32| vec![busy(1.0); count as usize];
        let mut wanted = 2;
        let mut seen = Vec::new();
        for step in 0..5 {
            wanted =
                look(&rules, &mut memory, NOW + rules.sync * f64::from(step), wanted, &all(wanted));
            seen.push(wanted);
        }
        assert_eq!(seen, [6, 12, 24, 48, 96]);
        // Twice within a period: what was added in it counts.
        let again = NOW + rules.sync * 4.5;
        assert_eq!(look(&rules, &mut memory, again, 96, &all(96)), 96);
        assert_eq!(
            look(&Autoscaler { max: 100, ..rules }, &mut memory, secs(20_000), 96, &all(96)),
            100
        );
    }

    #[test]
    fn shrinking_waits_until_nobody_wanted_more_for_five_minutes() {
        let rules = rules(0.5);
        let mut memory = Memory::default();
        let mut changes = Vec::new();
        let mut wanted = 10;
        for step in 0..=21 {
            let now = NOW + rules.sync * f64::from(step);
            let next = look(&rules, &mut memory, now, wanted, &[busy(0.2); 10]);
            if next != wanted {
                changes.push((step, next));
            }
            wanted = next;
        }
        // 20 · 15 s after the first recommendation, which was to stay.
        assert_eq!(changes, [(20, 4)]);
        let slow = Autoscaler { down: DownRule { percent: 10, ..rules.down }, min: 3, ..rules };
        assert_eq!(look(&slow, &mut memory, secs(30_000), 10, &[busy(0.01); 10]), 9);
    }

    #[test]
    fn bounds_hold_whatever_the_metrics_say() {
        let rules = Autoscaler { min: 3, max: 8, ..rules(0.5) };
        let look = |wanted| super::look(&rules, &mut Memory::default(), NOW, wanted, &[]);
        assert_eq!([look(0), look(2), look(5), look(9)], [0, 3, 5, 8]);
    }
}
