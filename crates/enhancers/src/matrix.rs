//! Predicted activity: one row per region, one column per species.

use std::collections::HashSet;
use std::path::Path;

use crate::error::InputError;
use crate::names::species_key;
use crate::table::is_missing;

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

    /// Parses a matrix: tabs or commas; with or without a header, which may be one field short (R) or have an empty
    /// first field (pandas); −1, NA and empty fields are missing. `any_feature`: values outside \[0, 1\] are right,
    /// and −1 is a value.
    ///
    /// # Errors
    /// Rows of other lengths, fields that are not numbers, regions or species that stand twice, a list of species of
    /// another length, with line and column.
    pub fn parse(text: &str, species: Option<&[String]>, any_feature: bool) -> Result<Self, InputError> {
        let mut lines = crate::text::lines(text)
            .filter(|(_, line)| !line.trim().is_empty())
            .peekable();
        let Some(&(_, first)) = lines.peek() else {
            return Err(InputError::new("the matrix is empty"));
        };
        let separator = if first.contains('\t') {
            '\t'
        } else if first.contains(';') {
            ';'
        } else {
            ','
        };
        let fields = |line: &str| {
            line.split(separator)
                .map(|field| field.trim().trim_matches('"').to_owned())
                .collect::<Vec<_>>()
        };
        let head = fields(first);
        let is_header = head
            .iter()
            .skip(1)
            .any(|field| !is_missing(field) && field.parse::<f64>().is_err());
        let mut notes = Vec::new();
        let header = if is_header {
            lines.next();
            let width = lines.peek().map_or(0, |(_, line)| line.split(separator).count());
            Some(if width == head.len() + 1 {
                head
            } else {
                head[1..].to_vec()
            })
        } else {
            None
        };
        let species = match (header, species) {
            (Some(header), Some(listed)) => {
                let keys: HashSet<String> = listed
                    .iter()
                    .map(|name| species_key(&name.replace('.', "_")))
                    .collect();
                let strange = header
                    .iter()
                    .find(|name| !keys.contains(&species_key(&name.replace('.', "_"))));
                if let Some(strange) = strange {
                    return Err(InputError::new(format!(
                        "`{strange}` of the header is not in the list of species"
                    ))
                    .at_line(1));
                }
                notes.push("the matrix has a header: the list of species is not used for its order".into());
                header
            }
            (Some(header), None) => header,
            (None, Some(listed)) => listed.to_vec(),
            (None, None) => {
                return Err(InputError::new("the matrix has no header")
                    .hint("give the species in the order of the columns with --species"));
            }
        };
        let species: Vec<String> = species.iter().map(|name| undotted(name)).collect();
        twice(&species, "species")?;
        let mut matrix = Self {
            regions: Vec::new(),
            species,
            values: Vec::new(),
            notes,
        };
        for (number, line) in lines {
            matrix
                .add(line, separator, any_feature)
                .map_err(|error| error.at_line(number))?;
        }
        if matrix.regions.is_empty() {
            return Err(InputError::new("the matrix has a header and no regions"));
        }
        twice(&matrix.regions, "regions")?;
        Ok(matrix)
    }

    fn add(&mut self, line: &str, separator: char, any_feature: bool) -> Result<(), InputError> {
        let mut fields = line.split(separator).map(|field| field.trim().trim_matches('"'));
        self.regions.push(fields.next().unwrap_or_default().to_owned());
        let before = self.values.len();
        for (i, field) in fields.enumerate() {
            let name = || self.species.get(i).cloned().unwrap_or_default();
            let value = if is_missing(field) {
                f64::NAN
            } else {
                let value: f64 = field
                    .parse()
                    .map_err(|_| InputError::new(format!("`{field}` is not a number")).in_field(name()))?;
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
        let found = self.values.len() - before;
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

/// R writes blanks of column names as dots.
fn undotted(name: &str) -> String {
    if name.contains([' ', '_']) {
        name.to_owned()
    } else {
        name.replace('.', "_")
    }
}

fn twice(names: &[String], what: &str) -> Result<(), InputError> {
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(species_key(name))) {
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
    twice(&names, "species").map_err(|error| error.in_file(path))?;
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
        for matrix in [&bare, &r, &pandas] {
            assert_eq!(matrix.regions, ["p1", "p2"]);
            assert_eq!(
                matrix.species.iter().map(|s| species_key(s)).collect::<Vec<_>>(),
                ["mus_musculus", "homo_sapiens"]
            );
            assert_eq!(matrix.to_text(), "p1\t0.500000\t-1\np2\t-1\t1.000000\n");
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
