//! What happened: one closed set of records, written alike by every world.

pub mod histogram;
pub mod journal;
pub mod life;
pub mod record;
pub mod recorded;

pub use histogram::Histogram;
pub use record::{
    Cause, Ending, HostChange, MessageCounts, Moment, Period, Phase, Record, Ruling, Said, Sink,
    VersionId, WindowCounts,
};
