//! `rollcast explain haproxy`: what a preset of `[data_plane]` sets, and where each number is from.

use std::fmt::Write;

use crate::scenario::pieces::Preset;

/// The page of a data plane, in all its modes.
pub(super) fn text(what: &str) -> String {
    let mut page = String::new();
    for preset in Preset::ALL.iter().filter(|p| p.kind() == what || p.name() == what) {
        let mode = preset.mode().map_or(String::new(), |mode| format!(", mode = \"{mode}\""));
        let _ = writeln!(page, "[data_plane] kind = \"{}\"{mode}", preset.kind());
        let _ = writeln!(page, "  {}\n", preset.about());
        for (key, value, source) in preset.rows() {
            let _ = writeln!(page, "  {key} = {value}\n      {source}");
        }
        page.push('\n');
    }
    page += "What is written in a scenario counts before this, and this before what the\n\
             orchestrator makes of a key.\n";
    page
}

/// All presets, a line each.
pub(super) fn list() -> String {
    let mut page = String::from("\nPRESETS  rollcast explain NAME says what each sets, and why\n");
    for preset in Preset::ALL {
        let _ = writeln!(page, "  {:<22} {}", preset.name(), preset.about());
    }
    page
}
