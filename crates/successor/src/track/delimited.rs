//! Tables of text: separators, decimal commas, missing values, and columns by name or by what they hold.

use super::times::{Clock, Moment, TimeUnit, moment, number, seconds_of};
use super::{Found, LIKELIHOOD, LengthUnit, TrackOptions, Vertical, field_problem, problem};
use crate::error::SuccessorError;
use std::borrow::Cow;
use std::path::Path;

/// Rows of a text, each with its line from 1.
pub(crate) struct Rows {
    pub(crate) rows: Vec<(usize, Vec<String>)>,
    pub(crate) decimal_comma: bool,
}

/// Whether a cell says that nothing is known.
pub(crate) fn is_missing(cell: &str) -> bool {
    let cell = cell.trim();
    matches!(
        cell.to_ascii_lowercase().as_str(),
        "" | "nan"
            | "na"
            | "n/a"
            | "null"
            | "none"
            | "-"
            | "--"
            | "."
            | "#nv"
            | "#n/a"
            | "#na"
            | "#value!"
            | "#wert!"
            | "#div/0!"
    )
}

impl Rows {
    /// Splits a text: `;`, tabs, commas or blanks, whichever the lines agree on.
    pub(crate) fn of(path: &Path, text: &str) -> Result<Self, SuccessorError> {
        let text = &*without_comments(text);
        let sample: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(60)
            .collect();
        if sample.is_empty() {
            return Err(problem(path, "no lines", "a track", ""));
        }
        let share = |mark: char| sample.iter().filter(|line| line.contains(mark)).count() * 2 > sample.len();
        let separator = [';', '\t', ','].into_iter().find(|&mark| share(mark));
        let mut rows = Vec::new();
        match separator {
            None => {
                for (i, line) in text
                    .lines()
                    .enumerate()
                    .filter(|(_, line)| !line.trim().is_empty())
                {
                    rows.push((i + 1, line.split_whitespace().map(str::to_owned).collect()));
                }
            }
            Some(separator) => {
                let mut reader = csv::ReaderBuilder::new()
                    .delimiter(separator as u8)
                    .has_headers(false)
                    .flexible(true)
                    .comment(Some(b'#'))
                    .from_reader(text.as_bytes());
                for record in reader.records() {
                    let record = record.map_err(|error| problem(path, error.to_string(), "a table", ""))?;
                    let line = record.position().map_or(0, |position| position.line() as usize);
                    let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
                    if cells.iter().any(|cell| !cell.is_empty()) {
                        rows.push((line, cells));
                    }
                }
            }
        }
        if rows.is_empty() {
            return Err(problem(path, "comments alone", "a track", ""));
        }
        let comma = |cell: &String| cell.contains(',') && number(cell, true).is_some();
        let decimal_comma =
            separator != Some(',') && rows.iter().take(200).any(|(_, row)| row.iter().any(comma));
        Ok(Self { rows, decimal_comma })
    }

    /// A position: a number, or NaN where nothing is known.
    pub(crate) fn position(
        &self,
        path: &Path,
        row: usize,
        column: usize,
        name: &str,
    ) -> Result<f64, SuccessorError> {
        let (line, cells) = &self.rows[row];
        let Some(cell) = cells.get(column) else {
            let found = format!("{} cells", cells.len());
            return Err(field_problem(
                path,
                *line,
                name,
                found,
                format!("at least {}", column + 1),
                "was the file cut short?",
            ));
        };
        if is_missing(cell) {
            return Ok(f64::NAN);
        }
        let value = number(cell, self.decimal_comma);
        value.ok_or_else(|| {
            field_problem(
                path,
                *line,
                name,
                format!("`{cell}`"),
                "a number, or empty where the animal was lost",
                "",
            )
        })
    }

    /// Lines from a row on.
    pub(crate) fn lines(&self, from: usize) -> Vec<usize> {
        self.rows[from..].iter().map(|(line, _)| *line).collect()
    }

    /// A whole column of positions from a row on.
    pub(crate) fn positions(
        &self,
        path: &Path,
        from: usize,
        column: usize,
        name: &str,
    ) -> Result<Vec<f64>, SuccessorError> {
        (from..self.rows.len())
            .map(|row| self.position(path, row, column, name))
            .collect()
    }

    /// A column of moments from a row on.
    pub(crate) fn moments(
        &self,
        path: &Path,
        from: usize,
        column: usize,
        name: &str,
    ) -> Result<Vec<Option<Moment>>, SuccessorError> {
        let mut out: Vec<Option<Moment>> = Vec::new();
        for (line, cells) in &self.rows[from..] {
            let cell = cells.get(column).map_or("", String::as_str);
            let found = moment(cell, self.decimal_comma);
            let kind = |moment: &Moment| std::mem::discriminant(moment);
            let other = |first: &Moment| found.as_ref().is_some_and(|now| kind(first) != kind(now));
            if (found.is_none() && !is_missing(cell)) || out.iter().flatten().next().is_some_and(other) {
                let expected = "a time of the same form as in the other rows";
                return Err(field_problem(
                    path,
                    *line,
                    name,
                    format!("`{cell}`"),
                    expected,
                    "",
                ));
            }
            out.push(found);
        }
        Ok(out)
    }
}

/// The text without the comments at its top (`#`, `%`, `//`), each an empty line, so that lines keep their numbers. The last
/// of them is the header if it has as many fields as the line below.
fn without_comments(text: &str) -> Cow<'_, str> {
    const MARKS: [char; 3] = ['#', '%', '/'];
    let is_comment = |line: &str| line.starts_with(['#', '%']) || line.starts_with("//");
    let top: Vec<&str> = text
        .lines()
        .take_while(|line| line.trim().is_empty() || is_comment(line.trim_start()))
        .collect();
    let Some(last) = top.iter().rposition(|line| is_comment(line.trim_start())) else {
        return Cow::Borrowed(text);
    };
    let fields = |line: &str| match [';', '\t', ','].into_iter().find(|&mark| line.contains(mark)) {
        Some(mark) => line.split(mark).count(),
        None => line.split_whitespace().count(),
    };
    let header = top[last].trim_start().trim_start_matches(MARKS).trim_start();
    let below = text.lines().nth(top.len()).unwrap_or_default();
    let is_header = fields(header) > 1 && fields(header) == fields(below);
    let kept = |i: usize| if is_header && i == last { header } else { "" };
    let lines = (0..top.len()).map(kept).chain(text.lines().skip(top.len()));
    Cow::Owned(lines.collect::<Vec<_>>().join("\n"))
}

/// A header cell: name without unit, and the unit if it has one.
fn named(cell: &str) -> (String, Option<String>) {
    let cell = cell.trim().to_lowercase();
    let (name, unit) = match cell.rsplit_once(['(', '[']) {
        Some((name, unit)) => (
            name.trim().to_owned(),
            Some(unit.trim_end_matches([')', ']']).to_owned()),
        ),
        None => (cell, None),
    };
    let words: Vec<&str> = name
        .split(|c: char| !c.is_alphanumeric() && c != 'µ')
        .filter(|word| !word.is_empty())
        .collect();
    match (unit, words.split_last()) {
        (None, Some((last, rest))) if !rest.is_empty() && is_unit(last) => {
            (rest.join(" "), Some((*last).to_owned()))
        }
        (unit, _) => (words.join(" "), unit),
    }
}

fn is_unit(word: &str) -> bool {
    LengthUnit::of(word) != LengthUnit::Unknown
        || TimeUnit::of(word).is_some_and(|unit| unit != TimeUnit::Frames)
}

fn is_time(name: &str) -> bool {
    matches!(
        name,
        "t" | "time"
            | "times"
            | "timestamp"
            | "timestamps"
            | "ts"
            | "time stamp"
            | "datetime"
            | "date time"
            | "date"
            | "clock"
            | "utc"
            | "trial time"
            | "recording time"
            | "seconds"
            | "sec"
            | "zeit"
            | "temps"
    )
}

fn is_frame(name: &str) -> bool {
    matches!(
        name,
        "frame"
            | "frames"
            | "frame idx"
            | "frame index"
            | "frame number"
            | "frame no"
            | "frameid"
            | "frame id"
    )
}

/// Whether a name is that of a coordinate, and what is left of it.
fn coordinate(name: &str, axis: char) -> Option<String> {
    let axis = axis.to_string();
    let glued = [
        format!("{axis}pos"),
        format!("pos{axis}"),
        format!("{axis}loc"),
        format!("{axis}position"),
        format!("{axis}coord"),
    ];
    let words: Vec<&str> = name.split(' ').collect();
    let at = words
        .iter()
        .position(|word| *word == axis || glued.iter().any(|glued| glued == word))?;
    let rest: Vec<&str> = words
        .iter()
        .enumerate()
        .filter(|(i, _)| *i != at)
        .map(|(_, word)| *word)
        .collect();
    let generic = [
        "position",
        "pos",
        "coordinate",
        "coord",
        "centroid",
        "center",
        "centre",
        "location",
        "loc",
    ];
    Some(
        rest.into_iter()
            .filter(|word| !generic.contains(word))
            .collect::<Vec<_>>()
            .join(" "),
    )
}

struct Columns {
    time: Option<(usize, Option<TimeUnit>, bool)>,
    x: usize,
    y: usize,
    unit: LengthUnit,
}

/// Lines among which a header is looked for.
const PREAMBLE: usize = 60;

/// Reads a table with named columns, or without a header by what its columns hold. Lines above the one that names the columns
/// are none of it.
pub(crate) fn read(path: &Path, mut rows: Rows, options: &TrackOptions) -> Result<Found, SuccessorError> {
    let numeric = |cell: &String| moment(cell, rows.decimal_comma).is_some() || is_missing(cell);
    if rows.rows[0].1.iter().filter(|cell| !cell.is_empty()).all(numeric) {
        return headerless(path, &rows, options);
    }
    let names = |row: usize| {
        let header = &rows.rows[row].1;
        match &options.columns {
            Some(wanted) => by_name(path, header, wanted),
            None => by_meaning(path, header, options),
        }
    };
    let mut columns = names(0);
    let mut above = None;
    if columns.is_err()
        && let Some(row) = (1..rows.rows.len().min(PREAMBLE)).find(|&row| names(row).is_ok())
    {
        columns = names(row);
        above = Some(format!(
            "the table begins on line {}: what is above was not read",
            rows.rows[row].0
        ));
        rows.rows.drain(..row);
    }
    let mut columns = columns?;
    let rows = &rows;
    let first = &rows.rows[0].1;
    let beyond = |row: &[String]| row.iter().skip(first.len()).any(|cell| !cell.trim().is_empty());
    if let Some((line, row)) = rows.rows.iter().find(|(_, row)| beyond(row)) {
        return Err(problem(
            path,
            format!("line {line} has {} cells, the header {}", row.len(), first.len()),
            "a header for every cell",
            "decimal commas need another separator than commas, such as `;`",
        ));
    }
    if columns.time.is_none() && options.columns.is_none() {
        columns.time = dated(rows, &columns).map(|column| (column, None, false));
    }
    let from = 1 + usize::from(rows.rows.get(1).is_some_and(|(_, row)| units_row(row)));
    let mut unit = columns.unit;
    if from == 2 && unit == LengthUnit::Unknown {
        unit = LengthUnit::of(rows.rows[1].1.get(columns.x).map_or("", String::as_str));
    }
    let mut found = found(path, rows, from, &columns, unit, "table")?;
    found.notes.extend(above);
    // Trackers' own measure of how sure they are of a position.
    let sure = |name: &String| {
        matches!(
            name.trim().to_lowercase().as_str(),
            "likelihood" | "confidence" | "probability"
        )
    };
    if let Some(column) = first.iter().position(sure) {
        match options.likelihood {
            Some(_) => {
                let values = rows.positions(path, from, column, &first[column])?;
                likely(&mut found.x, &mut found.y, &values, options, &mut found.notes);
            }
            None => found.notes.push(format!(
                "column `{}` was not used: `--likelihood 0.6` takes positions below as lost",
                first[column]
            )),
        }
    }
    Ok(found)
}

/// Positions, with what is less likely than asked for taken as lost.
pub(crate) fn likely(
    x: &mut [f64],
    y: &mut [f64],
    likelihood: &[f64],
    options: &TrackOptions,
    notes: &mut Vec<String>,
) {
    let cutoff = options.likelihood.unwrap_or(LIKELIHOOD);
    let mut below = 0;
    for i in 0..x.len() {
        if x[i].is_finite() && !(likelihood[i] >= cutoff) {
            (x[i], y[i]) = (f64::NAN, f64::NAN);
            below += 1;
        }
    }
    notes.push(format!(
        "{below} of {} frames below likelihood {cutoff} treated as lost",
        x.len()
    ));
}

/// The one column whose cells are dates or times of the day, where no name says that it is the time.
fn dated(rows: &Rows, columns: &Columns) -> Option<usize> {
    let is_dated = |&column: &usize| {
        let mut filled = rows.rows[1..]
            .iter()
            .take(20)
            .filter_map(|(_, row)| row.get(column))
            .filter(|cell| !is_missing(cell));
        let moments: Option<Vec<Moment>> = filled
            .by_ref()
            .map(|cell| moment(cell, rows.decimal_comma))
            .collect();
        moments.is_some_and(|found| {
            !found.is_empty() && found.iter().all(|moment| !matches!(moment, Moment::Number(_)))
        })
    };
    let width = rows.rows[0].1.len();
    let found: Vec<usize> = (0..width)
        .filter(|column| *column != columns.x && *column != columns.y)
        .filter(is_dated)
        .collect();
    match found[..] {
        [one] => Some(one),
        _ => None,
    }
}

/// A row of units under the names.
fn units_row(row: &[String]) -> bool {
    row.iter()
        .any(|cell| is_unit(&cell.trim_matches(['(', ')', '[', ']']).to_lowercase()))
        && row.iter().all(|cell| cell.trim().parse::<f64>().is_err())
}

fn found(
    path: &Path,
    rows: &Rows,
    from: usize,
    columns: &Columns,
    unit: LengthUnit,
    form: &'static str,
) -> Result<Found, SuccessorError> {
    let x = rows.positions(path, from, columns.x, "x")?;
    let y = rows.positions(path, from, columns.y, "y")?;
    let lines = rows.lines(from);
    let (clock, notes) = match columns.time {
        None => (
            Clock::Rows,
            vec!["no time column: rows are taken as frames".to_owned()],
        ),
        Some((column, said, frames)) => {
            let moments = rows.moments(path, from, column, "time")?;
            match seconds_of(&moments) {
                (Clock::Times(times, _), notes) if frames => {
                    (Clock::Times(times, Some(TimeUnit::Frames)), notes)
                }
                (Clock::Times(times, _), notes) => (Clock::Times(times, said), notes),
                other => other,
            }
        }
    };
    Ok(Found {
        form,
        clock,
        x,
        y,
        lines,
        unit,
        vertical: Vertical::Unknown,
        notes,
    })
}

fn by_name(path: &Path, header: &[String], wanted: &[String]) -> Result<Columns, SuccessorError> {
    if !(2..=3).contains(&wanted.len()) {
        return Err(SuccessorError::setting(
            "`--columns`",
            wanted.join(","),
            "x,y or x,y,time",
        ));
    }
    let at = |name: &String| super::choose(path, "column", "--columns", Some(name), header);
    let (x, y) = (at(&wanted[0])?, at(&wanted[1])?);
    let time = match wanted.get(2) {
        None => None,
        Some(name) => {
            let at = at(name)?;
            let (name, unit) = named(&header[at]);
            Some((at, unit.and_then(|unit| TimeUnit::of(&unit)), is_frame(&name)))
        }
    };
    let unit = one_unit(path, [&header[x], &header[y]])?;
    Ok(Columns { time, x, y, unit })
}

fn by_meaning(path: &Path, header: &[String], options: &TrackOptions) -> Result<Columns, SuccessorError> {
    let names: Vec<(String, Option<String>)> = header.iter().map(|cell| named(cell)).collect();
    let mut pairs: Vec<(String, usize, usize)> = Vec::new();
    for (x, (name, _)) in names.iter().enumerate() {
        let Some(part) = coordinate(name, 'x') else {
            continue;
        };
        let same = |(_, (other, _)): &(usize, &(String, Option<String>))| {
            coordinate(other, 'y').as_ref() == Some(&part)
        };
        if let Some((y, _)) = names.iter().enumerate().find(same) {
            pairs.push((part, x, y));
        }
    }
    if pairs.is_empty() {
        let list = header
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let hint = "name them with `--columns X,Y,TIME`";
        return Err(problem(path, format!("columns {list}"), "columns x and y", hint));
    }
    let parts: Vec<String> = pairs
        .iter()
        .map(|(part, _, _)| {
            if part.is_empty() {
                "x,y".to_owned()
            } else {
                part.clone()
            }
        })
        .collect();
    let plain = pairs.iter().position(|(part, _, _)| part.is_empty());
    let chosen = match (options.bodypart.as_deref(), plain) {
        (None, Some(plain)) => plain,
        (wanted, _) => super::choose(path, "pair of columns", "--bodypart", wanted, &parts)?,
    };
    let (_, x, y) = pairs[chosen];
    for at in [x, y] {
        if names.iter().filter(|(name, _)| *name == names[at].0).count() > 1 {
            let hint = "name the two with `--columns X,Y,TIME`, by words or, without a header, by numbers";
            return Err(problem(
                path,
                format!("two columns `{}`", header[at]),
                "one of that name",
                hint,
            ));
        }
    }
    let mut time = names
        .iter()
        .position(|(name, _)| is_time(name))
        .map(|at| (at, false));
    if time.is_none() {
        time = names
            .iter()
            .position(|(name, _)| is_frame(name))
            .map(|at| (at, true));
    }
    let time = time.map(|(at, frames)| (at, names[at].1.as_deref().and_then(TimeUnit::of), frames));
    let unit = one_unit(path, [&header[x], &header[y]])?;
    Ok(Columns { time, x, y, unit })
}

/// The unit of both positions, by their headers.
fn one_unit(path: &Path, headers: [&String; 2]) -> Result<LengthUnit, SuccessorError> {
    let [x, y] = headers.map(|header| {
        named(header)
            .1
            .map_or(LengthUnit::Unknown, |unit| LengthUnit::of(&unit))
    });
    if x != y && x != LengthUnit::Unknown && y != LengthUnit::Unknown {
        return Err(problem(
            path,
            format!("`{}` beside `{}`", headers[0], headers[1]),
            "both positions in one unit",
            "convert one of them",
        ));
    }
    Ok(x)
}

/// Columns without names: dates are times; of three columns of numbers the one that ascends is.
fn headerless(path: &Path, rows: &Rows, options: &TrackOptions) -> Result<Found, SuccessorError> {
    let width = rows.rows[0].1.len();
    if let Some(wanted) = &options.columns {
        let names: Vec<String> = (1..=width).map(|i| i.to_string()).collect();
        let columns = by_name(path, &names, wanted)?;
        return found(
            path,
            rows,
            0,
            &columns,
            LengthUnit::Unknown,
            "table without header",
        );
    }
    let hint = "say which is which with `--columns 2,3,1` (x, y, time; counted from 1)";
    let dated = |column: usize| {
        !matches!(
            moment(&rows.rows[0].1[column], rows.decimal_comma),
            Some(Moment::Number(_)) | None
        )
    };
    let mut time: Vec<usize> = (0..width).filter(|&column| dated(column)).collect();
    if time.is_empty() && width >= 3 {
        for column in 0..width {
            let values = rows.positions(path, 0, column, "")?;
            if values.len() > 2 && values.windows(2).all(|pair| pair[1] > pair[0]) {
                time.push(column);
            }
        }
    }
    let rest: Vec<usize> = (0..width).filter(|column| !time.contains(column)).collect();
    match (time.len(), rest.len()) {
        (0 | 1, 2) => {
            let time = time.first().map(|&column| (column, None, false));
            let columns = Columns {
                time,
                x: rest[0],
                y: rest[1],
                unit: LengthUnit::Unknown,
            };
            let mut found = found(
                path,
                rows,
                0,
                &columns,
                LengthUnit::Unknown,
                "table without header",
            )?;
            found.notes.push(format!(
                "no header: columns {} and {} are taken as x and y",
                rest[0] + 1,
                rest[1] + 1
            ));
            Ok(found)
        }
        _ => Err(problem(
            path,
            format!("{width} columns without names"),
            "one column of times, x and y",
            hint,
        )),
    }
}
