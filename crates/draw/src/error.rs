/// What keeps a figure or a report from being drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// Two lists that belong together differ in length.
    #[error("figure `{figure}`, panel {panel}: {what} has {found} values, expected {expected}")]
    Length {
        /// Name of the figure.
        figure: String,
        /// Panel number, from 1.
        panel: usize,
        /// The list that does not fit.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it must have.
        expected: usize,
    },
    /// An axis range is empty, not finite, or not positive on a logarithmic axis.
    #[error("figure `{figure}`, panel {panel}: the {axis} axis cannot run from {low} to {high}")]
    Range {
        /// Name of the figure.
        figure: String,
        /// Panel number, from 1.
        panel: usize,
        /// `x` or `y`.
        axis: &'static str,
        /// Lower end of the range.
        low: f64,
        /// Upper end of the range.
        high: f64,
    },
    /// A figure has no panels.
    #[error("figure `{figure}` has no panels")]
    Empty {
        /// Name of the figure.
        figure: String,
    },
    /// The SVG could not be read back for the raster image.
    #[error("figure `{figure}` cannot be rasterised")]
    Raster {
        /// Name of the figure.
        figure: String,
        /// What the SVG reader says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An image could not be encoded.
    #[error("an image of {width} × {height} pixels cannot be encoded")]
    Image {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The page template failed.
    #[error("the report page cannot be written")]
    Page(#[from] minijinja::Error),
}
