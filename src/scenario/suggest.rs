//! "Did you mean …?"

/// The candidate nearest to `word`, if it is near enough to be what was meant: at most a third
/// of the letters differ, or one begins with the other.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase().replace('-', "_");
    let scored = candidates.into_iter().map(|candidate| {
        let starts = lower.len().min(candidate.len()) >= 3
            && (candidate.starts_with(lower.as_str()) || lower.starts_with(candidate));
        let distance = distance(&lower, &candidate.to_lowercase());
        (if starts { distance.min(1) } else { distance }, candidate)
    });
    let (distance, candidate) = scored.min_by_key(|(distance, _)| *distance)?;
    let letters = word.chars().count().max(candidate.chars().count());
    (distance <= letters.div_ceil(3)).then_some(candidate)
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of
/// neighbours cost one each.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(80).collect();
    let b: Vec<char> = b.chars().take(80).collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best =
                (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["max_surge", "max_unavailable", "min_ready", "duration"];
        assert_eq!(nearest("max_unavailible", known), Some("max_unavailable"));
        assert_eq!(nearest("duraton", known), Some("duration"));
        assert_eq!(nearest("min-ready", known), Some("min_ready"));
        assert_eq!(nearest("max_", ["max_surge", "period"]), Some("max_surge"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("bach", ["", "b", "batch"]), Some("batch"));
    }
}
