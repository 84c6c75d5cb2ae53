//! PNG from the SVG of a chart, with a font of our own: no system font, the same bytes anywhere.

use std::sync::Arc;

use resvg::{tiny_skia, usvg};

use super::ChartError;
use super::canvas::{HEIGHT, WIDTH};

/// Latin subset of Roboto; licence beside it.
const REGULAR: &[u8] = include_bytes!("../assets/Roboto-Regular-subset.ttf");
const BOLD: &[u8] = include_bytes!("../assets/Roboto-Bold-subset.ttf");

/// Renders it at one pixel per viewBox unit.
pub(super) fn png(svg: &str) -> Result<Vec<u8>, ChartError> {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(BOLD.to_vec());
    fonts.set_sans_serif_family("Roboto");
    let options = usvg::Options { fontdb: Arc::new(fonts), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|e| ChartError::Svg(e.to_string()))?;
    let mut pixels =
        tiny_skia::Pixmap::new(WIDTH as u32, HEIGHT as u32).ok_or(ChartError::Memory)?;
    resvg::render(&tree, tiny_skia::Transform::identity(), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| ChartError::Png(e.to_string()))
}
