//! One colour and one pattern for each state, the same in every chart.
//!
//! Grey, blue and amber stay apart in the common forms of colour blindness; failure red differs
//! from all of them in lightness too, and every state that a reader must not mix up also has its
//! own hatch.

/// Instances of the old version that serve.
pub(super) const OLD: &str = "#a3a9b1";
/// Instances of the new version that serve.
pub(super) const NEW: &str = "#2465b0";
/// Told to stop (hatched).
pub(super) const DRAINING: &str = "url(#draining)";
/// Not serving yet (hatched).
pub(super) const STARTING: &str = "url(#starting)";
/// Told to stop, but still in rotation: stripes over the version's colour.
pub(super) const LEAVING: &str = "url(#leaving)";
/// What must not happen (hatched area).
pub(super) const BAD: &str = "url(#bad)";
/// What must not happen (lines, marks, text).
pub(super) const RED: &str = "#b3141f";
/// Amber text.
pub(super) const AMBER_INK: &str = "#8a5200";
/// Pale blue's text.
pub(super) const STARTING_INK: &str = "#1f6f9c";
/// Main text and lines.
pub(super) const INK: &str = "#1c2430";
/// Secondary text.
pub(super) const FAINT: &str = "#56606d";
/// The spread over runs: upright hairlines that leave the colours beneath visible.
pub(super) const BAND: &str = "url(#band)";
/// Areas of failures by cause, the most frequent first.
pub(super) const CAUSES: [&str; 4] = [RED, "#e58a2b", "#7a4ea3", "#5d6570"];

/// A filling of parallel stripes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hatch {
    pub(super) name: &'static str,
    /// Distance of stripes.
    pub(super) size: f64,
    /// Upright stripes are turned clockwise by so much.
    pub(super) degrees: f64,
    /// Colour and opacity between stripes.
    pub(super) ground: (&'static str, f64),
    /// Colour and opacity of stripes.
    pub(super) stripe: (&'static str, f64),
    /// Width of a stripe.
    pub(super) width: f64,
}

/// All hatches, named as in the fillings above.
pub(super) const HATCHES: [Hatch; 5] = [
    Hatch {
        name: "draining",
        size: 14.0,
        degrees: 45.0,
        ground: ("#f5b041", 1.0),
        stripe: ("#cf7f12", 1.0),
        width: 5.0,
    },
    Hatch {
        name: "starting",
        size: 14.0,
        degrees: -45.0,
        ground: ("#d6ebf8", 1.0),
        stripe: ("#8fc3e6", 1.0),
        width: 4.0,
    },
    Hatch {
        name: "leaving",
        size: 14.0,
        degrees: 45.0,
        ground: ("#ffffff", 0.0),
        stripe: ("#cf7f12", 1.0),
        width: 5.0,
    },
    Hatch {
        name: "bad",
        size: 12.0,
        degrees: -45.0,
        ground: (RED, 0.16),
        stripe: (RED, 0.7),
        width: 4.0,
    },
    Hatch {
        name: "band",
        size: 9.0,
        degrees: 0.0,
        ground: ("#ffffff", 0.25),
        stripe: ("#0b1f3a", 0.8),
        width: 2.6,
    },
];
