//! Lists of batch sizes.

use std::ops::Range;

/// Cuts `0..whole` into batches of the sizes that `size` says, by the batch's index; a size of 0
/// means all that are left.
pub(super) fn cut(whole: u32, size: impl Fn(usize) -> u32) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let mut from = 0;
    while from < whole {
        let left = whole - from;
        let taken = match size(batches.len()) {
            0 => left,
            size => size.min(left),
        };
        batches.push(from as usize..(from + taken) as usize);
        from += taken;
    }
    batches
}

/// The size of the largest batch.
pub(super) fn largest(batches: &[Range<usize>]) -> u32 {
    batches.iter().map(|batch| batch.len() as u32).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{cut, largest};

    #[test]
    fn batches_cover_everything_once() {
        assert_eq!(cut(7, |_| 3), [0..3, 3..6, 6..7]);
        assert_eq!(cut(4, |index| [1, 0][index]), [0..1, 1..4]);
        assert_eq!(cut(2, |_| 9), vec![0..2]);
        assert_eq!(cut(0, |_| 1), []);
        assert_eq!(largest(&cut(7, |_| 3)), 3);
    }
}
