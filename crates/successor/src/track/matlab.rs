//! Variables by name: MATLAB files of version 5 to 7, version 7.3 and plain HDF5, NumPy archives.

use super::delimited::is_missing;
use super::times::{Clock, TimeUnit};
use super::{Found, LengthUnit, TrackOptions, Vertical, problem};
use crate::error::SuccessorError;
use hdf5_pure::{AttrValue, DType, Group, Object};
use ndarray_npy::NpzReader;
use neuropil_lab::array::hdf5::{announced, numbers};
use neuropil_lab::array::{UNNAMED, read_numbers};
use neuropil_lab::mat::{Content, Variable, parse_mat};
use std::io::Cursor;
use std::path::Path;

/// Groups within groups.
const DEEPEST: usize = 16;

/// A variable as one or more columns of frames.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) columns: Vec<Vec<f64>>,
    pub(crate) size: String,
}

impl Named {
    /// From values in the order of the file, the first index of `shape` slowest; frames lie along the longest dimension.
    fn of(name: String, shape: &[usize], values: Vec<f64>) -> Self {
        let size: Vec<String> = shape.iter().map(ToString::to_string).collect();
        let size = size.join("x");
        let long: Vec<usize> = shape.iter().copied().filter(|n| *n != 1).collect();
        let columns = match long[..] {
            [rows, columns] if rows >= columns => (0..columns)
                .map(|k| (0..rows).map(|i| values[i * columns + k]).collect())
                .collect(),
            [_, frames] => values.chunks(frames.max(1)).map(<[f64]>::to_vec).collect(),
            [] | [_] => vec![values],
            _ => Vec::new(),
        };
        Self { name, columns, size }
    }

    fn last_name(&self) -> String {
        self.name
            .rsplit(['.', '/'])
            .next()
            .unwrap_or_default()
            .to_lowercase()
    }

    fn parent(&self) -> &str {
        self.name.rsplit_once(['.', '/']).map_or("", |(parent, _)| parent)
    }

    fn vector(&self) -> Option<&[f64]> {
        match &self.columns[..] {
            [column] => Some(column),
            _ => None,
        }
    }
}

pub(crate) fn read_v5(path: &Path, bytes: &[u8], options: &TrackOptions) -> Result<Found, SuccessorError> {
    let variables =
        parse_mat(bytes).map_err(|found| problem(path, found, "a whole MATLAB file", "save it anew"))?;
    let (mut all, mut others) = (Vec::new(), Vec::new());
    variables
        .into_iter()
        .for_each(|variable| flatten(variable, "", &mut all, &mut others));
    from_variables(path, "MATLAB", &all, &others, options)
}

/// Numbers of a variable and of the fields of structures, named `B.x`; `B(2).x` in arrays of structures.
fn flatten(variable: Variable, prefix: &str, all: &mut Vec<Named>, others: &mut Vec<String>) {
    let name = format!("{prefix}{}", variable.name);
    match variable.content {
        Content::Numbers(values) => {
            let mut shape = variable.shape;
            shape.reverse(); // the first index runs fastest
            let mut named = Named::of(name, &shape, values);
            shape.reverse();
            named.size = shape
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("x");
            all.push(named);
        }
        Content::Structure(elements) => {
            let several = elements.len() > 1;
            for (i, fields) in elements.into_iter().enumerate() {
                let prefix = if several {
                    format!("{name}({}).", i + 1)
                } else {
                    format!("{name}.")
                };
                fields
                    .into_iter()
                    .for_each(|field| flatten(field, &prefix, all, others));
            }
        }
        Content::Cells(cells) => {
            for (i, mut cell) in cells.into_iter().enumerate() {
                cell.name = format!("{{{}}}", i + 1);
                flatten(cell, &name, all, others);
            }
        }
        Content::Text(_) => others.push(format!("{name} (text)")),
        Content::Other(kind) => others.push(format!("{name} ({kind})")),
    }
}

pub(crate) fn read_npz(path: &Path, bytes: Vec<u8>, options: &TrackOptions) -> Result<Found, SuccessorError> {
    let damaged = |error: String| problem(path, error, "a NumPy archive", "");
    let mut npz = NpzReader::new(Cursor::new(bytes)).map_err(|error| damaged(error.to_string()))?;
    let names = npz.names().map_err(|error| damaged(error.to_string()))?;
    let (mut all, mut others) = (Vec::new(), Vec::new());
    for name in names {
        let name = name.trim_end_matches(".npy").to_owned();
        match read_numbers(path, &name) {
            Ok((shape, values)) => all.push(Named::of(name, &shape, values)),
            Err(_) => others.push(format!("{name} (no numbers)")),
        }
    }
    from_variables(path, "NumPy archive", &all, &others, options)
}

/// The one array of a `.npy` file.
pub(crate) fn read_npy(path: &Path, options: &TrackOptions) -> Result<Found, SuccessorError> {
    let (shape, values) = read_numbers(path, UNNAMED)?;
    let named = Named::of(UNNAMED.to_owned(), &shape, values);
    from_variables(path, "NumPy array", &[named], &[], options)
}

/// Numbers of all data sets below a group.
pub(crate) fn read_groups(
    path: &Path,
    root: &Group,
    form: &'static str,
    options: &TrackOptions,
) -> Result<Found, SuccessorError> {
    let (mut all, mut others) = (Vec::new(), Vec::new());
    gather(path, root, "", form == "MATLAB v7.3", 0, &mut all, &mut others)?;
    from_variables(path, form, &all, &others, options)
}

fn gather(
    path: &Path,
    group: &Group,
    prefix: &str,
    matlab: bool,
    depth: usize,
    all: &mut Vec<Named>,
    others: &mut Vec<String>,
) -> Result<(), SuccessorError> {
    if depth > DEEPEST {
        return Ok(());
    }
    let fail = |error: hdf5_pure::Error| {
        let hint = "for MATLAB: save it anew with `save -v7`";
        problem(path, format!("damaged ({error})"), "a whole HDF5 file", hint)
    };
    let separator = if matlab { '.' } else { '/' };
    for name in group.datasets().map_err(fail)? {
        let data = group.dataset(&name).map_err(fail)?;
        let full = format!("{prefix}{name}");
        let shape = announced(path, &full, &data)?;
        let attrs = data.attrs().map_err(fail)?;
        let class = attrs.get("MATLAB_class").map(text_of).unwrap_or_default();
        match data.dtype().map_err(fail)? {
            DType::ObjectReference => {
                // arrays of structures keep each field as references to its values
                for (i, object) in data.dereference().map_err(fail)?.into_iter().enumerate() {
                    if let Object::Dataset(data) = object {
                        let shape = announced(path, &full, &data)?;
                        let (parent, field) = full.rsplit_once('.').map_or(("", full.as_str()), |pair| pair);
                        let element = if parent.is_empty() {
                            format!("{field}{{{}}}", i + 1)
                        } else {
                            format!("{parent}({}).{field}", i + 1)
                        };
                        if let Ok((_, values)) = numbers(path, &element, &data) {
                            all.push(Named::of(element, &shape, values));
                        }
                    }
                }
            }
            _ if class == "char" => others.push(format!("{full} (text)")),
            _ => match numbers(path, &full, &data) {
                Ok((_, values)) => {
                    let mut named = Named::of(full, &shape, values);
                    if matlab {
                        named.size = shape
                            .iter()
                            .rev()
                            .map(ToString::to_string)
                            .collect::<Vec<_>>()
                            .join("x");
                    }
                    all.push(named);
                }
                Err(_) => others.push(format!("{full} (no numbers)")),
            },
        }
    }
    for name in group.groups().map_err(fail)? {
        if !name.starts_with('#') {
            gather(
                path,
                &group.group(&name).map_err(fail)?,
                &format!("{prefix}{name}{separator}"),
                matlab,
                depth + 1,
                all,
                others,
            )?;
        }
    }
    Ok(())
}

/// The text of an attribute.
pub(crate) fn text_of(value: &AttrValue) -> String {
    texts_of(value).into_iter().next().unwrap_or_default()
}

/// The texts of an attribute.
pub(crate) fn texts_of(value: &AttrValue) -> Vec<String> {
    match value {
        AttrValue::String(text)
        | AttrValue::AsciiString(text)
        | AttrValue::VarLenString(text)
        | AttrValue::VarLenAsciiString(text) => vec![text.clone()],
        AttrValue::StringSized { value, .. } | AttrValue::AsciiStringSized { value, .. } => {
            vec![value.clone()]
        }
        AttrValue::StringArray(texts)
        | AttrValue::AsciiStringArray(texts)
        | AttrValue::VarLenAsciiCharArray(texts)
        | AttrValue::VarLenStringArray(texts)
        | AttrValue::VarLenAsciiStringArray(texts) => texts.clone(),
        AttrValue::StringArraySized { values, .. } | AttrValue::AsciiStringArraySized { values, .. } => {
            values.clone()
        }
        _ => Vec::new(),
    }
}

/// The number of an attribute.
pub(crate) fn number_of(value: &AttrValue) -> Option<f64> {
    Some(match value {
        AttrValue::F32(x) => f64::from(*x),
        AttrValue::F64(x) => *x,
        AttrValue::F32Array(x) => f64::from(*x.first()?),
        AttrValue::F64Array(x) => *x.first()?,
        AttrValue::I8(x) => f64::from(*x),
        AttrValue::I16(x) => f64::from(*x),
        AttrValue::I32(x) => f64::from(*x),
        AttrValue::I64(x) => *x as f64,
        AttrValue::U8(x) => f64::from(*x),
        AttrValue::U16(x) => f64::from(*x),
        AttrValue::U32(x) => f64::from(*x),
        AttrValue::U64(x) => *x as f64,
        _ => return None,
    })
}

fn is_time(name: &str) -> bool {
    matches!(name, "t" | "time" | "times" | "ts" | "timestamp" | "timestamps")
}

/// Which columns of a matrix of three are time, x and y: the only one that ascends is the time.
fn time_x_y(matrix: &Named) -> Option<[usize; 3]> {
    let ascends = |k: &usize| matrix.columns[*k].windows(2).all(|pair| pair[1] > pair[0]);
    if matrix.columns.len() != 3 || matrix.columns[0].len() < 3 {
        return None;
    }
    let ascending: Vec<usize> = (0..3).filter(ascends).collect();
    match ascending[..] {
        [0] => Some([0, 1, 2]),
        [1] => Some([1, 0, 2]),
        [2] => Some([2, 0, 1]),
        _ => None,
    }
}

/// The variables of a file, and how they are asked for.
struct Variables<'a> {
    path: &'a Path,
    all: &'a [Named],
    /// What the file holds beside numbers, in words.
    others: &'a [String],
}

/// x, y and, where there is one, the time, with the parent of all three.
struct Chosen<'a> {
    x: Vec<f64>,
    y: Vec<f64>,
    time: Option<Vec<f64>>,
    parent: &'a str,
    notes: Vec<String>,
}

impl<'a> Variables<'a> {
    fn missing(&self, found: String) -> SuccessorError {
        let mut list: Vec<String> = self
            .all
            .iter()
            .map(|v| format!("{} ({})", v.name, v.size))
            .collect();
        list.extend_from_slice(self.others);
        problem(
            self.path,
            format!("{found}; the file holds {}", list.join(", ")),
            "x and y of every frame",
            "name them with `--columns X,Y` or `--columns X,Y,TIME`",
        )
    }

    fn by_name(&self, name: &str) -> Option<&'a Named> {
        let exact = self.all.iter().find(|v| v.name == name);
        exact.or_else(|| self.all.iter().find(|v| v.last_name() == name.to_lowercase()))
    }

    fn vector(&self, name: &str) -> Result<Vec<f64>, SuccessorError> {
        let named = self
            .by_name(name)
            .ok_or_else(|| self.missing(format!("no variable `{name}`")))?;
        let vector = named
            .vector()
            .ok_or_else(|| self.missing(format!("`{name}` is {}, no vector", named.size)))?;
        Ok(vector.to_vec())
    }

    /// Those of `--columns`.
    fn asked(&self, names: &[String]) -> Result<Chosen<'a>, SuccessorError> {
        if !(2..=3).contains(&names.len()) || names.iter().any(|name| is_missing(name)) {
            return Err(SuccessorError::setting(
                "`--columns`",
                names.join(","),
                "x,y or x,y,time",
            ));
        }
        Ok(Chosen {
            x: self.vector(&names[0])?,
            y: self.vector(&names[1])?,
            time: names.get(2).map(|name| self.vector(name)).transpose()?,
            parent: self.by_name(&names[0]).map_or("", Named::parent),
            notes: Vec::new(),
        })
    }

    /// The one pair called x and y, the one matrix of two columns, or the one of three of which one alone ascends.
    fn found(&self) -> Result<Chosen<'a>, SuccessorError> {
        let all = self.all;
        let is_x = |v: &&Named| v.last_name() == "x" && v.vector().is_some();
        let with_y = |x: &'a Named| {
            let y = all
                .iter()
                .find(|y| y.last_name() == "y" && y.parent() == x.parent())?;
            Some((x, y))
        };
        let pairs: Vec<(&Named, &Named)> = all.iter().filter(is_x).filter_map(with_y).collect();
        let matrices: Vec<&Named> = all
            .iter()
            .filter(|v| v.columns.len() == 2 && v.columns[0].len() > 2)
            .collect();
        let timed: Vec<(&Named, [usize; 3])> = all.iter().filter_map(|v| Some((v, time_x_y(v)?))).collect();
        let mut chosen = match (&pairs[..], &matrices[..], &timed[..]) {
            ([], [], [(matrix, [t, first, second])]) => Chosen {
                x: matrix.columns[*first].clone(),
                y: matrix.columns[*second].clone(),
                time: Some(matrix.columns[*t].clone()),
                parent: matrix.parent(),
                notes: vec![format!(
                    "columns {}, {} and {} of `{}` are time, x and y: column {} ascends",
                    t + 1,
                    first + 1,
                    second + 1,
                    matrix.name,
                    t + 1
                )],
            },
            ([(a, b)], _, _) => Chosen {
                x: self.vector(&a.name)?,
                y: self.vector(&b.name)?,
                time: None,
                parent: a.parent(),
                notes: match &matrices[..] {
                    [matrix] => vec![format!(
                        "x and y are `{}` and `{}`, not the columns of `{}`",
                        a.name, b.name, matrix.name
                    )],
                    _ => Vec::new(),
                },
            },
            ([], [matrix], _) => Chosen {
                x: matrix.columns[0].clone(),
                y: matrix.columns[1].clone(),
                time: None,
                parent: matrix.parent(),
                notes: vec![format!("x and y are the columns of `{}`", matrix.name)],
            },
            _ => return Err(self.missing("more or less than one pair x and y".to_owned())),
        };
        if chosen.time.is_none() {
            let beside = |v: &&Named| is_time(&v.last_name()) && v.parent() == chosen.parent;
            let time = all.iter().find(beside).and_then(Named::vector);
            chosen.time = time.map(<[f64]>::to_vec);
        }
        Ok(chosen)
    }

    /// When each position was: by its time, by frames per second that the file names, or by its number.
    fn clock(&self, chosen: &mut Chosen<'_>, options: &TrackOptions) -> Result<Clock, SuccessorError> {
        let n = chosen.x.len();
        let fps = self
            .all
            .iter()
            .find(|v| v.last_name() == "fps" && v.parent() == chosen.parent)
            .and_then(|v| v.columns.first()?.first().copied());
        match (chosen.time.take(), fps, options.fps) {
            (Some(time), _, _) if time.len() == n => {
                let frames = options.time_unit.filter(|unit| *unit == TimeUnit::Frames);
                Ok(Clock::Times(time, frames))
            }
            (Some(time), _, _) => Err(self.missing(format!("{} times for {n} positions", time.len()))),
            (None, Some(fps), None) if fps > 0.0 && fps.is_finite() => {
                chosen
                    .notes
                    .push(format!("{fps} frames per second, as the file says"));
                Ok(Clock::Seconds((0..n).map(|i| i as f64 / fps).collect(), 0.0))
            }
            (None, ..) => Ok(Clock::Frames((0..n).collect())),
        }
    }
}

/// x, y and time among variables.
fn from_variables(
    path: &Path,
    form: &'static str,
    all: &[Named],
    others: &[String],
    options: &TrackOptions,
) -> Result<Found, SuccessorError> {
    let variables = Variables { path, all, others };
    let mut chosen = match &options.columns {
        Some(names) => variables.asked(names)?,
        None => variables.found()?,
    };
    let (nx, ny) = (chosen.x.len(), chosen.y.len());
    if nx != ny {
        return Err(variables.missing(format!("{nx} values of x and {ny} of y")));
    }
    let clock = variables.clock(&mut chosen, options)?;
    Ok(Found {
        form,
        clock,
        x: chosen.x,
        y: chosen.y,
        lines: vec![0; nx],
        unit: LengthUnit::Unknown,
        vertical: Vertical::Unknown,
        notes: chosen.notes,
    })
}
