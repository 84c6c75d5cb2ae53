//! The records of a rollout and the legal moves of an instance.

use serde::{Deserialize, Serialize};

use crate::trace::Histogram;
use crate::units::{Span, Time};

/// What an instance runs: 0 is the old version, 1 the new one, 2 and up later ones (rollover).
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct VersionId(pub u8);

impl VersionId {
    /// What ran before the rollout.
    pub const OLD: Self = Self(0);
    /// What is rolled out.
    pub const NEW: Self = Self(1);
}

/// The life of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not placed yet.
    Pending,
    /// Placed; pulling or booting.
    Starting,
    /// Passes readiness.
    Ready,
    /// Ready for the strategy's min-ready time.
    Available,
    /// Told to stop; no new traffic wanted.
    Draining,
    /// Gone.
    Stopped,
    /// Crashed; may restart.
    Failed,
    /// Its host is gone.
    Lost,
}

impl Phase {
    /// The table of legal moves.
    pub fn may_become(self, next: Self) -> bool {
        use Phase::{Available, Draining, Failed, Lost, Pending, Ready, Starting, Stopped};
        match self {
            Pending => matches!(next, Starting | Draining | Stopped | Failed | Lost),
            Starting => matches!(next, Ready | Draining | Stopped | Failed | Lost),
            Ready => matches!(next, Available | Starting | Draining | Stopped | Failed | Lost),
            Available => matches!(next, Ready | Starting | Draining | Stopped | Failed | Lost),
            Draining => matches!(next, Stopped | Lost),
            Failed => matches!(next, Starting | Draining | Stopped | Lost),
            Stopped | Lost => false,
        }
    }

    /// Whether it counts as ready (available instances are).
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Ready | Self::Available)
    }

    /// Whether it exists and has not been told to stop.
    pub fn is_active(self) -> bool {
        matches!(
            self,
            Self::Pending | Self::Starting | Self::Ready | Self::Available | Self::Failed
        )
    }
}

/// Why something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It ran when the record began.
    Initial,
    /// The strategy asked for it.
    Strategy,
    /// A host was found.
    Placed,
    /// The readiness probe passed often enough.
    Probe,
    /// It has been ready for the min-ready time.
    MinReady,
    /// The process ended by itself after SIGTERM.
    Exited,
    /// The grace period was over: SIGKILL.
    Killed,
    /// It crashed.
    Crashed,
    /// Its host is drained: it was evicted.
    Evicted,
    /// The readiness probe failed often enough.
    Unready,
    /// Nobody has heard of its host for too long.
    Unreachable,
    /// Its host was given up.
    HostLost,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Answered in time.
    Ok,
    /// The process did not accept the connection any more (or not yet).
    Refused,
    /// A kept-alive connection turned out to be closed.
    Reset,
    /// In flight when the process was killed.
    Cut,
    /// Not answered within the client's timeout.
    Timeout,
    /// The queue was full.
    Shed,
    /// The version answered with an error.
    Version,
    /// No instance in rotation.
    NoEndpoint,
}

impl Ending {
    /// All of them; the index of each is `as usize`.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Refused,
        Self::Reset,
        Self::Cut,
        Self::Timeout,
        Self::Shed,
        Self::Version,
        Self::NoEndpoint,
    ];

    /// The name used in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Cut => "cut",
            Self::Timeout => "timeout",
            Self::Shed => "shed",
            Self::Version => "version",
            Self::NoEndpoint => "no_endpoint",
        }
    }
}

/// What the orchestrator says of the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// Still at it.
    Progressing,
    /// Done.
    Completed,
    /// Stopped where it was.
    Paused,
    /// Going back to the old version.
    RollingBack,
    /// Back at the old version.
    RolledBack,
    /// Its deadline passed; nothing was stopped or reverted.
    DeadlineExceeded,
    /// Given up; nothing is reverted.
    Failed,
    /// Stopped on the way back to the old version.
    RollbackPaused,
}

impl Said {
    /// Whether nothing more happens by itself after it.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Paused | Self::RolledBack | Self::Failed | Self::RollbackPaused
        )
    }
}

/// Marks in the life of a rollout, beside phase moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The new version was handed to the orchestrator.
    Begun,
    /// A batch (of this number) began.
    Batch(u32),
    /// An instance failed to become ready in time.
    InstanceFailed(u32),
    /// Somebody (the strategy, a pipeline, a person) noticed trouble.
    Detected,
    /// A rollback was decided.
    RollbackDecided,
    /// A change of the data began, forth or back.
    Migrating,
    /// It is done.
    Migrated,
    /// A rollback was wanted, and a migration that cannot be undone forbids it.
    RollbackBlocked,
    /// A person was called.
    HumanCalled,
    /// The simulation gave up waiting for an end.
    GaveUp,
    /// A feature flag is turned off in place of a rollback.
    FlagTurned,
    /// Every process knows of the flag, and behaves.
    FlagOff,
    /// A rollback, or the flag in its place, did not help in time.
    RollbackFailed,
    /// A controller put the new version back, against those who rolled back by hand.
    PutBack,
}

/// What a judge says of the new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// It is good.
    Pass,
    /// It is bad.
    Fail,
}

/// What became of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostChange {
    /// It was there when the record began.
    Initial,
    /// It was bought for instances that found no place, and is there now.
    Bought,
    /// It takes no more instances: it is being drained.
    Cordoned,
    /// It is empty.
    Drained,
    /// It takes instances again.
    Uncordoned,
    /// It is gone.
    Lost,
    /// It is there again.
    Returned,
}

/// Which part of the record latency belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Before the rollout.
    Before,
    /// From its beginning until it settled.
    During,
    /// After that.
    After,
}

/// Requests that ended in one window, by ending; and how many were slower than the objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WindowCounts {
    /// Indexed by [`Ending`] `as usize`.
    pub ended: [u32; 8],
    /// Of the `Ok` ones, slower than the latency objective.
    pub slow: u32,
    /// Arrivals in the window (requests, not attempts).
    pub arrived: u32,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// An instance moved. `Pending` with cause `Initial` or `Strategy` creates it.
    Phase {
        /// Number of the instance, in order of creation.
        instance: u32,
        /// What it runs.
        version: VersionId,
        /// Where to. (Where from is its last record.)
        to: Phase,
        /// Why.
        cause: Cause,
    },
    /// An instance began (`true`) or ceased (`false`) to serve: in rotation of at least half of
    /// the data-plane nodes and able to answer.
    Serving {
        /// The instance.
        instance: u32,
        /// What it runs.
        version: VersionId,
        /// Whether it does now.
        serving: bool,
    },
    /// An instance got a place; only written where it matters which (zones, room, drains).
    Placed {
        /// The instance.
        instance: u32,
        /// Where.
        host: u32,
        /// The zone of that host.
        zone: u32,
    },
    /// Something became of a host; only written where it matters.
    Host {
        /// Its number.
        host: u32,
        /// Where it lies.
        zone: u32,
        /// What.
        change: HostChange,
    },
    /// Lookups that missed the caches of instances since the rollout began; written once, at the
    /// end, if there are caches.
    Misses {
        /// All of them.
        total: u64,
        /// In the window that had most.
        most: u64,
    },
    /// A running process took another version: no instance was replaced.
    Reloaded {
        /// The instance.
        instance: u32,
        /// What it runs from now on.
        version: VersionId,
    },
    /// The number of instances wanted changed.
    Desired {
        /// Now so many.
        instances: u32,
    },
    /// What the orchestrator says changed.
    Said(Said),
    /// A mark.
    Moment(Moment),
    /// Requests that ended in the window that begins at the record's time.
    Window {
        /// By version (index 0 and 1) and for requests that reached none (index 2).
        counts: [WindowCounts; 3],
    },
    /// Latency of answered requests over one period; written once, at the end.
    Latency {
        /// When they arrived.
        period: Period,
        /// What answered them.
        version: VersionId,
        /// Sojourn in nanoseconds.
        histogram: Histogram,
    },
    /// Connections to a dependency changed, or were asked for in vain.
    Connections {
        /// Place among the scenario's dependencies.
        dependency: u8,
        /// Open now, or being opened.
        held: u32,
        /// Those, and what processes ask for that have none yet.
        wanted: u32,
        /// The most there can be.
        limit: Option<u32>,
    },
    /// Calls to a dependency that has a capacity; written once, at the end.
    Calls {
        /// Place among the scenario's dependencies.
        dependency: u8,
        /// Calls in the busiest window of the whole record.
        peak: u32,
        /// Calls that it can answer in one window.
        limit: f64,
    },
    /// Totals over the whole record; written once, at the end.
    Totals {
        /// Attempts, retries included.
        attempts: u64,
        /// Requests served by each instance after the strategy's terminal state.
        served_after: Vec<(u32, u64)>,
    },
    /// Long-lived streams over the whole record; written once, at the end.
    Streams {
        /// Begun by clients, not counting what was opened anew.
        opened: u64,
        /// Cut since the rollout began.
        cut: u64,
        /// Asked to leave, or handed over.
        moved: u64,
        /// The most that were opened anew within one second.
        reconnect_peak: u64,
        /// Open at the end, by instance that is ready.
        held: Vec<(u32, u64)>,
    },
    /// So many members of a quorum vote; written at the beginning and when it changes.
    Votes {
        /// Now so many.
        votes: u32,
        /// So many are needed.
        need: u32,
    },
    /// What became of the messages of a queue; written once, at the end.
    Messages(MessageCounts),
    /// What an autoscaler did; written once, at the end.
    Scaled {
        /// How often it changed the number of instances wanted.
        events: u32,
        /// The most that were ever wanted.
        most: u32,
    },
    /// What is rolled out, and what is wrong with it; written at the beginning if anything may be.
    Release {
        /// Whether it carries any defect.
        bad: bool,
        /// Which, by their places among the scenario's defects.
        defects: Vec<u8>,
    },
    /// A judge has come to another verdict on the new version.
    Judged {
        /// Place among the scenario's judges.
        judge: u8,
        /// What it says now.
        ruling: Ruling,
    },
}

/// What became of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCounts {
    /// Sent, over the whole record; each is done, dead or left.
    pub sent: u64,
    /// Worked on to the end.
    pub done: u64,
    /// Given up.
    pub dead: u64,
    /// Neither, at the end: they wait, or somebody works on them.
    pub left: u64,
    /// Given up since the beginning of the rollout.
    pub dead_letters: u64,
    /// Handed out for the second time or a later one, since the beginning of the rollout.
    pub redelivered: u64,
    /// Time of slots spent on work that was in vain, since the beginning of the rollout.
    pub work_lost: Span,
    /// The most messages that waited at once, since the beginning of the rollout; those included
    /// whose consumer is gone and that nobody can see yet.
    pub backlog_max: u64,
    /// The longest time from when a message was sent until it waited no more.
    pub oldest: Span,
}

/// Takes records in order of time.
pub trait Sink {
    /// Takes one; `at` never decreases, except for `Window` (whose time is the window's begin)
    /// and the records that are written once at the end.
    fn record(&mut self, at: Time, record: Record);
}

/// A borrowed sink is one, too.
impl<S: Sink + ?Sized> Sink for &mut S {
    fn record(&mut self, at: Time, record: Record) {
        (**self).record(at, record);
    }
}

/// Keeps all records.
impl Sink for Vec<(Time, Record)> {
    fn record(&mut self, at: Time, record: Record) {
        self.push((at, record));
    }
}
