//! How large an effect must be for a judge to stop the release: a line a judge, errors on the
//! left, latency on the right.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Pen, Type};
use super::frame::{Area, Drawing, PLOT, Plot, TEXT, Words, document, surface};
use super::palette::{FAINT, INK};
use crate::report::format;
use crate::study::judge::{Characteristics, Laboratory, Power};

const ERRORS: Area = Area { left: 135.0, right: 650.0, ..PLOT };
const LATENCY: Area = Area { left: 745.0, right: 1215.0, ..PLOT };
/// Where the names of judges begin.
const NAMES: f64 = 1250.0;

/// A colour and a dash for each judge, so that none is told by its colour alone.
const LINES: [(&str, &[f64]); 8] = [
    ("#2465b0", &[]),
    ("#b3141f", &[14.0, 8.0]),
    ("#e58a2b", &[]),
    ("#7a4ea3", &[14.0, 8.0]),
    ("#2e7d4f", &[]),
    ("#5d6570", &[4.0, 6.0]),
    ("#1f6f9c", &[4.0, 6.0]),
    ("#8a5200", &[20.0, 6.0, 4.0, 6.0]),
];

/// What one judge sees of one kind of effect.
type Curve = fn(&Characteristics) -> &Vec<Power>;

/// Draws it.
pub(super) fn draw(lab: &Laboratory) -> Drawing {
    let words = words(lab);
    let canvas = Canvas::default();
    let root = surface(&canvas);
    let halves: [(Area, &str, Curve); 2] = [
        (ERRORS, "additional errors", |judge| &judge.power_errors),
        (LATENCY, "slower by", |judge| &judge.power_latency),
    ];
    for (area, title, of) in halves {
        let Some(effects) = lab.judges.iter().map(of).find(|power| !power.is_empty()) else {
            continue;
        };
        let last = (effects.len() - 1) as f64;
        let axes = (Axis::rate(last, 2.0).without_ticks(), Axis::share(1.0).up_to(1.02));
        let y = if area.left < NAMES / 2.0 { words.y.clone() } else { String::new() };
        let own = Words { x: String::new(), y, ..words.clone() };
        let plot = Plot::new(&root, &canvas, area, axes, None, &own);
        for (i, power) in effects.iter().enumerate() {
            let (x, y) = plot.at(i as f64, 0.0);
            let look = Type::plain(TEXT * 0.85, INK, Anchor::Middle);
            canvas.text((x, y + 36.0), look, &format!("+{}", format::share(power.effect)));
        }
        let look = Type::plain(TEXT, FAINT, Anchor::Middle);
        canvas.text((f64::midpoint(area.left, area.right), area.bottom + 76.0), look, title);
        for (judge, (color, dash)) in lab.judges.iter().zip(LINES.iter().cycle()) {
            let points: Vec<(f64, f64)> = of(judge)
                .iter()
                .enumerate()
                .map(|(i, power)| plot.at(i as f64, power.stopped.value))
                .collect();
            if points.len() > 1 {
                canvas.line(&points, Pen { color, width: 5.0, dash });
            }
        }
    }
    for (i, (judge, (color, dash))) in lab.judges.iter().zip(LINES.iter().cycle()).enumerate() {
        let y = PLOT.top + 24.0 + 68.0 * i as f64;
        canvas.line(&[(NAMES, y), (NAMES + 54.0, y)], Pen { color, width: 5.0, dash });
        let look = Type { bold: true, ..Type::plain(TEXT * 0.9, INK, Anchor::Start) };
        let name: String = judge.name.chars().take(18).collect();
        canvas.text((NAMES + 66.0, y + 6.0), look, &name);
        let text = format!("stops {} of good", format::share(judge.false_stops.value));
        let look = Type::plain(TEXT * 0.75, FAINT, Anchor::Start);
        canvas.text((NAMES + 66.0, y + 34.0), look, &text);
    }
    document(&canvas, &words)
}

fn words(lab: &Laboratory) -> Words {
    let instances = lab.instances;
    Words {
        title: format!("{}: what a judge can see, {instances} instances", lab.service),
        subtitle: "Share of releases stopped, by how much worse they are.".to_owned(),
        caption: format!(
            "{} rollouts at each point, {} good ones for the stops of good releases; the same \
             luck for all.",
            lab.power_runs, lab.runs
        ),
        x: String::new(),
        y: "releases stopped".to_owned(),
        right: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::vector;
    use super::draw;
    use crate::report::judge::example;

    #[test]
    fn every_judge_has_its_line_and_name() {
        let text = vector::svg(&draw(&example()), "judge");
        assert!(!text.contains("NaN"));
        for words in ["default", "additional errors", "slower by", "stops 4% of good"] {
            assert!(text.contains(words), "{words}");
        }
    }
}
