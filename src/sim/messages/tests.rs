use proptest::prelude::*;

use super::{Config, Messages, Place};
use crate::engine::Seeds;
use crate::scenario::pieces::{Queue, Redelivery};
use crate::scenario::{Arrivals, Dist, Profile, Traffic};
use crate::sim::model;
use crate::trace::MessageCounts;
use crate::units::{Rate, Span, Time};

const fn secs(seconds: u64) -> Time {
    Time(seconds * 1_000_000_000)
}

const fn span(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

/// Messages that arrive at these times; the next pass is beyond any test.
fn at(seconds: &[u64]) -> Traffic {
    let at = seconds.iter().map(|s| s * 1_000_000_000).collect();
    let profile = Profile::Instants { at, period: span(1_000_000) };
    Traffic { profile, arrivals: Arrivals::Poisson, scale: 1.0 }
}

fn config(arrivals: Traffic, service: &Dist) -> Config {
    let queue = Queue {
        arrivals,
        visibility_timeout: span(30),
        extend: false,
        redelivery: Redelivery::Timeout,
        max_receives: u32::MAX,
    };
    Config { queue, slots: 1, service: [(); 2].map(|()| model::sampler(service)), errors: [0.0; 2] }
}

/// One open consumer from the beginning, the rollout too.
fn begun(config: Config) -> Messages {
    let mut messages = Messages::new(config);
    messages.reset(Seeds::new(1, 0), Time::ZERO);
    messages.begin(Time::ZERO);
    messages.add(0);
    messages.open(0, Time::ZERO);
    messages
}

fn counts(messages: &mut Messages, at: Time) -> MessageCounts {
    messages.advance(at);
    audit(messages);
    messages.counts(at)
}

/// Every message is in exactly one place, and every place knows it.
fn audit(messages: &Messages) {
    let mut tally = [0; 5];
    for (index, message) in messages.all.iter().enumerate() {
        let index = index as u32;
        let owners = messages.consumers.iter().enumerate().filter(|(consumer, entry)| {
            let job = |job: &super::Job| {
                job.message == index
                    && job.receive == message.receives
                    && message.place == Place::Taken(*consumer as u32)
            };
            entry.jobs.iter().flatten().any(job)
        });
        let owners = owners.count();
        let in_line = messages.waiting.iter().filter(|other| **other == index).count();
        let (kind, owned) = match message.place {
            Place::Waiting => (0, 0),
            Place::Hidden => (1, 0),
            Place::Taken(_) => (2, 1),
            Place::Done => (3, 0),
            Place::Dead => (4, 0),
        };
        tally[kind] += 1;
        assert_eq!(owners, owned, "{message:?}");
        assert_eq!(in_line == 1, message.place == Place::Waiting || (kind == 3 && in_line == 1));
        assert!(in_line <= 1);
    }
    let MessageCounts { sent, done, dead, .. } = messages.counts;
    assert_eq!(tally[0], messages.waits);
    assert_eq!(tally[1], messages.hidden);
    assert_eq!((u64::from(tally[3]), u64::from(tally[4])), (done, dead));
    assert_eq!(u64::from(tally.iter().sum::<u32>()), sent);
    for (index, entry) in messages.consumers.iter().enumerate() {
        assert_eq!(entry.jobs.iter().flatten().count() as u32, entry.busy);
        let free = messages.free.iter().filter(|other| **other == index as u32).count();
        assert_eq!(free == 1, entry.open && entry.busy < messages.config.slots);
    }
    // Nobody waits while somebody is free.
    assert!(messages.waits == 0 || messages.free.is_empty());
}

#[test]
fn a_job_cut_at_its_end_of_life_is_done_again_by_somebody_else() {
    let mut messages = begun(config(at(&[1]), &Dist::Fixed(span(10))));
    messages.add(0);
    messages.advance(secs(5));
    messages.open(1, secs(5));
    messages.kill(0, secs(5));
    // Out of sight until 30 s after it was handed out.
    let hidden = counts(&mut messages, secs(30));
    assert_eq!((hidden.left, hidden.backlog_max, messages.hidden), (1, 1, 1));
    let after = counts(&mut messages, secs(60));
    assert_eq!((after.done, after.redelivered), (1, 1));
    assert_eq!((after.work_lost, after.oldest), (span(4), span(30)));
}

#[test]
fn a_broker_that_sees_the_connection_go_hands_out_at_once() {
    let mut config = config(at(&[1, 2]), &Dist::Fixed(span(10)));
    config.queue.redelivery = Redelivery::Disconnect;
    let mut messages = begun(config);
    messages.advance(secs(5));
    messages.add(0);
    messages.kill(0, secs(5));
    messages.open(1, secs(5));
    // The message that was lost is at the head again, before the one that came later.
    let first = counts(&mut messages, secs(16));
    assert_eq!((first.done, first.redelivered, first.work_lost), (1, 1, span(4)));
    assert_eq!(messages.all[0].place, Place::Done);
}

#[test]
fn a_job_longer_than_the_visibility_timeout_is_never_done_while_others_are_free() {
    let service = Dist::Fixed(span(40));
    let both = |extend| {
        let mut config = config(at(&[0]), &service);
        config.queue.extend = extend;
        let mut messages = begun(config);
        messages.add(0);
        messages.open(1, Time::ZERO);
        counts(&mut messages, secs(100))
    };
    // Handed out at 0, 30, 60 and 90 s, each time before the one before has finished.
    let never = both(false);
    assert_eq!((never.done, never.redelivered, never.work_lost), (0, 3, span(80)));
    let once = both(true);
    assert_eq!((once.done, once.redelivered, once.work_lost), (1, 0, Span::ZERO));
    // With nobody to take it meanwhile the first to finish is in time.
    let mut alone = begun(config(at(&[0]), &service));
    let alone = counts(&mut alone, secs(100));
    assert_eq!((alone.done, alone.redelivered, alone.work_lost), (1, 0, Span::ZERO));
}

#[test]
fn whoever_extended_is_missed_after_its_last_extension() {
    let mut config = config(at(&[0]), &Dist::Fixed(span(100)));
    config.queue.extend = true;
    let mut messages = begun(config);
    messages.advance(secs(40));
    messages.add(0);
    messages.kill(0, secs(40));
    messages.open(1, secs(40));
    // Extended at 30 s for 30 s.
    assert_eq!(counts(&mut messages, secs(60)).redelivered, 0);
    assert_eq!(counts(&mut messages, secs(61)).redelivered, 1);
}

#[test]
fn a_message_that_always_fails_is_a_dead_letter() {
    let mut config = config(at(&[0]), &Dist::Fixed(span(1)));
    (config.errors, config.queue.max_receives) = ([1.0; 2], 3);
    let mut messages = begun(config);
    // Handed out at 0, 30 and 60 s; given up when it is there again at 90 s.
    assert_eq!(counts(&mut messages, secs(90)).dead_letters, 0);
    let after = counts(&mut messages, secs(91));
    assert_eq!((after.dead_letters, after.redelivered, after.work_lost), (1, 2, span(3)));
}

#[test]
fn a_closed_consumer_finishes_what_it_has() {
    let mut messages = begun(config(at(&[0, 1]), &Dist::Fixed(span(10))));
    messages.advance(secs(2));
    messages.close(0);
    assert_eq!(messages.idle_at(0, secs(2)), secs(10));
    let after = counts(&mut messages, secs(50));
    assert_eq!((after.done, after.left, after.oldest), (1, 1, span(49)));
    assert_eq!(messages.worked(0, secs(50)), (span(10), 1));
}

/// M/M/c with many consumers, by Little's law: what they are busy with is the offered load.
#[test]
fn consumers_are_busy_with_the_offered_load() {
    let profile = Profile::Constant(Rate(8.0));
    let arrivals = Traffic { profile, arrivals: Arrivals::Poisson, scale: 1.0 };
    let mut config = config(arrivals, &Dist::Exponential { mean: span(1) });
    config.queue.visibility_timeout = span(1000);
    let mut messages = begun(config);
    for consumer in 1..10 {
        messages.add(0);
        messages.open(consumer, Time::ZERO);
    }
    let length = 20_000;
    messages.advance(secs(length));
    let worked = |consumer| messages.worked(consumer, secs(length)).0.as_secs_f64();
    let busy: f64 = (0..10).map(worked).sum::<f64>() / length as f64;
    // The variance of a sum of services over T: λ·E[S²]·T = 16·T.
    let error = (16.0 / length as f64).sqrt();
    assert!((busy - 8.0).abs() < 4.0 * error, "{busy} ± {error}");
}

#[derive(Debug, Clone)]
enum Op {
    Advance(u64),
    Open(u32),
    Close(u32),
    Kill(u32),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (1u64..9_000).prop_map(Op::Advance),
        2 => (0u32..4).prop_map(Op::Open),
        1 => (0u32..4).prop_map(Op::Close),
        2 => (0u32..4).prop_map(Op::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_message_is_done_dead_waiting_or_somebodys(
        ops in prop::collection::vec(op(), 1..60),
        slots in 1u32..4,
        (extend, disconnects) in any::<(bool, bool)>(),
        (visibility, max_receives) in (100u64..4_000, 1u32..5),
        errors in 0.0f64..0.6,
        seed in 0u64..1000,
    ) {
        let profile = Profile::Constant(Rate(5.0));
        let arrivals = Traffic { profile, arrivals: Arrivals::Poisson, scale: 1.0 };
        let mut config = config(arrivals, &Dist::Exponential { mean: Span::from_millis(700) });
        config.queue.visibility_timeout = Span::from_millis(visibility);
        (config.queue.extend, config.queue.max_receives) = (extend, max_receives);
        if disconnects {
            config.queue.redelivery = Redelivery::Disconnect;
        }
        (config.slots, config.errors) = (slots, [errors, 0.0]);
        let mut messages = Messages::new(config);
        messages.reset(Seeds::new(seed, 0), Time::ZERO);
        messages.begin(Time::ZERO);
        (0..4).for_each(|consumer| messages.add((consumer % 2) as u8));
        let mut now = Time::ZERO;
        for op in ops {
            match op {
                Op::Advance(millis) => {
                    now += Span::from_millis(millis);
                    messages.advance(now);
                }
                Op::Open(consumer) => messages.open(consumer, now),
                Op::Close(consumer) => messages.close(consumer),
                Op::Kill(consumer) => messages.kill(consumer, now),
            }
            audit(&messages);
        }
        let counts = messages.counts(now);
        prop_assert_eq!(counts.sent, counts.done + counts.dead + counts.left);
        prop_assert!(max_receives > 1 || counts.redelivered == 0);
    }
}
