//! Data sets in forms that people bring beside those of the shared inputs.

use neuropil_gating::data::{Dataset, Reading};
use neuropil_lab::array::Npz;
use std::fmt::Write as _;
use std::path::Path;

fn open(path: &Path, label: Option<&str>) -> Result<Dataset, String> {
    let reading = Reading {
        label_column: label.map(str::to_owned),
        ..Reading::default()
    };
    Dataset::open(&path.display().to_string(), &reading).map_err(|error| error.to_string())
}

fn table(header: &str, rows: usize, row: impl Fn(usize) -> String) -> String {
    let mut text = format!("{header}\n");
    (0..rows).for_each(|k| writeln!(text, "{}", row(k)).unwrap());
    text
}

#[test]
fn columns_that_give_the_answer_away_are_no_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.csv");
    let row = |k: usize| format!("{k},{},{},{},{}", k % 7, k % 5, k % 2, k % 2);
    std::fs::write(&path, table(",p0,p1,label,class", 40, row)).unwrap();
    let error = open(&path, None).unwrap_err();
    assert!(
        error.contains("`label` and `class` could each be the label"),
        "{error}"
    );
    let data = open(&path, Some("label")).unwrap();
    assert_eq!((data.train.size(), data.classes.len()), (2, 2));
    assert!(
        data.notes
            .iter()
            .any(|note| note.contains("without a name, `class`")),
        "{:?}",
        data.notes
    );
    let row = |k: usize| format!("{k},{},{}", k % 7, k % 2);
    std::fs::write(&path, table("id,p0,label", 40, row)).unwrap();
    assert_eq!(open(&path, None).unwrap().train.size(), 1);
}

#[test]
fn halves_in_two_tables_and_a_folder_within_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("mnist_in_csv");
    std::fs::create_dir(&inner).unwrap();
    let row = |k: usize| format!("{},{}", k % 3, k);
    std::fs::write(inner.join("mnist_train.csv"), table("label,p0", 30, row)).unwrap();
    std::fs::write(inner.join("mnist_test.csv"), table("label,p0", 9, row)).unwrap();
    let data = open(folder.path(), None).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (30, 9));
    assert!(
        data.notes
            .iter()
            .any(|note| note.contains("`mnist_in_csv` within it")),
        "{:?}",
        data.notes
    );
}

#[test]
fn halves_of_different_scales_are_refused_and_truths_are_not_divided() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.npz");
    let labels: Vec<i64> = (0..40).map(|k| k % 2).collect();
    let bytes: Vec<u8> = (0..160).map(|k| (k % 256) as u8).collect();
    let parts: Vec<f32> = bytes.iter().map(|&b| f32::from(b) / 255.0).collect();
    let mut npz = Npz::default();
    npz.add("x_train", &[40, 4], bytes);
    npz.add("y_train", &[40], labels.clone());
    npz.add("x_test", &[40, 4], parts);
    npz.add("y_test", &[40], labels.clone());
    npz.write(&path).unwrap();
    let error = open(&path, None).unwrap_err();
    assert!(error.contains("scaled differently"), "{error}");

    let truths: Vec<u8> = (0..160).map(|k| (k % 3 == 0).into()).collect();
    let mut npz = Npz::default();
    npz.add("x_train", &[40, 4], truths);
    npz.add("y_train", &[40], labels);
    npz.write(&path).unwrap();
    assert_eq!(open(&path, None).unwrap().scale, 1.0);
}
