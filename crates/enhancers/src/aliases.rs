//! Names of one chromosome in different schemes: UCSC chromAlias in both its forms, NCBI assembly reports, tables of two
//! columns.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::InputError;

/// Where UCSC's database has its aliases from.
const SOURCES: [&str; 7] = [
    "ensembl", "genbank", "refseq", "assembly", "ncbi", "ucsc", "insdc",
];

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
    /// names. Of an NCBI assembly report only the columns of names are taken. A table of alias, chromosome and source, as
    /// UCSC's database has it, is told by its header or by its sources; there every line adds a name to a sequence.
    ///
    /// # Errors
    /// A name of two sequences, with its line; a table without aliases.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let mut aliases = Self::default();
        let mut columns: Option<Vec<usize>> = None;
        let mut pairs = false;
        let mut rows = Vec::new();
        for (number, line) in crate::text::lines(text) {
            if line.trim().is_empty() {
                continue;
            }
            let (header, line) = match line.strip_prefix('#') {
                Some(rest) => (true, rest.trim()),
                None => (false, line),
            };
            let fields: Vec<&str> = if line.contains('\t') {
                line.split('\t').map(str::trim).collect()
            } else if line.contains(',') && !line.trim().contains(' ') {
                line.split(',').map(str::trim).collect()
            } else {
                line.split_whitespace().collect()
            };
            let sources = fields.len() == 3 && fields[2].eq_ignore_ascii_case("source");
            if sources
                && fields[..2]
                    .iter()
                    .any(|name| name.to_lowercase().starts_with("alias"))
            {
                pairs = true;
            } else if header && fields.contains(&"Sequence-Name") {
                let wanted = ["Sequence-Name", "GenBank-Accn", "RefSeq-Accn", "UCSC-style-name"];
                columns = Some(
                    (0..fields.len())
                        .filter(|&i| wanted.contains(&fields[i]))
                        .collect(),
                );
            } else if !header {
                rows.push((number, fields));
            }
        }
        let is_source = |field: &&str| field.split(',').all(|word| SOURCES.contains(&word.trim()));
        if pairs
            || rows
                .iter()
                .all(|(_, row)| row.len() == 3 && row.get(2).is_some_and(is_source))
        {
            aliases.add_pairs(&rows)?;
            rows.clear();
        }
        for (number, row) in &rows {
            let taken: Vec<&str> = match &columns {
                Some(columns) => columns.iter().filter_map(|&i| row.get(i).copied()).collect(),
                None => row.clone(),
            };
            aliases.add(&taken).map_err(|error| error.at_line(*number))?;
        }
        if aliases.groups.iter().all(|group| group.len() < 2) {
            return Err(InputError::new(
                "no sequence has two names, expected tab-separated names, one sequence a line",
            ));
        }
        Ok(aliases)
    }

    /// Lines of two names of one sequence each, and a source; one of the columns has the same name in many lines.
    fn add_pairs(&mut self, rows: &[(usize, Vec<&str>)]) -> Result<(), InputError> {
        let distinct = |column: usize| {
            rows.iter()
                .map(|(_, row)| row.get(column))
                .collect::<HashSet<_>>()
                .len()
        };
        let key = usize::from(distinct(1) <= distinct(0));
        let mut place: HashMap<&str, usize> = HashMap::new();
        for (number, row) in rows {
            let (Some(&name), Some(&alias)) = (row.get(key), row.get(1 - key)) else {
                return Err(InputError::new("expected an alias, a chromosome and a source").at_line(*number));
            };
            let group = *place.entry(name).or_insert_with(|| {
                self.groups.push(Vec::new());
                self.groups.len() - 1
            });
            for one in [name, alias]
                .into_iter()
                .filter(|one| !one.is_empty() && *one != "na")
            {
                let before = self.group_of.insert(one.to_owned(), group);
                if before.is_some_and(|before| before != group) {
                    return Err(InputError::new(format!("`{one}` names two sequences")).at_line(*number));
                }
                if before.is_none() {
                    self.groups[group].push(one.to_owned());
                }
            }
        }
        Ok(())
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
    fn aliases_of_the_database_of_ucsc() {
        let known = HashSet::from(["chr1", "chr2"]);
        let rows =
            "1\tchr1\tassembly,ensembl\nCM1.1\tchr1\tgenbank\nNC_1.1\tchr1\trefseq\n2\tchr2\tensembl\n";
        let turned = "chr1\t1\tensembl\nchr1\tCM1.1\tgenbank\nchr1\tNC_1.1\trefseq\nchr2\t2\tensembl\n";
        for text in [
            rows.to_owned(),
            format!("# alias chrom source\n{}", rows.replace('\t', " ")),
            format!("#alias\tchrom\tsource\n{rows}"),
            format!("alias\tchrom\tsource\n{}", rows.replace("ensembl", "somewhere")),
            format!("# chrom alias source\n{turned}"),
            turned.to_owned(),
        ] {
            let aliases = Aliases::parse(&text).expect(&text);
            for (name, expected) in [
                ("1", "chr1"),
                ("CM1.1", "chr1"),
                ("NC_1.1", "chr1"),
                ("2", "chr2"),
            ] {
                assert_eq!(aliases.translate(name, &known), expected, "{text}");
            }
            assert_eq!(aliases.translate("ensembl", &known), "ensembl");
        }
        let error = Aliases::parse(&format!("{rows}1\tchr2\tncbi\n"))
            .expect_err("twice")
            .to_string();
        assert!(error.contains("line 5: `1` names two sequences"), "{error}");
    }

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
