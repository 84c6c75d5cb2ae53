//! What surrounds virtual machines that are made from images.

/// From "the machine has its place" until the service's process has started: the boot. A guess
/// at a small Linux image, not a measurement.
pub(super) const LAUNCH: &str = "{ p50 = \"30s\", p95 = \"60s\" }";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::scenario::load;

    /// The messages that a table of this orchestrator gets in a fleet of so many.
    fn complaints(instances: u32, table: &str) -> Vec<String> {
        let text = format!(
            "rollcast = 1\n[service]\ninstances = {instances}\n[versions.old]\nstart = \"5s\"\n\
             [strategy.{table}"
        );
        match load(&text, "x.toml", Path::new("."), &[]) {
            Ok(_) => Vec::new(),
            Err(error) => error.diagnostics.into_iter().map(|d| d.message).collect(),
        }
    }

    #[test]
    fn what_the_clouds_refuse_is_refused() {
        let zero = "max_surge = 0\nmax_unavailable = 0";
        let refused = [
            (10, format!("mig]\n{zero}"), "neither add a machine nor take one away"),
            (
                10,
                "mig]\nreplacement_method = \"RECREATE\"\nmax_unavailable = 0".to_owned(),
                "keeps its place",
            ),
            (9, "mig]\nmax_surge = \"20%\"".to_owned(), "fewer than 10"),
            (
                9,
                "mig]\nmost_disruptive_allowed_action = \"RESTART\"".to_owned(),
                "needs REPLACE of every machine",
            ),
            (
                9,
                "asg]\nmin_healthy_percentage = 50\nmax_healthy_percentage = 151".to_owned(),
                "differ by at most 100",
            ),
            (9, "asg]\ncheckpoint_percentages = [20, 20]".to_owned(), "must ascend"),
            (9, "asg]\nbake_time = \"49h\"".to_owned(), "longer than AWS takes"),
        ];
        for (instances, table, part) in refused {
            let found = complaints(instances, &table);
            assert!(found.len() == 1 && found[0].contains(part), "{table}: {found:?}");
        }
        for table in ["asg]", "mig]", "vmss]", "service_fabric]", "mig]\nmax_surge = 0"] {
            assert_eq!(complaints(9, table), Vec::<String>::new(), "{table}");
        }
    }
}
