//! Where the reference numbers are, and how they are read.

use neuropil_lab::array::read_numbers;
use neuropil_neuronid::worm::{Point, Side, Worm};
use serde_json::Value;
use std::path::PathBuf;

/// The folder of the reference numbers.
pub(crate) fn folder() -> Option<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("NEUROPIL_GOLDEN")
        .map_or_else(|| here.join("../../../shared/golden"), PathBuf::from)
        .join("neuronid");
    folder.is_dir().then_some(folder)
}

/// A file of the reference numbers; nothing, said, if it is not there.
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    let path = folder()
        .map(|folder| folder.join(name))
        .filter(|path| path.is_file());
    if path.is_none() {
        eprintln!("skipped: no golden/neuronid/{name}");
    }
    path
}

pub(crate) fn json(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(file(name)?).expect("a readable file");
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// Arrays of an NPZ file.
pub(crate) struct Arrays(PathBuf);

impl Arrays {
    pub(crate) fn open(name: &str) -> Option<Self> {
        file(name).map(Self)
    }

    pub(crate) fn get(&self, name: &str) -> (Vec<usize>, Vec<f64>) {
        read_numbers(&self.0, name).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn values(&self, name: &str) -> Vec<f64> {
        self.get(name).1
    }

    pub(crate) fn points(&self, name: &str) -> Vec<Point> {
        self.values(name).as_chunks::<3>().0.to_vec()
    }
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(|x| x.as_f64().expect("a number"))
        .collect()
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number, not {value}"))
}

/// Largest absolute difference.
pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "as many values");
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// An example worm: the kept rows of a table.
pub(crate) fn example(name: &str) -> Option<Worm> {
    let mut reader = csv::Reader::from_path(file(name)?).expect("a table");
    let header = reader.headers().expect("a header").clone();
    let at = |name: &str| header.iter().position(|field| field == name).expect("a column");
    let mut worm = Worm {
        side: Side::Left,
        colours: Some(Vec::new()),
        ..Worm::default()
    };
    for record in reader.records() {
        let record = record.expect("a row");
        if &record[at("keep")] != "1" {
            continue;
        }
        let number = |name: &str| record[at(name)].parse::<f64>().expect("a number");
        worm.points.push(["x_um", "y_um", "z_um"].map(number));
        worm.names.push(record[at("name")].to_owned());
        worm.colours
            .as_mut()
            .expect("colours")
            .push(["fluo0", "fluo1", "fluo2"].map(number));
    }
    Some(worm)
}
