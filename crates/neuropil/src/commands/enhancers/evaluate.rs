//! `neuropil enhancers evaluate`: what a network has learned beyond open and closed.

use super::{make_folder, print, put};
use crate::cli::enhancers::EvaluateArgs;
use crate::terminal::say;
use neuropil_draw::{Report, Section};
use neuropil_enhancers::error::InputError;
use neuropil_enhancers::evaluate::{Clades, Evaluation, Labels, Ruler, evaluate};
use neuropil_enhancers::matrix::{Matrix, read_species};
use neuropil_enhancers::table::Table;
use neuropil_enhancers::text::read_to_string;
use neuropil_enhancers::tree::{self, Choice};
use neuropil_lab::error::Problem;
use neuropil_study::life::{page_table, save_figure, write_page};
use neuropil_study::{Answer, Origin};
use std::path::Path;

/// Runs the command.
pub(super) fn run(args: &EvaluateArgs) -> Result<u8, Problem> {
    if !(0.0..=1.0).contains(&args.min_fraction) {
        return Err(Problem::bare(format!(
            "--min-fraction is {}, expected 0 to 1",
            args.min_fraction
        )));
    }
    let found = ask(args)?;
    found.notes.iter().for_each(|note| say!("note: {note}"));
    let origin = Origin {
        of: args.predictions.display().to_string(),
        ..Origin::default()
    };
    let answer = Answer::of(&found, &origin);
    write(&found, &answer, &args.out)?;
    if args.json {
        print(&format!("{}\n", answer.json))?;
    } else {
        for sentence in &answer.sentences {
            print(&format!("{sentence}\n"))?;
        }
    }
    say!("results: {}", args.out.join("evaluation.tsv").display());
    say!("report:  {}", args.out.join("report.html").display());
    Ok(0)
}

/// Reads everything, and evaluates.
fn ask(args: &EvaluateArgs) -> Result<Evaluation, InputError> {
    let species = args.species.as_deref().map(read_species).transpose()?;
    let matrix = Matrix::read(&args.predictions, species.as_deref(), false)?;
    let in_labels = |error: InputError| error.in_file(&args.labels);
    let labels = Table::parse(&read_to_string(&args.labels)?)
        .and_then(|table| Labels::from_table(&table, &matrix, args.tissue.as_deref()))
        .map_err(in_labels)?;
    let clades = match &args.clades {
        Some(path) => Table::parse(&read_to_string(path)?)
            .and_then(|table| Clades::from_table(&table, &matrix))
            .map_err(|error| error.in_file(path))?,
        None => Clades::default(),
    };
    let choice = args.tree_number.map_or(Choice::Only, Choice::Number);
    let tree = args
        .tree
        .as_deref()
        .map(|path| tree::read(path, &choice))
        .transpose()?;
    let ruler = tree
        .as_ref()
        .zip(args.source.as_deref())
        .map(|(read, source)| Ruler {
            tree: &read.tree,
            source,
            among: args.among.as_deref(),
            min_fraction: args.min_fraction,
        });
    let mut found = evaluate(&matrix, &labels, &clades, ruler.as_ref()).map_err(|error| {
        if error.field.as_deref() == Some("open") {
            in_labels(error)
        } else {
            error
        }
    })?;
    found.notes.extend(tree.into_iter().flat_map(|read| read.notes));
    Ok(found)
}

fn write(found: &Evaluation, answer: &Answer, out: &Path) -> Result<(), Problem> {
    make_folder(out)?;
    let names: Vec<&str> = answer.table.names().collect();
    let mut text = names.join("\t") + "\n";
    for row in answer.table.rows() {
        let cells: Vec<&str> = row
            .iter()
            .map(|cell| if cell.is_empty() { "NA" } else { cell })
            .collect();
        text += &(cells.join("\t") + "\n");
    }
    put(&out.join("evaluation.tsv"), &text)?;
    let json = serde_json::to_string_pretty(&answer.json).expect("a value is JSON");
    put(&out.join("evaluation.json"), &json)?;
    if let Some(newick) = &found.species_tree {
        put(&out.join("species.nwk"), &format!("{newick}\n"))?;
    }
    for shown in &answer.figures {
        save_figure(out, out, shown)?;
    }
    let mut sections: Vec<Section> = answer
        .figures
        .iter()
        .map(|shown| Section {
            title: shown.figure.title.clone(),
            figure: Some(shown.figure.clone()),
            table: Some(page_table(
                &shown.numbers,
                Some(format!("{}.csv", shown.figure.name)),
            )),
            ..Section::default()
        })
        .collect();
    if let Some(section) = sections.first_mut() {
        section.text = answer.sentences.join("\n\n");
    }
    let page = Report {
        title: "What the network has learned".into(),
        lead: answer.sentences.first().cloned().unwrap_or_default(),
        sections,
        details: [
            ("Remarks", found.notes.join("\n")),
            ("Tree of species", found.species_tree.clone().unwrap_or_default()),
        ]
        .map(|(title, text)| (title.to_owned(), text))
        .to_vec(),
        ..Report::default()
    };
    write_page(&out.join("report.html"), &page)
}
