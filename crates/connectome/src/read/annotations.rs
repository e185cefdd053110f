//! Tables of neurons and of pairs, and what follows from them: columns, sides, homologous pairs.

use super::builder::Builder;
use super::columns::{self, CLASS, ID, LEFT, NAME, PAIR, RIGHT, SIDE};
use super::pairs;
use crate::data::{Connectome, NeuronTable, Side};
use crate::error::DataError;
use neuropil_lab::file;
use neuropil_lab::table::{Table, is_missing};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A column that says which rows are neurons of the wiring (1) and which are not (0).
const IN_WIRING: &str = "in_matrix";

/// What is known of neurons: columns of text with a row a neuron.
#[derive(Default)]
pub(super) struct Annotations {
    path: PathBuf,
    /// Name of each row's neuron, and the line it stands in.
    names: Vec<String>,
    lines: Vec<usize>,
    columns: Vec<(String, Vec<String>)>,
}

impl Annotations {
    pub(super) fn new(
        path: &Path,
        names: Vec<String>,
        lines: Vec<usize>,
        columns: Vec<(String, Vec<String>)>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            names,
            lines,
            columns,
        }
    }

    /// Takes over a table of neurons; ids are brought into the form that the edges have.
    fn of_table(file: &NeuronFile, builder: &mut Builder) -> Result<Self, DataError> {
        let NeuronFile { table, key: name } = file;
        let path = table.path();
        let numeric = builder.is_numeric() && builder.n() > 0;
        let field = if name.is_empty() { "column 1" } else { name };
        let left_out = table
            .find(&[IN_WIRING])
            .map(|name| table.flags(name))
            .transpose()?;
        let mut own = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        let ids = table.texts(name)?;
        let mut rows = Vec::new();
        let mut seen = BTreeSet::new();
        for (row, text) in ids.iter().enumerate() {
            let line = table.line(row);
            let id = if numeric {
                super::id(path, line, field, text)?.to_string()
            } else if text.is_empty() {
                return Err(DataError::field(path, line, field, "nothing", "a neuron"));
            } else {
                text.clone()
            };
            if !seen.insert(id.clone()) {
                let found = format!("the id `{}` again", file::shown(&id));
                return Err(DataError::field(path, line, field, found, "every id once"));
            }
            if left_out.as_ref().is_some_and(|flags| flags[row] == Some(false)) && !builder.knows(&id) {
                continue;
            }
            rows.push(row);
            own.names.push(id);
            own.lines.push(line);
        }
        if rows.len() < ids.len() {
            builder.warn(format!(
                "{} rows of {} are left out: their `{IN_WIRING}` is 0",
                ids.len() - rows.len(),
                path.file_name().unwrap_or_default().display()
            ));
        }
        for header in table.names().filter(|header| *header != name) {
            let texts = table.texts(header)?;
            own.columns.push((
                header.to_owned(),
                rows.iter().map(|&row| texts[row].clone()).collect(),
            ));
        }
        Ok(own)
    }

    fn column(&self, names: &[&str]) -> Option<&(String, Vec<String>)> {
        let at = columns::find(self.columns.iter().map(|(name, _)| name.as_str()), names)?;
        Some(&self.columns[at])
    }

    /// Adds the neurons that only the table has, and checks that it has all of the others.
    fn complete(&self, builder: &mut Builder, path: &Path) -> Result<(), DataError> {
        let own: BTreeSet<&str> = self.names.iter().map(String::as_str).collect();
        let missing: Vec<String> = builder
            .names()
            .filter(|name| !own.contains(name.as_str()))
            .collect();
        if !missing.is_empty() {
            let first: Vec<&str> = missing.iter().take(10).map(String::as_str).collect();
            let found = format!(
                "no row for {} neurons of the edge table: {}",
                missing.len(),
                first.join(", ")
            );
            return Err(DataError::field(path, 0, "", found, "a row for every neuron"));
        }
        self.names.iter().for_each(|name| _ = builder.node(name));
        Ok(())
    }

    /// Joins the columns, sides and pairs to a connectome that has all of its neurons.
    pub(super) fn join(self, connectome: &mut Connectome) -> Result<(), DataError> {
        if self.names.is_empty() {
            return Ok(());
        }
        let place: BTreeMap<String, usize> =
            (0..connectome.n()).map(|i| (connectome.id_text(i), i)).collect();
        // Rows by neuron; a row without a neuron cannot be: they are all added before.
        let mut row_of = vec![usize::MAX; connectome.n()];
        for (row, name) in self.names.iter().enumerate() {
            if let Some(&i) = place.get(&canonical(name, connectome)) {
                row_of[i] = row;
            }
        }
        let sorted = Self {
            path: self.path.clone(),
            names: row_of
                .iter()
                .map(|&row| self.names.get(row).cloned().unwrap_or_default())
                .collect(),
            lines: row_of
                .iter()
                .map(|&row| self.lines.get(row).copied().unwrap_or(0))
                .collect(),
            columns: self
                .columns
                .iter()
                .map(|(name, texts)| {
                    let own = row_of
                        .iter()
                        .map(|&row| texts.get(row).cloned().unwrap_or_default());
                    (name.clone(), own.collect())
                })
                .collect(),
        };
        sorted.totals(connectome)?;
        sorted.sides_and_pairs(connectome)?;
        for (name, texts) in sorted.columns {
            // An absence in any of the forms for it is an absence.
            let known = |text: String| {
                if is_missing(&text) && text != "-" {
                    String::new()
                } else {
                    text
                }
            };
            if !name.is_empty() {
                connectome
                    .neurons
                    .set(&name, texts.into_iter().map(known).collect());
            }
        }
        Ok(())
    }

    /// Total inputs of both compartments, where the table has them.
    fn totals(&self, connectome: &mut Connectome) -> Result<(), DataError> {
        let (Some(axon), Some(dendrite)) = (self.column(&["axon_input"]), self.column(&["dendrite_input"]))
        else {
            return Ok(());
        };
        let all_missing = |texts: &[String]| texts.iter().all(|text| is_missing(text));
        if all_missing(&axon.1) && all_missing(&dendrite.1) {
            return Ok(());
        }
        let read = |(name, texts): &(String, Vec<String>)| -> Result<Vec<f64>, DataError> {
            let one = |(text, line): (&String, &usize)| super::number(&self.path, *line, name, text);
            texts.iter().zip(&self.lines).map(one).collect()
        };
        connectome.input_totals = Some((read(axon)?, read(dendrite)?));
        Ok(())
    }

    /// Sides and pairs from columns: the published pair table (`s1_side`, `s1_partner`) goes before `hemisphere`
    /// and `pair`.
    fn sides_and_pairs(&self, connectome: &mut Connectome) -> Result<(), DataError> {
        let n = connectome.n();
        let soma = self.sides(connectome);
        connectome.sides.clone_from(&soma);
        let published = self.column(&["s1_side"]).zip(self.column(&["s1_partner"]));
        let pair = self.column(PAIR);
        let mut said = vec![String::new(); n];
        let mut own_side = soma;
        let mut column = pair.map_or("pair", |(name, _)| name.as_str());
        for i in 0..n {
            if let Some(((_, side), (_, partner))) = published
                && !is_missing(&side[i])
            {
                said[i].clone_from(&partner[i]);
                own_side[i] = Side::parse(&side[i]);
                column = "s1_partner";
            } else if let Some((_, partner)) = pair {
                said[i].clone_from(&partner[i]);
            }
        }
        let listed = pairs::Listed {
            path: &self.path,
            column,
            said: &said,
            lines: &self.lines,
            sides: &own_side,
        };
        connectome.pairs = listed.pairs(connectome)?;
        // The side of a paired neuron is the one of its pair table.
        for &(left, right) in &connectome.pairs {
            connectome.sides[left] = Side::Left;
            connectome.sides[right] = Side::Right;
        }
        Ok(())
    }

    fn sides(&self, connectome: &mut Connectome) -> Vec<Side> {
        let Some((name, texts)) = self.column(SIDE) else {
            return vec![Side::Centre; connectome.n()];
        };
        let unknown: BTreeSet<&str> = texts
            .iter()
            .map(String::as_str)
            .filter(|text| Side::known(text).is_none())
            .collect();
        if !unknown.is_empty() {
            let words: Vec<String> = unknown
                .iter()
                .take(5)
                .map(|word| format!("`{}`", file::shown(word)))
                .collect();
            connectome.warnings.push(format!(
                "`{name}` has {}: neither left nor right (`L`, `left`, `LHS`, `R`, `right`, `RHS`), counted as the midline",
                words.join(", ")
            ));
        }
        texts.iter().map(|text| Side::parse(text)).collect()
    }
}

/// A row's name as the connectome has it.
fn canonical(name: &str, connectome: &Connectome) -> String {
    match (connectome.labels.is_none(), name.trim().parse::<i64>()) {
        (true, Ok(id)) => id.to_string(),
        _ => name.to_owned(),
    }
}

/// A table of neurons, and its column of ids.
pub(super) struct NeuronFile {
    table: Table,
    key: String,
}

impl NeuronFile {
    /// Reads `neurons.csv[.gz]` that lies in a folder.
    pub(super) fn in_folder(folder: &Path) -> Result<Option<Self>, DataError> {
        let names = [
            "neurons.csv",
            "neurons.csv.gz",
            "neurons.tsv",
            "neurons.tsv.gz",
            "neurons.txt",
            "neurons.parquet",
            "neurons.feather",
        ];
        let Some(path) = super::first_of(folder, &names) else {
            return Ok(None);
        };
        let table = Table::read(&path)?;
        // The column named so, the nameless first one, or one that is named as names are.
        let at = |names| columns::find(table.names(), names);
        let key = at(ID)
            .or_else(|| table.names().position(str::is_empty))
            .or_else(|| at(NAME));
        let Some(key) = key else {
            let found = format!("columns `{}`", table.names().collect::<Vec<_>>().join("`, `"));
            return Err(DataError::field(
                &path,
                1,
                "header",
                found,
                format!("a column `{}`", ID.join("` or `")),
            ));
        };
        let key = table.columns()[key].0.clone();
        Ok(Some(Self { table, key }))
    }

    /// Whether some neuron is called by a word, so that numbers among them are words too.
    pub(super) fn has_words(&self) -> bool {
        let ids = self.table.texts(&self.key).unwrap_or_default();
        ids.iter()
            .any(|id| neuropil_lab::table::whole_number(id).is_err_and(|_| id.parse::<f64>().is_err()))
    }

    /// The annotations of it, completing the neurons of the edges.
    pub(super) fn complete(&self, builder: &mut Builder) -> Result<Annotations, DataError> {
        let own = Annotations::of_table(self, builder)?;
        own.complete(builder, self.table.path())?;
        Ok(own)
    }
}

/// Whether a table of neurons has a column of partners or of labels that they share.
pub(crate) fn has_pair_column(table: &NeuronTable) -> bool {
    columns::find(table.columns.iter().map(|(name, _)| name.as_str()), PAIR).is_some()
}

/// Whether the columns of a table say the sides and pairs of a connectome, in whatever order its neurons come.
pub(crate) fn says(connectome: &Connectome, table: &NeuronTable) -> bool {
    let forwards: Vec<usize> = (0..connectome.n()).collect();
    let backwards: Vec<usize> = forwards.iter().rev().copied().collect();
    says_in_order(connectome, table, &forwards) && says_in_order(connectome, table, &backwards)
}

fn says_in_order(connectome: &Connectome, table: &NeuronTable, order: &[usize]) -> bool {
    let mut at = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, &i)| at[i] = place);
    let mut read = Connectome {
        ids: order.iter().map(|&i| connectome.ids[i]).collect(),
        labels: connectome
            .labels
            .as_ref()
            .map(|labels| order.iter().map(|&i| labels[i].clone()).collect()),
        sides: vec![Side::Centre; connectome.n()],
        ..Connectome::default()
    };
    let columns = table.columns.iter();
    let annotations = Annotations {
        path: PathBuf::new(),
        names: order.iter().map(|&i| connectome.id_text(i)).collect(),
        lines: vec![0; connectome.n()],
        columns: columns
            .map(|(name, cells)| (name.clone(), order.iter().map(|&i| cells[i].clone()).collect()))
            .collect(),
    };
    let sides = order.iter().map(|&i| connectome.sides[i]);
    let pairs = connectome.pairs.iter();
    let pairs: BTreeSet<_> = pairs.map(|&(left, right)| (at[left], at[right])).collect();
    annotations.sides_and_pairs(&mut read).is_ok()
        && read.sides.iter().copied().eq(sides)
        && read.pairs.into_iter().collect::<BTreeSet<_>>() == pairs
}

/// A pair table `leftid,rightid` in the folder: it replaces the pairs of the neuron table.
pub(super) fn pairs_beside(folder: &Path, connectome: &mut Connectome) -> Result<(), DataError> {
    let names = [
        "pairs.csv",
        "pairs.csv.gz",
        "pairs.tsv",
        "pairs.tsv.gz",
        "pairs.txt",
        "pairs.parquet",
        "pairs.feather",
    ];
    let Some(path) = super::first_of(folder, &names) else {
        return Ok(());
    };
    let table = Table::read(&path)?;
    let (left, right) = (table.require(LEFT)?.to_owned(), table.require(RIGHT)?.to_owned());
    let (lefts, rights) = (table.texts(&left)?, table.texts(&right)?);
    let mut found = pairs::Found::new(&path);
    let mut absent = 0usize;
    for row in 0..table.n_rows() {
        let line = table.line(row);
        let find = |name: &str, text: &str| -> Result<Option<usize>, DataError> {
            if is_missing(text) || text == "no pair" {
                return Ok(None);
            }
            if connectome.labels.is_none() {
                super::id(&path, line, name, text)?;
            }
            Ok(connectome.find(text))
        };
        match (find(&left, &lefts[row])?, find(&right, &rights[row])?) {
            (Some(l), Some(r)) => found.add(connectome, &connectome.sides, (l, r), line)?,
            _ => absent += 1,
        }
    }
    if absent > 0 {
        connectome.warnings.push(format!(
            "{absent} rows of {} name no pair of neurons of this connectome",
            path.file_name().unwrap_or_default().display()
        ));
    }
    connectome.pairs = found.pairs;
    for &(left, right) in &connectome.pairs {
        connectome.sides[left] = Side::Left;
        connectome.sides[right] = Side::Right;
    }
    Ok(())
}

/// Fills in `celltype` from a column that other programs call otherwise, and `io` (input, inter, output) from the cell
/// classes of the paper, where they are absent.
pub(super) fn derive(connectome: &mut Connectome) {
    if connectome.neurons.column("celltype").is_none() {
        let own = connectome.neurons.columns.iter();
        let at = columns::find(own.map(|(name, _)| name.as_str()), CLASS);
        if let Some(at) = at {
            let texts = connectome.neurons.columns[at].1.clone();
            connectome.neurons.set("celltype", texts);
        }
    }
    if connectome.neurons.column("io").is_some() {
        return;
    }
    let Some(classes) = connectome.neurons.column("celltype") else {
        return;
    };
    let io = classes.iter().map(|class| match class.as_str() {
        "sensory" | "ascending" | "ascendings" => "input",
        "DN-VNC" | "DN-SEZ" | "RGN" => "output",
        _ => "inter",
    });
    let io = io.map(str::to_owned).collect();
    connectome.neurons.set("io", io);
}
