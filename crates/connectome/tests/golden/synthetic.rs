//! Small graphs whose answers were computed independently.

use crate::golden::files::{close, indices, json, number, numbers};
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

#[test]
fn paths_and_cycles_match() {
    use neuropil_connectome::paths::loops::loops;
    use neuropil_connectome::paths::{UnitGraph, count_paths};
    let file = json("synthetic/paths_loops.json");
    let edges = file["edges"].as_array().unwrap().iter();
    let edges = edges.map(|e| (e[0].as_u64().unwrap() as u32, e[1].as_u64().unwrap() as u32, 1.0));
    let graph = UnitGraph::of(&Csr::from_edges(9, edges.collect()));
    for (cutoff, n) in file["n_simple_paths_0_to_8_by_cutoff"].as_object().unwrap() {
        let found = count_paths(&graph, &[0], &[8], cutoff.parse().unwrap());
        assert_eq!(*n, found.paths, "cutoff {cutoff}");
    }
    let cycles = loops(&graph, 4);
    for (node, counts) in file["simple_cycles_through_node_by_length_1_to_4"]
        .as_object()
        .unwrap()
    {
        assert_eq!(
            serde_json::json!(cycles[node.parse::<usize>().unwrap()].all()),
            *counts,
            "{node}"
        );
    }
}

#[test]
fn ranks_diagonal_and_embedding_match() {
    use neuropil_connectome::spectral::{
        augment_diagonal, embed, pass_to_ranks, regularised_laplacian, whole,
    };
    use neuropil_math::svd::top_svd;
    let file = json("synthetic/sbm.json");
    let text =
        std::fs::read_to_string(crate::golden::files::folder().join("synthetic/sbm_adjacency.csv")).unwrap();
    let dense: Vec<f64> = text
        .split([',', '\n'])
        .filter(|t| !t.is_empty())
        .map(|t| t.parse().unwrap())
        .collect();
    let graph = Csr::from_dense(100, &dense);
    let ranked = pass_to_ranks(&graph);
    for (i, j, w) in graph.edges() {
        close(
            "rank",
            ranked.weight(i, j),
            number(&file["ptr_of_weight"][w.to_string()]),
            1e-12,
        );
    }
    let augmented = augment_diagonal(&ranked);
    for (i, expected) in numbers(&file["augmented_diagonal_first5"]).iter().enumerate() {
        close("diagonal", augmented.weight(i, i), *expected, 1e-12);
    }
    let block = whole(&augmented);
    for (s, expected) in top_svd(&block, 10)
        .s
        .iter()
        .zip(numbers(&file["ase_singular_values"]))
    {
        close("singular value", *s, expected, 1e-8);
    }
    let laplacian = whole(&regularised_laplacian(&ranked));
    for (s, expected) in top_svd(&laplacian, 10)
        .s
        .iter()
        .zip(numbers(&file["lse_rdad_singular_values"]))
    {
        close("Laplacian singular value", *s, expected, 1e-8);
    }
    let e = embed(&block, 3);
    for (j, expected) in numbers(&file["XY_product_first_row"]).iter().enumerate() {
        let product: f64 = (0..3).map(|k| e.x[k] * e.y[3 * j + k]).sum();
        close("X Y'", product, *expected, 1e-8);
    }
}

#[test]
fn elbows_match() {
    use neuropil_connectome::spectral::{elbows, profile_likelihood};
    for (name, case) in json("synthetic/elbows.json").as_object().unwrap() {
        let values = numbers(&case["values"]);
        assert_eq!(elbows(&values, 3), indices(&case["elbows3"]), "{name}");
        for (found, expected) in profile_likelihood(&values)
            .iter()
            .zip(numbers(&case["loglik_first"]))
        {
            assert!(
                *found == expected || (found - expected).abs() < 1e-9,
                "{name}: {found}, {expected}"
            );
        }
    }
}

#[test]
fn procrustes_matches() {
    use neuropil_connectome::spectral::procrustes::kernel;
    use neuropil_math::procrustes::orthogonal;
    let file = json("synthetic/flow_procrustes.json");
    let (a, b) = (numbers(&file["A"]), numbers(&file["B"]));
    let q = orthogonal(&a, &b, 3);
    for (found, expected) in q.iter().zip(numbers(&file["Q_orthogonal"])) {
        close("orthogonal", *found, expected, 1e-8);
    }
    for (found, expected) in kernel(&a, &b, 3, &q, 0.1, 10)
        .iter()
        .zip(numbers(&file["Q_kernel10"]))
    {
        close("kernel", *found, expected, 1e-8);
    }
}
