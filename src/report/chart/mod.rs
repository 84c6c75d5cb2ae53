//! Charts as SVG and PNG: capacity, instances, duration, load.
//!
//! An SVG stands alone: no script, no link, no font inside; text names Roboto first and falls
//! back to what the viewer has. The same result gives the same bytes. States have the same
//! colours everywhere and also differ by hatch.

mod axis;
mod canvas;
mod capacity;
mod compare;
mod duration;
mod frame;
mod judge;
mod load;
mod map;
mod message;
mod multiples;
mod palette;
mod raster;
mod slots;
mod storm;
mod system;
mod timeline;
mod tornado;
mod tradeoff;
mod vector;
mod verify;

use super::compare::Row;
use crate::study::judge::Laboratory;
use crate::study::sensitivity::Sensitivity;
use crate::study::storm::Map;
use crate::study::sweep::SweepResult;
use crate::study::system::SystemResult;
use crate::study::verify::Verdict;
use crate::study::{SimResult, Story};

/// Which chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Serving capacity over time: the median run, with the spread over runs.
    Capacity,
    /// Each instance of one run as a bar over time.
    Slots,
    /// Distribution of the duration over runs.
    Duration,
    /// Demand against capacity, and failures by cause.
    Load,
}

impl Kind {
    /// All of them, in the order in which reports show them.
    pub const ALL: [Self; 4] = [Self::Capacity, Self::Slots, Self::Duration, Self::Load];

    /// The name used for files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Capacity => "capacity",
            Self::Slots => "slots",
            Self::Duration => "duration",
            Self::Load => "load",
        }
    }
}

/// Why a chart could not be rendered as pixels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// The font in the binary is damaged.
    #[error("cannot read the font of charts: {0}")]
    Font(String),
    /// No memory for the pixels.
    #[error("not enough memory for the picture")]
    Memory,
    /// The pixels could not be encoded.
    #[error("cannot encode the picture as PNG: {0}")]
    Png(String),
}

/// The chart as one SVG document (viewBox 1600 × 1000); capacity and slots show the median run.
pub fn svg(kind: Kind, result: &SimResult) -> String {
    svg_of_run(kind, result, &result.median, "the median run")
}

/// The chart with another run in the place of the median one; `name` is how the caption calls it
/// ("the worst run"). Duration and load are about all runs and do not depend on it.
pub fn svg_of_run(kind: Kind, result: &SimResult, story: &Story, name: &str) -> String {
    vector::svg(&draw(kind, result, story, name), kind.name())
}

/// Several rollouts side by side, as SVG.
pub fn svg_of_comparison(title: &str, rows: &[Row]) -> String {
    vector::svg(&compare::draw(title, rows), "compare")
}

/// Several rollouts side by side, as a PNG of 1600 × 1000 pixels.
///
/// # Errors
/// If there is no memory for the pixels or they cannot be encoded.
pub fn png_of_comparison(title: &str, rows: &[Row]) -> Result<Vec<u8>, ChartError> {
    raster::png(&compare::draw(title, rows))
}

/// Where retry storms outlive their rollouts, as SVG.
pub fn svg_of_storms(map: &Map) -> String {
    vector::svg(&storm::draw(map), "storm")
}

/// The same as a PNG of 1600 × 1000 pixels.
///
/// # Errors
/// If there is no memory for the pixels or they cannot be encoded.
pub fn png_of_storms(map: &Map) -> Result<Vec<u8>, ChartError> {
    raster::png(&storm::draw(map))
}

/// What a number over runs of this service hangs on, as SVG.
pub fn svg_of_inputs(service: &str, found: &Sensitivity) -> String {
    vector::svg(&tornado::draw(service, found), "tornado")
}

/// The same as a PNG of 1600 × 1000 pixels.
///
/// # Errors
/// If there is no memory for the pixels or they cannot be encoded.
pub fn png_of_inputs(service: &str, found: &Sensitivity) -> Result<Vec<u8>, ChartError> {
    raster::png(&tornado::draw(service, found))
}

/// Several services rolled out in order, a lane each, as SVG.
pub fn svg_of_system(title: &str, result: &SystemResult) -> String {
    vector::svg(&system::draw(title, result), "system")
}

/// The same as a PNG of 1600 × 1000 pixels.
///
/// # Errors
/// If there is no memory for the pixels or they cannot be encoded.
pub fn png_of_system(title: &str, result: &SystemResult) -> Result<Vec<u8>, ChartError> {
    raster::png(&system::draw(title, result))
}

/// Which chart of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SweepKind {
    /// What is won against what is lost, a point a setting.
    Tradeoff,
    /// The goal over two keys, and where gates break.
    Map,
    /// Each outcome along the first key.
    Multiples,
}

fn draw_sweep(kind: SweepKind, result: &SweepResult) -> frame::Drawing {
    match kind {
        SweepKind::Tradeoff => tradeoff::draw(result),
        SweepKind::Map => map::draw(result),
        SweepKind::Multiples => multiples::draw(result),
    }
}

/// Many settings, as SVG.
pub fn svg_of_sweep(kind: SweepKind, result: &SweepResult) -> String {
    vector::svg(&draw_sweep(kind, result), "sweep")
}

/// The same as a PNG of 1600 × 1000 pixels.
///
/// # Errors
/// If there is no memory for the pixels or they cannot be encoded.
pub fn png_of_sweep(kind: SweepKind, result: &SweepResult) -> Result<Vec<u8>, ChartError> {
    raster::png(&draw_sweep(kind, result))
}

/// What judges can see, as SVG.
pub fn svg_of_judges(lab: &Laboratory) -> String {
    vector::svg(&judge::draw(lab), "judge")
}

/// The same as a PNG of 1600 × 1000 pixels.
///
/// # Errors
/// If there is no memory for the pixels or they cannot be encoded.
pub fn png_of_judges(lab: &Laboratory) -> Result<Vec<u8>, ChartError> {
    raster::png(&judge::draw(lab))
}

/// A recorded rollout in its predicted band over so many runs, as SVG.
pub fn svg_of_verdict(verdict: &Verdict, runs: u32) -> String {
    vector::svg(&verify::draw(verdict, runs), "verify")
}

/// The same as a PNG of 1600 × 1000 pixels.
///
/// # Errors
/// If there is no memory for the pixels or they cannot be encoded.
pub fn png_of_verdict(verdict: &Verdict, runs: u32) -> Result<Vec<u8>, ChartError> {
    raster::png(&verify::draw(verdict, runs))
}

/// The chart as a PNG of 1600 × 1000 pixels.
///
/// # Errors
/// If there is no memory for the pixels or they cannot be encoded.
pub fn png(kind: Kind, result: &SimResult) -> Result<Vec<u8>, ChartError> {
    png_of_run(kind, result, &result.median, "the median run")
}

/// [`svg_of_run`] as a PNG of 1600 × 1000 pixels.
///
/// # Errors
/// If there is no memory for the pixels or they cannot be encoded.
pub fn png_of_run(
    kind: Kind,
    result: &SimResult,
    story: &Story,
    name: &str,
) -> Result<Vec<u8>, ChartError> {
    raster::png(&draw(kind, result, story, name))
}

fn draw(kind: Kind, result: &SimResult, story: &Story, name: &str) -> frame::Drawing {
    match kind {
        Kind::Capacity => capacity::draw(result, story, name),
        Kind::Slots => slots::draw(result, story, name),
        Kind::Duration => duration::draw(result),
        Kind::Load => load::draw(result),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, png, svg, svg_of_run};
    use crate::report::fixture;
    use crate::study::SimResult;

    fn all() -> Vec<(&'static str, SimResult)> {
        vec![
            ("batches", fixture::batches()),
            ("kubernetes", fixture::kubernetes()),
            ("recreate", fixture::recreate()),
            ("large", fixture::large()),
            ("capacity_only", fixture::capacity_only()),
        ]
    }

    /// Not a check: writes the pictures for eyes.
    /// `ROLLCAST_CHARTS=/tmp/charts cargo test --lib report::chart -- --ignored`
    #[test]
    #[ignore = "writes pictures to look at into $ROLLCAST_CHARTS"]
    fn write_pictures() {
        let folder = std::env::var("ROLLCAST_CHARTS").expect("set ROLLCAST_CHARTS to a folder");
        for (name, result) in all() {
            for kind in Kind::ALL {
                let path = format!("{folder}/{name}-{}", kind.name());
                std::fs::write(format!("{path}.svg"), svg(kind, &result)).unwrap();
                std::fs::write(format!("{path}.png"), png(kind, &result).unwrap()).unwrap();
            }
        }
        let result = fixture::batches();
        for kind in [Kind::Capacity, Kind::Slots] {
            let story = fixture::failing_story(&result);
            let picture = super::png_of_run(kind, &result, story, "a run that failed").unwrap();
            std::fs::write(format!("{folder}/failing-{}.png", kind.name()), picture).unwrap();
        }
    }

    #[test]
    fn sweeps_are_drawn_with_what_fails() {
        use super::{SweepKind, png_of_sweep, svg_of_sweep};
        use crate::report::sweep::tests::result;
        let (line, map) = (result(5, 1), result(5, 3));
        let text = svg_of_sweep(SweepKind::Tradeoff, &line);
        assert!(text.contains("batch 3</text>") && text.contains("p95 of duration (m:ss)"));
        let text = svg_of_sweep(SweepKind::Map, &map);
        assert!(text.contains("url(#bad)") && text.contains("rate (upwards)"), "hatched");
        assert!(svg_of_sweep(SweepKind::Map, &line).contains("A map needs two keys"));
        for kind in [SweepKind::Tradeoff, SweepKind::Map, SweepKind::Multiples] {
            let once = svg_of_sweep(kind, &map);
            assert!(once == svg_of_sweep(kind, &map) && !once.contains("NaN"), "{kind:?}");
            assert!(png_of_sweep(kind, &map).is_ok());
        }
    }

    #[test]
    fn charts_are_well_formed_and_the_same_twice() {
        for (name, result) in all() {
            for kind in Kind::ALL {
                let once = svg(kind, &result);
                assert_eq!(once, svg(kind, &result), "{name}");
                assert_eq!(once.matches("<g ").count(), once.matches("</g>").count());
                assert!(once.contains("<title") && once.contains("<desc"));
                assert!(!once.contains("NaN") && !once.contains("inf,"), "{name} {kind:?}");
                let ids: Vec<&str> = once.split(" id=\"").skip(1).collect();
                let ids: Vec<&str> = ids.iter().filter_map(|s| s.split('"').next()).collect();
                let unique: std::collections::BTreeSet<&&str> = ids.iter().collect();
                assert_eq!(ids.len(), unique.len());
                assert!(once.len() < 400_000, "{name} {kind:?} has {} bytes", once.len());
            }
        }
    }

    #[test]
    fn many_steps_stay_small_and_keep_the_lowest() {
        let mut result = fixture::batches();
        let series = &mut result.median.series;
        let (begun, mut point) = (series.begun, series.points[0]);
        series.points = (0..100_000_u64)
            .map(|i| {
                point.at = begun + crate::units::Span::from_millis(2 * i);
                point.serving_old = if i == 54_321 { 5 } else { 10 + (i % 3) as u32 };
                point
            })
            .collect();
        let text = svg(Kind::Capacity, &result);
        assert!(text.contains("lowest: 5 of 12 serving at 1:49"));
        assert!(text.len() < 300_000, "{} bytes", text.len());
    }

    #[test]
    fn results_without_ends_or_times_are_drawn_too() {
        let mut result = fixture::batches();
        result.summaries.clear();
        result.failures.clear();
        for (.., outcome) in &mut result.table.rows {
            outcome.values.fill(f64::NAN);
        }
        assert!(svg(Kind::Duration, &result).contains("No run reached an end"));
        assert!(svg(Kind::Load, &result).contains("no request failed"));
        result.bands = crate::study::Bands::default();
        result.median.series.points.clear();
        result.median.records.clear();
        for kind in Kind::ALL {
            assert!(!svg(kind, &result).contains("NaN"), "{kind:?}");
            assert!(png(kind, &result).is_ok());
        }
    }

    #[test]
    fn pictures_are_png() {
        let picture = png(Kind::Capacity, &fixture::batches()).unwrap();
        assert_eq!(&picture[..8], b"\x89PNG\r\n\x1a\n");
        assert!(picture.len() > 20_000, "text and areas take more than {}", picture.len());
    }

    #[test]
    fn capacity_names_gate_lowest_point_and_end() {
        let result = fixture::batches();
        let text = svg(Kind::Capacity, &result);
        assert!(text.contains("gate: serving_min &gt;= 9 in 99% of runs"));
        assert!(text.contains("lowest: 9 of 12 serving"));
        assert!(text.contains("says “completed”"));
        assert!(text.contains("batch 4"));
    }

    #[test]
    fn a_failed_run_shows_its_failure() {
        let result = fixture::batches();
        let story = fixture::failing_story(&result);
        let text = svg_of_run(Kind::Slots, &result, story, "a run that failed");
        assert!(text.contains("says “paused”"));
        assert!(text.contains(">failed</text>"));
    }

    #[test]
    fn without_traffic_the_load_chart_says_so() {
        let text = svg(Kind::Load, &fixture::capacity_only());
        assert!(text.contains("capacity only"));
    }

    #[test]
    fn many_instances_are_thinned_with_a_note() {
        let text = svg(Kind::Slots, &fixture::large());
        assert!(text.contains("of 600 instances are shown"));
    }
}
