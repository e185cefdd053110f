//! What was measured: a table of regions, species and whether the chromatin is open there.

use std::collections::{BTreeMap, HashMap};

use crate::error::InputError;
use crate::matrix::Matrix;
use crate::names::{species_key, unmatched};
use crate::sequence::{Split, split_of};
use crate::table::{Table, is_missing};
use crate::traits::classes;

/// Whether a region, by its row of the matrix, is open in a species, by its column.
pub type Measured = BTreeMap<(usize, usize), bool>;

/// What was measured in the tissue of the network, and in others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    /// In the tissue that the network predicts.
    pub target: Measured,
    /// In other tissues, by name.
    pub others: BTreeMap<String, Measured>,
    /// Remarks on how they were read.
    pub notes: Vec<String>,
}

impl Labels {
    /// Takes labels from a table with the columns `region`, `species` and `open` (0 or 1), and, where there are, `tissue`
    /// and `chromosome`. `tissue` names the tissue of the network. Rows whose chromosome (of the mouse, or of the mouse
    /// ortholog) is not held out for tests are left out.
    ///
    /// # Errors
    /// A column that is missing or holds something else; a species that the matrix lacks; two labels for one thing;
    /// several tissues and none named, or one that is not there; no label at all of a region of the matrix.
    pub fn from_table(table: &Table, matrix: &Matrix, tissue: Option<&str>) -> Result<Self, InputError> {
        let columns = Columns::of(table, tissue)?;
        let (open, mut notes) = classes(table, columns.open)?;
        notes.splice(..0, table.notes.iter().cloned());
        let regions: HashMap<&str, usize> = matrix
            .regions
            .iter()
            .enumerate()
            .map(|(i, name)| (name.as_str(), i))
            .collect();
        let species: HashMap<String, usize> = matrix
            .species
            .iter()
            .enumerate()
            .map(|(i, name)| (species_key(name), i))
            .collect();
        let mut labels = Self::default();
        let (mut strange, mut not_test, mut missing) = (0, 0, 0);
        for (i, row) in table.rows.iter().enumerate() {
            if columns
                .chromosome
                .is_some_and(|c| split_of(&row[c]) != Some(Split::Test))
            {
                not_test += 1;
                continue;
            }
            let Some(&column) = species.get(&species_key(&row[columns.species])) else {
                return Err(unknown_species(&row[columns.species], matrix)
                    .at_line(table.lines[i])
                    .in_field(&table.header[columns.species]));
            };
            let (Some(&region), Some(value)) = (regions.get(row[columns.region].as_str()), open[i]) else {
                if open[i].is_none() {
                    missing += 1;
                } else {
                    strange += 1;
                }
                continue;
            };
            let measured = match columns.tissue.map(|c| row[c].as_str()) {
                Some(name) if Some(name) != tissue => labels.others.entry(name.to_owned()).or_default(),
                _ => &mut labels.target,
            };
            let before = measured.insert((region, column), value == 1.0);
            if before.is_some_and(|before| before != (value == 1.0)) {
                return Err(InputError::new(format!(
                    "`{}` is open and closed in {}",
                    row[columns.region], row[columns.species]
                ))
                .at_line(table.lines[i])
                .in_field(&table.header[columns.open]));
            }
        }
        if labels.target.is_empty() {
            return Err(
                InputError::new("no row has a region of the matrix, a label and a test chromosome")
                    .in_field(&table.header[columns.region])
                    .hint("regions are matched by name, exactly"),
            );
        }
        let mut say = |n: usize, what: &str| {
            if n > 0 {
                notes.push(format!("{n} rows of the labels were left out: {what}"));
            }
        };
        say(not_test, "their chromosome is not held out for tests");
        say(strange, "the matrix has no such region");
        say(missing, "the label is missing");
        labels.notes = notes;
        Ok(labels)
    }
}

/// Where the columns are.
struct Columns {
    region: usize,
    species: usize,
    open: usize,
    tissue: Option<usize>,
    chromosome: Option<usize>,
}

impl Columns {
    fn of(table: &Table, tissue: Option<&str>) -> Result<Self, InputError> {
        let there = |name: &str| {
            table
                .header
                .iter()
                .position(|column| column.eq_ignore_ascii_case(name))
        };
        let found = Self {
            region: table.column("region")?,
            species: table.column("species")?,
            open: table.column("open")?,
            tissue: there("tissue"),
            chromosome: there("chromosome"),
        };
        let mut tissues: Vec<&str> = found
            .tissue
            .iter()
            .flat_map(|&c| table.rows.iter().map(move |row| row[c].as_str()))
            .collect();
        tissues.sort_unstable();
        tissues.dedup();
        let listed = format!("the tissues are {}", tissues.join(", "));
        match tissue {
            Some(name) if !tissues.contains(&name) => Err(InputError::new(format!("no tissue `{name}`"))
                .in_field("tissue")
                .hint(if found.tissue.is_some() {
                    listed
                } else {
                    "the labels have no column `tissue`".into()
                })),
            None if tissues.len() > 1 => Err(InputError::new(format!("{} tissues", tissues.len()))
                .in_field("tissue")
                .hint(format!(
                    "say with --tissue which one the network predicts; {listed}"
                ))),
            None => Ok(Self {
                tissue: None,
                ..found
            }),
            Some(_) => Ok(found),
        }
    }
}

fn unknown_species(name: &str, matrix: &Matrix) -> InputError {
    let error = InputError::new(format!("`{name}` is not among the species of the matrix"));
    let nearest = unmatched(&[name.to_owned()], "labels", &matrix.species, "matrix");
    match nearest.into_iter().next().and_then(|unmatched| unmatched.nearest) {
        Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
        None => error,
    }
}

/// Clades of species; every species is in one at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clades {
    /// Names, in the order of the table.
    pub names: Vec<String>,
    /// Clade of every column of the matrix, by its place in `names`.
    pub of: Vec<Option<usize>>,
}

impl Clades {
    /// Takes clades from a table with the columns `species` and `clade`; species that the matrix lacks are passed over.
    ///
    /// # Errors
    /// A missing column; a species in two clades; no species of the matrix.
    pub fn from_table(table: &Table, matrix: &Matrix) -> Result<Self, InputError> {
        let (species, clade) = (table.column("species")?, table.column("clade")?);
        let columns: HashMap<String, usize> = matrix
            .species
            .iter()
            .enumerate()
            .map(|(i, name)| (species_key(name), i))
            .collect();
        let mut clades = Self {
            names: Vec::new(),
            of: vec![None; matrix.species.len()],
        };
        for (row, &line) in table.rows.iter().zip(&table.lines) {
            let Some(&column) = columns.get(&species_key(&row[species])) else {
                continue;
            };
            if is_missing(&row[clade]) {
                continue;
            }
            let known = clades.names.iter().position(|name| *name == row[clade]);
            let number = known.unwrap_or_else(|| {
                clades.names.push(row[clade].clone());
                clades.names.len() - 1
            });
            if clades.of[column].is_some_and(|before| before != number) {
                return Err(InputError::new(format!("`{}` is in two clades", row[species]))
                    .at_line(line)
                    .in_field(&table.header[clade]));
            }
            clades.of[column] = Some(number);
        }
        if clades.names.is_empty() {
            return Err(InputError::new("no row has a species of the matrix and a clade")
                .in_field(&table.header[species]));
        }
        Ok(clades)
    }

    /// Number of the clade `name`.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn find(&self, name: &str) -> Result<usize, InputError> {
        let at = self
            .names
            .iter()
            .position(|clade| clade.eq_ignore_ascii_case(name));
        at.ok_or_else(|| {
            let hint = if self.names.is_empty() {
                "give a table of species and clades with --clades".to_owned()
            } else {
                format!("the clades are {}", self.names.join(", "))
            };
            InputError::new(format!("no clade `{name}`"))
                .in_field("clade")
                .hint(hint)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Matrix {
        Matrix {
            regions: ["p1", "p2"].map(String::from).to_vec(),
            species: ["Mus_musculus", "Rattus_norvegicus"].map(String::from).to_vec(),
            values: vec![0.5; 4],
            notes: Vec::new(),
        }
    }

    fn labels(text: &str, tissue: Option<&str>) -> Result<Labels, InputError> {
        Labels::from_table(&Table::parse(text).expect("a table"), &matrix(), tissue)
    }

    #[test]
    fn tissues_and_chromosomes_are_told_apart() {
        let text = "region,species,open,tissue,chromosome\n\
                    p1,mus musculus,1,cortex,chr1\n\
                    p1,Mus_musculus,0,liver,chr1\n\
                    p2,Mus_musculus,0,cortex,chr2\n\
                    p2,Rattus norvegicus,1,cortex,chr11\n\
                    p3,Rattus norvegicus,1,cortex,chr1\n\
                    p2,Mus_musculus,NA,liver,chr2\n";
        let found = labels(text, Some("cortex")).expect("labels");
        assert_eq!(found.target, [((0, 0), true), ((1, 0), false)].into());
        assert_eq!(found.others["liver"], [((0, 0), false)].into());
        assert_eq!(
            found.notes,
            [
                "1 rows of the labels were left out: their chromosome is not held out for tests",
                "1 rows of the labels were left out: the matrix has no such region",
                "1 rows of the labels were left out: the label is missing",
            ]
        );
    }

    #[test]
    fn faults_name_line_and_column() {
        let fault = |text: &str, tissue: Option<&str>| labels(text, tissue).expect_err(text).to_string();
        let head = "region,species,open\n";
        assert_eq!(
            fault(&format!("{head}p1,Mus_muscullus,1\n"), None),
            "line 2, `species`: `Mus_muscullus` is not among the species of the matrix\n  hint: did you mean `Mus_musculus`?"
        );
        assert!(
            fault(&format!("{head}p1,Mus_musculus,2\n"), None).starts_with("line 2, `open`: `2` in a trait")
        );
        assert_eq!(
            fault(&format!("{head}p1,Mus_musculus,1\np1,mus musculus,0\n"), None),
            "line 3, `open`: `p1` is open and closed in mus musculus"
        );
        assert!(fault("region,species\np1,Mus_musculus\n", None).contains("no column `open`"));
        assert!(fault(&format!("{head}p9,Mus_musculus,1\n"), None).contains("no row has a region"));
        let tissues = "region,species,open,tissue\np1,Mus_musculus,1,cortex\np1,Mus_musculus,1,liver\n";
        assert!(fault(tissues, None).contains("--tissue"));
        assert!(fault(tissues, Some("retina")).contains("the tissues are cortex, liver"));
        assert!(fault(&format!("{head}p1,Mus_musculus,1\n"), Some("cortex")).contains("no column `tissue`"));
    }

    #[test]
    fn a_species_is_in_one_clade() {
        let clades = |text: &str| Clades::from_table(&Table::parse(text).expect("a table"), &matrix());
        let found = clades("species,clade\nHomo_sapiens,Primates\nmus musculus,Glires\n").expect("clades");
        assert_eq!(
            (found.names.as_slice(), found.of.as_slice()),
            (&["Glires".to_owned()][..], &[Some(0), None][..])
        );
        assert_eq!(found.find("glires"), Ok(0));
        assert!(
            found
                .find("Primates")
                .expect_err("not of the matrix")
                .to_string()
                .contains("are Glires")
        );
        let twice = clades("species,clade\nMus_musculus,A\nmus musculus,B\n").expect_err("twice");
        assert_eq!(
            twice.to_string(),
            "line 3, `clade`: `mus musculus` is in two clades"
        );
    }
}
