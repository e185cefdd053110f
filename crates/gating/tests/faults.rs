//! What users bring: every case by its name, against numbers that were computed elsewhere.

use crate::support::{faults, near, numbers, wholes};
use neuropil_gating::data::series::{Normaliser, Order, Series};
use neuropil_gating::data::{Dataset, Half, Idx, Pixels, Reading};
use neuropil_gating::gates::Gates;
use neuropil_gating::importance::{Examples, Labels, fisher};
use neuropil_gating::metrics::pooled;
use neuropil_gating::network::Network;
use neuropil_gating::replay::{Kept, Memory, Rule};
use neuropil_gating::tasks::{Head, Tasks, inverse, permuted};
use neuropil_math::rng::Key;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The folder and the expectations of a case.
fn case(name: &str) -> Option<(PathBuf, Value)> {
    let folder = faults()?;
    let text = std::fs::read_to_string(folder.join("expected.json")).expect("expectations");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    assert!(!all[name].is_null(), "no case {name}");
    Some((folder.join(name), all[name].clone()))
}

fn open(path: &Path) -> Result<Dataset, String> {
    open_as(path, &Reading::default())
}

fn open_as(path: &Path, reading: &Reading) -> Result<Dataset, String> {
    Dataset::open(path.to_str().expect("a plain path"), reading).map_err(|error| error.to_string())
}

fn labels(value: &Value) -> Vec<i64> {
    numbers(value).into_iter().map(|label| label as i64).collect()
}

fn said(data: &Dataset, words: &[&str]) {
    for word in words {
        assert!(
            data.notes.iter().any(|note| note.contains(word)),
            "`{word}` in {:?}",
            data.notes
        );
    }
}

#[test]
fn mnist_dir() {
    let Some((path, expected)) = case("mnist-dir") else {
        return;
    };
    let data = open(&path).unwrap();
    assert_eq!(
        (data.train.len(), data.test.len(), data.train.shape),
        (20, 8, [28, 28, 1])
    );
    assert_eq!(data.train.labels, labels(&expected["train_labels"]));
    assert_eq!(data.train.sum(), expected["pixel_sum_train"].as_f64().unwrap());
    assert_eq!(data.train.value(0, 21, 10, 0), 100.0);
    said(
        &data,
        &[
            "class 3 without an example in either half",
            "class 9 without an example in test, only in train",
        ],
    );
    let alone = Tasks::split(&data, 10, 1, None, Head::Single)
        .unwrap_err()
        .to_string();
    assert!(alone.contains("only class 3"), "{alone}");
    let pairs = Tasks::split(&data, 5, 2, None, Head::Single).unwrap();
    assert!(
        pairs
            .examples(&data, Half::Train, 1)
            .iter()
            .all(|&i| data.train.labels[i as usize] == 2)
    );
}

#[test]
fn gz_without_suffix() {
    let Some((path, expected)) = case("gz-without-suffix") else {
        return;
    };
    let data = open(&path).unwrap();
    assert_eq!(data.train.len() + data.test.len(), 20);
    let images = Idx::read(&path.join("train-images-idx3-ubyte"), 3).unwrap();
    let Pixels::Bytes(bytes) = images.pixels else {
        panic!("bytes")
    };
    assert_eq!(
        bytes.iter().map(|&b| f64::from(b)).sum::<f64>(),
        expected["pixel_sum_train"].as_f64().unwrap()
    );
}

#[test]
fn bad_idx() {
    let Some((path, expected)) = case("bad-idx") else {
        return;
    };
    for (file, _) in expected["files"].as_object().unwrap() {
        let axes = if file.contains("labels-idx1") { 1 } else { 3 };
        let found = Idx::read(&path.join(file), axes).map_err(|error| error.to_string());
        let kind = file.split('.').next().unwrap();
        let words: &[&str] = match kind {
            "html" => &["HTML"],
            "lfs" => &["Git-LFS", "28881"],
            "truncated" => &["20 × 28 × 28", "15680", "5588", "7 whole"],
            "trailing" => &["1 bytes after", "20"],
            "labels-as-images" => &["2049", "2051"],
            "float32" => {
                let Ok(Idx {
                    shape,
                    pixels: Pixels::Reals(values),
                }) = found
                else {
                    panic!("floats")
                };
                assert_eq!(shape, [2, 4, 4]);
                assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
                continue;
            }
            "little-endian" => &["0x03080000", "2051"],
            "truncated-gz" => &["cannot unpack"],
            "huge-header" => &["4294967295 × 4294967295 × 4294967295", "holds"],
            other => panic!("a new kind of file: {other}"),
        };
        let error = found.unwrap_err();
        for word in words {
            assert!(
                error.contains(word) && error.contains(file),
                "{file}: `{word}` in {error}"
            );
        }
    }
}

#[test]
fn emnist_letters() {
    let Some((path, expected)) = case("emnist-letters") else {
        return;
    };
    let data = open(&path).unwrap();
    said(&data, &["labels begin at 1", "rows and columns exchanged"]);
    assert_eq!(data.classes.len(), 26);
    assert_eq!((data.classes[0].label, data.classes[0].name.as_str()), (1, "A"));
    let stored = labels(&expected["labels_stored"]);
    let dense = wholes(&expected["labels_dense_if_26_classes"]);
    for (label, dense) in stored.iter().zip(dense) {
        assert_eq!(data.classes[dense].label, *label);
    }
    assert_eq!(data.train.value(0, 21, 10, 0), 0.0);
    let turned = open_as(
        &path,
        &Reading {
            upright: true,
            ..Reading::default()
        },
    )
    .unwrap();
    assert_eq!(
        (turned.train.value(0, 21, 10, 0), turned.train.value(0, 10, 21, 0)),
        (100.0, 0.0)
    );
}

#[test]
fn cifar10_bin() {
    let Some((path, expected)) = case("cifar10-bin") else {
        return;
    };
    let data = open(&path).unwrap();
    assert_eq!(
        (data.train.len(), data.test.len(), data.train.shape),
        (5, 2, [32, 32, 3])
    );
    assert_eq!(data.train.labels, labels(&expected["labels"]));
    assert_eq!(data.train.value(1, 2, 7, 0), 15.0);
    assert_eq!(data.train.value(1, 2, 7, 1), 36.0);
    assert_eq!(data.train.value(1, 9, 9, 2), 77.0);
    let mean = |channel: usize| {
        let values = (0..5).flat_map(|e| (0..1024).map(move |i| (e, i / 32, i % 32)));
        values
            .map(|(e, r, c)| f64::from(data.train.value(e, r, c, channel)))
            .sum::<f64>()
            / (5.0 * 1024.0)
    };
    near(
        "mean per channel",
        &[mean(0), mean(1), mean(2)],
        &numbers(&expected["mean_per_channel_train"]),
        1e-3,
        0.05,
    );
    said(&data, &["1 of CIFAR-10's 5 training batches: 5 examples"]);
}

#[test]
fn cifar100_bin() {
    let Some((path, expected)) = case("cifar100-bin") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for name in ["train.bin", "test.bin"] {
        std::fs::copy(path.join("train.bin"), folder.path().join(name)).unwrap();
    }
    let data = open(folder.path()).unwrap();
    assert_eq!(data.train.labels, labels(&expected["fine"]));
    let coarse = open_as(
        folder.path(),
        &Reading {
            coarse: true,
            ..Reading::default()
        },
    )
    .unwrap();
    assert_eq!(coarse.train.labels, labels(&expected["coarse"]));
    let by_five: Vec<(i64, i64)> = data
        .train
        .labels
        .iter()
        .map(|label| (label / 5, label % 5))
        .collect();
    let tasks = labels(&expected["task_of_each_sample_20x5_by_fine_label"]);
    let within = labels(&expected["label_in_task"]);
    assert_eq!(by_five, tasks.into_iter().zip(within).collect::<Vec<_>>());
    // The first pixel follows two label bytes, not one.
    let raw = std::fs::read(path.join("train.bin")).unwrap();
    assert_eq!(data.train.value(0, 0, 0, 0), f32::from(raw[2]));
    std::fs::copy(path.join("short-record.bin"), folder.path().join("train.bin")).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(
        error.contains("9221 bytes: 2 records of 3074 and 3073"),
        "{error}"
    );
    std::fs::copy(path.join("train.bin"), folder.path().join("data_batch_1.bin")).unwrap();
    std::fs::remove_file(folder.path().join("train.bin")).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(
        error.contains("18444 bytes: 6 records of 3073 and 6") && error.contains("CIFAR-100"),
        "{error}"
    );
}

#[test]
fn imagenet32() {
    let Some((path, expected)) = case("imagenet32") else {
        return;
    };
    let apart = |name: &str, as_name: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(path.join(name), folder.path().join(as_name)).unwrap();
        open(folder.path()).unwrap()
    };
    let zero_based = labels(&expected["labels_zero_based"]);
    // A pickle under the name of an npz and the other way round are read by their content.
    for (name, as_name, n) in [
        ("train_data_batch_1.npz", "train_data_batch_1", 6),
        ("train_data_batch_1", "train_data_batch_1.npz", 3),
    ] {
        let data = apart(name, as_name);
        assert_eq!(data.train.len() + data.test.len(), n, "{name}");
        let all: std::collections::BTreeSet<i64> = data
            .train
            .labels
            .iter()
            .chain(&data.test.labels)
            .copied()
            .collect();
        assert_eq!(all, zero_based[..n].iter().copied().collect());
        said(&data, &["1 to 1000"]);
    }
    let tasks: Vec<i64> = zero_based.iter().map(|label| label / 10).collect();
    assert_eq!(tasks, labels(&expected["task_100x10"]));
}

#[test]
fn png_folders() {
    let Some((path, _)) = case("png-folders") else {
        return;
    };
    let error = open(&path).unwrap_err();
    assert!(
        error.contains("8 × 8 × 3") && error.contains("rgb.png") || error.contains("small.png"),
        "{error}"
    );
    let folder = tempfile::tempdir().unwrap();
    for class in ["2", "10", "cat"] {
        let (from, to) = (
            path.join("train").join(class),
            folder.path().join("train").join(class),
        );
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().flatten() {
            if !["rgb.png", "small.png"]
                .iter()
                .any(|odd| entry.file_name() == *odd)
            {
                std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
    }
    std::fs::write(folder.path().join("train/.DS_Store"), b"x").unwrap();
    let data = open(folder.path()).unwrap();
    said(&data, &["10 → 0, 2 → 1, cat → 2", "2 files that are no pictures"]);
    assert_eq!(data.train.len() + data.test.len(), 9);
    let by_number = open_as(
        folder.path(),
        &Reading {
            number_order: true,
            ..Reading::default()
        },
    )
    .unwrap();
    said(&by_number, &["2 → 0, 10 → 1, cat → 2"]);
    std::fs::copy(
        path.join("train/2/small.png"),
        folder.path().join("train/2/small.png"),
    )
    .unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(
        error.contains("small.png") && error.contains("7 × 8") && error.contains("8 × 8"),
        "{error}"
    );
}

#[test]
fn digits_csv() {
    for (name, first) in [
        ("digits-csv/label-first.csv", "label"),
        ("digits-csv/label-last.csv", "class"),
    ] {
        let Some((path, expected)) = case(name) else {
            return;
        };
        let data = open(&path).unwrap();
        said(&data, &[&format!("column `{first}`; 16 values")]);
        let mut all = data.train.labels.clone();
        all.extend(&data.test.labels);
        all.sort_unstable();
        let mut right = labels(&expected["labels"]);
        right.sort_unstable();
        assert_eq!(all, right);
        assert_eq!(
            data.train.sum() + data.test.sum(),
            expected["feature_sum"].as_f64().unwrap()
        );
    }
    let Some((path, expected)) = case("digits-csv/no-header.csv") else {
        return;
    };
    let error = open(&path).unwrap_err();
    assert!(
        error.contains("first or the last of 17 columns") && error.contains("label_column"),
        "{error}"
    );
    for (column, sum) in [
        ("last", 1599.0),
        (
            "first",
            expected["if_first_taken"]["feature_sum"].as_f64().unwrap(),
        ),
    ] {
        let data = open_as(
            &path,
            &Reading {
                label_column: Some(column.to_owned()),
                ..Reading::default()
            },
        )
        .unwrap();
        assert_eq!(
            (
                data.train.len() + data.test.len(),
                data.train.sum() + data.test.sum()
            ),
            (12, sum)
        );
    }
}

#[test]
fn npz() {
    let Some((path, expected)) = case("npz/channels-first-u8.npz") else {
        return;
    };
    let first = open(&path).unwrap();
    assert_eq!(first.train.shape, [8, 8, 3]);
    said(
        &first,
        &["[example][channel][row][column]", "labels have gaps: 3 classes"],
    );
    assert_eq!(first.classes.len(), 3);
    let scaled = f64::from(first.train.value(0, 2, 3, 1) * first.scale);
    near(
        "scaled",
        &[scaled],
        &numbers(&expected["scaled_value_0_c1_r2_col3"]),
        1e-6,
        0.0,
    );
    let (path, expected) = case("npz/channels-last-f32.npz").unwrap();
    let last = open(&path).unwrap();
    near(
        "value",
        &[f64::from(last.train.value(0, 2, 3, 1))],
        &numbers(&expected["value_0_r2_col3_c1"]),
        1e-6,
        0.0,
    );
    assert_eq!((last.scale, &last.train.labels), (1.0, &first.train.labels));
    said(&last, &["one-hot"]);
    let (path, _) = case("npz/nan-float64.npz").unwrap();
    let error = open(&path).unwrap_err();
    assert!(
        error.contains("[4, 2, 2, 1]") && error.contains("scaled differently"),
        "{error}"
    );
    let (path, expected) = case("npz/fortran-bigendian.npz").unwrap();
    let fortran = open(&path).unwrap();
    near(
        "value",
        &[f64::from(fortran.train.value(0, 2, 3, 1))],
        &numbers(&expected["value_0_r2_col3_c1"]),
        1e-6,
        0.0,
    );
    let (path, _) = case("npz/object-array.npz").unwrap();
    let error = open(&path).unwrap_err();
    assert!(error.contains("x_train"), "{error}");
}

#[test]
fn digits_h5() {
    let Some((path, expected)) = case("digits.h5") else {
        return;
    };
    let data = open(&path).unwrap();
    assert_eq!(data.train.len() + data.test.len(), 10);
    assert_eq!(
        data.train.sum() + data.test.sum(),
        expected["pixel_sum"].as_f64().unwrap()
    );
}

#[test]
fn series_time_first_and_trials_first() {
    let Some((path, expected)) = case("series/time-first.npz") else {
        return;
    };
    let refused = Series::read(&path, None);
    if let Err(error) = &refused {
        assert!(error.to_string().contains("time or trials"), "{error}");
    }
    let series = Series::read(&path, Some(Order::TimeFirst)).unwrap();
    assert_eq!((series.n_steps, series.n_trials, series.n_inputs), (12, 5, 4));
    let logits = [1.0, 0.0, 0.0].repeat(60);
    let found = [
        series.loss(&logits, 3, Normaliser::Steps),
        series.loss(&logits, 3, Normaliser::Weights),
        series.weights.iter().sum(),
        series.accuracy(&logits, 3).unwrap(),
    ];
    let right = [
        "mean_over_all_steps_of_mask_times_ce",
        "sum_mask_ce_over_sum_mask",
        "mask_sum",
        "accuracy_of_argmax_on_weighted_steps",
    ];
    near(
        "losses",
        &found,
        &right.map(|name| expected[name].as_f64().unwrap()),
        1e-9,
        0.0,
    );
    assert!(
        series.notes.iter().any(|note| note.contains("wholly masked")),
        "{:?}",
        series.notes
    );
    let (path, expected) = case("series/trials-first.npz").unwrap();
    let other = Series::read(&path, None).unwrap();
    assert_eq!(
        (other.inputs, other.targets, other.weights),
        (series.inputs, series.targets, series.weights)
    );
    let counts: Value = other
        .tasks
        .iter()
        .fold(serde_json::json!({}), |mut counts, task| {
            counts[task] = serde_json::json!(counts[task].as_u64().unwrap_or(0) + 1);
            counts
        });
    assert_eq!(counts, expected["tasks"]);
}

#[test]
fn list_file() {
    let Some((path, expected)) = case("list-file") else {
        return;
    };
    let error = open(&path).unwrap_err();
    assert!(
        error.contains("test.txt:2") && error.contains("img/missing.png"),
        "{error}"
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("img")).unwrap();
    for entry in std::fs::read_dir(path.join("img")).unwrap().flatten() {
        std::fs::copy(entry.path(), folder.path().join("img").join(entry.file_name())).unwrap();
    }
    std::fs::copy(path.join("train.txt"), folder.path().join("train.txt")).unwrap();
    std::fs::write(folder.path().join("test.txt"), "img/b.png 2\nimg/a.png 0\n").unwrap();
    let data = open(folder.path()).unwrap();
    assert_eq!(data.train.len(), expected["train"].as_object().unwrap().len());
    assert!(data.train.labels.contains(&5));
    said(
        &data,
        &[
            "labels have gaps",
            "class 5 without an example in test, only in train",
        ],
    );
    assert_eq!(data.test.value(1, 0, 0, 0), 50.0);
}

#[test]
fn tasks_other_sizes() {
    let Some((path, _)) = case("tasks-other-sizes.npz") else {
        return;
    };
    let error = open(&path).unwrap_err();
    assert!(
        error.contains("task 1") && error.contains('9') && error.contains('6'),
        "{error}"
    );
}

#[test]
fn fisher_softmax() {
    let Some((path, expected)) = case("fisher-softmax.json") else {
        return;
    };
    let given: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let network = Network::new(&[2, 3], 0);
    let theta = [numbers(&given["W"]), numbers(&given["b"])].concat();
    let (x, y) = (numbers(&given["x"]), wholes(&given["y"]));
    let of = |labels: Labels, batch: usize, floor: f64, draws: usize| {
        let mut sums = vec![0.0; theta.len()];
        for draw in 0..draws {
            for (index, (x, y)) in x.chunks(2 * batch).zip(y.chunks(batch)).enumerate() {
                let examples = Examples {
                    x,
                    labels: y,
                    factors: &[],
                    rule: None,
                    head: &(0..3),
                };
                let key = Key::new(5).at((draw * 4 + index) as u64);
                fisher(&network, &theta, &examples, labels, floor, key, &mut sums);
            }
        }
        sums.iter()
            .map(|sum| sum / (4 * draws) as f64)
            .collect::<Vec<f64>>()
    };
    let right = |value: &Value| [numbers(&value["W"]), numbers(&value["b"])].concat();
    let kinds = &expected["fisher"];
    for batch in 1..=4 {
        for (labels, name) in [
            (Labels::All, "all"),
            (Labels::True, "true"),
            (Labels::Predicted, "pred"),
        ] {
            near(
                name,
                &of(labels, batch, 0.0, 1),
                &right(&kinds[name]),
                1e-12,
                1e-12,
            );
        }
    }
    near(
        "all with a floor",
        &of(Labels::All, 4, 1e-6, 1),
        &right(&kinds["all_with_log_p_plus_1e-6"]),
        1e-9,
        1e-12,
    );
    near(
        "sampled",
        &of(Labels::Sampled, 4, 0.0, 50_000),
        &right(&kinds["all"]),
        0.02,
        0.0,
    );
}

#[test]
fn accuracy_by_batch() {
    let Some((path, expected)) = case("accuracy-by-batch.csv") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let mut cells = line.split(',').skip(1).map(|cell| cell.parse::<usize>().unwrap());
        (cells.next().unwrap(), cells.next().unwrap())
    });
    let rows: Vec<(usize, usize)> = rows.collect();
    near(
        "accuracy",
        &[pooled(&rows).unwrap()],
        &numbers(&expected["right"]),
        1e-12,
        0.0,
    );
}

#[test]
fn permutation() {
    let Some((path, expected)) = case("permutation.json") else {
        return;
    };
    let given: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let of = |name: &str| wholes(&given[name]);
    let order = |name: &str| of(name).into_iter().map(|i| i as u32).collect::<Vec<u32>>();
    let (x, p, q) = (of("x"), order("p"), order("q"));
    assert_eq!(permuted(&x, &p), wholes(&expected["once"]));
    assert_eq!(permuted(&permuted(&x, &p), &p), wholes(&expected["twice_same"]));
    assert_eq!(permuted(&permuted(&x, &p), &q), wholes(&expected["p_then_q"]));
    assert_eq!(
        permuted(&p, &q).iter().map(|&i| i as usize).collect::<Vec<_>>(),
        wholes(&expected["composed_index"])
    );
    assert_eq!(
        inverse(&p).iter().map(|&i| i as usize).collect::<Vec<_>>(),
        wholes(&expected["inverse"])
    );
    assert_eq!(
        permuted(&permuted(&x, &p), &inverse(&p)),
        wholes(&expected["undo_with_inverse"])
    );
}

#[test]
fn gates_csv() {
    let Some((path, expected)) = case("gates.csv") else {
        return;
    };
    let text = std::fs::read_to_string(&path).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        line.split(',')
            .skip(2)
            .map(|cell| cell.parse::<f32>().unwrap())
            .collect()
    });
    let rows: Vec<Vec<f32>> = rows.collect();
    let error = Gates::given(rows.iter().map(|row| vec![row.clone()]).collect())
        .unwrap_err()
        .to_string();
    assert!(error.contains("task 1 has no active unit"), "{error}");
    let gates = Gates::given(vec![vec![rows[0].clone()], vec![rows[2].clone()]]).unwrap();
    assert_eq!((gates.active(0, 0).len(), gates.active(1, 0).len()), (3, 3));
    assert!((gates.overlap(0)[0][1] * 10.0 - expected["overlap_0_2"].as_f64().unwrap()).abs() < 1e-6);
    let (h, w) = (numbers(&expected["h"]), numbers(&expected["W_out"]));
    let logits = |gate: Option<&[f32]>| -> Vec<f64> {
        (0..3)
            .map(|o| {
                (0..10)
                    .map(|i| h[i] * gate.map_or(1.0, |gate| f64::from(gate[i])) * w[i * 3 + o])
                    .sum()
            })
            .collect()
    };
    near(
        "gate 0",
        &logits(Some(&gates.of(0)[0])),
        &numbers(&expected["logits_gate0"]),
        1e-12,
        1e-12,
    );
    near(
        "gate 2",
        &logits(Some(&gates.of(1)[0])),
        &numbers(&expected["logits_gate2"]),
        1e-12,
        1e-12,
    );
    near(
        "ungated",
        &logits(None),
        &numbers(&expected["logits_ungated"]),
        1e-12,
        1e-12,
    );
}

#[test]
fn replay_stream() {
    let Some((path, expected)) = case("replay-stream.csv") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let stream: Vec<Kept> = text
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<usize> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
            Kept {
                example: cells[0],
                task: cells[1],
                class: cells[2],
            }
        })
        .collect();
    let room = expected["memory_total"].as_u64().unwrap() as usize;
    for seed in 0..50 {
        let mut memory = Memory::new(room, Rule::ByClass);
        for (index, &example) in stream.iter().enumerate() {
            memory.offer(example, Key::new(seed));
            assert!(memory.kept().len() <= room);
            let counts: Vec<usize> = memory.per_class().into_values().collect();
            match index + 1 {
                6 => assert_eq!(counts, [3, 3]),
                30 => assert_eq!(counts, [3, 3, 3, 3]),
                33 => {
                    assert_eq!(counts.iter().sum::<usize>(), room);
                    assert!(counts.iter().all(|count| (2..=3).contains(count)), "{counts:?}");
                }
                _ => {}
            }
        }
    }
}
