//! Results as people and programs read them: a screen, JSON, CSV, charts.
//!
//! Nothing here simulates or decides: everything comes from one
//! [`SimResult`](crate::study::SimResult).
//! The same result gives the same bytes; no clock, no system font, no locale.

pub mod backtest;
pub mod chart;
pub mod compare;
pub mod fit;
#[cfg(test)]
mod fixture;
pub mod format;
pub mod json;
pub mod judge;
mod shape;
pub mod storm;
pub mod summary;
pub mod system;
pub mod table;
pub mod verify;

pub use summary::Style;

use crate::trace::Ending;

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
