//! What a panel shows: data and axes, no drawing.

/// The Okabe–Ito palette, distinguishable with every common colour vision, and a grey.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// #0072B2
    #[default]
    Blue,
    /// #D55E00
    Vermillion,
    /// #009E73
    Green,
    /// #CC79A7
    Purple,
    /// #E69F00
    Orange,
    /// #56B4E9
    Sky,
    /// #F0E442
    Yellow,
    /// #CC3311, for what is red by custom, as T is in a sequence logo; not of the palette.
    Red,
    /// The colour of the text: black on paper, light on a dark page.
    Black,
    /// #888888
    Grey,
}

impl Color {
    /// The `i`-th colour for the `i`-th series; starts again after seven.
    pub fn cycle(i: usize) -> Self {
        const ORDER: [Color; 7] = [
            Color::Blue,
            Color::Vermillion,
            Color::Green,
            Color::Purple,
            Color::Orange,
            Color::Sky,
            Color::Black,
        ];
        ORDER[i % ORDER.len()]
    }

    /// The CSS colour.
    pub fn css(self) -> &'static str {
        match self {
            Self::Blue => "#0072B2",
            Self::Vermillion => "#D55E00",
            Self::Green => "#009E73",
            Self::Purple => "#CC79A7",
            Self::Orange => "#E69F00",
            Self::Sky => "#56B4E9",
            Self::Yellow => "#F0E442",
            Self::Red => "#CC3311",
            Self::Black => "currentColor",
            Self::Grey => "#888888",
        }
    }
}

/// How the points of a series are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// A solid line.
    #[default]
    Line,
    /// A dashed line.
    Dashed,
    /// Filled circles.
    Points,
    /// Circles filled with the background.
    OpenPoints,
    /// Filled circles joined by a line.
    LineAndPoints,
}

impl Mark {
    pub(crate) fn has_line(self) -> bool {
        matches!(self, Self::Line | Self::Dashed | Self::LineAndPoints)
    }

    pub(crate) fn has_points(self) -> bool {
        matches!(self, Self::Points | Self::OpenPoints | Self::LineAndPoints)
    }
}

/// Points (x, y) of one kind; a value that is not finite interrupts the line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name in the legend; `None` keeps the series out of it.
    pub label: Option<String>,
    /// Colour of line and points.
    pub color: Color,
    /// Line, points or both.
    pub mark: Mark,
    /// Horizontal positions.
    pub x: Vec<f64>,
    /// Vertical positions, one per `x`.
    pub y: Vec<f64>,
    /// Error bars: absolute (low, high) per point.
    pub error: Option<Vec<(f64, f64)>>,
    /// Shaded band: absolute (low, high) per point.
    pub band: Option<Vec<(f64, f64)>>,
}

impl Series {
    /// A solid line through the points.
    pub fn line(x: impl Into<Vec<f64>>, y: impl Into<Vec<f64>>) -> Self {
        Self {
            x: x.into(),
            y: y.into(),
            ..Self::default()
        }
    }

    /// How it is drawn: of a line with one point alone nothing could be seen.
    pub(crate) fn drawn(&self) -> Mark {
        let known = self
            .x
            .iter()
            .zip(&self.y)
            .filter(|(x, y)| x.is_finite() && y.is_finite());
        if self.mark.has_line() && known.take(2).count() == 1 {
            Mark::Points
        } else {
            self.mark
        }
    }

    /// Filled circles at the points.
    pub fn points(x: impl Into<Vec<f64>>, y: impl Into<Vec<f64>>) -> Self {
        Self::line(x, y).mark(Mark::Points)
    }

    /// Names the series in the legend.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the colour.
    pub fn color(mut self, color: Color) -> Self {
        self.color = color;
        self
    }

    /// Sets the mark.
    pub fn mark(mut self, mark: Mark) -> Self {
        self.mark = mark;
        self
    }

    /// Adds error bars, absolute (low, high) per point.
    pub fn error(mut self, error: impl Into<Vec<(f64, f64)>>) -> Self {
        self.error = Some(error.into());
        self
    }

    /// Adds a shaded band, absolute (low, high) per point.
    pub fn band(mut self, band: impl Into<Vec<(f64, f64)>>) -> Self {
        self.band = Some(band.into());
        self
    }
}

/// One axis; range and ticks follow the data unless they are given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// Quantity with its unit: `"time (ms)"`.
    pub label: String,
    /// Ends of the axis; the first may be the larger one.
    pub range: Option<(f64, f64)>,
    /// Logarithmic scale.
    pub log: bool,
    /// Positions and names of the ticks.
    pub ticks: Option<Vec<(f64, String)>>,
}

impl Axis {
    /// An axis that follows its data.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..Self::default()
        }
    }
}

/// A matrix drawn as coloured cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heat {
    /// Rows of equal length; row 0 lies at `y.0`. Values that are not finite are grey.
    pub values: Vec<Vec<f64>>,
    /// Outer edges of the first and last column.
    pub x: (f64, f64),
    /// Outer edges of the first and last row.
    pub y: (f64, f64),
    /// Blue–white–red centred at zero instead of viridis.
    pub signed: bool,
    /// Values at the ends of the colour bar; none: those of the data.
    pub limits: Option<(f64, f64)>,
    /// Label of the colour bar, with unit.
    pub label: String,
}

/// Adjoining bars from zero, such as a histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// Name in the legend.
    pub label: Option<String>,
    /// Fill colour.
    pub color: Color,
    /// Edges between the bars, one more than `heights`.
    pub edges: Vec<f64>,
    /// Height of each bar.
    pub heights: Vec<f64>,
}

/// Filled rectangles of one kind: stacked bars, trees, dots of a matrix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Boxes {
    /// Name in the legend.
    pub label: Option<String>,
    /// Fill colour.
    pub color: Color,
    /// Ends of each: (x, x, y, y).
    pub at: Vec<[f64; 4]>,
}

/// A letter stretched over a rectangle, as in a sequence logo: its outline, so that it looks the same without its font.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glyph {
    /// The letter; one that the font lacks, or that is blank, is not drawn.
    pub letter: char,
    /// Its colour.
    pub color: Color,
    /// Ends of the rectangle: (left, right, foot, head); a head below the foot turns the letter upside down.
    pub at: [f64; 4],
}

/// One set of axes with everything drawn in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panel {
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Lines and points, drawn in this order.
    pub series: Vec<Series>,
    /// Horizontal reference lines.
    pub h_lines: Vec<f64>,
    /// Vertical reference lines.
    pub v_lines: Vec<f64>,
    /// Shaded stretches of the x axis (from, to, label): the epochs of a trial.
    pub spans: Vec<(f64, f64, String)>,
    /// Matrix behind everything else.
    pub heat: Option<Heat>,
    /// Histograms.
    pub bars: Vec<Bars>,
    /// Rectangles, behind lines and points.
    pub boxes: Vec<Boxes>,
    /// Letters, behind lines and points.
    pub glyphs: Vec<Glyph>,
    /// Whether the panel goes on where the one before it ends: it has no letter of its own.
    pub continued: bool,
    /// A remark above the axes: `"n = 500 trials"`.
    pub note: Option<String>,
    /// Width and height, px; 360 × 280 if no panel of the figure asks for another size.
    pub size: Option<(f64, f64)>,
    /// A unit of x is as long as a unit of y: maps of places.
    pub equal: bool,
    /// What is shown is of one network alone, a unit or a single trial: it is not to be laid over that of another.
    pub individual: bool,
}

impl Panel {
    /// Empty axes with labels, unit in parentheses.
    pub fn new(x_label: impl Into<String>, y_label: impl Into<String>) -> Self {
        Self {
            x: Axis::new(x_label),
            y: Axis::new(y_label),
            ..Self::default()
        }
    }

    /// Says that what is shown is of one network alone.
    pub fn individual(mut self) -> Self {
        self.individual = true;
        self
    }

    /// Adds a series.
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Adds a histogram.
    pub fn bars(mut self, bars: Bars) -> Self {
        self.bars.push(bars);
        self
    }

    /// Adds rectangles.
    pub fn boxes(mut self, boxes: Boxes) -> Self {
        self.boxes.push(boxes);
        self
    }

    /// Adds letters.
    pub fn glyphs(mut self, glyphs: impl IntoIterator<Item = Glyph>) -> Self {
        self.glyphs.extend(glyphs);
        self
    }

    /// Says that the panel goes on where the one before it ends.
    pub fn continued(mut self) -> Self {
        self.continued = true;
        self
    }

    /// Sets the matrix.
    pub fn heat(mut self, heat: Heat) -> Self {
        self.heat = Some(heat);
        self
    }

    /// Fixes the ends of the x axis.
    pub fn x_range(mut self, low: f64, high: f64) -> Self {
        self.x.range = Some((low, high));
        self
    }

    /// Fixes the ends of the y axis.
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        self.y.range = Some((low, high));
        self
    }

    /// Makes the x axis logarithmic.
    pub fn x_log(mut self) -> Self {
        self.x.log = true;
        self
    }

    /// Makes the y axis logarithmic.
    pub fn y_log(mut self) -> Self {
        self.y.log = true;
        self
    }

    /// Names the ticks of the x axis.
    pub fn x_ticks(mut self, ticks: impl Into<Vec<(f64, String)>>) -> Self {
        self.x.ticks = Some(ticks.into());
        self
    }

    /// Names the ticks of the y axis.
    pub fn y_ticks(mut self, ticks: impl Into<Vec<(f64, String)>>) -> Self {
        self.y.ticks = Some(ticks.into());
        self
    }

    /// Adds a horizontal reference line.
    pub fn h_line(mut self, y: f64) -> Self {
        self.h_lines.push(y);
        self
    }

    /// Adds a vertical reference line.
    pub fn v_line(mut self, x: f64) -> Self {
        self.v_lines.push(x);
        self
    }

    /// Shades the stretch `from..to` of the x axis and names it.
    pub fn span(mut self, from: f64, to: f64, label: impl Into<String>) -> Self {
        self.spans.push((from, to, label.into()));
        self
    }

    /// Asks for a width and a height, px.
    pub fn size(mut self, width: f64, height: f64) -> Self {
        self.size = Some((width, height));
        self
    }

    /// Makes a unit of x as long as a unit of y, within the size of the panel.
    pub fn equal(mut self) -> Self {
        self.equal = true;
        self
    }

    /// Adds a remark above the axes.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Ends of everything that fills a rectangle: (x, x, y, y).
    pub(crate) fn rectangles(&self) -> impl Iterator<Item = [f64; 4]> + '_ {
        let boxes = self.boxes.iter().flat_map(|boxes| boxes.at.iter().copied());
        boxes.chain(self.glyphs.iter().map(|glyph| glyph.at))
    }
}
