//! The event queue with 10², 10⁴ and 10⁶ pending events, beside the standard library's heap.
//!
//! The hold model (Vaucher and Duval, 1975): take the next event, add one later by a random
//! span, so that the number pending stays. Nanoseconds are for one such pair. Quote the ratio;
//! wall times are as noisy as the machine.
//!
//! `cargo bench --bench queue [-- PENDING [PAIRS]]`

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::Instant;

use rollcast::engine::{BLOCK, EventQueue, Law, Seeds, VariateBlock};
use rollcast::units::{Span, Time};

/// Enough spans that their order is no pattern, few enough to stay near.
const SPANS: usize = 16 * BLOCK;

/// Exponential spans with a mean of a second.
fn spans() -> Vec<Span> {
    let mut block = VariateBlock::new(Law::Exponential(1e9), Seeds::new(1, 0).stream(1, 0));
    let mut spans = Vec::with_capacity(SPANS);
    while spans.len() < SPANS {
        block.refill();
        spans.extend(block.values.iter().map(|nanos| Span(*nanos as u64)));
    }
    spans
}

/// Seconds for `pairs` of a removal and an insertion; `hold` takes the next event and adds one
/// that much later, and returns the time of the one it took.
fn time(pairs: usize, spans: &[Span], mut hold: impl FnMut(Span) -> Time) -> f64 {
    let begin = Instant::now();
    let mut last = Time::ZERO;
    for span in spans.iter().cycle().take(pairs) {
        let now = hold(*span);
        assert!(now >= last, "events come out in order of time");
        last = now;
    }
    black_box(last);
    begin.elapsed().as_secs_f64()
}

fn ours(pending: usize, pairs: usize, spans: &[Span]) -> f64 {
    let mut queue = EventQueue::default();
    for (event, span) in spans.iter().cycle().take(pending).enumerate() {
        // Spread further, or the first events of every cycle would be ties.
        queue.push(Time(span.0 ^ event as u64), event as u32);
    }
    let mut hold = |span| {
        let (now, event) = queue.pop().expect("the number pending stays");
        queue.push(now + span, event);
        now
    };
    time(pending, spans, &mut hold);
    time(pairs, spans, hold)
}

fn standard(pending: usize, pairs: usize, spans: &[Span]) -> f64 {
    let mut heap = BinaryHeap::new();
    let mut sequence = 0u64;
    for (event, span) in spans.iter().cycle().take(pending).enumerate() {
        heap.push(Reverse((Time(span.0 ^ event as u64), sequence, event as u32)));
        sequence += 1;
    }
    let mut hold = |span| {
        let Reverse((now, _, event)) = heap.pop().expect("the number pending stays");
        heap.push(Reverse((now + span, sequence, event)));
        sequence += 1;
        now
    };
    time(pending, spans, &mut hold);
    time(pairs, spans, hold)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |at: usize| arguments.get(at).map(|n| n.parse::<usize>().expect("a number"));
    let pairs = number(1).unwrap_or(3_000_000);
    let cases = number(0).map_or(vec![100, 10_000, 1_000_000], |pending| vec![pending]);
    let spans = spans();
    println!("{:>9} {:>12} {:>12} {:>7}", "pending", "ours ns", "std heap ns", "ratio");
    for pending in cases {
        // Interleaved, the best of three: noise only ever adds.
        let (mut best, mut reference) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..3 {
            best = best.min(ours(pending, pairs, &spans));
            reference = reference.min(standard(pending, pairs, &spans));
        }
        let nanos = |seconds: f64| seconds / pairs as f64 * 1e9;
        let (mine, theirs, ratio) = (nanos(best), nanos(reference), best / reference);
        println!("{pending:>9} {mine:>12.1} {theirs:>12.1} {ratio:>7.2}");
    }
}
