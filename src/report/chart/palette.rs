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

/// The hatches, as SVG definitions.
pub(super) const PATTERNS: &str = "\
<pattern id=\"draining\" width=\"14\" height=\"14\" patternUnits=\"userSpaceOnUse\" \
patternTransform=\"rotate(45)\"><rect width=\"14\" height=\"14\" fill=\"#f5b041\"/>\
<rect width=\"5\" height=\"14\" fill=\"#cf7f12\"/></pattern>
<pattern id=\"starting\" width=\"14\" height=\"14\" patternUnits=\"userSpaceOnUse\" \
patternTransform=\"rotate(-45)\"><rect width=\"14\" height=\"14\" fill=\"#d6ebf8\"/>\
<rect width=\"4\" height=\"14\" fill=\"#8fc3e6\"/></pattern>
<pattern id=\"leaving\" width=\"14\" height=\"14\" patternUnits=\"userSpaceOnUse\" \
patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"14\" fill=\"#cf7f12\"/></pattern>
<pattern id=\"bad\" width=\"12\" height=\"12\" patternUnits=\"userSpaceOnUse\" \
patternTransform=\"rotate(-45)\"><rect width=\"12\" height=\"12\" fill=\"#b3141f\" \
fill-opacity=\"0.16\"/><rect width=\"4\" height=\"12\" fill=\"#b3141f\" fill-opacity=\"0.65\"/>\
</pattern>
<pattern id=\"band\" width=\"9\" height=\"9\" patternUnits=\"userSpaceOnUse\">\
<rect width=\"9\" height=\"9\" fill=\"#ffffff\" fill-opacity=\"0.25\"/>\
<rect width=\"2.6\" height=\"9\" fill=\"#0b1f3a\" fill-opacity=\"0.75\"/></pattern>";
