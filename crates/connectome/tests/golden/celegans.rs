//! Cook et al. (2019): labels instead of ids, blanks for zeros, more columns than rows.

use crate::golden::files::{close, json, number, numbers, published};
use neuropil_connectome::flow::{order, signal_flow};
use neuropil_connectome::read::load;
use neuropil_connectome::stats::layer_stats;

#[test]
fn worm_sheets_are_read_as_they_are() {
    for kind in ["chem", "elec"] {
        let Some(path) = published(&format!("celegans/herm_{kind}_adj.csv")) else {
            return;
        };
        let reference = &json("celegans/reference.json")[kind];
        let worm = load(&path).unwrap();
        let graph = worm.layer("chem").unwrap();
        let stats = layer_stats(&graph);
        for (name, found) in [
            ("union_nodes", worm.n() as f64),
            ("edges", stats.edges as f64),
            ("total_weight", stats.synapses),
            ("self_edges", stats.self_edges as f64),
            ("max_weight", stats.max_weight),
        ] {
            close(name, found, number(&reference[name]), 0.0);
        }
        assert_eq!(
            graph == graph.transposed(),
            reference["symmetric"].as_bool().unwrap()
        );
        if kind == "elec" {
            continue;
        }
        assert_eq!(reference["nodes_with_edges"], stats.neurons_with_edges);
        let z = signal_flow(&graph);
        let range = numbers(&reference["signal_flow_range"]);
        // Lone nodes have 0 here and are absent there; the others keep their values.
        close(
            "smallest flow",
            z.iter().copied().fold(f64::INFINITY, f64::min),
            range[0],
            1e-8,
        );
        close(
            "largest flow",
            z.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            range[1],
            1e-8,
        );
        let first: Vec<String> = order(&z).into_iter().take(10).map(|i| worm.id_text(i)).collect();
        let expected: Vec<String> = serde_json::from_value(reference["signal_flow_top10"].clone()).unwrap();
        assert_eq!(first, expected);
    }
}
