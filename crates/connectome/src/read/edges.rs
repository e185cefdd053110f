//! Edge tables: one row per connection, or several that are summed.

use super::builder::Builder;
use super::columns::{self, LAYER, POST, PRE, WEIGHT};
use crate::data::TYPED_LAYERS;
use crate::error::DataError;
use neuropil_lab::memory;
use neuropil_lab::table::{Column, Records, Table};
use std::borrow::Cow;
use std::path::Path;

/// Bytes that an edge takes up while it is read.
const EDGE: usize = 16;

/// Where the fields are.
#[derive(Debug, PartialEq)]
struct Fields {
    pre: usize,
    post: usize,
    typed: Vec<(&'static str, usize)>,
    /// Where the number of synapses is; without one, every row is a synapse.
    weight: Option<usize>,
    layer: Option<usize>,
}

/// What a row says of the layer.
enum Kind<'a> {
    Layer(&'a str),
    /// An edge in both directions (Gephi's `Undirected`).
    BothWays,
}

fn kind(text: &str) -> Kind<'_> {
    match text.trim() {
        "" => Kind::Layer("chem"),
        other if other.eq_ignore_ascii_case("directed") => Kind::Layer("chem"),
        other if other.eq_ignore_ascii_case("undirected") => Kind::BothWays,
        other => Kind::Layer(other),
    }
}

/// Reads `pre,post,weight[,type]`, `pre,post,ad,aa,dd,da` or `pre,post` (a row a synapse), with any separator, with or
/// without a header. With `words`, ids are labels even where they look like numbers.
pub(super) fn parse(path: &Path, text: &str, words: bool) -> Result<Builder, DataError> {
    let mut records = Records::new(path, text);
    let mut cells = Vec::new();
    let Some(line) = records.next_into(&mut cells)? else {
        return Err(DataError::field(path, 0, "", "an empty file", "a table of edges"));
    };
    let head: Vec<String> = cells.iter().map(|cell| cell.clone().into_owned()).collect();
    let mut next = cells.clone();
    let second = records.clone().next_into(&mut next)?.map(|_| &next[..]);
    let (fields, has_header) = fields(path, line, &head, second)?;
    let first: &[Cow<'_, str>] = if has_header {
        second.unwrap_or_default()
    } else {
        &cells
    };
    // Ids are numbers when the first row's are: text further down is then a mistake, not a label.
    let is_number = |k: usize| first.get(k).is_none_or(|cell| cell.trim().parse::<f64>().is_ok());
    let mut rows = Rows {
        path,
        width: head.len(),
        numeric: !words && is_number(fields.pre) && is_number(fields.post),
        builder: start(&fields),
        fields,
        edges: 0,
        blank: 0,
    };
    if !has_header {
        rows.add(line, &cells, &records)?;
    }
    while let Some(line) = records.next_into(&mut cells)? {
        rows.add(line, &cells, &records)?;
    }
    Ok(rows.finish(has_header, &head))
}

/// A builder with the layers that the fields name.
fn start(fields: &Fields) -> Builder {
    let mut builder = Builder::default();
    if fields.typed.is_empty() && fields.layer.is_none() {
        builder.layer("chem");
    }
    fields.typed.iter().for_each(|(name, _)| builder.layer(name));
    builder
}

/// Where the fields are, and whether the first record is a header.
fn fields(
    path: &Path,
    line: usize,
    head: &[String],
    second: Option<&[Cow<'_, str>]>,
) -> Result<(Fields, bool), DataError> {
    let named = |names: &[&str]| columns::find(head.iter().map(String::as_str), names);
    let columns = || format!("columns `{}`", head.join("`, `"));
    let is_number = |cell: &str| cell.trim().parse::<f64>().is_ok();
    if let (Some(pre), Some(post)) = (named(PRE), named(POST)) {
        let typed: Vec<_> = TYPED_LAYERS
            .iter()
            .filter_map(|&name| Some((name, named(&[name])?)))
            .collect();
        let weight = named(WEIGHT);
        // A third column of numbers may be the weights under another name.
        let unnamed =
            head.len() == 3 && second.is_some_and(|row| row.get(2).is_some_and(|cell| is_number(cell)));
        if typed.is_empty() && weight.is_none() && unnamed {
            let expected = "a column `weight`, or `ad`, `aa`, `dd`, `da`";
            return Err(DataError::field(path, line, "header", columns(), expected)
                .hint("without a third column, every row counts as one synapse"));
        }
        let layer = if typed.is_empty() { named(LAYER) } else { None };
        let fields = Fields {
            pre,
            post,
            typed,
            weight,
            layer,
        };
        return Ok((fields, true));
    }
    let bare = |weight, layer| Fields {
        pre: 0,
        post: 1,
        typed: Vec::new(),
        weight,
        layer,
    };
    if head.len() >= 3 && is_number(&head[2]) {
        return Ok((bare(Some(2), (head.len() > 3).then_some(3)), false));
    }
    let numbers = |row: &[Cow<'_, str>]| row.iter().all(|cell| is_number(cell));
    let is_header = second.is_some_and(numbers) && !head.iter().all(|cell| is_number(cell));
    if head.len() == 2 && !is_header && named(PRE).is_none() && named(POST).is_none() {
        return Ok((bare(None, None), false));
    }
    Err(
        DataError::field(path, line, "header", columns(), "`pre`, `post` and `weight`")
            .hint("typed edges are `pre,post,ad,aa,dd,da`"),
    )
}

struct Rows<'a> {
    path: &'a Path,
    width: usize,
    numeric: bool,
    fields: Fields,
    builder: Builder,
    edges: usize,
    /// Rows whose weight is blank.
    blank: usize,
}

impl Rows<'_> {
    fn add(&mut self, line: usize, cells: &[Cow<'_, str>], records: &Records<'_>) -> Result<(), DataError> {
        if cells.len() != self.width {
            let found = format!("{} fields", cells.len());
            return Err(DataError::field(
                self.path,
                line,
                "",
                found,
                format!("{} as in line 1", self.width),
            ));
        }
        if self.edges.is_multiple_of(1 << 20) {
            memory::claim(self.path, "its edges", self.edges, EDGE)?;
        }
        self.edges += 1;
        let pre = self.node(line, "pre", &cells[self.fields.pre])?;
        let post = self.node(line, "post", &cells[self.fields.post])?;
        let value = |name: &str, k: usize| -> Result<f64, DataError> {
            let cell = &cells[k];
            if cell.is_empty() {
                return Ok(0.0);
            }
            let value = records.number(line, name, cell)?;
            if value.is_finite() {
                return Ok(value);
            }
            Err(DataError::field(
                self.path,
                line,
                name,
                format!("`{cell}`"),
                "a number",
            ))
        };
        if self.fields.typed.is_empty() {
            self.blank += usize::from(self.fields.weight.is_some_and(|k| cells[k].is_empty()));
            let weight = self.fields.weight.map_or(Ok(1.0), |k| value("weight", k))?;
            let (pre_post, layer) = ((pre, post), self.fields.layer.map_or("", |k| cells[k].as_ref()));
            match kind(layer) {
                Kind::Layer(name) => self.builder.edge(name, pre_post.0, pre_post.1, weight),
                Kind::BothWays => {
                    self.builder.edge("chem", pre, post, weight);
                    if pre != post {
                        self.builder.edge("chem", post, pre, weight);
                    }
                }
            }
        } else {
            for &(name, k) in &self.fields.typed {
                let weight = super::count(self.path, line, name, value(name, k)?)?;
                self.builder.edge(name, pre, post, weight);
            }
        }
        Ok(())
    }

    fn node(&mut self, line: usize, name: &str, cell: &str) -> Result<u32, DataError> {
        if !self.numeric {
            if cell.is_empty() {
                return Err(DataError::field(self.path, line, name, "nothing", "a neuron"));
            }
            return Ok(self.builder.node(cell));
        }
        Ok(self.builder.number(super::id(self.path, line, name, cell)?))
    }

    fn finish(mut self, has_header: bool, head: &[String]) -> Builder {
        if self.fields.weight.is_none() && self.fields.typed.is_empty() {
            let why = if has_header && head.len() > 2 {
                format!("no column of weights among `{}`", head.join("`, `"))
            } else {
                "no column of weights".to_owned()
            };
            self.builder
                .warn(format!("{why}: every row counts as one synapse"));
        }
        if self.blank > 0 {
            let n = self.blank;
            self.builder.warn(format!("{n} rows have no weight: left out"));
        }
        let layers: Vec<&str> = self.builder.layers().collect();
        if layers.contains(&"S") && layers.contains(&"R") {
            self.builder.warn(
                "layers `S` and `R`: in lists of the worm, `R` may repeat from the receiver what `S` says from the sender"
                    .to_owned(),
            );
        }
        self.builder
    }
}

/// The edges of a table whose columns have their kinds (Parquet, Feather).
pub(super) fn of_table(path: &Path, table: &Table) -> Result<Builder, DataError> {
    let head: Vec<String> = table.names().map(str::to_owned).collect();
    let (fields, _) = fields(path, 0, &head, None)?;
    let ids = |k: usize| -> Result<Vec<Cow<'_, str>>, DataError> {
        let (name, column) = &table.columns()[k];
        match column {
            Column::Text(texts) => Ok(texts.iter().map(|text| Cow::Borrowed(text.as_str())).collect()),
            _ => Ok(table
                .integers(name)?
                .into_iter()
                .map(|id| Cow::Owned(id.to_string()))
                .collect()),
        }
    };
    let (pre, post) = (ids(fields.pre)?, ids(fields.post)?);
    let weights = |k: usize| table.finite(&head[k]);
    let mut builder = start(&fields);
    let kinds = fields.layer.map(|k| table.texts(&head[k])).transpose()?;
    let typed: Vec<_> = fields
        .typed
        .iter()
        .map(|&(name, k)| Ok((name, weights(k)?)))
        .collect::<Result<_, DataError>>()?;
    let weight = fields.weight.map(weights).transpose()?;
    for row in 0..table.n_rows() {
        if pre[row].is_empty() || post[row].is_empty() {
            return Err(DataError::field(
                path,
                0,
                format!("row {}", row + 1),
                "nothing",
                "a neuron",
            ));
        }
        let (i, j) = (builder.node(&pre[row]), builder.node(&post[row]));
        for (name, values) in &typed {
            builder.edge(name, i, j, super::count(path, 0, name, values[row])?);
        }
        if typed.is_empty() {
            let w = weight.as_ref().map_or(1.0, |values| values[row]);
            match kinds
                .as_ref()
                .map_or(Kind::Layer("chem"), |kinds| kind(&kinds[row]))
            {
                Kind::Layer(name) => builder.edge(name, i, j, w),
                Kind::BothWays => {
                    builder.edge("chem", i, j, w);
                    builder.edge("chem", j, i, if i == j { 0.0 } else { w });
                }
            }
        }
    }
    if weight.is_none() && typed.is_empty() {
        builder.warn("no column of weights: every row counts as one synapse".to_owned());
    }
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Connectome;

    fn read(text: &str) -> Result<Connectome, DataError> {
        parse(Path::new("e.csv"), text, false)?.finish(Path::new("e.csv"))
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
    fn rows_without_a_weight_are_synapses_and_that_is_said() {
        for text in [
            "A,B\nA,B\nB,A\n",
            "pre,post\nA,B\nA,B\nB,A\n",
            "pre_root_id,post_root_id,x,y\nA,B,1,1\nA,B,1,1\nB,A,1,1\n",
        ] {
            let c = read(text).unwrap();
            assert_eq!(
                (c.layers["chem"].weight(0, 1), c.layers["chem"].weight(1, 0)),
                (2.0, 1.0),
                "{text}"
            );
            assert!(c.warnings[0].contains("counts as one synapse"));
        }
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
            (
                "pre,post,zahl\n1,2,3\n",
                "e.csv:1: header: columns `pre`, `post`, `zahl`, expected a column `weight`",
            ),
        ] {
            let message = read(text).err().unwrap().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
