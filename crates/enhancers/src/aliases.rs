//! Names of one chromosome in different schemes: UCSC chromAlias, NCBI assembly reports, tables of two columns.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::InputError;

/// Which names mean the same sequence.
#[derive(Clone, Debug, Default)]
pub struct Aliases {
    group_of: HashMap<String, usize>,
    groups: Vec<Vec<String>>,
}

impl Aliases {
    /// Reads a table of aliases.
    ///
    /// # Errors
    /// As [`Aliases::parse`], with the file named.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        Self::parse(&crate::text::read_to_string(path)?).map_err(|error| error.in_file(path))
    }

    /// Parses a table: every line names one sequence, in every column that holds a name; empty cells and `na` are no
    /// names. Of an NCBI assembly report only the columns of names are taken.
    ///
    /// # Errors
    /// A name of two sequences, with its line; a table without aliases.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let mut aliases = Self::default();
        let mut columns: Option<Vec<usize>> = None;
        for (number, line) in crate::text::lines(text) {
            if let Some(header) = line.strip_prefix('#') {
                let names: Vec<&str> = header.split('\t').map(str::trim).collect();
                if names.contains(&"Sequence-Name") {
                    let wanted = ["Sequence-Name", "GenBank-Accn", "RefSeq-Accn", "UCSC-style-name"];
                    columns = Some((0..names.len()).filter(|&i| wanted.contains(&names[i])).collect());
                }
                continue;
            }
            if line.trim().is_empty() {
                continue;
            }
            let fields: Vec<&str> = if line.contains('\t') {
                line.split('\t').map(str::trim).collect()
            } else if line.contains(',') {
                line.split(',').map(str::trim).collect()
            } else {
                line.split_whitespace().collect()
            };
            let taken: Vec<&str> = match &columns {
                Some(columns) => columns.iter().filter_map(|&i| fields.get(i).copied()).collect(),
                None => fields,
            };
            aliases.add(&taken).map_err(|error| error.at_line(number))?;
        }
        if aliases.groups.iter().all(|group| group.len() < 2) {
            return Err(InputError::new(
                "no sequence has two names, expected tab-separated names, one sequence a line",
            ));
        }
        Ok(aliases)
    }

    fn add(&mut self, fields: &[&str]) -> Result<(), InputError> {
        let mut group: Vec<String> = Vec::new();
        for name in fields.iter().filter(|name| !name.is_empty() && **name != "na") {
            if !group.iter().any(|other| other == name) {
                group.push((*name).to_owned());
            }
        }
        for name in &group {
            if self.group_of.insert(name.clone(), self.groups.len()).is_some() {
                return Err(InputError::new(format!("`{name}` names two sequences")));
            }
        }
        self.groups.push(group);
        Ok(())
    }

    /// The name that `known` has for the sequence called `name`; `name` itself where it is known or has no alias there.
    pub fn translate<'a>(&'a self, name: &'a str, known: &HashSet<&str>) -> &'a str {
        if known.contains(name) {
            return name;
        }
        let group = self.group_of.get(name).map(|&group| &self.groups[group]);
        group
            .and_then(|group| group.iter().find(|other| known.contains(other.as_str())))
            .map_or(name, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assembly_reports_and_two_columns() {
        let report = "# Assembly name:  X\n# Sequence-Name\tSequence-Role\tAssigned-Molecule\tx\tGenBank-Accn\tRelationship\tRefSeq-Accn\tAssembly-Unit\tSequence-Length\tUCSC-style-name\r\n1\tassembled-molecule\t1\tChromosome\tCM000994.3\t=\tNC_000067.7\tPrimary\t195\tchr1\r\n2\tassembled-molecule\t2\tChromosome\tCM2\t=\tna\tPrimary\t195\tna\r\n";
        let aliases = Aliases::parse(report).expect("aliases");
        assert_eq!(aliases.translate("NC_000067.7", &HashSet::from(["chr1"])), "chr1");
        assert_eq!(aliases.translate("CM2", &HashSet::from(["2"])), "2");
        assert_eq!(aliases.translate("other", &HashSet::from(["2"])), "other");
        let two = Aliases::parse("a b\nc d\n").expect("aliases");
        assert_eq!(two.translate("b", &HashSet::from(["a"])), "a");
        assert!(
            Aliases::parse("a\tb\nb\tc\n")
                .expect_err("twice")
                .to_string()
                .contains("line 2: `b` names two sequences")
        );
    }
}
