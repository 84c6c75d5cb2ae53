//! The surface on which charts are drawn: a list of marks in viewBox units.
//!
//! plotters lays out axes and series in whole pixels, which makes curves stair-step, and knows
//! neither patterns nor halos. Its own backends are therefore replaced by this one: plotters is
//! told that the surface has [`FINE`] times as many pixels, and marks that it cannot draw
//! (hatches, haloed labels) are added to the same list directly. The list is then written as SVG
//! ([`super::vector`]) or as pixels ([`super::raster`]), so that both show the same.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};

/// Width of the viewBox.
pub(super) const WIDTH: f64 = 1600.0;
/// Height of the viewBox.
pub(super) const HEIGHT: f64 = 1000.0;
/// plotters' pixels per viewBox unit.
pub(super) const FINE: i32 = 10;

/// A point on the page.
pub(super) type At = (f64, f64);

/// One thing drawn. Colours are `#rrggbb`; fillings may also name a hatch, `url(#name)`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    /// A filled rectangle: corner, size, filling.
    Rect(At, At, String),
    /// A filled area: outline, filling, opacity.
    Area(Vec<At>, String, f64),
    /// A line: corners, colour, width, lengths of dashes and gaps (none: solid).
    Line(Vec<At>, String, f64, &'static [f64]),
    /// A circle: centre, radius, colour, width of its line.
    Circle(At, f64, String, f64),
    /// A line of text: begin or middle or end of its baseline, quarter turns clockwise.
    Text(At, i32, Look, String),
    /// From here on nothing shows outside of this rectangle (corner, size).
    Clip(At, At),
    /// Ends the last `Clip`.
    Unclip,
}

/// How a text looks; [`Type`] with its own colour.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Look {
    pub(super) size: f64,
    pub(super) color: String,
    pub(super) anchor: Anchor,
    pub(super) bold: bool,
    pub(super) halo: bool,
}

/// Width of the halo's line.
pub(super) const HALO: f64 = 8.0;

/// Everything drawn so far; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Canvas {
    marks: Rc<RefCell<Vec<Mark>>>,
}

/// Where a text lies relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type<'a> {
    pub(super) size: f64,
    pub(super) color: &'a str,
    pub(super) anchor: Anchor,
    pub(super) bold: bool,
    /// A white outline keeps the text readable on whatever lies beneath.
    pub(super) halo: bool,
}

/// How a line looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen<'a> {
    pub(super) color: &'a str,
    pub(super) width: f64,
    /// Lengths of dashes and gaps; none is a solid line.
    pub(super) dash: &'static [f64],
}

impl Canvas {
    /// What was drawn, in order.
    pub(super) fn take(&self) -> Vec<Mark> {
        self.marks.take()
    }

    /// Adds a mark.
    pub(super) fn add(&self, mark: Mark) {
        self.marks.borrow_mut().push(mark);
    }

    /// A filled rectangle; nothing if it has no area.
    pub(super) fn rect(&self, at: At, size: At, fill: &str) {
        if size.0 > 0.0 && size.1 > 0.0 {
            self.add(Mark::Rect(at, size, fill.into()));
        }
    }

    /// A filled area.
    pub(super) fn polygon(&self, points: &[At], fill: &str, opacity: f64) {
        if points.len() > 2 {
            self.add(Mark::Area(points.to_vec(), fill.into(), opacity));
        }
    }

    /// A line through points.
    pub(super) fn line(&self, points: &[At], pen: Pen<'_>) {
        if points.len() > 1 {
            self.add(Mark::Line(points.to_vec(), pen.color.into(), pen.width, pen.dash));
        }
    }

    /// A circle without filling, on a white ring.
    pub(super) fn ring(&self, at: At, radius: f64, color: &str) {
        self.add(Mark::Circle(at, radius, "#ffffff".into(), 9.0));
        self.add(Mark::Circle(at, radius, color.into(), 4.0));
    }

    /// A failure mark: a cross with a white outline, `arm` from its centre to each end.
    pub(super) fn cross(&self, at: At, arm: f64, color: &str) {
        let (x, y) = at;
        for (color, width) in [("#ffffff", arm * 0.9), (color, arm * 0.45)] {
            let pen = Pen { color, width, dash: &[] };
            self.line(&[(x - arm, y - arm), (x + arm, y + arm)], pen);
            self.line(&[(x - arm, y + arm), (x + arm, y - arm)], pen);
        }
    }

    /// One line of text; `at` is on its baseline.
    pub(super) fn text(&self, at: At, look: Type<'_>, text: &str) {
        self.turned(at, 0, look, text);
    }

    fn turned(&self, at: At, turns: i32, look: Type<'_>, text: &str) {
        let Type { size, color, anchor, bold, halo } = look;
        let look = Look { size, color: color.into(), anchor, bold, halo };
        self.add(Mark::Text(at, turns, look, text.into()));
    }
}

impl<'a> Type<'a> {
    /// Plain text of the given size and colour.
    pub(super) fn plain(size: f64, color: &'a str, anchor: Anchor) -> Self {
        Self { size, color, anchor, bold: false, halo: false }
    }

    /// The same, bold on a halo: for labels inside a picture.
    pub(super) fn label(size: f64, color: &'a str, anchor: Anchor) -> Self {
        Self { size, color, anchor, bold: true, halo: true }
    }
}

/// About how wide a text is in Roboto, in viewBox units.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '\'' | '|' | '.' | ',' | ':' | ';' | '!' | ' ' => 0.27,
            'f' | 't' | 'r' | '(' | ')' | '[' | ']' | 'I' | '-' | '/' => 0.36,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.87,
            'A'..='Z' => 0.66,
            _ => 0.56,
        })
        .sum();
    ems * size
}

fn unit(pixel: i32) -> f64 {
    f64::from(pixel) / f64::from(FINE)
}

fn units(point: BackendCoord) -> (f64, f64) {
    (unit(point.0), unit(point.1))
}

fn hex(color: BackendColor) -> String {
    let (r, g, b) = color.rgb;
    format!("#{r:02x}{g:02x}{b:02x}")
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Canvas {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (WIDTH as u32 * FINE as u32, HEIGHT as u32 * FINE as u32)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.rect(units(point), (0.1, 0.1), &hex(color));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if style.color().alpha > 0.0 {
            let points: Vec<_> = path.into_iter().map(units).collect();
            let width = f64::from(style.stroke_width()) / f64::from(FINE);
            self.line(&points, Pen { color: &hex(style.color()), width, dash: &[] });
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let (a, b) = (units(upper_left), units(bottom_right));
        let corners = [a, (b.0, a.1), b, (a.0, b.1), a];
        if fill {
            self.polygon(&corners[..4], &hex(style.color()), style.color().alpha);
        } else {
            let width = f64::from(style.stroke_width()) / f64::from(FINE);
            self.line(&corners, Pen { color: &hex(style.color()), width, dash: &[] });
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vert: I,
        style: &S,
    ) -> Drawn {
        let points: Vec<_> = vert.into_iter().map(units).collect();
        self.polygon(&points, &hex(style.color()), style.color().alpha);
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &T,
        pos: BackendCoord,
    ) -> Drawn {
        let (anchor, color) = (style.anchor(), hex(style.color()));
        let size = style.size() / f64::from(FINE);
        let look = Type::plain(
            size,
            &color,
            match anchor.h_pos {
                HPos::Left => Anchor::Start,
                HPos::Center => Anchor::Middle,
                HPos::Right => Anchor::End,
            },
        );
        // Baselines are computed: viewers disagree on `dominant-baseline`. 0.71 em is the height
        // of Roboto's capitals.
        let down = size
            * match anchor.v_pos {
                VPos::Top => 0.71,
                VPos::Center => 0.355,
                VPos::Bottom => 0.0,
            };
        let (x, y) = units(pos);
        let (at, turns) = match style.transform() {
            FontTransform::None => ((x, y + down), 0),
            FontTransform::Rotate90 => ((x - down, y), 1),
            FontTransform::Rotate180 => ((x, y - down), 2),
            FontTransform::Rotate270 => ((x + down, y), 3),
        };
        self.turned(at, turns, look, text);
        Ok(())
    }
}
