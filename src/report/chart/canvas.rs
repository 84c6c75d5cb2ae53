//! The surface on which charts are drawn: SVG text, in tenths of a viewBox unit.
//!
//! plotters lays out axes and series in whole pixels, which makes curves stair-step and knows
//! neither patterns nor halos. Its own SVG backend is therefore replaced by this one: plotters is
//! told that the surface has [`FINE`] times as many pixels, and the marks that it cannot draw
//! (hatches, haloed labels) are written to the same text directly, in viewBox units.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Write as _;
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

/// Everything drawn so far; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Canvas {
    body: Rc<RefCell<String>>,
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
    /// SVG dash pattern; empty is a solid line.
    pub(super) dash: &'a str,
}

impl Canvas {
    /// What was drawn, as SVG elements.
    pub(super) fn take(&self) -> String {
        self.body.take()
    }

    /// Writes elements as they are.
    pub(super) fn raw(&self, svg: &str) {
        let mut body = self.body.borrow_mut();
        body.push_str(svg);
        body.push('\n');
    }

    /// A filled rectangle; nothing if it has no area.
    pub(super) fn rect(&self, at: (f64, f64), size: (f64, f64), fill: &str) {
        if size.0 > 0.0 && size.1 > 0.0 {
            self.raw(&format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{fill}\"/>",
                num(at.0),
                num(at.1),
                num(size.0),
                num(size.1)
            ));
        }
    }

    /// A filled area.
    pub(super) fn polygon(&self, points: &[(f64, f64)], fill: &str, opacity: f64) {
        if points.len() > 2 {
            let opacity =
                if opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() };
            self.raw(&format!("<polygon points=\"{}\" fill=\"{fill}\"{opacity}/>", list(points)));
        }
    }

    /// A line through points.
    pub(super) fn line(&self, points: &[(f64, f64)], pen: Pen<'_>) {
        if points.len() > 1 {
            let dash = match pen.dash {
                "" => String::new(),
                dash => format!(" stroke-dasharray=\"{dash}\""),
            };
            self.raw(&format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{dash}/>",
                list(points),
                pen.color,
                num(pen.width)
            ));
        }
    }

    /// A circle without filling, on a white ring.
    pub(super) fn ring(&self, at: (f64, f64), radius: f64, color: &str) {
        for (stroke, width) in [("#ffffff", 9.0), (color, 4.0)] {
            self.raw(&format!(
                "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"none\" stroke=\"{stroke}\" \
                 stroke-width=\"{width}\"/>",
                num(at.0),
                num(at.1),
                num(radius)
            ));
        }
    }

    /// A failure mark: a cross with a white outline, `arm` from its centre to each end.
    pub(super) fn cross(&self, at: (f64, f64), arm: f64, color: &str) {
        let (x, y) = at;
        for (color, width) in [("#ffffff", arm * 0.9), (color, arm * 0.45)] {
            let pen = Pen { color, width, dash: "" };
            self.line(&[(x - arm, y - arm), (x + arm, y + arm)], pen);
            self.line(&[(x - arm, y + arm), (x + arm, y - arm)], pen);
        }
    }

    /// One line of text; `at` is on its baseline.
    pub(super) fn text(&self, at: (f64, f64), look: Type<'_>, text: &str) {
        self.raw(&text_element(at, 0, look, text));
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

fn text_element(at: (f64, f64), turn: i32, look: Type<'_>, text: &str) -> String {
    let (x, y) = (num(at.0), num(at.1));
    let anchor = match look.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
    let halo = if look.halo {
        " stroke=\"#ffffff\" stroke-width=\"8\" stroke-linejoin=\"round\" paint-order=\"stroke\""
    } else {
        ""
    };
    let turn =
        if turn == 0 { String::new() } else { format!(" transform=\"rotate({turn} {x} {y})\"") };
    format!(
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{}\"{anchor}{weight}{halo}{turn}>{}</text>",
        num(look.size),
        look.color,
        escape(text)
    )
}

/// Text for use in XML content and attributes; characters that XML forbids become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A coordinate with at most one decimal.
pub(super) fn num(value: f64) -> String {
    let tenths = (value * 10.0).round() as i64;
    if tenths % 10 == 0 {
        format!("{}", tenths / 10)
    } else {
        let sign = if tenths < 0 { "-" } else { "" };
        format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
    }
}

fn list(points: &[(f64, f64)]) -> String {
    let mut out = String::new();
    for (x, y) in points {
        let space = if out.is_empty() { "" } else { " " };
        let _ = write!(out, "{space}{},{}", num(*x), num(*y));
    }
    out
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
            self.line(&points, Pen { color: &hex(style.color()), width, dash: "" });
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
            self.line(&corners, Pen { color: &hex(style.color()), width, dash: "" });
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
        let (at, turn) = match style.transform() {
            FontTransform::None => ((x, y + down), 0),
            FontTransform::Rotate90 => ((x - down, y), 90),
            FontTransform::Rotate180 => ((x, y - down), 180),
            FontTransform::Rotate270 => ((x + down, y), 270),
        };
        self.raw(&text_element(at, turn, look, text));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{escape, num};

    #[test]
    fn coordinates_are_short() {
        assert_eq!(num(12.0), "12");
        assert_eq!(num(-0.04), "0");
        assert_eq!(num(-0.14), "-0.1");
        assert_eq!(num(3.149), "3.1");
    }

    #[test]
    fn text_cannot_break_out() {
        assert_eq!(escape("a<b & \"c\"\u{1}"), "a&lt;b &amp; &quot;c&quot;\u{fffd}");
    }
}
