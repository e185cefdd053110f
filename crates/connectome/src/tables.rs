//! A connectome as tables: `edges.csv` and `neurons.csv`, which read back as what was written.

use crate::data::{Connectome, NeuronTable, Side, TYPED_LAYERS};
use crate::read;
use neuropil_lab::table::{Column, Table};
use std::collections::BTreeMap;

/// The edge table and the neuron table.
///
/// Edges are `pre,post,weight` of one layer `chem`, `pre,post,ad,aa,dd,da` of typed layers, else
/// `pre,post,weight,layer`. Neurons keep their columns; sides, pairs and input totals are written where these do not say
/// them already.
pub fn tables(connectome: &Connectome) -> [Table; 2] {
    [edges(connectome), neurons(connectome)]
}

/// Ids or labels of some neurons.
fn ids(connectome: &Connectome, neurons: impl Iterator<Item = usize>) -> Column {
    match &connectome.labels {
        Some(labels) => Column::Text(neurons.map(|i| labels[i].clone()).collect()),
        None => Column::Integer(neurons.map(|i| connectome.ids[i]).collect()),
    }
}

fn edges(connectome: &Connectome) -> Table {
    let names: Vec<&str> = connectome.layers.keys().map(String::as_str).collect();
    let typed = !names.is_empty() && names.iter().all(|name| TYPED_LAYERS.contains(name));
    if !typed && names != ["chem"] {
        return long(connectome);
    }
    let mut joined: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    for (k, name) in names.iter().enumerate() {
        for (i, j, w) in connectome.layers[*name].edges() {
            joined.entry((i, j)).or_insert_with(|| vec![0.0; names.len()])[k] = w;
        }
    }
    if let Some(word) = unnamed_word(connectome, joined.keys().copied()) {
        joined.insert((word, word), vec![0.0; names.len()]);
    }
    let table = Table::new()
        .with("pre", ids(connectome, joined.keys().map(|edge| edge.0)))
        .with("post", ids(connectome, joined.keys().map(|edge| edge.1)));
    names.iter().enumerate().fold(table, |table, (k, name)| {
        let header = if typed { name } else { "weight" };
        table.with(
            header,
            joined.values().map(|weights| weights[k]).collect::<Vec<f64>>(),
        )
    })
}

/// A neuron whose label is a word, where edges name only neurons with numbers for labels: ids of such a table would be
/// read as integers. It gets a row of weight 0.
fn unnamed_word(connectome: &Connectome, edges: impl Iterator<Item = (usize, usize)>) -> Option<usize> {
    let labels = connectome.labels.as_ref()?;
    let mut named = edges.flat_map(|(i, j)| [i, j]).peekable();
    named.peek()?;
    let is_word = |i: &usize| read::canonical(&labels[*i]).is_none();
    if named.any(|i| is_word(&i)) {
        return None;
    }
    (0..labels.len()).find(is_word)
}

/// A row for every edge of every layer; one of weight 0 for a layer without edges.
fn long(connectome: &Connectome) -> Table {
    let mut rows: Vec<(usize, usize, f64, &str)> = Vec::new();
    for (name, layer) in &connectome.layers {
        rows.extend(layer.edges().map(|(i, j, w)| (i, j, w, name.as_str())));
        if layer.n_edges() == 0 && connectome.n() > 0 {
            rows.push((0, 0, 0.0, name));
        }
    }
    if let (Some(word), Some(layer)) = (
        unnamed_word(connectome, rows.iter().map(|row| (row.0, row.1))),
        connectome.layers.keys().next(),
    ) {
        rows.push((word, word, 0.0, layer));
    }
    Table::new()
        .with("pre", ids(connectome, rows.iter().map(|row| row.0)))
        .with("post", ids(connectome, rows.iter().map(|row| row.1)))
        .with("weight", rows.iter().map(|row| row.2).collect::<Vec<f64>>())
        .with("layer", rows.iter().map(|row| row.3).collect::<Vec<&str>>())
}

fn neurons(connectome: &Connectome) -> Table {
    let columns = columns(connectome);
    let mut table = Table::new().with("id", ids(connectome, 0..connectome.n()));
    for (name, texts) in columns.columns {
        table = table.with(name, texts);
    }
    match &connectome.input_totals {
        None => table,
        Some((axon, dendrite)) => table
            .with("axon_input", axon.clone())
            .with("dendrite_input", dendrite.clone()),
    }
}

/// The columns, completed so that sides and pairs are read from them.
fn columns(connectome: &Connectome) -> NeuronTable {
    let own = ["id", "axon_input", "dendrite_input"];
    let kept = connectome.neurons.columns.iter();
    let kept =
        kept.filter(|(name, _)| !name.is_empty() && !own.iter().any(|own| name.eq_ignore_ascii_case(own)));
    let mut table = NeuronTable {
        columns: kept.cloned().collect(),
    };
    let has_pairs = |table: &NeuronTable| read::has_pair_column(table);
    if has_pairs(&table) && read::says(connectome, &table) {
        return table;
    }
    let n = connectome.n();
    let partner = connectome.partners();
    let partners = (0..n).map(|i| partner[i].map_or_else(|| "-1".to_owned(), |j| connectome.id_text(j)));
    // A column of labels that two share is the user's own: the partner stands beside it, and goes before it.
    let header = if has_pairs(&table) { "partner_id" } else { "pair" };
    table.set(header, partners.collect());
    if read::says(connectome, &table) {
        return table;
    }
    table.columns.retain(|(name, _)| {
        !["s1_side", "s1_partner"]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own))
    });
    let side = |side: &Side| match side {
        Side::Left => "L",
        Side::Right => "R",
        Side::Centre => "C",
    };
    let sides = connectome.sides.iter().map(|own| side(own).to_owned());
    table.set("hemisphere", sides.collect());
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Csr;
    use neuropil_lab::table::Form;
    use proptest::prelude::*;
    use std::path::Path;

    fn write(folder: &Path, connectome: &Connectome) {
        let [edges, neurons] = tables(connectome);
        edges.write(&folder.join("edges.csv"), Form::Csv).unwrap();
        neurons.write(&folder.join("neurons.csv"), Form::Csv).unwrap();
    }

    /// What must come back, by name: order is that of the file where neurons have labels.
    type Told = (
        BTreeMap<String, (Side, Option<String>, Vec<String>, Option<(u64, u64)>)>,
        BTreeMap<String, BTreeMap<(String, String), u64>>,
    );

    fn told(c: &Connectome, columns: &[&str]) -> Told {
        let partner = c.partners();
        let neuron = |i: usize| {
            let texts = columns.iter().map(|name| c.texts(name)[i].clone()).collect();
            let totals = c
                .input_totals
                .as_ref()
                .map(|(a, d)| (a[i].to_bits(), d[i].to_bits()));
            (
                c.id_text(i),
                (c.sides[i], partner[i].map(|j| c.id_text(j)), texts, totals),
            )
        };
        let edges = |layer: &Csr| {
            layer
                .edges()
                .map(|(i, j, w)| ((c.id_text(i), c.id_text(j)), w.to_bits()))
                .collect::<BTreeMap<_, _>>()
        };
        (
            (0..c.n()).map(neuron).collect(),
            c.layers
                .iter()
                .map(|(name, layer)| (name.clone(), edges(layer)))
                .collect(),
        )
    }

    fn labels() -> impl Strategy<Value = Vec<String>> {
        let label = prop_oneof!["[A-Z]{1,4}", "[ -~µ\n,;\"#]{1,6}", "[0-9]{1,3}"];
        // Blanks around a cell are no part of it, and `-` is no neuron.
        let label = label.prop_map(|label| label.trim().to_owned());
        let label = label.prop_filter("a name", |label| !neuropil_lab::table::is_missing(label));
        prop::collection::btree_set(label, 3..9).prop_map(|set| set.into_iter().collect())
    }

    /// Labels, or numbers as ids.
    fn names() -> impl Strategy<Value = (Vec<i64>, Option<Vec<String>>)> {
        // A negative number among partners means none.
        let numbers = prop::collection::btree_set(0..i64::MAX, 3..9);
        prop_oneof![
            numbers.prop_map(|ids| (ids.into_iter().collect(), None)),
            labels()
                .prop_filter("words", |labels| labels
                    .iter()
                    .any(|l| l.trim().parse::<i64>().is_err()))
                .prop_map(|labels| ((0..labels.len() as i64).collect(), Some(labels))),
        ]
    }

    prop_compose! {
        fn connectomes()(
            (ids, labels) in names(),
            edges in prop::collection::vec((0u32..9, 0u32..9, 1u32..50, 0usize..3), 0..30),
            layers in prop_oneof![
                Just(vec!["chem"]), Just(vec!["ad", "aa"]), Just(vec!["gap"]), Just(vec!["chem", "gap", "S, or so"])
            ],
            n_pairs in 0usize..4,
            midline in any::<bool>(),
            totals in any::<bool>(),
            classes in prop::collection::vec("[A-Za-z,\"\n ]{0,5}", 9),
        ) -> Connectome {
            let n = ids.len();
            let own = |k: usize| {
                let mine = edges.iter().filter(|edge| edge.3 % layers.len() == k);
                let mine = mine.filter(|edge| (edge.0 as usize) < n - 1 && (edge.1 as usize) < n - 1);
                Csr::from_edges(n, mine.map(|edge| (edge.0, edge.1, f64::from(edge.2))).collect())
            };
            let layers = layers.iter().enumerate().map(|(k, name)| ((*name).to_owned(), own(k))).collect();
            let n_pairs = n_pairs.min(n / 2);
            let pairs: Vec<(usize, usize)> = (0..n_pairs).map(|k| (2 * k, 2 * k + 1)).collect();
            let rest = if midline { Side::Centre } else { Side::Left };
            let side = |i: usize| if i >= 2 * n_pairs { rest } else { [Side::Left, Side::Right][i % 2] };
            let known = |text: &String| if neuropil_lab::table::is_missing(text) { String::new() } else { text.clone() };
            let mut neurons = NeuronTable::default();
            neurons.set("celltype", classes[..n].iter().map(known).collect());
            Connectome {
                ids,
                labels,
                layers,
                neurons,
                pairs,
                sides: (0..n).map(side).collect(),
                input_totals: totals.then(|| ((0..n).map(|i| i as f64).collect(), vec![2.5; n])),
                ..Connectome::default()
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn what_is_written_reads_back_the_same(connectome in connectomes()) {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), &connectome);
            let back = read::load(folder.path()).unwrap();
            prop_assert_eq!(told(&back, &["celltype"]), told(&connectome, &["celltype"]));
            // And what was read is written and read once more, byte for byte.
            let again = tempfile::tempdir().unwrap();
            write(again.path(), &back);
            let twice = read::load(again.path()).unwrap();
            prop_assert_eq!(told(&twice, &["celltype", "io"]), told(&back, &["celltype", "io"]));
        }
    }
}
