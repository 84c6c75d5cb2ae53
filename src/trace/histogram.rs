//! A log-linear histogram of nanoseconds: 128 buckets an octave, relative width below 0.8 %.

use std::ops::{Range, RangeInclusive};

use serde::{Deserialize, Serialize};

use crate::units::Span;

const SUB_BITS: u32 = 7;
const SUB: u64 = 1 << SUB_BITS;
const BUCKETS: usize = ((64 - SUB_BITS + 1) as usize) << SUB_BITS;

/// Counts of durations in log-linear buckets, with the exact sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: Box<[u32; BUCKETS]>,
    sum: u128,
}

impl Default for Histogram {
    fn default() -> Self {
        // Zeroed on the heap: as an array it would cross the stack first.
        let counts = vec![0; BUCKETS].try_into().expect("as many as there are buckets");
        Self { counts, sum: 0 }
    }
}

#[inline(always)]
fn bucket(nanos: u64) -> usize {
    // Below 2·SUB the buckets are single nanoseconds; above, the leading SUB_BITS + 1 bits count.
    let shift = (nanos | SUB).ilog2() - SUB_BITS;
    ((u64::from(shift) << SUB_BITS) + (nanos >> shift)) as usize
}

fn buckets(nanos: RangeInclusive<u64>) -> Range<usize> {
    bucket(*nanos.start())..bucket(*nanos.end()) + 1
}

fn lower_edge(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * SUB {
        return bucket;
    }
    let shift = (bucket >> SUB_BITS) - 1;
    (SUB + (bucket & (SUB - 1))) << shift
}

impl Histogram {
    /// Counts one.
    #[inline(always)]
    pub fn add(&mut self, nanos: u64) {
        self.counts[bucket(nanos)] += 1;
        self.sum += u128::from(nanos);
    }

    /// Takes one back that was counted before.
    pub fn remove(&mut self, nanos: u64) {
        self.counts[bucket(nanos)] -= 1;
        self.sum -= u128::from(nanos);
    }

    /// Adds all that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts.iter()) {
            *mine = mine.saturating_add(*theirs);
        }
        self.sum += other.sum;
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        self.sum = 0;
    }

    /// How many were counted.
    pub fn len(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count)).sum()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|&count| count == 0)
    }

    /// The exact mean in seconds; not a number when empty.
    pub fn mean_secs(&self) -> f64 {
        let total = self.len();
        if total == 0 { f64::NAN } else { self.sum as f64 / total as f64 / 1e9 }
    }

    /// The quantile `p`, interpolated within its bucket, in seconds; not a number when empty.
    pub fn quantile_secs(&self, p: f64) -> f64 {
        self.quantile_of(p, 0..BUCKETS)
    }

    /// The same, for somebody who knows that all that was counted lies in this range (ns).
    pub fn quantile_secs_within(&self, p: f64, nanos: RangeInclusive<u64>) -> f64 {
        self.quantile_of(p, buckets(nanos))
    }

    /// Forgets everything, for somebody who knows that it all lies in this range (ns).
    pub fn clear_within(&mut self, nanos: RangeInclusive<u64>) {
        self.counts[buckets(nanos)].fill(0);
        self.sum = 0;
    }

    fn quantile_of(&self, p: f64, buckets: Range<usize>) -> f64 {
        let total: u64 = self.counts[buckets.clone()].iter().map(|&count| u64::from(count)).sum();
        if total == 0 {
            return f64::NAN;
        }
        let rank = p.clamp(0.0, 1.0) * total as f64;
        let mut below = 0.0;
        for index in buckets {
            let count = f64::from(self.counts[index]);
            if count > 0.0 && below + count >= rank {
                let (low, high) = (lower_edge(index) as f64, lower_edge(index + 1) as f64);
                return (low + (high - low) * ((rank - below) / count)) / 1e9;
            }
            below += count;
        }
        f64::NAN
    }

    /// The share of counted values that are at most `limit`, interpolated within its bucket.
    pub fn share_at_most(&self, limit: Span) -> f64 {
        let index = bucket(limit.0);
        let below: u64 = self.counts[..index].iter().map(|&c| u64::from(c)).sum();
        let (low, high) = (lower_edge(index) as f64, lower_edge(index + 1) as f64);
        let part = ((limit.0 as f64 - low) / (high - low)).clamp(0.0, 1.0);
        (below as f64 + part * f64::from(self.counts[index])) / self.len() as f64
    }
}

/// Written sparsely: `[[bucket, count], …]` and the sum.
#[derive(Serialize, Deserialize)]
struct Sparse {
    counts: Vec<(u32, u32)>,
    sum_ns: u64,
}

impl Serialize for Histogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let filled = self.counts.iter().enumerate().filter(|(_, c)| **c > 0);
        let counts = filled.map(|(i, c)| (i as u32, *c)).collect();
        Sparse { counts, sum_ns: u64::try_from(self.sum).unwrap_or(u64::MAX) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sparse = Sparse::deserialize(deserializer)?;
        let mut histogram = Self { sum: u128::from(sparse.sum_ns), ..Self::default() };
        for (index, count) in sparse.counts {
            let slot = histogram.counts.get_mut(index as usize);
            *slot.ok_or_else(|| serde::de::Error::custom("histogram bucket out of range"))? = count;
        }
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Histogram, bucket, lower_edge};

    #[test]
    fn buckets_are_contiguous_and_narrow() {
        for index in 0..BUCKETS - 1 {
            let low = lower_edge(index);
            assert_eq!(bucket(low), index);
            assert_eq!(bucket(lower_edge(index + 1) - 1), index);
            let width = lower_edge(index + 1) - low;
            assert!(width == 1 || width * 128 <= low + width);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_interpolate_and_removal_undoes() {
        let mut histogram = Histogram::default();
        for i in 1..=100_000 {
            histogram.add(i * 1000);
        }
        assert!((histogram.quantile_secs(0.99) / 0.099 - 1.0).abs() < 1e-3);
        assert!((histogram.mean_secs() - 0.050_000_5).abs() < 1e-12);
        let before = histogram.clone();
        histogram.add(123_456);
        histogram.remove(123_456);
        assert_eq!(before, histogram);
        let text = serde_json::to_string(&histogram).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram);
    }
}
