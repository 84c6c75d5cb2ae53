//! Stand-ins with the signatures of rooms that are merged separately; to be replaced by `use`
//! lines then. Whoever calls one is told so.

/// Of `crate::study`.
pub(super) mod study {
    use crate::scenario::Scenario;
    use crate::study::SimResult;

    pub(in crate::cli) struct Options {
        pub(in crate::cli) seed: u64,
        pub(in crate::cli) runs: Runs,
        pub(in crate::cli) max_runs: u32,
        pub(in crate::cli) threads: usize,
    }

    #[derive(Debug)]
    pub(in crate::cli) enum Runs {
        Auto,
        Fixed(u32),
    }

    pub(in crate::cli) struct Progress {
        pub(in crate::cli) done: u32,
        pub(in crate::cli) planned: u32,
    }

    pub(in crate::cli) fn simulate(
        _: &Scenario,
        options: &Options,
        show: &(dyn Fn(Progress) + Sync),
    ) -> SimResult {
        show(Progress { done: 0, planned: options.max_runs });
        let Options { seed, runs, threads, .. } = options;
        unreachable!("study is merged separately (seed {seed}, {runs:?}, {threads} threads)")
    }

    pub(in crate::cli) mod validate {
        use std::path::Path;

        pub(in crate::cli) fn run(full: bool, out: &Path) -> anyhow::Result<()> {
            anyhow::bail!("validation is merged separately (full {full}, {})", out.display())
        }
    }
}

/// Of `crate::report`.
pub(super) mod report {
    pub(in crate::cli) struct Style {
        pub(in crate::cli) width: usize,
        pub(in crate::cli) ascii: bool,
        pub(in crate::cli) color: bool,
    }

    pub(in crate::cli) mod summary {
        use crate::study::SimResult;

        pub(in crate::cli) fn render(_: &SimResult, style: &super::Style) -> String {
            format!("{} {} {}", style.width, style.ascii, style.color)
        }

        pub(in crate::cli) fn verdict_line(result: &SimResult) -> String {
            format!("{:?}", result.verdict)
        }
    }

    pub(in crate::cli) mod json {
        use crate::study::SimResult;

        pub(in crate::cli) fn render(result: &SimResult) -> String {
            format!("{}", result.seed)
        }

        pub(in crate::cli) fn schema() -> String {
            String::new()
        }
    }

    pub(in crate::cli) mod table {
        use crate::study::SimResult;

        pub(in crate::cli) fn render_csv(result: &SimResult) -> String {
            format!("{}", result.seed)
        }
    }

    pub(in crate::cli) mod chart {
        use crate::study::SimResult;

        #[derive(Debug)]
        pub(in crate::cli) enum Kind {
            Capacity,
            Slots,
            Duration,
            Load,
        }

        pub(in crate::cli) fn svg(kind: Kind, result: &SimResult) -> String {
            format!("{kind:?} {}", result.seed)
        }

        pub(in crate::cli) fn png(kind: Kind, result: &SimResult) -> anyhow::Result<Vec<u8>> {
            anyhow::bail!("charts are merged separately ({kind:?}, {})", result.seed)
        }
    }
}

/// Of `crate::scenario::import`.
pub(super) mod kubernetes {
    pub(in crate::cli) struct Imported {
        pub(in crate::cli) toml: String,
        pub(in crate::cli) read: Vec<String>,
        pub(in crate::cli) assumed: Vec<String>,
        pub(in crate::cli) ignored: Vec<String>,
    }

    pub(in crate::cli) fn import(text: &str, file: &str) -> anyhow::Result<Imported> {
        if text.is_empty() {
            let none = Vec::new;
            let toml = String::new();
            return Ok(Imported { toml, read: none(), assumed: none(), ignored: none() });
        }
        anyhow::bail!("import is merged separately ({file})")
    }
}
