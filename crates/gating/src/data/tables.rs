//! Own arrays (npz, HDF5) and own tables (CSV).

use super::{Found, Pictures, Pixels, Reading};
use crate::error::GatingError;
use neuropil_lab::error::Problem;
use neuropil_lab::table::{Column, Table};
use neuropil_math::arrays::{Array, Arrays, Values};
use std::path::Path;

/// Names of (pictures, labels) of both halves, in the order in which they are looked for.
const NAMES: [[(&str, &str); 2]; 5] = [
    [("x_train", "y_train"), ("x_test", "y_test")],
    [("X_train", "Y_train"), ("X_test", "Y_test")],
    [("train/images", "train/labels"), ("test/images", "test/labels")],
    [("train_images", "train_labels"), ("test_images", "test_labels")],
    [("data", "labels"), ("test_data", "test_labels")],
];

/// Pictures and labels of an npz or HDF5 file.
pub(super) fn arrays(path: &Path) -> Result<Found, GatingError> {
    let arrays = neuropil_lab::array::read(path)?;
    let there = |name: &str| arrays.contains_key(name);
    if there("x_0") {
        return Err(one_set_per_task(path, &arrays));
    }
    let Some(names) = NAMES.iter().find(|[train, _]| there(train.0) && there(train.1)) else {
        let own: Vec<&str> = arrays.keys().map(String::as_str).collect();
        let message = format!(
            "arrays {}, expected `x_train` and `y_train` (and `x_test`, `y_test`)",
            own.join(", ")
        );
        return Err(
            Problem::new(message, "rename the arrays; `data` and `labels` are read too")
                .in_file(path.display().to_string())
                .into(),
        );
    };
    let mut found = Found {
        name: "own arrays".to_owned(),
        ..Found::default()
    };
    let mut halves = Vec::new();
    for (x, y) in names {
        if there(x) && there(y) {
            halves.push(half(path, &arrays, x, y, &mut found.notes)?);
        }
    }
    let mut halves = halves.into_iter();
    (found.train, found.test) = (halves.next(), halves.next());
    Ok(found)
}

/// Why arrays `x_0`, `y_0`, `x_1`, … are not read: tasks of different interfaces, or no classes to split by.
fn one_set_per_task(path: &Path, arrays: &Arrays) -> GatingError {
    let sizes = (0..)
        .map_while(|task| arrays.get(&format!("x_{task}")))
        .map(|(shape, _)| shape[1..].iter().product::<usize>());
    let sizes: Vec<usize> = sizes.collect();
    let problem = match sizes.iter().position(|&size| size != sizes[0]) {
        Some(task) => Problem::new(
            format!(
                "task {task} has {} inputs, task 0 has {}: one network cannot learn both",
                sizes[task], sizes[0]
            ),
            "pad the shorter inputs with zeros to the longest",
        ),
        None => Problem::new(
            format!(
                "one set of arrays for each of {} tasks, expected `x_train` and `y_train`",
                sizes.len()
            ),
            "join them, give each task classes of its own, and split by class: `tasks.kind=split`",
        ),
    };
    problem.in_file(path.display().to_string()).into()
}

fn half(
    path: &Path,
    arrays: &Arrays,
    x: &str,
    y: &str,
    notes: &mut Vec<String>,
) -> Result<Pictures, GatingError> {
    let wrong = |message: String, hint: &str| {
        GatingError::from(Problem::new(message, hint).in_file(path.display().to_string()))
    };
    let (shape, values) = &arrays[x];
    let labels = labels(&arrays[y], y, notes).ok_or_else(|| {
        wrong(
            format!(
                "`{y}` of shape {:?} is neither whole numbers nor one-hot",
                arrays[y].0
            ),
            "one class per example",
        )
    })?;
    if shape.first() != Some(&labels.len()) {
        return Err(wrong(
            format!(
                "`{x}` has {} examples, `{y}` {}",
                shape.first().unwrap_or(&0),
                labels.len()
            ),
            "one label per example",
        ));
    }
    let (picture, planes) = match shape[1..] {
        [n] => ([1, n, 1], false),
        [rows, columns] => ([rows, columns, 1], false),
        [rows, columns, channels] if channels <= 4 && rows > 4 => ([rows, columns, channels], false),
        [channels, rows, columns] if channels <= 4 => {
            notes.push(format!(
                "`{x}` of shape {shape:?} is read as [example][channel][row][column]"
            ));
            ([rows, columns, channels], true)
        }
        _ => {
            return Err(wrong(
                format!(
                    "`{x}` of shape {shape:?}, expected [example][row][column], with or without channels"
                ),
                "channels may be first or last",
            ));
        }
    };
    let size = picture.iter().product::<usize>();
    let pixels = match values {
        Values::U8(values) if planes => Pixels::Bytes(
            values
                .chunks_exact(size)
                .flat_map(|p| Pictures::from_planes(picture[0], picture[1], picture[2], p))
                .collect(),
        ),
        Values::U8(values) => Pixels::Bytes(values.clone()),
        values => {
            let values = values
                .singles()
                .ok_or_else(|| wrong(format!("`{x}` holds text"), "expected numbers"))?;
            if let Some(bad) = values.iter().position(|value| !value.is_finite()) {
                let place = index_words(shape, bad);
                let n = values.iter().filter(|value| !value.is_finite()).count();
                let mut message = format!(
                    "`{x}` has {n} values that are not finite, the first {} at {place}",
                    values[bad]
                );
                if let Some(unlike) = scaled_differently(arrays) {
                    message = format!("{message}; {unlike}");
                }
                return Err(wrong(message, "fill them or leave the examples out"));
            }
            let plane = picture[0] * picture[1];
            if planes {
                let turned = values
                    .chunks_exact(size)
                    .flat_map(|p| (0..size).map(move |i| p[i % picture[2] * plane + i / picture[2]]));
                Pixels::Reals(turned.collect())
            } else {
                Pixels::Reals(values)
            }
        }
    };
    Ok(Pictures {
        shape: picture,
        pixels,
        labels,
    })
}

/// Do the two halves have different ranges? Said together with what else is wrong.
fn scaled_differently(arrays: &Arrays) -> Option<String> {
    let largest = |name: &str| {
        let values = arrays.get(name)?.1.singles()?;
        Some(
            values
                .into_iter()
                .filter(|value| value.is_finite())
                .fold(0.0_f32, f32::max),
        )
    };
    let (train, test) = (largest("x_train")?, largest("x_test")?);
    ((train > 2.0) != (test > 2.0)).then(|| {
        format!("`x_train` goes up to {train} and `x_test` up to {test}: they are scaled differently")
    })
}

fn index_words(shape: &[usize], mut place: usize) -> String {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let i = place % size;
            place /= size;
            i
        })
        .collect();
    index.reverse();
    format!("{index:?}")
}

/// Classes from whole numbers, \[n\] or \[n\]\[1\], or from one-hot rows.
fn labels((shape, values): &Array, name: &str, notes: &mut Vec<String>) -> Option<Vec<i64>> {
    let whole = values.integers()?;
    match shape[..] {
        [_] | [_, 1] => Some(whole),
        [_, classes] => {
            let one = |row: &[i64]| {
                let hot: Vec<usize> = (0..classes).filter(|&i| row[i] != 0).collect();
                (hot.len() == 1 && row[hot[0]] == 1).then(|| hot[0] as i64)
            };
            notes.push(format!("`{name}` is one-hot over {classes} classes"));
            whole.chunks_exact(classes).map(one).collect()
        }
        _ => None,
    }
}

/// Names of columns that are labels.
const LABELS: [&str; 4] = ["label", "class", "target", "y"];
/// Names of columns that number or name the rows.
const ROWS: [&str; 9] = [
    "", "id", "index", "row", "row_id", "example", "image_id", "filename", "file",
];

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A folder with a table of each half: `train.csv` and `test.csv`, whatever stands before these words.
pub(super) fn folder(path: &Path, files: &[String], reading: &Reading) -> Result<Option<Found>, GatingError> {
    let half = |word: &str| -> Vec<&String> {
        let is_half = |name: &&String| {
            let name = name.to_lowercase();
            let stem = name
                .strip_suffix(".gz")
                .unwrap_or(&name)
                .strip_suffix(".csv")
                .map(str::to_owned);
            stem.is_some_and(|stem| stem.ends_with(word))
        };
        files.iter().filter(is_half).collect()
    };
    let [train] = half("train")[..] else {
        return Ok(None);
    };
    let mut found = csv(&path.join(train), reading)?;
    if let [test] = half("test")[..] {
        match csv(&path.join(test), reading) {
            Ok(other) if other.names != found.names => {
                let place = path.join(test).display().to_string();
                let problem = Problem::new(
                    "other classes than the training table",
                    "both halves need the same classes",
                );
                return Err(problem.in_file(place).into());
            }
            Ok(other) => found.test = other.train,
            Err(error) => found.notes.push(format!("`{test}` was left out: {error}")),
        }
    }
    Ok(Some(found))
}

/// A table: one example a line, one column the label.
pub(super) fn csv(path: &Path, reading: &Reading) -> Result<Found, GatingError> {
    let text = neuropil_lab::file::text(path)?;
    super::idx::no_idx(text.as_bytes()).map_err(|problem| problem.in_file(path.display().to_string()))?;
    let first = text.lines().next().unwrap_or_default();
    let bare = first
        .split([',', ';', '\t'])
        .all(|cell| cell.trim().trim_matches(['"', '\'']).parse::<f64>().is_ok());
    let table = if bare {
        Table::parse_bare(path, &text)?
    } else {
        Table::parse(path, &text)?
    };
    let wrong = |message: String, hint: &str| {
        GatingError::from(Problem::new(message, hint).in_file(path.display().to_string()))
    };
    let names: Vec<String> = table.names().map(str::to_owned).collect();
    if names.len() < 2 {
        return Err(wrong(
            "one column, expected values and a label".to_owned(),
            "separate columns by commas, semicolons or tabs",
        ));
    }
    let mut found = Found {
        name: "own table".to_owned(),
        ..Found::default()
    };
    let column = match (bare, reading.label_column.as_deref()) {
        (true, Some("first")) => names[0].clone(),
        (true, Some("last")) => names[names.len() - 1].clone(),
        (true, None) => {
            return Err(wrong(
                format!(
                    "no header: the label may be the first or the last of {} columns",
                    names.len()
                ),
                "say which: `--set data.reading.label_column=last`, or `--label-column last` of `data check`",
            ));
        }
        (false, None) => {
            let several: Vec<&String> = names.iter().filter(|name| is_one_of(name, &LABELS)).collect();
            if several.len() > 1 {
                let shown: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
                return Err(wrong(
                    format!("columns {} could each be the label", shown.join(" and ")),
                    "say which: `--set data.reading.label_column=NAME`, or `--label-column NAME` of `data check`",
                ));
            }
            table.require(&LABELS)?.to_owned()
        }
        (false, Some(name)) if names.iter().any(|own| own == name) => name.to_owned(),
        (_, Some(other)) => {
            return Err(wrong(
                format!(
                    "`data.reading.label_column` is `{other}`, expected `first`, `last` or the name of a column"
                ),
                "names are those of the header",
            ));
        }
    };
    // Numbers of rows and further labels would give the answer away.
    let is_value =
        |name: &&String| **name != column && (bare || !is_one_of(name, &LABELS) && !is_one_of(name, &ROWS));
    let left_out: Vec<String> = names
        .iter()
        .filter(|name| **name != column && !is_value(name))
        .map(|name| {
            if name.is_empty() {
                "without a name".to_owned()
            } else {
                format!("`{name}`")
            }
        })
        .collect();
    if !left_out.is_empty() {
        found.notes.push(format!(
            "columns left out, since they number rows or are labels: {}",
            left_out.join(", ")
        ));
    }
    found.notes.push(format!(
        "labels are column `{column}`; {} values per example",
        names.len() - 1 - left_out.len()
    ));
    let labels = match table.column(&column)? {
        Column::Text(cells) => quoted(cells, &mut found),
        _ => table.integers(&column)?,
    };
    let values: Vec<Vec<f64>> = names
        .iter()
        .filter(is_value)
        .map(|name| table.finite(name))
        .collect::<Result<_, _>>()?;
    let pixels = (0..labels.len())
        .flat_map(|row| values.iter().map(move |column| column[row] as f32))
        .collect();
    let side = (values.len() as f64).sqrt().round() as usize;
    let shape = if side * side == values.len() && side > 1 {
        [side, side, 1]
    } else {
        [1, values.len(), 1]
    };
    found.train = Some(Pictures {
        shape,
        pixels: Pixels::Reals(pixels),
        labels,
    });
    Ok(found)
}

/// Labels in quotes of either kind, or names of classes in the order of their letters.
fn quoted(cells: &[String], found: &mut Found) -> Vec<i64> {
    let bare: Vec<&str> = cells
        .iter()
        .map(|cell| cell.trim().trim_matches(['\'', '"']))
        .collect();
    if let Ok(numbers) = bare
        .iter()
        .map(|cell| cell.parse::<i64>())
        .collect::<Result<Vec<_>, _>>()
    {
        return numbers;
    }
    let names: std::collections::BTreeSet<&str> = bare.iter().copied().collect();
    found.names = (0..).zip(names.iter().map(|name| (*name).to_owned())).collect();
    bare.iter()
        .map(|cell| names.iter().position(|name| name == cell).unwrap_or(0) as i64)
        .collect()
}
