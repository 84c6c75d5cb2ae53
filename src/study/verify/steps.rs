//! Orders of changes, compared.
//!
//! Changes that follow each other within a threshold are one step. Two orders are equal if they
//! are at some threshold between 100 and 200 ms.

use super::forecast::shares;

/// Changes closer than this (seconds) are one step, at each in turn.
pub(super) const THRESHOLDS: [f64; 11] =
    [0.10, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17, 0.18, 0.19, 0.20];

/// One change: when (seconds), and in words what.
pub(super) type Change = (f64, String);

/// How the changes within one step are written together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    /// The last says all (sizes).
    Last,
    /// All of them, whatever their order.
    Together,
}

/// The steps that remain at a threshold.
pub(super) fn merged(changes: &[Change], threshold: f64, merge: Merge) -> Vec<String> {
    let mut steps: Vec<Vec<&str>> = Vec::new();
    let mut last = f64::NEG_INFINITY;
    for (at, what) in changes {
        match steps.last_mut() {
            Some(step) if at - last < threshold => step.push(what),
            _ => steps.push(vec![what]),
        }
        last = *at;
    }
    let mut texts: Vec<String> = Vec::new();
    for mut step in steps {
        let text = match merge {
            Merge::Last => step.last().copied().unwrap_or_default().to_owned(),
            Merge::Together => {
                step.sort_unstable();
                step.join(" ")
            }
        };
        if merge == Merge::Together || texts.last() != Some(&text) {
            texts.push(text);
        }
    }
    texts
}

/// Whether the recorded order is that of the plays; if not, where they first differ, at the
/// threshold at which most of them agree with the record.
pub(super) fn compare(recorded: &[Change], plays: &[Vec<Change>], merge: Merge) -> Option<String> {
    let mut nearest: Option<(usize, String)> = None;
    for threshold in THRESHOLDS {
        let real = merged(recorded, threshold, merge);
        let orders = shares(plays.iter().map(|play| merged(play, threshold, merge)));
        let Some((predicted, _)) = orders.first() else { continue };
        let same = real.iter().zip(predicted).take_while(|(a, b)| a == b).count();
        if same == real.len() && same == predicted.len() {
            return None;
        }
        let of = |steps: &[String]| steps.get(same).cloned().unwrap_or_else(|| "no more".into());
        let text =
            format!("step {}: recorded {}, predicted {}", same + 1, of(&real), of(predicted));
        if nearest.as_ref().is_none_or(|(most, _)| same > *most) {
            nearest = Some((same, text));
        }
    }
    nearest.map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::{Change, Merge, compare, merged};

    fn changes(all: &[(f64, &str)]) -> Vec<Change> {
        all.iter().map(|(at, what)| (*at, (*what).to_owned())).collect()
    }

    #[test]
    fn changes_that_follow_each_other_closely_are_one_step() {
        let all = changes(&[(0.0, "a"), (0.09, "b"), (0.18, "c"), (0.3, "d")]);
        assert_eq!(merged(&all, 0.1, Merge::Last), ["c", "d"]);
        assert_eq!(merged(&all, 0.15, Merge::Last), ["d"]);
        assert_eq!(merged(&all, 0.1, Merge::Together), ["a b c", "d"]);
    }

    #[test]
    fn orders_are_equal_if_they_are_at_some_threshold() {
        let recorded = changes(&[(0.0, "a"), (1.0, "b"), (1.15, "c")]);
        // At 100 ms they differ, from 160 ms on they do not.
        let other = changes(&[(0.0, "a"), (2.0, "c")]);
        assert_eq!(compare(&recorded, std::slice::from_ref(&other), Merge::Last), None);
        let wrong = changes(&[(0.0, "a"), (2.0, "d")]);
        let few = [wrong.clone(), other.clone(), wrong];
        let difference = compare(&recorded, &few, Merge::Last).unwrap();
        assert_eq!(difference, "step 2: recorded b, predicted d");
        let most = [few[0].clone(), other.clone(), other];
        assert_eq!(compare(&recorded, &most, Merge::Last), None, "the most frequent counts");
    }
}
