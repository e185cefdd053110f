//! Bad files and what is said of them: the table in the book is made here.
//!
//! `NEUROPIL_BLESS=1 cargo test -p neuropil-connectome bad_input` writes it anew.

use neuropil_connectome::read::load;
use std::fmt::Write;
use std::path::Path;

/// Reader, defect, name of the file, its text.
const CASES: [(&str, &str, &str, &str); 40] = [
    ("edge table", "nothing in it", "edges.csv", ""),
    (
        "edge table",
        "no column of weights, a third one of numbers",
        "edges.csv",
        "pre,post,zahl\n1,2,3\n",
    ),
    ("edge table", "unknown columns", "edges.csv", "a,b\n1,2\n"),
    (
        "edge table",
        "a weight that is no number",
        "edges.csv",
        "pre,post,weight\n1,2,x\n",
    ),
    (
        "edge table",
        "a weight that is missing",
        "edges.csv",
        "pre,post,weight\n1,2,NaN\n",
    ),
    (
        "edge table",
        "a count that is negative",
        "edges.csv",
        "pre,post,ad,aa\n1,2,-1,0\n",
    ),
    (
        "edge table",
        "a row that is short",
        "edges.csv",
        "pre,post,weight\n1,2\n",
    ),
    (
        "edge table",
        "an id that lost its digits",
        "edges.csv",
        "pre,post,weight\n1,2,3\n7.2e17,2,3\n",
    ),
    (
        "edge table",
        "an id beyond 64 bits",
        "edges.csv",
        "pre,post,weight\n18446744073709551615,2,3\n",
    ),
    (
        "edge table",
        "a quote that is not closed",
        "edges.csv",
        "pre,post,weight\n\"1,2,3\n",
    ),
    (
        "edge table",
        "thousands or decimals",
        "edges.tsv",
        "pre\tpost\tweight\n1\t2\t1,234\n",
    ),
    ("labelled matrix", "a column twice", "m.csv", ",A,A\nA,0,1\n"),
    ("labelled matrix", "a row twice", "m.csv", ",A,B\nA,0,1\nA,0,1\n"),
    (
        "labelled matrix",
        "a row that is long",
        "m.csv",
        ",A,B\nA,0,1,2\n",
    ),
    (
        "labelled matrix",
        "a cell that is no number",
        "m.csv",
        ",A,B\nA,0,x\nB,0,0\n",
    ),
    ("Matrix Market", "no header", "m.mtx", "2 2 1\n1 2 5\n"),
    (
        "Matrix Market",
        "complex weights",
        "m.mtx",
        "%%MatrixMarket matrix coordinate complex general\n1 1 0\n",
    ),
    (
        "Matrix Market",
        "cut short",
        "m.mtx",
        "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 2 5\n",
    ),
    (
        "Matrix Market",
        "more entries than announced",
        "m.mtx",
        "%%MatrixMarket matrix coordinate real general\n2 2 0\n1 2 5\n",
    ),
    (
        "Matrix Market",
        "not square",
        "m.mtx",
        "%%MatrixMarket matrix coordinate real general\n2 3 0\n",
    ),
    (
        "Matrix Market",
        "a place outside",
        "m.mtx",
        "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 3 5\n",
    ),
    (
        "Matrix Market",
        "both halves of a symmetric matrix",
        "m.mtx",
        "%%MatrixMarket matrix coordinate real symmetric\n2 2 2\n1 2 3\n2 1 3\n",
    ),
    (
        "Matrix Market",
        "more neurons than memory",
        "m.mtx",
        "%%MatrixMarket matrix coordinate pattern general\n4000000000 4000000000 0\n",
    ),
    ("GraphML", "not XML", "g.graphml", "<graphml><graph>"),
    ("GraphML", "no graph", "g.graphml", "<graphml/>"),
    (
        "GraphML",
        "an edge to nowhere",
        "g.graphml",
        "<graphml><graph><node id=\"1\"/><edge source=\"1\" target=\"2\"/></graph></graphml>",
    ),
    (
        "GraphML",
        "a node twice",
        "g.graphml",
        "<graphml><graph><node id=\"1\"/><node id=\"1\"/></graph></graphml>",
    ),
    (
        "GraphML",
        "edges of several ends",
        "g.graphml",
        "<graphml><graph><node id=\"1\"/><hyperedge/></graph></graphml>",
    ),
    ("array", "not an archive", "a.npz", "weights"),
    ("array", "an archive that is cut", "a.npz", "PK\u{3}\u{4}"),
    ("supplement", "not an archive", "s.zip", "weights"),
    (
        "neuron table",
        "no column of ids",
        "neurons.csv",
        "cell,side\nA,L\n",
    ),
    (
        "neuron table",
        "a neuron twice",
        "neurons.csv",
        "id,side\n1,L\n2,R\n1,L\n",
    ),
    (
        "neuron table",
        "a neuron that is missing",
        "neurons.csv",
        "id,side\n1,L\n",
    ),
    (
        "neuron table",
        "an id that is none",
        "neurons.csv",
        "id,side\n1,L\n2,R\nx,R\n",
    ),
    (
        "neuron table",
        "a column twice",
        "neurons.csv",
        "id,side,side\n1,L,L\n2,R,R\n",
    ),
    (
        "neuron table",
        "partners of one side",
        "neurons.csv",
        "id,side,pair\n1,L,2\n2,L,1\n",
    ),
    (
        "neuron table",
        "a partner that names another",
        "neurons.csv",
        "id,side,pair\n1,L,2\n2,R,3\n3,L,2\n",
    ),
    (
        "neuron table",
        "its own partner",
        "neurons.csv",
        "id,side,pair\n1,L,1\n2,R,\n",
    ),
    (
        "pair table",
        "a neuron in two pairs",
        "pairs.csv",
        "leftid,rightid\n1,2\n1,3\n",
    ),
];

fn message(name: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join(name), text).unwrap();
    let asked = if matches!(name, "neurons.csv" | "pairs.csv") {
        let edges = if name == "pairs.csv" {
            "pre,post,weight\n1,2,3\n3,1,1\n"
        } else {
            "pre,post,weight\n1,2,3\n"
        };
        std::fs::write(here.join("edges.csv"), edges).unwrap();
        here.join("edges.csv")
    } else {
        here.join(name)
    };
    let error = load(&asked)
        .err()
        .unwrap_or_else(|| panic!("{name} is read: {text:?}"));
    error.to_string().replace(&format!("{}/", here.display()), "")
}

#[test]
fn the_table_of_the_book_is_what_readers_say() {
    let mut page = String::from(
        "# Bad input\n\nWhat the readers of connectomes say of files that cannot be right. The table is written by the tests. Every\n\
         message names the file, the line and the field where there are such, what was found and what was expected; the exit\n\
         code is 2 and nothing is written.\n\n| reader | defect | message |\n|---|---|---|\n",
    );
    for (reader, defect, name, text) in CASES {
        let said = message(name, text);
        assert!(
            said.starts_with(name) && said.contains(", expected ") || said.contains("cannot "),
            "{said}"
        );
        let said = said.replace('|', "\\|").replace("\n  hint: ", "<br>hint: ");
        writeln!(page, "| {reader} | {defect} | {said} |").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/bad-input.md");
    if std::env::var_os("NEUROPIL_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let book = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        book == page,
        "docs/bad-input.md is not what the readers say: see the head of this file"
    );
}
