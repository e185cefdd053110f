//! Small graphs whose answers were computed independently.

use crate::files::{close, indices, json, number, numbers};
use neuropil_connectome::cascade::{Settings, cascade, exact::exact, signed::signed};
use neuropil_connectome::flow::signal_flow;
use neuropil_connectome::graph::Csr;
use neuropil_connectome::hubs::rich_club;
use serde_json::Value;

fn case(case: &Value) -> (Csr, Vec<usize>, Vec<bool>, Settings, Vec<f64>) {
    let n = case["W"].as_array().unwrap().len();
    let mut stop = vec![false; n];
    indices(&case["stop"]).into_iter().for_each(|i| stop[i] = true);
    let settings = Settings {
        p: number(&case["p"]),
        max_hops: number(&case["max_hops"]) as usize,
        runs: 200_000,
        seed: 1,
    };
    let graph = Csr::from_dense(n, &numbers(&case["W"]));
    (
        graph,
        indices(&case["sources"]),
        stop,
        settings,
        numbers(&case["hit_probability"]),
    )
}

fn within_five_errors(name: &str, hits: &[u32], runs: usize, expected: &[f64]) {
    for (k, (&hit, &p)) in hits.iter().zip(expected).enumerate() {
        let error = (p * (1.0 - p) / runs as f64).max(0.0).sqrt();
        close(
            &format!("{name}, entry {k}"),
            f64::from(hit) / runs as f64,
            p,
            5.0 * error + 1e-12,
        );
    }
}

#[test]
fn cascades_have_their_exact_probabilities() {
    let file = json("synthetic/cascades.json");
    for (kind, is_signed) in [("exact", false), ("signed", true)] {
        let cases = file[kind].as_array().unwrap();
        assert!(!cases.is_empty());
        for entry in cases {
            let name = entry["name"].as_str().unwrap();
            let (graph, sources, stop, s, expected) = case(entry);
            let computed = exact(&graph, &sources, &stop, s.p, s.max_hops, is_signed).unwrap();
            assert_eq!(computed.len(), expected.len());
            for (k, (a, b)) in computed.iter().zip(&expected).enumerate() {
                close(&format!("{name}, entry {k}"), *a, *b, 1e-12);
            }
            let drawn = if is_signed {
                signed(&graph, &sources, &stop, &s)
            } else {
                cascade(&graph, &sources, &stop, &s)
            };
            within_five_errors(name, &drawn.unwrap().hits, s.runs, &expected);
        }
    }
}

#[test]
fn signal_flow_matches() {
    let file = json("synthetic/flow_procrustes.json");
    let graph = Csr::from_dense(8, &numbers(&file["flow_adjacency"]));
    for (i, (z, expected)) in signal_flow(&graph)
        .iter()
        .zip(numbers(&file["signal_flow"]))
        .enumerate()
    {
        close(&format!("signal flow of {i}"), *z, expected, 1e-9);
    }
}

#[test]
fn degrees_hops_reciprocity_and_rich_club_match() {
    let file = json("synthetic/paths_loops.json");
    let edges: Vec<(u32, u32, f64)> = file["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e[0].as_u64().unwrap() as u32, e[1].as_u64().unwrap() as u32, 1.0))
        .collect();
    let graph = Csr::from_edges(9, edges);
    let (into, out) = graph.degrees();
    for i in 0..9 {
        assert_eq!(file["in_degree"][i.to_string()], into[i]);
        assert_eq!(file["out_degree"][i.to_string()], out[i]);
        let hops = file["shortest_path_lengths_from_0"]
            .get(i.to_string())
            .and_then(Value::as_u64);
        assert_eq!(graph.hops(&[0])[i].map(u64::from), hops);
    }
    let mutual = graph
        .edges()
        .filter(|&(i, j, _)| graph.weight(j, i) != 0.0)
        .count();
    close(
        "reciprocity",
        mutual as f64 / graph.n_edges() as f64,
        number(&file["reciprocity"]),
        1e-12,
    );
    let club = rich_club(&graph);
    let expected = file["rich_club_undirected"].as_object().unwrap();
    assert_eq!(club.len(), expected.len());
    for (k, phi) in club.iter().enumerate() {
        close("rich club", *phi, number(&expected[&k.to_string()]), 1e-12);
    }
}
