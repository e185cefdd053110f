//! Predicted activity: one row per region, one column per species.

use std::collections::HashSet;
use std::path::Path;

use crate::error::InputError;
use crate::names::species_key;
use crate::table::{fields_of, is_missing, names_rows, separator_of};

/// Predictions of regions × species, missing ones NaN.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Names of the regions.
    pub regions: Vec<String>,
    /// Species, in the order of the columns.
    pub species: Vec<String>,
    /// Values, row by row.
    pub values: Vec<f64>,
    /// Remarks on how it was read.
    pub notes: Vec<String>,
}

impl Matrix {
    /// Values of one region.
    pub fn row(&self, region: usize) -> &[f64] {
        let n = self.species.len();
        &self.values[region * n..(region + 1) * n]
    }

    /// Reads a matrix; without a header the species come from `species`, in the order of the columns.
    ///
    /// # Errors
    /// As [`Matrix::parse`], with the file named.
    pub fn read(path: &Path, species: Option<&[String]>, any_feature: bool) -> Result<Self, InputError> {
        let text = crate::text::read_to_string(path)?;
        Self::parse(&text, species, any_feature).map_err(|error| error.in_file(path))
    }

    /// Parses a matrix: tabs, semicolons, commas or blanks between fields; `#` lines before the first row; with or without
    /// a header, which may be one field short (R) or have an empty first field (pandas); −1, NA and empty fields are
    /// missing; decimal commas are understood where commas do not separate fields. `any_feature`: values outside \[0, 1\]
    /// are right, and −1 is a value.
    ///
    /// # Errors
    /// Rows of other lengths, fields that are not numbers, regions or species that stand twice, a list of species of
    /// another length, with line and column.
    pub fn parse(text: &str, species: Option<&[String]>, any_feature: bool) -> Result<Self, InputError> {
        let filled: Vec<(usize, &str)> = crate::text::lines(text)
            .filter(|(_, line)| !line.trim().is_empty())
            .collect();
        let mut lines = filled.iter().copied().peekable();
        let mut comment = None;
        while let Some(found) = lines.next_if(|(_, line)| line.starts_with('#')) {
            comment = Some(found);
        }
        let Some(&(first_number, first)) = lines.peek() else {
            return Err(InputError::new("the matrix is empty"));
        };
        let mut fields = Fields::new(
            crate::text::lines(text)
                .skip(first_number - 1)
                .map(|(_, line)| line),
        );
        let head = fields.of(first).map_err(|error| error.at_line(first_number))?;
        let names = |head: &[&str]| {
            head.iter()
                .skip(1)
                .any(|field| !is_missing(field) && fields.number(field).is_none())
        };
        let mut notes = Vec::new();
        let header = if names(&head) {
            lines.next();
            let rows: Vec<(usize, &str)> = lines.clone().collect();
            Some((first_number, owned(fields.names(&head, &rows)?)))
        } else {
            // A header may begin with `#` like a comment: then it is as long as the rows.
            comment.and_then(|(number, line)| {
                let named = fields.of(line.trim_start_matches('#')).ok()?;
                (named.len() == head.len() && names(&named)).then(|| (number, owned(&named[1..])))
            })
        };
        let species = match (header, species) {
            (Some((number, header)), Some(listed)) => {
                let keys: HashSet<String> = listed.iter().map(|name| species_key(name)).collect();
                if let Some(strange) = header.iter().find(|name| !keys.contains(&species_key(name))) {
                    return Err(InputError::new(format!(
                        "`{strange}` of the header is not in the list of species"
                    ))
                    .at_line(number));
                }
                notes.push("the matrix has a header: the list of species is not used for its order".into());
                header
            }
            (Some((_, header)), None) => header,
            (None, Some(listed)) => listed.to_vec(),
            (None, None) => {
                return Err(InputError::new("the matrix has no header")
                    .hint("give the species in the order of the columns with --species"));
            }
        };
        twice(species.iter().map(|name| (species_key(name), name)), "species")?;
        let mut matrix = Self {
            regions: Vec::new(),
            species,
            values: Vec::new(),
            notes,
        };
        for (number, line) in lines {
            matrix
                .add(line, &mut fields, any_feature)
                .map_err(|error| error.at_line(number))?;
        }
        if matrix.regions.is_empty() {
            return Err(InputError::new("the matrix has a header and no regions"));
        }
        twice(matrix.regions.iter().map(|name| (name, name)), "regions")?;
        if fields.commas {
            if !fields.clear {
                return Err(
                    InputError::new("commas in numbers may be decimal commas or separate thousands")
                        .hint("write numbers with a decimal point"),
                );
            }
            matrix.notes.push("the matrix is read with decimal commas".into());
        }
        Ok(matrix)
    }

    fn add(&mut self, line: &str, fields: &mut Fields, any_feature: bool) -> Result<(), InputError> {
        let row = fields.of(line)?;
        self.regions.push(row[0].to_owned());
        for (i, field) in row[1..].iter().enumerate() {
            let name = || self.species.get(i).cloned().unwrap_or_default();
            let value = if is_missing(field) {
                f64::NAN
            } else {
                let value = fields
                    .number(field)
                    .ok_or_else(|| InputError::new(format!("`{field}` is not a number")).in_field(name()))?;
                fields.mark(field).map_err(|error| error.in_field(name()))?;
                if any_feature {
                    value
                } else if value == -1.0 {
                    f64::NAN
                } else if (0.0..=1.0).contains(&value) {
                    value
                } else {
                    return Err(InputError::new(format!(
                        "{value} is no predicted activity, expected 0 to 1, or -1 for missing"
                    ))
                    .in_field(name())
                    .hint("--any-feature takes other numbers than predictions"));
                }
            };
            self.values.push(value);
        }
        let found = row.len() - 1;
        if found != self.species.len() {
            return Err(InputError::new(format!(
                "{found} values, expected {} as there are species",
                self.species.len()
            )));
        }
        Ok(())
    }

    /// The matrix as text: no header, −1 for missing, six decimals.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (region, row) in self.regions.iter().zip(self.values.chunks(self.species.len())) {
            text.push_str(region);
            for value in row {
                text.push('\t');
                text.push_str(&if value.is_nan() {
                    "-1".to_owned()
                } else {
                    format!("{value:.6}")
                });
            }
            text.push('\n');
        }
        text
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// How the fields of a matrix are told apart and read.
struct Fields {
    separator: char,
    /// Whether a number had a decimal comma.
    commas: bool,
    /// Whether a number had a decimal point.
    points: bool,
    /// Whether a comma cannot separate thousands.
    clear: bool,
    /// Whether the separator at the end of a row begins no field.
    open_ended: bool,
}

impl Fields {
    fn new<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        Self {
            separator: char::from(separator_of(lines)),
            commas: false,
            points: false,
            clear: false,
            open_ended: false,
        }
    }

    fn of<'a>(&self, line: &'a str) -> Result<Vec<&'a str>, InputError> {
        let mut fields =
            fields_of(line, self.separator).ok_or_else(|| InputError::new("a quote ends within a field"))?;
        if self.open_ended && fields.last().is_some_and(|field| field.is_empty()) {
            fields.pop();
        }
        Ok(fields)
    }

    /// The species that a header names. It is as long as the rows, with a first field for the regions, or one field short,
    /// as R writes it; separators at the ends of all rows are no fields.
    fn names<'h>(
        &mut self,
        head: &'h [&'h str],
        rows: &[(usize, &str)],
    ) -> Result<&'h [&'h str], InputError> {
        let Some(&(number, first)) = rows.first() else {
            return Ok(&head[1..]);
        };
        let width = self.of(first).map_err(|error| error.at_line(number))?.len();
        let ends_open =
            |line: &str| line.trim_end_matches(' ').ends_with(self.separator) && self.separator != ' ';
        let all_open = rows.iter().all(|(_, line)| ends_open(line));
        let (whole, named) = (
            head.strip_suffix(&[""]).unwrap_or(head),
            names_rows(head[0]) || head[0].is_empty(),
        );
        if all_open && (width == whole.len() + 1 && named || width == head.len() && whole.len() < head.len())
        {
            self.open_ended = true;
            return Ok(&whole[1..]);
        }
        if width == head.len() + 1 && (named || all_open) {
            let message = format!("{width} fields, expected {} as in the header", head.len());
            let hint = if all_open {
                "every row ends in a separator: is the last column empty, or is there none?".to_owned()
            } else {
                format!(
                    "the header names the first column `{}`, and misses another one",
                    head[0]
                )
            };
            return Err(InputError::new(message).at_line(number).hint(hint));
        }
        Ok(&head[usize::from(width != head.len() + 1)..])
    }

    /// A number, with a decimal comma where commas do not separate fields.
    fn number(&self, field: &str) -> Option<f64> {
        // Nearly all have a point: the text is gone through once more only where it is no number.
        field.parse().ok().or_else(|| {
            let (whole, rest) = field.split_once(',')?;
            (self.separator != ',' && !field.contains('.')).then(|| format!("{whole}.{rest}").parse().ok())?
        })
    }

    /// Refuses commas beside points: one of them would separate thousands.
    fn mark(&mut self, field: &str) -> Result<(), InputError> {
        if let Some((whole, rest)) = field.split_once(',') {
            self.commas = true;
            self.clear |=
                self.separator == ';' || rest.len() != 3 || whole.trim_start_matches('-').starts_with('0');
        }
        self.points = self.points || field.contains('.');
        if self.commas && self.points {
            return Err(InputError::new(format!(
                "`{field}` in a matrix with both decimal commas and decimal points"
            ))
            .hint("write all numbers with a decimal point"));
        }
        Ok(())
    }
}

fn twice<'a, K: std::hash::Hash + Eq>(
    names: impl IntoIterator<Item = (K, &'a String)>,
    what: &str,
) -> Result<(), InputError> {
    let mut seen = HashSet::new();
    match names
        .into_iter()
        .find_map(|(key, name)| (!seen.insert(key)).then_some(name))
    {
        Some(name) => Err(InputError::new(format!("`{name}` stands twice among the {what}"))),
        None => Ok(()),
    }
}

/// Reads a list of species, one a line.
///
/// # Errors
/// A file that cannot be read or names a species twice.
pub fn read_species(path: &Path) -> Result<Vec<String>, InputError> {
    let text = crate::text::read_to_string(path)?;
    let names: Vec<String> = crate::text::lines(&text)
        .map(|(_, line)| line.trim().to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    twice(names.iter().map(|name| (species_key(name), name)), "species")
        .map_err(|error| error.in_file(path))?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_of_three_makers_are_the_same() {
        let listed = ["Mus musculus", "Homo sapiens"].map(String::from);
        let bare = Matrix::parse("p1\t0.5\t-1\np2\tNA\t1\n", Some(&listed), false).expect("a matrix");
        let r = Matrix::parse(
            "\"Mus.musculus\"\t\"Homo.sapiens\"\n\"p1\"\t0.5\tNA\n\"p2\"\t\t1\n",
            None,
            false,
        )
        .expect("a matrix");
        let pandas =
            Matrix::parse(",Mus_musculus,Homo_sapiens\np1,0.5,\np2,-1,1.0\n", None, false).expect("a matrix");
        let read = |text: &str| Matrix::parse(text, None, false).expect(text);
        let blanks = read("\"Mus_musculus\" \"Homo_sapiens\"\n\"p1\" 0.5 NA\n\"p2\" NA 1\n");
        let comment = read("# made by me\n\tMus musculus\tHomo sapiens\np1\t0.5\tNA\np2\tNA\t1\n");
        let marked = read("# made by me\n#region\tMus musculus\tHomo sapiens\np1\t0.5\tNA\np2\tNA\t1\n");
        let commas = read(";Mus_musculus;Homo_sapiens\np1;0,5;NA\np2;-1;1,0\n");
        assert_eq!(commas.notes, ["the matrix is read with decimal commas"]);
        for matrix in [&bare, &r, &pandas, &blanks, &comment, &marked, &commas] {
            assert_eq!(matrix.regions, ["p1", "p2"]);
            assert_eq!(
                matrix.species.iter().map(|s| species_key(s)).collect::<Vec<_>>(),
                ["mus_musculus", "homo_sapiens"]
            );
            assert_eq!(matrix.to_text(), "p1\t0.500000\t-1\np2\t-1\t1.000000\n");
        }
    }

    #[test]
    fn separators_at_the_ends_of_rows_are_no_species() {
        let read = |text: &str| Matrix::parse(text, None, false);
        for text in [
            "region\tMus\tHomo\np1\t0.5\t0.1\t\np2\t0\t\t\n",
            "region\tMus\tHomo\t\np1\t0.5\t0.1\t\np2\t0\t\t\n",
            "x,Mus,Homo,\np1,0.5,0.1,\np2,0,NA,\n",
        ] {
            let matrix = read(text).expect(text);
            assert_eq!(
                (matrix.species.len(), matrix.row(0)),
                (2, &[0.5, 0.1][..]),
                "{text}"
            );
        }
        for (text, expected) in [
            ("region\tMus\np1\t0.5\t0.1\n", "misses another one"),
            ("x\tMus\np1\t0.5\t\n", "is the last column empty"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(
                error.contains("line 2: 3 fields, expected 2") && error.contains(expected),
                "{error}"
            );
        }
    }

    #[test]
    fn faults_name_line_and_species() {
        let listed = ["a", "b"].map(String::from);
        let fault = |text: &str| {
            Matrix::parse(text, Some(&listed), false)
                .expect_err(text)
                .to_string()
        };
        assert!(fault("p1\t0.5\n").contains("line 1: 1 values, expected 2"));
        assert!(fault("p1\t0.5\t0.5\np2\t0.5\t1.5\n").contains("line 2, `b`: 1.5 is no predicted activity"));
        assert!(fault("p1\t0.5\t1\np1\t0\t0\n").contains("`p1` stands twice among the regions"));
        assert!(fault("").contains("empty"));
        assert!(fault("p1\t0,5\t1\np2\t0.5\t1\n").contains("line 2, `a`: `0.5` in a matrix with both"));
        let thousands = Matrix::parse("p1\t1,350\t-2,000\n", Some(&listed), true).expect_err("doubtful");
        assert!(
            thousands
                .to_string()
                .contains("may be decimal commas or separate thousands")
        );
        assert!(fault("p1\t\"0.5\"x\t1\n").contains("line 1: a quote ends within a field"));
        assert!(Matrix::parse("Peak1\t0.5\t1\npeak1\t0\t0\n", Some(&listed), false).is_ok());
        assert!(
            Matrix::parse("p1\t0.5\n", None, false)
                .expect_err("no header")
                .to_string()
                .contains("--species")
        );
        assert!(
            Matrix::parse("p1\t-3.5\t-1\n", Some(&listed), true)
                .expect("any")
                .row(0)
                == [-3.5, -1.0]
        );
    }
}
