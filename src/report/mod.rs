//! Results as people and programs read them: a screen, JSON, CSV, charts.
//!
//! Nothing here simulates or decides: everything comes from one
//! [`SimResult`](crate::study::SimResult).
//! The same result gives the same bytes; no clock, no system font, no locale.

pub mod backtest;
pub mod chart;
pub mod compare;
pub mod difference;
pub mod explain;
pub mod fit;
#[cfg(test)]
mod fixture;
pub mod format;
pub mod incidents;
pub mod json;
pub mod judge;
pub mod rare;
mod shape;
pub mod stories;
pub mod storm;
pub mod summary;
pub mod sweep;
pub mod system;
pub mod table;
pub mod trouble;
pub mod tune;
pub mod verify;

pub use summary::Style;

use crate::trace::{Ending, Said};

/// How a request failed, in words for people.
fn cause(ending: Ending) -> &'static str {
    match ending {
        Ending::Ok => "answered",
        Ending::Refused => "refused",
        Ending::Reset => "reset on reuse",
        Ending::Cut => "cut at kill",
        Ending::Timeout => "timeout",
        Ending::Shed => "queue full",
        Ending::Version => "version error",
        Ending::NoEndpoint => "no endpoint",
    }
}

/// What the orchestrator says, as it would.
fn said(said: Said) -> &'static str {
    match said {
        Said::Progressing => "“still progressing”",
        Said::Completed => "“completed”",
        Said::Paused => "“paused”",
        Said::RollingBack => "“rolling back”",
        Said::RolledBack => "“rolled back”",
        Said::Failed => "“failed”",
        Said::RollbackPaused => "“rollback paused”",
        Said::DeadlineExceeded => "“deadline exceeded”",
    }
}
