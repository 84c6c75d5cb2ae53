//! The screen.

use std::fmt::Write as _;

use crate::study::verify::Report;

/// One line a recording, and what all of them come to.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for v in &report.verdicts {
        let _ = writeln!(text, "{} {} {} {:?}", v.id, v.class, v.final_ok, v.duration_s);
    }
    text
}
