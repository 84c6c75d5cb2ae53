//! Gates: limits on outcomes that a rollout must keep.

use crate::units::Share;

/// A limit on an outcome.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Gate {
    /// As written.
    pub text: String,
    /// The outcome it is about.
    pub outcome: OutcomeKey,
    /// What of that outcome, over runs, is held against the limit.
    pub measure: Measure,
    /// Which side is good.
    pub direction: Direction,
    /// The limit, in the outcome's unit (seconds, share 0..1, count).
    pub limit: Bound,
    /// Line in the scenario file, if it came from one.
    pub line: Option<u32>,
}

/// A limit: absolute, or relative to the desired number of instances.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum Bound {
    /// In the outcome's own unit.
    Absolute(f64),
    /// A share of the desired instances (`serving_min >= 95%`).
    OfInstances(f64),
}

/// What of an outcome is held against the limit.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum Measure {
    /// At least this share of runs must be on the good side.
    InRuns(Share),
    /// The quantile over runs, 0..1.
    Quantile(f64),
    /// The mean over runs.
    Mean,
    /// The probability of an event over runs (`p(rolled_back)`).
    Probability,
}

/// A number over runs that can be compared between settings: `p95(duration)`, `mean(surge_cost)`,
/// `p(rolled_back)`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Measured {
    /// As written.
    pub text: String,
    /// The outcome it is about.
    pub outcome: OutcomeKey,
    /// What of that outcome, over runs; never [`Measure::InRuns`].
    pub measure: Measure,
}

/// Which side of the limit is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Direction {
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
}

/// What a value of an outcome is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// A share, 0..1.
    Share,
    /// A count of instances.
    Instances,
    /// A plain number.
    Number,
    /// Instance-seconds.
    InstanceSeconds,
    /// True in some runs: only `p(…)` of it can be gated.
    Event,
}

macro_rules! outcomes {
    ($(
        $(#[doc = $doc:literal])*
        $variant:ident, $name:literal, $unit:ident, $traffic:literal;
    )*) => {
        /// Every outcome that a gate or a table can name (`design` section "Outcomes").
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
        pub enum OutcomeKey { $($(#[doc = $doc])* $variant,)* }

        impl OutcomeKey {
            /// All of them, in the order in which tables show them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name users write.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What its values are measured in.
            pub fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit,)* }
            }

            /// Whether it needs simulated requests.
            pub fn needs_traffic(self) -> bool {
                match self { $(Self::$variant => $traffic,)* }
            }

            /// The table without which there is no such outcome, if there is one.
            pub fn needs_table(self) -> Option<&'static str> {
                match self {
                    Self::BacklogAge
                    | Self::BacklogMax
                    | Self::Redelivered
                    | Self::DeadLetters
                    | Self::WorkLost => Some("queue"),
                    Self::QuorumLost | Self::VotesMin => Some("quorum"),
                    Self::ScaleEvents | Self::DesiredMax => Some("autoscaler"),
                    Self::Cost => Some("prices"),
                    _ => None,
                }
            }

            /// One sentence about it.
            pub fn describe(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)*).trim_ascii(),)* }
            }
        }
    };
}

outcomes! {
    /// Start of the rollout until the strategy's terminal state.
    Duration, "duration", Seconds, false;
    /// Start of the rollout until the last change of any instance.
    Settled, "settled", Seconds, false;
    /// Lowest number of serving instances.
    ServingMin, "serving_min", Instances, false;
    /// Lowest number of available instances.
    AvailableMin, "available_min", Instances, false;
    /// Highest number of instances that are not terminating.
    InstancesMax, "instances_max", Instances, false;
    /// Highest number of instances, terminating ones included.
    InstancesPeak, "instances_peak", Instances, false;
    /// Integral of (desired − serving)⁺ over time.
    CapacityLost, "capacity_lost", InstanceSeconds, false;
    /// Integral of (instances − desired)⁺ over time, terminating ones included.
    SurgeCost, "surge_cost", InstanceSeconds, false;
    /// Connections wanted of the fullest dependency at its peak, as a share of its limit.
    DependencyPeak, "dependency_peak", Share, false;
    /// Time with both versions serving.
    Mixed, "mixed", Seconds, false;
    /// First evidence of a bad version.
    Detected, "detected", Seconds, false;
    /// Decision to roll back.
    Decided, "decided", Seconds, false;
    /// Service whole again on a good version, after a decision to roll back.
    Restored, "restored", Seconds, false;
    /// Requests that ended from the start of the rollout until it settled.
    Requests, "requests", Number, true;
    /// Requests that failed, whatever the cause.
    Failed, "failed", Number, true;
    /// Failed requests as a share of all.
    FailedShare, "failed_share", Share, true;
    /// Failed: connection refused.
    FailedRefused, "failed_refused", Number, true;
    /// Failed: a kept-alive connection was reset on reuse.
    FailedReset, "failed_reset", Number, true;
    /// Failed: cut when the instance was killed.
    FailedCut, "failed_cut", Number, true;
    /// Failed: no answer within the client's timeout.
    FailedTimeout, "failed_timeout", Number, true;
    /// Failed: the queue was full.
    FailedShed, "failed_shed", Number, true;
    /// Failed: the version answered with an error.
    FailedVersion, "failed_version", Number, true;
    /// Failed: no instance in rotation.
    FailedNoEndpoint, "failed_no_endpoint", Number, true;
    /// Mean latency during the rollout.
    LatencyMean, "latency_mean", Seconds, true;
    /// Median latency during the rollout.
    LatencyP50, "latency_p50", Seconds, true;
    /// 90th percentile of latency during the rollout.
    LatencyP90, "latency_p90", Seconds, true;
    /// 99th percentile of latency during the rollout.
    LatencyP99, "latency_p99", Seconds, true;
    /// 99.9th percentile of latency during the rollout.
    LatencyP999, "latency_p999", Seconds, true;
    /// Time in windows with at least half of the requests failed, with nobody serving, or
    /// without a quorum.
    Outage, "outage", Seconds, false;
    /// Time in windows that break the SLO.
    Degraded, "degraded", Seconds, true;
    /// Share of the SLO period's error budget spent.
    ErrorBudget, "error_budget", Share, true;
    /// Requests answered by a bad version before it was stopped.
    Exposure, "exposure", Number, true;
    /// Attempts per request.
    AttemptsPerRequest, "attempts_per_request", Number, true;
    /// Load of the busiest instance / mean, after completion.
    SkewAfter, "skew_after", Number, true;
    /// Long-lived streams that were cut.
    CutStreams, "cut_streams", Number, false;
    /// The most streams that were opened anew within one second.
    ReconnectPeak, "reconnect_peak", Number, false;
    /// Streams of the busiest instance over the mean, when the record ends.
    StreamSkew, "stream_skew", Number, false;
    /// Longest time from when a message was sent until it waited no more.
    BacklogAge, "backlog_age", Seconds, false;
    /// Most messages that waited at once.
    BacklogMax, "backlog_max", Number, false;
    /// Messages handed out again.
    Redelivered, "redelivered", Number, false;
    /// Messages given up.
    DeadLetters, "dead_letters", Number, false;
    /// Work on messages that was in vain: slots × time.
    WorkLost, "work_lost", Seconds, false;
    /// Time without a quorum.
    QuorumLost, "quorum_lost", Seconds, false;
    /// Lowest number of members that voted.
    VotesMin, "votes_min", Number, false;
    /// How often the autoscaler changed the number of instances.
    ScaleEvents, "scale_events", Number, false;
    /// Most instances that were wanted.
    DesiredMax, "desired_max", Number, false;
    /// Lowest number of serving instances in any one zone.
    ZoneServingMin, "zone_serving_min", Instances, false;
    /// Lowest number of serving instances that the loss of the fullest zone would leave.
    ZoneMargin, "zone_margin", Instances, false;
    /// Hosts bought for instances that found no place.
    NodesBought, "nodes_bought", Number, false;
    /// Integral of instances without a place over time.
    Pending, "pending", InstanceSeconds, false;
    /// Start of the rollout until the last host that was drained is empty.
    Drained, "drained", Seconds, false;
    /// Lookups that missed the caches of instances.
    CacheMisses, "cache_misses", Number, true;
    /// Such misses per second, in the window with most.
    CacheMissPeak, "cache_miss_peak", Number, true;
    /// Calls to the busiest dependency in its busiest window, as a share of its capacity.
    DependencyLoad, "dependency_load", Share, true;
    /// What the rollout cost, by the prices of the scenario.
    Cost, "cost", Number, false;
    /// The rollout completed and the new version serves everywhere.
    Completed, "completed", Event, false;
    /// The old version serves again.
    RolledBack, "rolled_back", Event, false;
    /// The rollout stopped with mixed versions, and may be resumed.
    Paused, "paused", Event, false;
    /// The orchestrator failed the rollout and reverted nothing.
    GivenUp, "given_up", Event, false;
    /// No progress is possible any more.
    Stuck, "stuck", Event, false;
    /// A person was needed.
    Human, "human", Event, false;
    /// A rollback was wanted, and a migration that cannot be undone forbade it.
    RollbackBlocked, "rollback_blocked", Event, false;
    /// A rollback, or a flag in its place, did not help at the first try or in time.
    RollbackFailed, "rollback_failed", Event, false;
    /// Nobody served at some moment, or there was no quorum.
    FullOutage, "full_outage", Event, false;
}
