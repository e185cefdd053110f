//! Forms that look alike: what is read as what, and what is refused with a word.

use neuropil_connectome::data::Connectome;
use neuropil_connectome::read::load;
use neuropil_lab::array::Npz;

fn read(name: &str, text: &str) -> Result<Connectome, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    load(&path).map_err(|error| error.to_string())
}

#[test]
fn numbers_without_names_are_edges_or_a_matrix_or_refused() {
    // Edges of which every neuron sends one: no labelled matrix.
    let edges = read("e.csv", "1,2,3\n2,3,1\n3,4,2\n4,1,5\n").unwrap();
    assert_eq!((edges.n(), edges.layer("chem").unwrap().n_edges()), (4, 4));
    let small = read("m.csv", "0,3,0,1\n2,0,0,4\n0,0,0,5\n1,0,2,0\n").unwrap_err();
    assert!(small.contains("4 rows of 4 numbers without names"), "{small}");
    let floats = read(
        "m.txt",
        "0.0e0 3.0e0 0.0e0\n1.0e0 0.0e0 0.0e0\n0.0e0 2.0e0 0.0e0\n",
    )
    .unwrap_err();
    assert!(floats.contains("3 rows of 3 numbers"), "{floats}");
    let large = read("m.csv", "0,1,0,0,2\n0,0,0,0,0\n0,7,0,0,0\n0,0,0,0,1\n3,0,0,0,0\n").unwrap();
    assert_eq!((large.n(), large.layer("chem").unwrap().n_edges()), (5, 5));
    assert!(
        large.warnings[0].contains("without labels"),
        "{:?}",
        large.warnings
    );
}

#[test]
fn other_forms_of_graphs_are_named() {
    for (text, form) in [
        ("{\"directed\": true, \"nodes\": []}", "JSON"),
        ("<?xml version=\"1.0\"?>\n<gexf version=\"1.2\"/>", "GEXF"),
        ("graph [\n  directed 1\n]", "GML"),
        ("*Vertices 2\n1 \"a\"\n", "Pajek"),
    ] {
        let error = read("g.txt", text).unwrap_err();
        assert!(error.contains(form) && error.contains("GraphML"), "{error}");
    }
}

#[test]
fn ids_of_arrays_have_many_names_and_blank_weights_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let mut npz = Npz::default();
    npz.add(
        "matrix",
        &[3, 3],
        vec![0.0_f64, 1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0],
    );
    npz.add("bodyId", &[3], vec![70_i64, 80, 90]);
    npz.write(&path).unwrap();
    assert_eq!(load(&path).unwrap().ids, [70, 80, 90]);
    let blank = read("e.csv", "pre,post,weight\n1,2,3\n2,3,\n").unwrap();
    assert!(
        blank
            .warnings
            .iter()
            .any(|text| text.contains("1 rows have no weight")),
        "{:?}",
        blank.warnings
    );
}
