//! Figures and the report page.
//!
//! A [`Panel`] says what is to be seen, a [`Figure`] arranges panels and writes them as SVG or
//! PNG, a [`Report`] is one self-contained HTML page. The SVG is written here rather than by a
//! plotting crate: heat maps have to be a single image, the page needs figures that follow its
//! colours and wrap on a narrow screen, and text is measured with the font it is drawn in, so
//! that labels and legends never touch.

mod error;
mod figure;
mod glyph;
mod heat;
mod html;
mod layout;
mod panel;
mod render;
mod scale;
mod svg;
mod text;

pub use error::DrawError;
pub use figure::Figure;
pub use html::{Report, ReportTable, Section};
pub use panel::{Axis, Bars, Boxes, Color, Glyph, Heat, Mark, Panel, Series};
