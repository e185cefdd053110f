//! The edges of what can be asked: empty layers, single neurons, ties, odd files.

use neuropil_connectome::answer::{
    InfluenceQuestion, LayersQuestion, NullQuestion, Strong, edges_answer, flow_answer, hubs_answer,
    influence_answer, layers_answer, motifs_answer, nulls_answer, stats_answer,
};
use neuropil_connectome::cascade::{Settings, cascade, edge_probability};
use neuropil_connectome::data::{Connectome, Side};
use neuropil_connectome::flow::signal_flow;
use neuropil_connectome::graph::Csr;
use neuropil_connectome::layers::Way;
use neuropil_connectome::nulls::Null;
use neuropil_connectome::read::load;
use neuropil_connectome::select::select;
use neuropil_connectome::spectral::{embed, pass_to_ranks, whole};
use neuropil_connectome::threshold::{PairRule, Threshold, strong_edges};
use neuropil_connectome::types::{TypeSettings, divide};
use std::path::Path;

fn with(n: usize, layers: &[(&str, Vec<(u32, u32, f64)>)]) -> Connectome {
    let layers = layers
        .iter()
        .map(|(name, edges)| ((*name).to_owned(), Csr::from_edges(n, edges.clone())));
    Connectome {
        ids: (1..=n as i64).collect(),
        layers: layers.into_iter().collect(),
        sides: vec![Side::Centre; n],
        ..Connectome::default()
    }
}

fn strong(layer: &str) -> Strong<'_> {
    Strong {
        layer,
        threshold: Threshold::Fraction(0.01),
        rule: PairRule::Mean,
    }
}

/// Every question that needs no table of neurons.
fn ask_all(c: &Connectome, layer: &str) {
    let nulls = NullQuestion {
        null: Null::Degree,
        count: 3,
        seed: 1,
        column: "celltype",
    };
    stats_answer(c).unwrap();
    flow_answer(c, "all", 1).unwrap();
    edges_answer(c, layer, Threshold::Fraction(0.01), PairRule::Mean).unwrap();
    let hubs = hubs_answer(c, layer, Threshold::Synapses(1.0), PairRule::None, None, 1).unwrap();
    motifs_answer(c, &strong(layer), &nulls, None).unwrap();
    nulls_answer(c, &strong(layer), &nulls).unwrap();
    let layers = LayersQuestion {
        strong: strong(layer),
        way: Way::Downstream,
        sets: vec![("first".to_owned(), vec![0])],
        hops: 2,
    };
    layers_answer(c, &layers).unwrap();
    let question = InfluenceQuestion {
        layer,
        sources: ("first", &[0]),
        radius: 0.9,
        offset: 24.0,
        hops: 2,
        signs: None,
    };
    let influence = influence_answer(c, &question).unwrap();
    for (figure, _) in hubs.figures.iter().chain(&influence.figures) {
        figure.to_svg().unwrap();
    }
}

#[test]
fn an_empty_layer_and_a_single_neuron_have_answers() {
    ask_all(
        &with(4, &[("ad", vec![]), ("aa", vec![(0, 1, 2.0), (1, 2, 1.0)])]),
        "ad",
    );
    ask_all(&with(1, &[("ad", vec![])]), "ad");
    ask_all(&with(1, &[("chem", vec![(0, 0, 3.0)])]), "chem");
}

#[test]
fn a_disconnected_graph_is_ordered_part_by_part() {
    let graph = Csr::from_edges(5, vec![(0, 1, 1.0), (3, 2, 7.0)]);
    assert_eq!(signal_flow(&graph), [0.5, -0.5, -0.5, 0.5, 0.0]);
}

#[test]
fn equal_weights_are_ranked_as_they_are_only_without_weights() {
    let ones = Csr::from_edges(3, vec![(0, 1, 1.0), (1, 2, 1.0)]);
    assert_eq!(pass_to_ranks(&ones), ones);
    let twos = pass_to_ranks(&ones.map(|_, _, w| 2.0 * w));
    assert_eq!(twos.all_weights(), [0.5, 0.5]);
}

#[test]
fn tied_singular_values_span_the_same_space() {
    // Two equal blocks: both leading singular values are 3.
    let block = |from: u32| (0..9u32).map(move |e| (from + e / 3, from + e % 3, 1.0));
    let graph = Csr::from_edges(6, block(0).chain(block(3)).collect());
    let e = embed(&whole(&graph), 2);
    assert!((e.singular_values[0] - 3.0).abs() < 1e-12 && (e.singular_values[1] - 3.0).abs() < 1e-12);
    for (i, j) in [(0, 1), (4, 5), (0, 4)] {
        let product: f64 = (0..2).map(|k| e.x[2 * i + k] * e.y[2 * j + k]).sum();
        assert!((product - graph.weight(i, j)).abs() < 1e-12, "{i}, {j}");
    }
}

#[test]
fn identical_points_and_too_few_points_stay_one_type() {
    let settings = TypeSettings {
        levels: 2,
        starts: 3,
        ..TypeSettings::default()
    };
    assert_eq!(divide(&[1.0; 200], 2, &settings).counts, [1, 1]);
    let few: Vec<f64> = (0..20).map(f64::from).collect();
    assert_eq!(divide(&few, 2, &settings).counts, [1, 1]);
    // Two heaps of duplicates: covariances are singular until they are regularised.
    let heaps: Vec<f64> = (0..100).flat_map(|i| [f64::from(i % 2) * 5.0, 0.0]).collect();
    let found = divide(&heaps, 2, &settings);
    assert!(found.counts[0] <= 2);
    assert!((0..100).all(|i| found.levels[1][i] == found.levels[1][i % 2]));
}

#[test]
fn probabilities_neither_underflow_nor_cancel() {
    assert_eq!(edge_probability(0.05, 1e9), 1.0);
    assert!((edge_probability(1e-14, 2.0) / 2e-14 - 1.0).abs() < 1e-12);
    assert_eq!(
        (edge_probability(0.0, 5.0), edge_probability(1.0, 5.0)),
        (0.0, 1.0)
    );
}

#[test]
fn a_self_edge_never_activates_its_neuron_again() {
    let graph = Csr::from_edges(2, vec![(0, 0, 1e6), (0, 1, 1e6), (1, 1, 1e6)]);
    let settings = Settings {
        runs: 10,
        ..Settings::default()
    };
    let found = cascade(&graph, &[0], &[false; 2], &settings).unwrap();
    assert_eq!(
        (found.reached(0, 8), found.reached(1, 8), found.hits(1, 1)),
        (0, 10, 10)
    );
    assert!(
        cascade(&graph, &[], &[false; 2], &settings)
            .unwrap_err()
            .to_string()
            .contains("without sources")
    );
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn large_ids_are_kept_to_the_last_digit_and_floats_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(
        here,
        "edges.csv",
        "pre_root_id,post_root_id,neuropil,syn_count,nt_type\n720575940600000001,720575940600000002,AL_L,3,ACH\n\
         720575940600000001,720575940600000002,AL_R,4,ACH\n720575940600000002,720575940600000003,AL_R,5,GABA\n",
    );
    let c = load(&here.join("edges.csv")).unwrap();
    assert_eq!(
        c.ids,
        [
            720_575_940_600_000_001,
            720_575_940_600_000_002,
            720_575_940_600_000_003
        ]
    );
    assert_eq!(c.layer("all").unwrap().weight(0, 1), 7.0);
    assert!(
        select(&c, "ids=720575940600000009")
            .unwrap_err()
            .to_string()
            .contains("720575940600000009")
    );
    write(here, "float.csv", "pre,post,weight\n7.205759406e17,2,3\n");
    let message = load(&here.join("float.csv")).unwrap_err().to_string();
    assert!(message.contains("float.csv:2"), "{message}");
}

#[test]
fn odd_tables_are_read_as_they_are_meant() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    // A byte-order mark, blanks for zeros, more columns than rows.
    write(here, "sheet.csv", "\u{feff},A,B,C\nA,,2,\nB,1,,4\n");
    let sheet = load(&here.join("sheet.csv")).unwrap();
    assert_eq!((sheet.n(), sheet.layer("chem").unwrap().n_edges()), (3, 3));
    // Partners that are absent, text in an id column, semicolons in annotations, a neuron without any input total.
    write(
        here,
        "edges.csv",
        "pre,post,ad,aa,dd,da\n1,2,5,0,0,0\n2,3,1,1,0,0\n3,1,2,0,0,0\n",
    );
    write(
        here,
        "neurons.csv",
        "id,hemisphere,pair,celltype,annotations,io,axon_input,dendrite_input\n1,L,2,PN,olfactory;2nd_order,input,10,10\n\
         2,R,1,PN,olfactory,inter,10,10\n3,L,99,KC,no official annotation,inter,0,0\n4,R,no pair,KC,,inter,1,1\n",
    );
    let c = load(here).unwrap();
    assert_eq!(c.pairs, [(0, 1)], "the partner 99 is absent");
    assert_eq!(select(&c, "annotations~2nd_order").unwrap(), [0]);
    assert_eq!(select(&c, "annotations~olfactory").unwrap(), [0, 1]);
    assert!(
        c.warnings.iter().any(|w| w.contains("no total input")),
        "{:?}",
        c.warnings
    );
    let edges = strong_edges(&c, "ad", Threshold::Fraction(0.01), PairRule::None).unwrap();
    assert!(
        edges.split.iter().all(|e| e.post != 2),
        "a fraction of nothing is 0"
    );
    // A pair named twice is an error with its neuron.
    write(here, "pairs.csv", "leftid,rightid\n1,2\n3,2\n");
    let message = load(here).unwrap_err().to_string();
    assert!(message.contains('2'), "{message}");
}
