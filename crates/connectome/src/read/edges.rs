//! Edge tables: one row per connection, or several that are summed.

use super::builder::Builder;
use super::{count, id, number, text};
use crate::data::{Connectome, TYPED_LAYERS};
use crate::error::DataError;
use std::path::Path;

pub(super) const PRE: &[&str] = &[
    "pre",
    "pre_id",
    "pre_root_id",
    "pre_pt_root_id",
    "bodyid_pre",
    "source",
    "from",
    "upstream",
];
pub(super) const POST: &[&str] = &[
    "post",
    "post_id",
    "post_root_id",
    "post_pt_root_id",
    "bodyid_post",
    "target",
    "to",
    "downstream",
];
pub(super) const WEIGHT: &[&str] = &["weight", "syn_count", "count", "synapses", "n_synapses", "w"];
pub(super) const LAYER: &[&str] = &["type", "layer", "edge_type"];

/// Where the fields are.
struct Columns {
    pre: usize,
    post: usize,
    typed: Vec<(&'static str, usize)>,
    weight: Option<usize>,
    layer: Option<usize>,
}

/// Reads `pre,post,weight[,type]` or `pre,post,ad,aa,dd,da`, separated by commas, tabs or blanks, with or
/// without a header.
pub(super) fn read(path: &Path) -> Result<Connectome, DataError> {
    parse(path, &text(path)?)
}

fn split(line: &str, delimiter: Option<char>) -> Vec<&str> {
    match delimiter {
        Some(d) => line.split(d).map(|f| f.trim().trim_matches('"')).collect(),
        None => line.split_whitespace().collect(),
    }
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Connectome, DataError> {
    let lines = || {
        text.lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
    };
    let Some((_, first)) = lines().next() else {
        return Err(DataError::field(path, 0, "", "an empty file", "a table of edges"));
    };
    let delimiter = [',', '\t', ';'].into_iter().find(|d| first.contains(*d));
    let head = split(first, delimiter);
    let named = |names: &[&str]| {
        head.iter()
            .position(|h| names.contains(&h.to_lowercase().as_str()))
    };
    let (columns, has_header) = match (named(PRE), named(POST)) {
        (Some(pre), Some(post)) => {
            let typed: Vec<_> = TYPED_LAYERS
                .iter()
                .filter_map(|&name| Some((name, named(&[name])?)))
                .collect();
            let weight = named(WEIGHT);
            if typed.is_empty() && weight.is_none() {
                let found = format!("columns `{}`", head.join("`, `"));
                return Err(DataError::field(
                    path,
                    1,
                    "header",
                    found,
                    "a column `weight`, or `ad`, `aa`, `dd`, `da`",
                ));
            }
            let layer = if typed.is_empty() { named(LAYER) } else { None };
            (
                Columns {
                    pre,
                    post,
                    typed,
                    weight,
                    layer,
                },
                true,
            )
        }
        _ if head.len() >= 3 && head[2].parse::<f64>().is_ok() => {
            let layer = (head.len() > 3).then_some(3);
            (
                Columns {
                    pre: 0,
                    post: 1,
                    typed: Vec::new(),
                    weight: Some(2),
                    layer,
                },
                false,
            )
        }
        _ => {
            let found = format!("columns `{}`", head.join("`, `"));
            return Err(
                DataError::field(path, 1, "header", found, "`pre`, `post` and `weight`")
                    .hint("typed edges are `pre,post,ad,aa,dd,da`"),
            );
        }
    };
    let width = head.len();
    // Ids are numbers when the first row's are: text further down is then a mistake, not a label.
    let numeric = lines().nth(usize::from(has_header)).is_none_or(|(_, line)| {
        let fields = split(line, delimiter);
        let is = |k: usize| fields.get(k).is_some_and(|f| f.parse::<f64>().is_ok());
        is(columns.pre) && is(columns.post)
    });
    let mut builder = Builder::default();
    if columns.typed.is_empty() && columns.layer.is_none() {
        builder.layer("chem");
    }
    columns.typed.iter().for_each(|(name, _)| builder.layer(name));
    for (at, line) in lines().skip(usize::from(has_header)) {
        let line_number = at + 1;
        let fields = split(line, delimiter);
        if fields.len() != width {
            let found = format!("{} fields", fields.len());
            return Err(DataError::field(
                path,
                line_number,
                "",
                found,
                format!("{width} as in line 1"),
            ));
        }
        let mut node = |k: usize, name: &str| {
            if numeric {
                id(path, line_number, name, fields[k])?;
            } else if fields[k].is_empty() {
                return Err(DataError::field(path, line_number, name, "nothing", "a neuron"));
            }
            Ok(builder.node(fields[k]))
        };
        let (pre, post) = (node(columns.pre, "pre")?, node(columns.post, "post")?);
        if columns.typed.is_empty() {
            let weight = columns.weight.unwrap_or(2);
            let weight = number(path, line_number, "weight", fields[weight])?;
            let layer = columns.layer.map_or("chem", |k| fields[k]);
            builder.edge(if layer.is_empty() { "chem" } else { layer }, pre, post, weight);
        } else {
            for &(name, k) in &columns.typed {
                builder.edge(name, pre, post, count(path, line_number, name, fields[k])?);
            }
        }
    }
    Ok(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Connectome, DataError> {
        parse(Path::new("e.csv"), text)
    }

    #[test]
    fn rows_of_the_same_pair_are_summed() {
        let c =
            read("bodyId_pre,bodyId_post,roi,weight\n720575940600000001,2,a,3\n720575940600000001,2,b,4\n")
                .unwrap();
        assert_eq!(c.ids, [2, 720575940600000001]);
        assert_eq!(c.layers["chem"].weight(1, 0), 7.0);
    }

    #[test]
    fn headerless_blank_separated_lists_and_labels_work() {
        let c = read("29 8419602 9.0\n8419602 29 6.0\n").unwrap();
        assert_eq!(c.layers["chem"].weight(0, 1), 9.0);
        let c = read("pre\tpost\tweight\ttype\nAVAL\tAVAR\t3\tchem\nAVAR\tAVAL\t2\tgap\n").unwrap();
        assert_eq!((c.layers.len(), c.find("AVAR")), (2, Some(1)));
    }

    #[test]
    fn mistakes_name_line_and_field() {
        for (text, expected) in [
            (
                "pre,post,weight\n1,2,x\n",
                "e.csv:2: weight: `x`, expected a number",
            ),
            (
                "pre,post,weight\n1,2,3\n1.5e17,2,3\n",
                "e.csv:3: pre: `1.5e17`, expected an integer id\n  hint: ",
            ),
            (
                "pre,post,ad,aa,dd,da\n1,2,-1,0,0,0\n",
                "e.csv:2: ad: `-1`, expected a count",
            ),
            (
                "pre,post,weight\n1,2\n",
                "e.csv:2: 2 fields, expected 3 as in line 1",
            ),
            (
                "pre,post,weight\n1,2,NaN\n",
                "e.csv:2: weight: `NaN`, expected a number",
            ),
            (
                "a,b\n1,2\n",
                "e.csv:1: header: columns `a`, `b`, expected `pre`, `post` and `weight`",
            ),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
