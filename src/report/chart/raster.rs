//! Marks as a PNG, with a font of our own: no system font, the same picture anywhere.

use ab_glyph::{Font, FontRef, OutlineCurve};
use tiny_skia::{
    Color, FillRule, FilterQuality, LineJoin, Mask, Paint, Path, PathBuilder, Pattern, Pixmap,
    Rect, Shader, SpreadMode, Stroke, StrokeDash, Transform,
};

use super::ChartError;
use super::canvas::{Anchor, At, HALO, HEIGHT, Look, Mark, WIDTH};
use super::frame::Drawing;
use super::palette::{HATCHES, Hatch};

/// Latin subset of Roboto; licence beside it.
const REGULAR: &[u8] = include_bytes!("../assets/Roboto-Regular-subset.ttf");
const BOLD: &[u8] = include_bytes!("../assets/Roboto-Bold-subset.ttf");
/// Hatches are drawn so many times larger than they are used, for smooth edges.
const TILE: f64 = 4.0;

/// Renders it at one pixel per viewBox unit.
pub(super) fn png(drawing: &Drawing) -> Result<Vec<u8>, ChartError> {
    let mut page = Page::new()?;
    for mark in &drawing.marks {
        page.draw(mark)?;
    }
    page.pixels.encode_png().map_err(|e| ChartError::Png(e.to_string()))
}

struct Page {
    pixels: Pixmap,
    /// One tile of each hatch, in the order of [`HATCHES`].
    tiles: Vec<Pixmap>,
    fonts: [FontRef<'static>; 2],
    clip: Option<Mask>,
}

impl Page {
    fn new() -> Result<Self, ChartError> {
        let font =
            |data| FontRef::try_from_slice(data).map_err(|e| ChartError::Font(e.to_string()));
        let tiles: Result<Vec<Pixmap>, ChartError> = HATCHES.iter().map(tile).collect();
        let pixels = Pixmap::new(WIDTH as u32, HEIGHT as u32).ok_or(ChartError::Memory)?;
        Ok(Self { pixels, tiles: tiles?, fonts: [font(REGULAR)?, font(BOLD)?], clip: None })
    }

    fn draw(&mut self, mark: &Mark) -> Result<(), ChartError> {
        match mark {
            Mark::Rect(at, size, fill) => self.fill(rect(*at, *size), fill, 1.0),
            Mark::Area(points, fill, opacity) => self.fill(polyline(points, true), fill, *opacity),
            Mark::Line(points, color, width, dash) => {
                self.stroke(polyline(points, false), color, *width, dash);
            }
            Mark::Circle((x, y), radius, color, width) => {
                let circle = PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32);
                self.stroke(circle, color, *width, &[]);
            }
            Mark::Text(at, turns, look, text) => {
                let path = self.outline(*at, *turns, look, text);
                if look.halo {
                    self.stroke(path.clone(), "#ffffff", HALO, &[]);
                }
                self.fill(path, &look.color, 1.0);
            }
            Mark::Clip(at, size) => {
                let mut mask = Mask::new(WIDTH as u32, HEIGHT as u32).ok_or(ChartError::Memory)?;
                if let Some(path) = rect(*at, *size) {
                    mask.fill_path(&path, FillRule::Winding, true, Transform::identity());
                }
                self.clip = Some(mask);
            }
            Mark::Unclip => self.clip = None,
        }
        Ok(())
    }

    /// Nothing happens without a path: tiny-skia has none for what has no extent.
    fn fill(&mut self, path: Option<Path>, fill: &str, opacity: f64) {
        let Some(path) = path else { return };
        let hatch = HATCHES.iter().position(|h| fill == format!("url(#{})", h.name));
        let shader = match hatch {
            Some(index) => {
                let scale = (1.0 / TILE) as f32;
                let turn = Transform::from_rotate(HATCHES[index].degrees as f32);
                let shrink = turn.pre_scale(scale, scale);
                let tile = self.tiles[index].as_ref();
                Pattern::new(tile, SpreadMode::Repeat, FilterQuality::Bilinear, 1.0, shrink)
            }
            None => Shader::SolidColor(color(fill, opacity)),
        };
        let paint = Paint { shader, ..Paint::default() };
        let still = Transform::identity();
        self.pixels.fill_path(&path, &paint, FillRule::Winding, still, self.clip.as_ref());
    }

    fn stroke(&mut self, path: Option<Path>, ink: &str, width: f64, dash: &[f64]) {
        let Some(path) = path else { return };
        let paint = Paint { shader: Shader::SolidColor(color(ink, 1.0)), ..Paint::default() };
        let dash = StrokeDash::new(dash.iter().map(|d| *d as f32).collect(), 0.0);
        let line_join = LineJoin::Round;
        let stroke = Stroke { width: width as f32, dash, line_join, ..Stroke::default() };
        let still = Transform::identity();
        self.pixels.stroke_path(&path, &paint, &stroke, still, self.clip.as_ref());
    }

    /// The outlines of a line of text, where it shall be.
    fn outline(&self, at: At, turns: i32, look: &Look, text: &str) -> Option<Path> {
        let font = &self.fonts[usize::from(look.bold)];
        let scale = look.size as f32 / font.units_per_em()?;
        let width: f32 = text.chars().map(|c| font.h_advance_unscaled(font.glyph_id(c))).sum();
        let mut x = match look.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        let mut path = PathBuilder::new();
        for c in text.chars() {
            let glyph = font.glyph_id(c);
            if let Some(outline) = font.outline(glyph) {
                contours(&mut path, &outline.curves, x);
            }
            x += font.h_advance_unscaled(glyph);
        }
        // Font units grow upwards, the page grows downwards.
        let place = Transform::from_translate(at.0 as f32, at.1 as f32)
            .pre_rotate(90.0 * turns as f32)
            .pre_scale(scale, -scale);
        path.finish()?.transform(place)
    }
}

/// Appends the contours of a glyph whose origin is at `x`, in font units. A contour ends where
/// the next curve does not begin where the last one ended.
fn contours(path: &mut PathBuilder, curves: &[OutlineCurve], x: f32) {
    let mut pen = None;
    for curve in curves {
        let (start, end) = match curve {
            OutlineCurve::Line(a, b)
            | OutlineCurve::Quad(a, _, b)
            | OutlineCurve::Cubic(a, _, _, b) => (*a, *b),
        };
        if pen != Some(start) {
            path.move_to(x + start.x, start.y);
        }
        match curve {
            OutlineCurve::Line(_, b) => path.line_to(x + b.x, b.y),
            OutlineCurve::Quad(_, c, b) => path.quad_to(x + c.x, c.y, x + b.x, b.y),
            OutlineCurve::Cubic(_, c, d, b) => {
                path.cubic_to(x + c.x, c.y, x + d.x, d.y, x + b.x, b.y);
            }
        }
        pen = Some(end);
    }
}

fn tile(hatch: &Hatch) -> Result<Pixmap, ChartError> {
    let size = hatch.size * TILE;
    let mut tile = Pixmap::new(size as u32, size as u32).ok_or(ChartError::Memory)?;
    for ((ink, opacity), width) in [(hatch.ground, size), (hatch.stripe, hatch.width * TILE)] {
        let paint = Paint { shader: Shader::SolidColor(color(ink, opacity)), ..Paint::default() };
        if let Some(rect) = Rect::from_xywh(0.0, 0.0, width as f32, size as f32) {
            tile.fill_rect(rect, &paint, Transform::identity(), None);
        }
    }
    Ok(tile)
}

fn rect(at: At, size: At) -> Option<Path> {
    let rect = Rect::from_xywh(at.0 as f32, at.1 as f32, size.0 as f32, size.1 as f32)?;
    Some(PathBuilder::from_rect(rect))
}

fn polyline(points: &[At], close: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (i, (x, y)) in points.iter().enumerate() {
        if i == 0 {
            path.move_to(*x as f32, *y as f32);
        } else {
            path.line_to(*x as f32, *y as f32);
        }
    }
    if close {
        path.close();
    }
    path.finish()
}

/// `#rrggbb` with an opacity.
fn color(hex: &str, opacity: f64) -> Color {
    let part = |i: usize| u8::from_str_radix(hex.get(i..i + 2).unwrap_or("0"), 16).unwrap_or(0);
    Color::from_rgba8(part(1), part(3), part(5), (opacity * 255.0).round() as u8)
}
