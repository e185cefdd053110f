//! Tables as spreadsheets, R and pandas write them.

use std::borrow::Cow;

use crate::error::InputError;

/// A table of text fields, with the line that each row stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Names of the columns.
    pub header: Vec<String>,
    /// Fields, row by row, each as long as the header.
    pub rows: Vec<Vec<String>>,
    /// Line of every row, counted from 1.
    pub lines: Vec<usize>,
    /// Remarks on how the table was read.
    pub notes: Vec<String>,
    separator: u8,
}

/// A column of numbers, missing ones `None`.
pub type Numbers = Vec<Option<f64>>;

/// Marks of a missing value, in lower case; none begins with a digit.
const MISSING: [&str; 12] = [
    "", "na", "n/a", "#n/a", "nan", "null", "none", "-", ".", "?", "#value!", "#null!",
];

/// Numbers that stand for a missing value among numbers that are not negative.
const MARKS: [f64; 2] = [-999.0, -9999.0];

/// Whether a field says that its value is missing.
pub fn is_missing(field: &str) -> bool {
    let field = field.trim();
    !field.starts_with(|c: char| c.is_ascii_digit())
        && MISSING.iter().any(|mark| field.eq_ignore_ascii_case(mark))
}

impl Table {
    /// Reads a table: tabs, semicolons, commas or blanks between fields, quotes, `#` lines and Excel's `sep=;` before the
    /// header; a header one field short is R's, whose first column are row names, unless it names that column or the rows
    /// end in separators.
    ///
    /// # Errors
    /// No header or no rows; rows of other lengths, with their line.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let text = text.trim_start_matches('\u{feff}');
        let skipped = text
            .lines()
            .take_while(|line| line.trim().is_empty() || line.starts_with('#') || line.starts_with("sep="))
            .count();
        let begin: usize = text.split_inclusive('\n').take(skipped).map(str::len).sum();
        let separator = separator_of(text[begin..].lines());
        let text = &if separator == b' ' {
            Cow::Owned(format!(
                "{}{}",
                &text[..begin],
                with_single_blanks(&text[begin..])
            ))
        } else {
            Cow::Borrowed(text)
        };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(&text.as_bytes()[begin..]);
        let mut records = Vec::new();
        // Lines are counted here: the reader counts a line end of two characters only when it meets the next record.
        let (mut counted, mut line) = (begin, skipped + 1);
        for record in reader.records() {
            let record =
                record.map_err(|error| InputError::new(format!("cannot read the table: {error}")))?;
            let mut at = begin + record.position().map_or(0, |at| at.byte() as usize);
            at += text[at..].len() - text[at..].trim_start_matches(['\r', '\n']).len();
            line += text[counted..at].matches('\n').count();
            counted = at;
            records.push((
                line,
                record
                    .iter()
                    .map(|field| field.trim().to_owned())
                    .collect::<Vec<_>>(),
            ));
        }
        let mut records = records
            .into_iter()
            .filter(|(_, fields)| fields.iter().any(|field| !field.is_empty()));
        let Some((_, mut header)) = records.next() else {
            return Err(InputError::new("the table is empty, expected a header and rows"));
        };
        let mut table = Self {
            header: Vec::new(),
            rows: Vec::new(),
            lines: Vec::new(),
            notes: Vec::new(),
            separator,
        };
        let records: Vec<(usize, Vec<String>)> = records.collect();
        let longer = records
            .first()
            .is_some_and(|(_, fields)| fields.len() == header.len() + 1);
        let open_ended = || {
            records
                .iter()
                .all(|(_, fields)| fields.last().is_some_and(String::is_empty))
        };
        if longer && !names_rows(&header[0]) && !open_ended() {
            header.insert(0, String::new());
            table.notes.push(
                "the header is one field short: the first column are row names, as R writes them".into(),
            );
        }
        for (line, fields) in records {
            let width = header.len();
            let extra_is_empty = fields.len() > width && fields[width..].iter().all(String::is_empty);
            if fields.len() != width && !extra_is_empty {
                return Err(InputError::new(format!(
                    "{} fields, expected {width} as in the header",
                    fields.len()
                ))
                .at_line(line));
            }
            table.rows.push(fields.into_iter().take(width).collect());
            table.lines.push(line);
        }
        if table.rows.is_empty() {
            return Err(InputError::new("the table has a header and no rows"));
        }
        table.header = header;
        Ok(table)
    }

    /// Index of a column by its name: exactly, or else without regard to case, dots, blanks and underscores.
    ///
    /// # Errors
    /// The column is missing; the hint names the most similar one.
    pub fn column(&self, name: &str) -> Result<usize, InputError> {
        let plain = |name: &str| -> String {
            let name = name.to_lowercase();
            // R's make.names puts an X before a digit and dots for all else.
            let name = name
                .strip_prefix('x')
                .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
                .unwrap_or(&name)
                .to_owned();
            name.chars().filter(|c| c.is_alphanumeric()).collect()
        };
        let same: Vec<usize> = (0..self.header.len())
            .filter(|&i| self.header[i] == name)
            .collect();
        match same[..] {
            [index] => return Ok(index),
            [_, _, ..] => {
                return Err(InputError::new(format!(
                    "the column `{name}` stands {} times in the header",
                    same.len()
                ))
                .hint("rename or remove all but one"));
            }
            [] => {}
        }
        let alike: Vec<usize> = (0..self.header.len())
            .filter(|&i| plain(&self.header[i]) == plain(name))
            .collect();
        if let [index] = alike[..] {
            return Ok(index);
        }
        let named: Vec<String> = self.header.iter().map(|column| format!("`{column}`")).collect();
        let nearest = neuropil_lab::error::nearest(name, self.header.iter().map(String::as_str));
        let hint = match nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("the columns are {}", named.join(", ")),
        };
        Err(InputError::new(format!("no column `{name}`")).hint(hint))
    }

    /// A column as numbers. Decimal commas are understood where commas do not separate fields; −999 (PanTHERIA) and −9999
    /// are missing values where the column otherwise holds none below zero.
    ///
    /// # Errors
    /// The first field that is neither a number nor missing, with its line.
    pub fn numbers(&self, column: usize) -> Result<(Numbers, Vec<String>), InputError> {
        let mut notes = Vec::new();
        let fields: Vec<&str> = self.rows.iter().map(|row| row[column].as_str()).collect();
        let comma = |field: &str| {
            let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            field
                .trim_start_matches(['-', '+'])
                .split_once(',')
                .is_some_and(|(a, b)| digits(a) && digits(b))
        };
        let with_comma = fields.iter().filter(|field| comma(field)).count();
        let decimal_comma = with_comma > 0
            && self.separator != b','
            && !fields
                .iter()
                .any(|field| field.parse::<f64>().is_ok() && field.contains('.'));
        if decimal_comma {
            let thousands = fields.iter().filter(|field| comma(field)).all(|field| {
                let (whole, rest) = field
                    .trim_start_matches(['-', '+'])
                    .split_once(',')
                    .unwrap_or_default();
                rest.len() == 3 && !whole.starts_with('0')
            });
            if thousands && self.separator != b';' {
                let at = fields.iter().position(|field| comma(field)).unwrap_or_default();
                return Err(InputError::new(format!(
                    "`{}` may be a decimal comma or separate thousands",
                    fields[at]
                ))
                .at_line(self.lines[at])
                .in_field(&self.header[column])
                .hint("write numbers with a decimal point"));
            }
            notes.push(format!("`{}` is read with decimal commas", self.header[column]));
        }
        if let Some(at) = self.points_of_thousands(&fields) {
            return Err(InputError::new(format!(
                "`{}` may have a point between thousands: all numbers with a point have three digits behind it",
                fields[at]
            ))
            .at_line(self.lines[at])
            .in_field(&self.header[column])
            .hint("write numbers without separators of thousands, or with one decimal more or less"));
        }
        let mut values = Vec::with_capacity(fields.len());
        for (i, field) in fields.iter().enumerate() {
            if is_missing(field) {
                values.push(None);
                continue;
            }
            let text = if decimal_comma {
                field.replace(',', ".")
            } else {
                (*field).to_owned()
            };
            match text.parse::<f64>() {
                Ok(value) if value.is_finite() => values.push(Some(value)),
                _ => {
                    return Err(InputError::new(format!("`{field}` is not a number"))
                        .at_line(self.lines[i])
                        .in_field(&self.header[column]));
                }
            }
        }
        let others = values
            .iter()
            .flatten()
            .any(|value| *value < 0.0 && !MARKS.contains(value));
        for mark in MARKS {
            let Some(at) = values.iter().position(|value| *value == Some(mark)) else {
                continue;
            };
            if others {
                return Err(InputError::new(format!(
                    "{mark} beside other negative values: a missing mark or a value?"
                ))
                .at_line(self.lines[at])
                .in_field(&self.header[column])
                .hint("leave missing fields empty"));
            }
            let mut count = 0;
            for value in values.iter_mut().filter(|value| **value == Some(mark)) {
                *value = None;
                count += 1;
            }
            notes.push(format!(
                "{count} values {mark} of `{}` are missing values",
                self.header[column]
            ));
        }
        Ok((values, notes))
    }
}

/// Whether the first name of a header is that of the names of rows: then the header is not R's, which leaves it out.
pub(crate) fn names_rows(name: &str) -> bool {
    const NAMES: [&str; 26] = [
        "species",
        "taxon",
        "taxa",
        "binomial",
        "name",
        "names",
        "id",
        "ids",
        "tip",
        "tiplabel",
        "label",
        "scientificname",
        "speciesname",
        "latinname",
        "genusspecies",
        "organism",
        "art",
        "region",
        "regions",
        "peak",
        "peaks",
        "peakid",
        "peakname",
        "ocr",
        "enhancer",
        "element",
    ];
    let plain: String = name
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    NAMES.contains(&plain.as_str()) || plain.ends_with("binomial")
}

impl Table {
    /// The first of the points that may separate thousands, as in German tables: semicolons separate fields, whole numbers below
    /// 1000 stand beside numbers of one to three digits, a point and three digits, and no other number has a point.
    fn points_of_thousands(&self, fields: &[&str]) -> Option<usize> {
        if self.separator != b';' {
            return None;
        }
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let grouped = |field: &str| {
            let (whole, rest) = field.split_once('.')?;
            let (whole, rest) = (whole.trim_start_matches('-'), rest);
            let group = rest.split('.').all(|group| group.len() == 3 && digits(group));
            Some(group && (1..=3).contains(&whole.len()) && digits(whole) && !whole.starts_with('0'))
        };
        let pointed: Vec<bool> = fields.iter().filter_map(|field| grouped(field)).collect();
        let whole = fields
            .iter()
            .any(|field| !field.is_empty() && field.len() <= 3 && digits(field));
        let doubtful = pointed.len() > 1 && pointed.iter().all(|grouped| *grouped) && whole;
        doubtful.then(|| fields.iter().position(|field| field.contains('.')))?
    }
}

/// Lines below the header that are looked at for the separator.
const LOOKED_AT: usize = 50;

/// What separates the fields of a table: what the header has outside quotes; where it has no tab, semicolon or comma, the
/// first of these or a blank that gives every row as many fields as the header, or one more, as R writes them.
pub(crate) fn separator_of<'a>(lines: impl Iterator<Item = &'a str>) -> u8 {
    let mut lines = lines.filter(|line| !line.trim().is_empty());
    let header = lines.next().unwrap_or_default();
    let outside = |wanted: char| {
        let mut quoted = false;
        let mut counts = |c: char| {
            quoted ^= c == '"';
            c == wanted && !quoted
        };
        header.chars().filter(|c| counts(*c)).count()
    };
    match ['\t', ';', ','].map(outside) {
        [tabs, ..] if tabs > 0 => return b'\t',
        [_, semicolons, commas] if semicolons > commas => return b';',
        [_, _, commas] if commas > 0 => return b',',
        _ => {}
    }
    let rows: Vec<&str> = lines.take(LOOKED_AT).collect();
    let fits = |separator: char| {
        let wanted = fields_of(header, separator)?.len();
        let widths = rows.iter().map(|row| Some(fields_of(row, separator)?.len()));
        let widths: Vec<usize> = widths.collect::<Option<_>>()?;
        let first = widths.first().copied().unwrap_or(wanted);
        let same = widths.iter().all(|width| *width == first);
        (first > 1 && same && (first == wanted || first == wanted + 1)).then_some(separator as u8)
    };
    ['\t', ';', ',', ' '].into_iter().find_map(fits).unwrap_or(b',')
}

/// The fields of a line without blanks and quotes around them; a run of blanks separates like one. `None` where something
/// stands between a closing quote and the separator.
pub(crate) fn fields_of(line: &str, separator: char) -> Option<Vec<&str>> {
    let mut fields = Vec::new();
    let mut rest = line.trim_matches(|c: char| c == '\r' || c == '\n' || (separator == ' ' && c == ' '));
    loop {
        let begin = rest.trim_start_matches(|c: char| c == ' ' && separator != ' ');
        let (field, after) = match begin.strip_prefix('"').and_then(|inner| inner.split_once('"')) {
            Some((field, after)) => (
                field,
                after.trim_start_matches(|c: char| c == ' ' && separator != ' '),
            ),
            None => {
                let end = begin.find(separator).unwrap_or(begin.len());
                (&begin[..end], &begin[end..])
            }
        };
        fields.push(field.trim());
        if after.is_empty() {
            return Some(fields);
        }
        rest = after.strip_prefix(separator)?;
        if separator == ' ' {
            rest = rest.trim_start_matches(' ');
        }
    }
}

/// The text with one blank for every run of blanks outside quotes, and none at the ends of lines.
fn with_single_blanks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut quoted = false;
        for c in line.trim_start_matches(' ').chars() {
            quoted ^= c == '"';
            let ends = matches!(c, '\r' | '\n');
            if !quoted && (c == ' ' || ends) && out.ends_with(' ') {
                out.pop();
            }
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_many_makers() {
        let r = Table::parse("\"x\"\t\"y\"\n\"Mus.musculus\"\t1\tNA\n").expect("a table");
        assert_eq!(
            (r.header[0].as_str(), r.rows[0].as_slice()),
            ("", ["Mus.musculus", "1", "NA"].map(String::from).as_slice())
        );
        let german = Table::parse("\u{feff}Art;Wert\r\nMaus;0,42\r\nMensch;-1,5\r\n\"a;b\";#N/A\r\n")
            .expect("a table");
        let (values, notes) = german.numbers(1).expect("numbers");
        assert_eq!(values, [Some(0.42), Some(-1.5), None]);
        assert!(notes[0].contains("decimal commas"));
        assert_eq!(german.lines, [2, 3, 4]);
        let pantheria =
            Table::parse("MSW05_Binomial\t5-1_AdultBodyMass_g\nA b\t-999.00\nC d\t3\n").expect("a table");
        assert_eq!(
            pantheria.column("X5.1_AdultBodyMass_g").expect("as R names it"),
            1
        );
        assert_eq!(pantheria.numbers(1).expect("numbers").0, [None, Some(3.0)]);
    }

    #[test]
    fn tables_of_r_with_its_own_separator() {
        let read = |text: &str| {
            let table = Table::parse(text).expect(text);
            let column = table.column("mass").expect(text);
            (table.rows[1][0].clone(), table.numbers(column).expect(text).0)
        };
        let expected = ("Homo sapiens".to_owned(), vec![Some(1.5), Some(-2.0)]);
        for text in [
            // Row names alone beside one column, and two columns; with blanks, tabs, commas.
            "\"mass\"\n\"Mus musculus\" 1.5\n\"Homo sapiens\" -2\n",
            "\"mass\"\r\n\"Mus musculus\"\t1.5\r\n\"Homo sapiens\"\t-2\r\n",
            "mass\nMus musculus,1.5\nHomo sapiens,-2\n",
            "\"order\" \"mass\"\n\"Mus musculus\" \"a b\" 1.5\n\"Homo sapiens\" NA -2\n",
            "\"mass\"\n\"Mus musculus\" 1,5\n\"Homo sapiens\" -2\n",
            // As printed, in columns.
            "\"species\"       \"mass\"\n\"Mus musculus\"   1.5 \n  \"Homo sapiens\"  -2\n",
            "sep=;\nspecies;mass\nMus musculus;1,5\nHomo sapiens;-2\n",
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        // Rows that end in a separator are not R's, nor are they under a header that names the first column.
        for text in ["species,mass\nMus,9,\nHomo,3,\n", "organ,mass\nMus,9,\nHomo,3,\n"] {
            let table = Table::parse(text).expect(text);
            assert_eq!(table.numbers(1).expect(text).0, [Some(9.0), Some(3.0)], "{text}");
        }
        let error = Table::parse("species,mass\nMus,9,1\nHomo,3,2\n")
            .expect_err("refused")
            .to_string();
        assert!(error.contains("line 2: 3 fields, expected 2"), "{error}");
        // A list is no table of two columns.
        assert_eq!(
            Table::parse("species\nMus musculus\nRattus\n")
                .expect("a list")
                .header
                .len(),
            1
        );
    }

    #[test]
    fn marks_of_missing_values_are_said() {
        let table = Table::parse("s,mass\na,-9999\nb,3\nc,-999.00\nd,-999\n").expect("a table");
        let (values, notes) = table.numbers(1).expect("numbers");
        assert_eq!(values, [None, Some(3.0), None, None]);
        assert_eq!(
            notes,
            [
                "2 values -999 of `mass` are missing values",
                "1 values -9999 of `mass` are missing values"
            ]
        );
        let table = Table::parse("s,mass\na,-9999\nb,-3\n").expect("a table");
        let error = table.numbers(1).expect_err("refused").to_string();
        assert!(
            error.contains("line 2, `mass`: -9999 beside other negative values"),
            "{error}"
        );
    }

    #[test]
    fn faults_name_line_and_column() {
        let fault = |text: &str, column: &str| {
            Table::parse(text)
                .and_then(|table| table.numbers(table.column(column)?))
                .expect_err(text)
                .to_string()
        };
        assert!(fault("a,b\n1,2,3\n4,5\n", "b").contains("line 3: 2 fields, expected 3"));
        assert!(fault("a,b\n1,2\n4,x\n", "b").contains("line 3, `b`: `x` is not a number"));
        assert!(fault("a\tb\n1\t1,350\n", "b").contains("decimal comma or separate thousands"));
        assert!(fault("brain,mass\n1,2\n", "bran").contains("did you mean `brain`?"));
        assert!(
            fault("a;b\nx;280\ny;1.591\nz;618.600\n", "b")
                .contains("line 3, `b`: `1.591` may have a point between thousands")
        );
        assert!(fault("a,b,b\n1,2,3\n", "b").contains("`b` stands 2 times"));
        assert!(fault("a,b\n1,-999\n2,-1\n", "b").contains("missing mark or a value"));
        assert!(fault("", "b").contains("empty") && fault("a,b\n", "b").contains("no rows"));
    }
}
