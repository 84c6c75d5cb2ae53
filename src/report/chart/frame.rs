//! What all charts share: heading, axes, key, caption, and the mapping from data to the page.

use plotters::chart::{ChartBuilder, DualCoordChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::series::LineSeries;
use plotters::style::{Color, IntoFont, RGBColor, ShapeStyle, TextStyle};

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, FINE, HEIGHT, Mark, Pen, Type, WIDTH, text_width};
use super::palette::{BAND, FAINT, INK};

/// Size of text inside the plot and of axis labels.
pub(super) const TEXT: f64 = 27.0;
/// Distance of lines of text.
const LINE: f64 = TEXT * 1.25;
const INK_RGB: RGBColor = RGBColor(28, 36, 48);
const FAINT_RGB: RGBColor = RGBColor(86, 96, 109);
const GRID_RGB: RGBColor = RGBColor(226, 230, 235);

/// The words around a plot.
#[derive(Debug, Clone)]
pub(super) struct Words {
    pub(super) title: String,
    pub(super) subtitle: String,
    /// What a point is, and over how many runs.
    pub(super) caption: String,
    pub(super) x: String,
    pub(super) y: String,
    /// Of the right axis, if there is one.
    pub(super) right: Option<String>,
}

/// An entry of the key above the plot: a filling and its meaning.
#[derive(Debug, Clone)]
pub(super) struct KeyEntry {
    pub(super) fill: &'static str,
    /// Drawn above `fill`; empty for none.
    pub(super) over: &'static str,
    /// Height of the swatch; less than 22 for a line.
    pub(super) height: f64,
    pub(super) text: String,
}

/// The rectangle of the plot on the page, in viewBox units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

/// The usual place of a plot.
pub(super) const PLOT: Area = Area { left: 135.0, top: 190.0, right: 1465.0, bottom: 800.0 };

type Context<'a> =
    DualCoordChartContext<'a, Canvas, Cartesian2d<Axis, Axis>, Cartesian2d<Axis, Axis>>;

/// A plot with axes, ready for marks.
pub(super) struct Plot<'a> {
    chart: Context<'a>,
    pub(super) canvas: Canvas,
    pub(super) area: Area,
}

/// Drawing into memory cannot fail; what is left are charts too small for their margins, and
/// those are constants of this room.
type Failure = DrawingAreaErrorKind<std::convert::Infallible>;

/// The surface of a canvas as plotters sees it.
pub(super) fn surface(canvas: &Canvas) -> DrawingArea<Canvas, Shift> {
    canvas.clone().into_drawing_area()
}

fn font(color: RGBColor, size: f64) -> TextStyle<'static> {
    ("sans-serif", size * f64::from(FINE)).into_font().color(&color)
}

fn fine(units: f64) -> i32 {
    (units * f64::from(FINE)) as i32
}

impl<'a> Plot<'a> {
    /// Draws the axes and leaves the plot open for marks; call [`Plot::clip`] before drawing
    /// marks that may leave the area.
    pub(super) fn new(
        root: &'a DrawingArea<Canvas, Shift>,
        canvas: &Canvas,
        area: Area,
        axes: (Axis, Axis),
        right: Option<&Axis>,
        words: &Words,
    ) -> Self {
        Self::build(root, canvas, area, axes, right, words)
            .expect("margins are constants that fit the page, and memory takes everything")
    }

    fn build(
        root: &'a DrawingArea<Canvas, Shift>,
        canvas: &Canvas,
        area: Area,
        (x, y): (Axis, Axis),
        right: Option<&Axis>,
        words: &Words,
    ) -> Result<Self, Failure> {
        let below = 84.0;
        let secondary = right.cloned().unwrap_or_else(|| y.clone().unlabelled());
        let mut chart = ChartBuilder::on(root)
            .margin_top(fine(area.top))
            .margin_bottom(fine(HEIGHT - area.bottom - below))
            .margin_left(fine(10.0))
            .margin_right(fine(10.0))
            .x_label_area_size(fine(below))
            .y_label_area_size(fine(area.left - 10.0))
            .right_y_label_area_size(fine(WIDTH - area.right - 10.0))
            .build_cartesian_2d(x.clone(), y)?
            .set_secondary_coord(x, secondary);
        let width = |units: f64| (units * f64::from(FINE)) as u32;
        let axis: ShapeStyle = INK_RGB.stroke_width(width(2.0));
        chart
            .configure_mesh()
            .bold_line_style(GRID_RGB.stroke_width(width(1.5)))
            .light_line_style(GRID_RGB.mix(0.0))
            .axis_style(axis)
            .set_all_tick_mark_size(fine(8.0))
            .label_style(font(INK_RGB, TEXT))
            .axis_desc_style(font(FAINT_RGB, TEXT))
            .x_desc(words.x.as_str())
            .y_desc(words.y.as_str())
            .draw()?;
        if let (Some(_), Some(title)) = (right, &words.right) {
            chart
                .configure_secondary_axes()
                .axis_style(axis)
                .set_all_tick_mark_size(fine(8.0))
                .label_style(font(INK_RGB, TEXT))
                .axis_desc_style(font(FAINT_RGB, TEXT))
                .y_desc(title.as_str())
                .draw()?;
        }
        Ok(Self { chart, canvas: canvas.clone(), area })
    }

    /// Where a point of the data lies on the page.
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let (px, py) = self.chart.backend_coord(&(x, y));
        (f64::from(px) / f64::from(FINE), f64::from(py) / f64::from(FINE))
    }

    /// A line through points of the data; `width` in viewBox units.
    pub(super) fn series(&mut self, points: Vec<(f64, f64)>, color: (u8, u8, u8), width: f64) {
        let style =
            RGBColor(color.0, color.1, color.2).stroke_width((width * f64::from(FINE)) as u32);
        self.chart.draw_series(LineSeries::new(points, style)).expect("memory takes everything");
    }

    /// A vertical line over the whole height at `x`.
    pub(super) fn vertical(&self, x: f64, pen: Pen<'_>) {
        let (px, _) = self.at(x, 0.0);
        self.canvas.line(&[(px, self.area.top), (px, self.area.bottom)], pen);
    }

    /// A horizontal line over the whole width at `y`.
    pub(super) fn horizontal(&self, y: f64, pen: Pen<'_>) {
        let (_, py) = self.at(0.0, y);
        self.canvas.line(&[(self.area.left, py), (self.area.right, py)], pen);
    }

    /// The area between two lines of the data with the same x values.
    pub(super) fn between(
        &self,
        lower: &[(f64, f64)],
        upper: &[(f64, f64)],
        fill: &str,
        opacity: f64,
    ) {
        let there = upper.iter().map(|p| self.at(p.0, p.1));
        let back = lower.iter().rev().map(|p| self.at(p.0, p.1));
        let mut outline: Vec<(f64, f64)> = there.chain(back).collect();
        outline.dedup();
        self.canvas.polygon(&outline, fill, opacity);
    }

    /// From here on nothing is drawn outside the area, until [`Plot::unclip`].
    pub(super) fn clip(&self) {
        let Area { left, top, right, bottom } = self.area;
        self.canvas.add(Mark::Clip((left, top), (right - left, bottom - top)));
    }

    /// Ends [`Plot::clip`].
    pub(super) fn unclip(&self) {
        self.canvas.add(Mark::Unclip);
    }

    /// Where [`Plot::callout`] would put its box: inside the plot and beside the point; `below`
    /// prefers below.
    pub(super) fn callout_box(&self, x: f64, y: f64, lines: &[String], below: bool) -> Area {
        let point = self.at(x, y);
        let width = lines.iter().map(|l| text_width(l, TEXT)).fold(0.0, f64::max) + 30.0;
        let height = LINE * lines.len() as f64 + 16.0;
        let (gap_x, gap_y) = (30.0, 36.0);
        let fits_right = point.0 + gap_x + width <= self.area.right - 8.0;
        let left = if fits_right {
            point.0 + gap_x
        } else {
            (point.0 - gap_x - width).max(self.area.left + 8.0)
        };
        let fits_below = point.1 + gap_y + height <= self.area.bottom - 8.0;
        let fits_above = point.1 - gap_y - height >= self.area.top + 8.0;
        let top = if fits_below && (below || !fits_above) {
            point.1 + gap_y
        } else {
            (point.1 - gap_y - height).max(self.area.top + 8.0)
        };
        Area { left, top, right: left + width, bottom: top + height }
    }

    /// A boxed note with a ring at a point of the data and a leader between them.
    pub(super) fn callout(&self, x: f64, y: f64, lines: &[String], below: bool) {
        let point = self.at(x, y);
        let Area { left, top, right, bottom } = self.callout_box(x, y, lines, below);
        let pen = Pen { color: INK, width: 3.0, dash: &[] };
        let corner = if left > point.0 { left } else { right };
        let edge = if top > point.1 { top } else { bottom };
        self.canvas.line(&[point, (corner, edge)], pen);
        self.canvas.rect((left, top), (right - left, bottom - top), "#ffffff");
        let frame = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        self.canvas.line(&frame, pen);
        for (i, line) in lines.iter().enumerate() {
            let look = Type { bold: i == 0, ..Type::plain(TEXT, INK, Anchor::Start) };
            let base = top + 8.0 + LINE * i as f64 + TEXT;
            self.canvas.text((left + 15.0, base), look, line);
        }
        self.canvas.ring(point, 12.0, INK);
    }
}

impl Area {
    /// Whether the two share any point.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// About the box of a text with its halo; `at` as in [`Canvas::text`].
    pub(super) fn of_text(at: (f64, f64), anchor: Anchor, text: &str) -> Self {
        let width = text_width(text, TEXT) * 1.08;
        let left = match anchor {
            Anchor::Start => at.0,
            Anchor::Middle => at.0 - width / 2.0,
            Anchor::End => at.0 - width,
        };
        let (top, bottom) = (at.1 - TEXT * 0.95, at.1 + TEXT * 0.35);
        Self { left: left - 6.0, top, right: left + width + 6.0, bottom }
    }
}

/// The key: one row right above the plot.
pub(super) fn key(canvas: &Canvas, area: Area, entries: &[KeyEntry]) {
    let base = area.top - 18.0;
    let mut x = area.left;
    for entry in entries {
        let top = base - 11.0 - entry.height / 2.0;
        for fill in [entry.fill, entry.over].into_iter().filter(|f| !f.is_empty()) {
            canvas.rect((x, top), (36.0, entry.height), fill);
        }
        let text = Type::plain(TEXT, INK, Anchor::Start);
        canvas.text((x + 46.0, base - 1.0), text, &entry.text);
        x += 46.0 + text_width(&entry.text, TEXT) + 34.0;
    }
}

/// The key entry of the band over runs.
pub(super) fn band_key(runs: &str) -> KeyEntry {
    let text = format!("p5 to p95 of serving, {runs} runs");
    KeyEntry { fill: BAND, over: "", height: 22.0, text }
}

/// A finished chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawing {
    pub(super) title: String,
    /// The whole message, for those who do not see it.
    pub(super) description: String,
    pub(super) marks: Vec<Mark>,
}

/// The finished chart around what was drawn.
pub(super) fn document(canvas: &Canvas, words: &Words) -> Drawing {
    let page = Canvas::default();
    page.rect((0.0, 0.0), (WIDTH, HEIGHT), "#ffffff");
    let bold = Type { bold: true, ..Type::plain(40.0, INK, Anchor::Start) };
    page.text((40.0, 62.0), bold, &fitted(&words.title, 40.0 * 1.06));
    let plain = Type::plain(29.0, INK, Anchor::Start);
    page.text((40.0, 106.0), plain, &fitted(&words.subtitle, 29.0));
    let body = canvas.take();
    for (i, line) in wrap(&words.caption, 26.0, WIDTH - 80.0).iter().enumerate() {
        let look = Type::plain(26.0, FAINT, Anchor::Start);
        canvas.text((40.0, 934.0 + 33.0 * i as f64), look, line);
    }
    let marks = page.take().into_iter().chain(body).chain(canvas.take()).collect();
    let description = format!("{} {}", words.subtitle, words.caption);
    Drawing { title: words.title.clone(), description, marks }
}

fn fitted(text: &str, size: f64) -> String {
    let mut short: String = text.into();
    while text_width(&short, size) > WIDTH - 80.0 {
        short.pop();
        if short.pop().is_none() {
            break;
        }
        short.push('…');
    }
    short
}

/// Breaks at blanks so that each line is at most `width` wide.
pub(super) fn wrap(text: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line, size) + text_width(word, size) + 8.0 <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

/// A step function's corners: each value holds until the next time, the last until `end`.
pub(super) fn steps(points: &[(f64, f64)], end: f64) -> Vec<(f64, f64)> {
    let mut out = Vec::with_capacity(points.len() * 2);
    for (i, (x, y)) in points.iter().enumerate() {
        let until = points.get(i + 1).map_or(end, |next| next.0);
        out.push((*x, *y));
        out.push((until.max(*x), *y));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{steps, wrap};

    #[test]
    fn steps_hold_until_the_next() {
        assert_eq!(
            steps(&[(0.0, 1.0), (2.0, 3.0)], 5.0),
            [(0.0, 1.0), (2.0, 1.0), (2.0, 3.0), (5.0, 3.0)]
        );
    }

    #[test]
    fn wrapping_keeps_all_words() {
        let lines = wrap("one two three four", 10.0, 60.0);
        assert!(lines.len() > 1);
        assert_eq!(lines.join(" "), "one two three four");
    }
}
