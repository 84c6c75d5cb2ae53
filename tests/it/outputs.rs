//! The files in `outputs/` are what their commands write.

use std::path::Path;

use crate::readme::words;
use crate::support::Run;

/// The lines of `outputs/README.md` that call the program.
fn commands(readme: &str) -> Vec<Vec<String>> {
    let lines = readme.lines().filter_map(|line| line.strip_prefix("rollcast "));
    lines.map(words).collect()
}

#[test]
fn outputs_are_what_their_commands_write() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("outputs/README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for command in commands(&readme) {
        let into = folder.path().to_str().expect("a plain path");
        let args: Vec<String> =
            command.iter().map(|word| word.replace("outputs/", &format!("{into}/"))).collect();
        let done = Run::new(args).run();
        // 10: a gate fails, which is what some of them show.
        assert!(matches!(done.code, Some(0 | 10)), "{command:?}: {}", done.stderr);
        for file in command.iter().filter_map(|word| word.strip_prefix("outputs/")) {
            let fresh = std::fs::read(folder.path().join(file)).unwrap();
            let kept = std::fs::read(root.join("outputs").join(file)).unwrap_or_default();
            // Pixels may differ between machines; the SVG of the same chart is compared.
            if Path::new(file).extension().is_some_and(|suffix| suffix != "png") {
                assert!(fresh == kept, "outputs/{file} is stale: run the command above it");
                compared += 1;
            } else {
                assert!(fresh.starts_with(b"\x89PNG") && kept.starts_with(b"\x89PNG"), "{file}");
            }
        }
    }
    assert!(compared >= 6, "only {compared} files compared");
}
