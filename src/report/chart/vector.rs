//! Marks as an SVG document.

use std::fmt::Write as _;

use super::canvas::{Anchor, At, HALO, HEIGHT, Look, Mark, WIDTH};
use super::frame::Drawing;
use super::palette::{HATCHES, Hatch};

/// The document: no script, no link, no font inside. Ids begin with `name`, so that several
/// charts can stand in one page; hatches are the same in all and share theirs.
pub(super) fn svg(drawing: &Drawing, name: &str) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-labelledby=\"{name}-title {name}-desc\" \
         font-family=\"Roboto,'Helvetica Neue',Arial,sans-serif\">\n\
         <title id=\"{name}-title\">{}</title>\n<desc id=\"{name}-desc\">{}</desc>\n<defs>\n",
        escape(&drawing.title),
        escape(&drawing.description)
    );
    for hatch in &HATCHES {
        define(&mut out, hatch);
    }
    out.push_str("</defs>\n");
    for (index, mark) in drawing.marks.iter().enumerate() {
        element(&mut out, &format!("{name}-clip{index}"), mark);
        out.push('\n');
    }
    out.push_str("</svg>\n");
    out
}

fn define(out: &mut String, hatch: &Hatch) {
    let Hatch { name, size, degrees, ground, stripe, width } = hatch;
    let _ = write!(
        out,
        "<pattern id=\"{name}\" width=\"{size}\" height=\"{size}\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate({degrees})\">"
    );
    for ((color, opacity), width) in [(ground, size), (stripe, width)] {
        if *opacity > 0.0 {
            let opacity = opaque(*opacity);
            let _ = write!(
                out,
                "<rect width=\"{width}\" height=\"{size}\" fill=\"{color}\"{opacity}/>"
            );
        }
    }
    out.push_str("</pattern>\n");
}

/// `id` is free for this mark to use.
fn element(out: &mut String, id: &str, mark: &Mark) {
    let _ = match mark {
        Mark::Rect(at, size, fill) => {
            write!(out, "<rect {} fill=\"{fill}\"/>", corner_and_size(*at, *size))
        }
        Mark::Area(points, fill, opacity) => {
            let (points, opacity) = (list(points), opaque(*opacity));
            write!(out, "<polygon points=\"{points}\" fill=\"{fill}\"{opacity}/>")
        }
        Mark::Line(points, color, width, dash) => {
            let dashes: Vec<String> = dash.iter().map(|d| num(*d)).collect();
            let dash = if dashes.is_empty() {
                String::new()
            } else {
                format!(" stroke-dasharray=\"{}\"", dashes.join(" "))
            };
            let (points, width) = (list(points), num(*width));
            write!(
                out,
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" \
                 stroke-width=\"{width}\"{dash}/>"
            )
        }
        Mark::Circle((x, y), radius, color, width) => write!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"none\" stroke=\"{color}\" \
             stroke-width=\"{}\"/>",
            num(*x),
            num(*y),
            num(*radius),
            num(*width)
        ),
        Mark::Text(at, turns, look, text) => {
            out.push_str(&text_element(*at, turns * 90, look, text));
            Ok(())
        }
        Mark::Clip(at, size) => write!(
            out,
            "<clipPath id=\"{id}\"><rect {}/></clipPath>\n\
             <g clip-path=\"url(#{id})\">",
            corner_and_size(*at, *size)
        ),
        Mark::Unclip => write!(out, "</g>"),
    };
}

fn corner_and_size(at: At, size: At) -> String {
    let [x, y, width, height] = [at.0, at.1, size.0, size.1].map(num);
    format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
}

fn opaque(opacity: f64) -> String {
    if opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() }
}

fn text_element(at: At, turn: i32, look: &Look, text: &str) -> String {
    let (x, y) = (num(at.0), num(at.1));
    let anchor = match look.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
    let halo = if look.halo {
        &format!(
            " stroke=\"#ffffff\" stroke-width=\"{HALO}\" stroke-linejoin=\"round\" \
             paint-order=\"stroke\""
        )
    } else {
        ""
    };
    let turn =
        if turn == 0 { String::new() } else { format!(" transform=\"rotate({turn} {x} {y})\"") };
    format!(
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" \
         fill=\"{}\"{anchor}{weight}{halo}{turn}>{}</text>",
        num(look.size),
        look.color,
        escape(text)
    )
}

/// Text for use in XML content and attributes; characters that XML forbids become U+FFFD.
fn escape(text: &str) -> String {
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
fn num(value: f64) -> String {
    let tenths = (value * 10.0).round() as i64;
    if tenths % 10 == 0 {
        format!("{}", tenths / 10)
    } else {
        let sign = if tenths < 0 { "-" } else { "" };
        format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
    }
}

fn list(points: &[At]) -> String {
    let mut out = String::new();
    for (x, y) in points {
        let space = if out.is_empty() { "" } else { " " };
        let _ = write!(out, "{space}{},{}", num(*x), num(*y));
    }
    out
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
