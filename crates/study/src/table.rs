//! Named columns of equal length.

/// The values of a column, one a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Words; empty where there is none.
    Text(Vec<String>),
    /// Numbers; NaN where there is none.
    Number(Vec<f64>),
    /// Whole numbers.
    Integer(Vec<i64>),
    /// Truths.
    Flag(Vec<bool>),
}

impl Column {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Integer(values) => values.len(),
            Self::Flag(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of a row, as CSV has it.
    pub fn cell(&self, row: usize) -> String {
        match self {
            Self::Text(values) => values[row].clone(),
            Self::Number(values) if values[row].is_finite() => values[row].to_string(),
            Self::Number(_) => String::new(),
            Self::Integer(values) => values[row].to_string(),
            Self::Flag(values) => values[row].to_string(),
        }
    }
}

impl From<Vec<String>> for Column {
    fn from(values: Vec<String>) -> Self {
        Self::Text(values)
    }
}

impl From<Vec<&str>> for Column {
    fn from(values: Vec<&str>) -> Self {
        Self::Text(values.into_iter().map(str::to_owned).collect())
    }
}

impl From<Vec<f64>> for Column {
    fn from(values: Vec<f64>) -> Self {
        Self::Number(values)
    }
}

impl From<Vec<i64>> for Column {
    fn from(values: Vec<i64>) -> Self {
        Self::Integer(values)
    }
}

impl From<Vec<usize>> for Column {
    fn from(values: Vec<usize>) -> Self {
        Self::Integer(values.into_iter().map(|value| value as i64).collect())
    }
}

impl From<Vec<bool>> for Column {
    fn from(values: Vec<bool>) -> Self {
        Self::Flag(values)
    }
}

/// Named columns of equal length.
///
/// ```
/// use neuropil_study::Table;
///
/// let table = Table::new().with("unit", vec![1_i64, 2]).with("rate_hz", vec![0.5, f64::NAN]);
/// assert_eq!(table.names().collect::<Vec<_>>(), ["unit", "rate_hz"]);
/// assert_eq!(table.rows()[1], ["2", ""]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<(String, Column)>,
}

impl Table {
    /// A table without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// The table with one more column.
    ///
    /// # Panics
    /// A name that is there already, or a column of another length.
    pub fn with(mut self, name: impl Into<String>, column: impl Into<Column>) -> Self {
        let (name, column) = (name.into(), column.into());
        assert!(self.names().all(|own| own != name), "one column `{name}`");
        if let Some((first, other)) = self.columns.first() {
            assert_eq!(
                column.len(),
                other.len(),
                "as many rows in `{name}` as in `{first}`"
            );
        }
        self.columns.push((name, column));
        self
    }

    /// A table of texts.
    ///
    /// # Panics
    /// Headers that repeat, or rows that have not one cell a header.
    pub fn of_rows(headers: &[String], rows: &[Vec<String>]) -> Self {
        let column = |k: usize| rows.iter().map(|row| row[k].clone()).collect::<Vec<String>>();
        let columns = headers.iter().enumerate();
        columns.fold(Self::new(), |table, (k, name)| table.with(name, column(k)))
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// Names of the columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// All rows as text.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let row = |row| self.columns.iter().map(|(_, column)| column.cell(row)).collect();
        (0..self.n_rows()).map(row).collect()
    }
}
