//! Files that users brought: each entry of `data/brought/expected.json` is read as it says, or refused.

use neuropil_connectome::data::Connectome;
use neuropil_connectome::read::load;
use neuropil_connectome::select::select_or_file;
use neuropil_connectome::tables::tables;
use neuropil_lab::table::Form;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/brought")
}

fn brought(name: &str) -> Connectome {
    load(&folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn refused(name: &str) -> String {
    load(&folder().join(name))
        .err()
        .unwrap_or_else(|| panic!("{name} is read"))
        .to_string()
}

fn edges(c: &Connectome) -> BTreeMap<(String, String), f64> {
    let mut sum = BTreeMap::new();
    for layer in c.layers.values() {
        for (i, j, w) in layer.edges() {
            *sum.entry((c.id_text(i), c.id_text(j))).or_insert(0.0) += w;
        }
    }
    sum
}

fn pairs(c: &Connectome) -> BTreeSet<(String, String)> {
    c.pairs
        .iter()
        .map(|&(l, r)| (c.id_text(l), c.id_text(r)))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What the entry says, checked; `false` where it says nothing that a number or a name can be compared with.
fn holds(name: &str, entry: &Value) -> bool {
    if entry.get("refuse").is_some() {
        let message = refused(name);
        assert!(
            message.contains(": ") && !message.contains("panicked"),
            "{name}: {message}"
        );
        return true;
    }
    let mut said = false;
    if let Some(expected) = entry["edges"].as_array() {
        let c = brought(name);
        let expected: BTreeMap<_, _> = expected
            .iter()
            .map(|edge| ((text(&edge[0]), text(&edge[1])), edge[2].as_f64().unwrap()))
            .collect();
        assert_eq!(edges(&c), expected, "{name}");
        said = true;
    }
    if let Some(n) = entry["neurons"].as_u64() {
        assert_eq!(brought(name).n() as u64, n, "{name}");
        said = true;
    }
    match &entry["pairs"] {
        Value::Number(n) => {
            assert_eq!(brought(name).pairs.len() as u64, n.as_u64().unwrap(), "{name}");
            said = true;
        }
        Value::Array(list) => {
            let expected: BTreeSet<_> = list.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
            assert_eq!(pairs(&brought(name)), expected, "{name}");
            said = true;
        }
        _ => {}
    }
    if let Some(ids) = entry["ids"].as_array() {
        let c = brought("nt/c");
        let path = folder().join(name);
        let chosen = select_or_file(&c, path.to_str().unwrap()).unwrap();
        let found: Vec<Value> = chosen.iter().map(|&i| c.ids[i].into()).collect();
        assert_eq!(&found, ids, "{name}");
        said = true;
    }
    said
}

/// Entries whose right answer is in words, each with what is asserted of it.
const IN_WORDS: [(&str, fn()); 9] = [
    ("array.mtx", || {
        let c = brought("array.mtx");
        assert_eq!(
            edges(&c),
            BTreeMap::from([(("2".into(), "1".into()), 1.0), (("1".into(), "2".into()), 2.0)])
        );
    }),
    ("signed.csv", || {
        let c = brought("signed.csv");
        assert!(
            c.warnings.iter().any(|warning| warning.contains("negative")),
            "{:?}",
            c.warnings
        );
    }),
    ("nt/i", || {
        let c = brought("nt/i");
        assert_eq!(format!("{:?}", c.sides), "[Left, Right, Left, Right]");
        assert_eq!(c.ids, [1, 2, 3, 4]);
    }),
    ("smallnum", || {
        let c = brought("smallnum");
        assert_eq!(
            pairs(&c),
            BTreeSet::from([("0".into(), "2".into()), ("1".into(), "3".into())])
        );
        assert!(
            c.warnings
                .iter()
                .any(|warning| warning.contains("read as labels")),
            "{:?}",
            c.warnings
        );
    }),
    ("realpairs", || {
        let message = refused("realpairs");
        assert!(
            message.contains("pairs.csv:4: pair: `500` with `602`, expected one partner of `500`"),
            "{message}"
        );
    }),
    ("meta", || {
        let c = brought("meta");
        assert_eq!((c.ids.clone(), c.n(), c.pairs.len()), (vec![21, 22, 23], 3, 0));
        assert_eq!(c.texts("name")[1], "PR;left");
        assert!(
            c.warnings
                .iter()
                .any(|warning| warning.contains("not in this connectome")),
            "{:?}",
            c.warnings
        );
    }),
    ("sides", || {
        assert_eq!(format!("{:?}", brought("sides").sides[3]), "Right");
    }),
    ("ff", || assert_eq!(brought("ff").pairs.len(), 3)),
    ("oneside", || {
        let message = refused("oneside");
        assert!(
            message.contains("neurons.csv:2: pair: `1` and `3`, which are both on the left"),
            "{message}"
        );
    }),
];

#[test]
fn every_file_that_was_brought_is_read_rightly_or_refused() {
    let expected = std::fs::read(folder().join("expected.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_slice(&expected).unwrap();
    for (name, entry) in &expected {
        let said = holds(name, entry);
        let in_words = IN_WORDS.iter().find(|(own, _)| own == name);
        assert!(said || in_words.is_some(), "nothing is asserted of {name}");
        if let Some((_, check)) = in_words {
            check();
        }
    }
}

#[test]
fn what_import_writes_of_them_is_what_was_read() {
    let expected = std::fs::read(folder().join("expected.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_slice(&expected).unwrap();
    for name in expected
        .keys()
        .filter(|name| !name.starts_with("ids") || name.ends_with("npz"))
    {
        let Ok(c) = load(&folder().join(name)) else {
            continue;
        };
        let out = tempfile::tempdir().unwrap();
        let [edge_table, neurons] = tables(&c);
        edge_table
            .write(&out.path().join("edges.csv"), Form::Csv)
            .unwrap();
        neurons.write(&out.path().join("neurons.csv"), Form::Csv).unwrap();
        let back = load(out.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            (back.n(), edges(&back), pairs(&back)),
            (c.n(), edges(&c), pairs(&c)),
            "{name}"
        );
        let sides = |c: &Connectome| {
            (0..c.n())
                .map(|i| (c.id_text(i), c.sides[i]))
                .collect::<BTreeMap<_, _>>()
        };
        assert_eq!(sides(&back), sides(&c), "{name}");
    }
    let kept = brought("maggotpairs");
    let [_, neurons] = tables(&kept);
    assert_eq!(
        neurons.texts("pair").unwrap(),
        ["0", "1", "2", "0", "1", "2"],
        "the user's own labels stay"
    );
}

#[test]
fn two_matrices_in_a_file_are_chosen_by_name() {
    let message = refused("two.npz");
    assert!(
        message.contains("`a_dist`, `b_adj`") && message.contains("two.npz#a_dist` says which"),
        "{message}"
    );
    let chosen = load(&folder().join("two.npz#b_adj")).unwrap();
    assert!(chosen.n() > 0);
    let message = refused("two.npz#c");
    assert!(message.contains("only `a_dist`, `b_adj`"), "{message}");
}

#[test]
fn hints_fit_what_was_found() {
    assert!(refused("uint64.csv").contains("hint: the largest is 9223372036854775807"));
    assert!(refused("ids-f8.npz").contains("as floating-point numbers"));
    assert!(refused("herm.mtx").contains("complex weights"));
    assert!(refused("short.mtx").contains("2 entries, expected the 4 that are announced"));
    assert!(refused("badptr.npz").contains("one more than rows"));
}
