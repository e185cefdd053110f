//! What would have been measured in an invented study: open chromatin in a few species, and the clades of all.

use std::fmt::Write as _;

use super::{Invented, region_name};

/// Species in which openness is told.
const MEASURED: usize = 4;

/// Table of region, species, open: of species at equal steps through the tree, where they have an ortholog.
pub(super) fn labels(study: &Invented) -> String {
    let n = study.tree.n_tips();
    let mut text = "region\tspecies\topen\n".to_owned();
    for (region, open) in study.open.iter().enumerate() {
        for tip in (0..MEASURED).map(|i| i * n / MEASURED) {
            if !study.orthologs[region][tip].is_empty() {
                let (name, species) = (region_name(region), study.tree.tip_name(tip));
                let _ = writeln!(text, "{name}\t{species}\t{}", u8::from(open[tip]));
            }
        }
    }
    text
}

/// Table of species, clade: the two sides of the root.
pub(super) fn clades(study: &Invented) -> String {
    let root = study.tree.n_nodes() - 1;
    let mut text = "species,clade\n".to_owned();
    for (tip, name) in study.tree.tip_names().enumerate() {
        let first = tip == 0 || study.tree.mrca(0, tip) != root;
        let _ = writeln!(text, "{name},{}", if first { "first" } else { "second" });
    }
    text
}
