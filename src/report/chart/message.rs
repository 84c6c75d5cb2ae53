//! A chart that has nothing to draw says why instead of being empty.

use super::canvas::{Anchor, Canvas, HEIGHT, Type, WIDTH};
use super::frame::{Drawing, Words, document};
use super::palette::{FAINT, INK};

/// The heading of the chart with lines of text in the middle; the first is the message.
pub(super) fn draw(words: &Words, lines: &[String]) -> Drawing {
    let canvas = Canvas::default();
    let first = HEIGHT * 0.46;
    for (i, line) in lines.iter().enumerate() {
        let (size, color) = if i == 0 { (38.0, INK) } else { (29.0, FAINT) };
        let look = Type { bold: i == 0, ..Type::plain(size, color, Anchor::Middle) };
        canvas.text((WIDTH / 2.0, first + 52.0 * i as f64), look, line);
    }
    let words = Words { caption: String::new(), ..words.clone() };
    document(&canvas, &words)
}
