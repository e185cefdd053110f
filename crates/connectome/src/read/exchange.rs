//! Exchange formats: GraphML and Matrix Market.

use super::builder::Builder;
use super::{number, text};
use crate::data::Connectome;
use crate::error::DataError;
use std::path::Path;

/// GraphML: node ids as text, the edge attribute named `weight` (1 where absent).
pub(super) fn graphml(path: &Path) -> Result<Connectome, DataError> {
    let text = text(path)?;
    let options = roxmltree::ParsingOptions {
        allow_dtd: false,
        ..Default::default()
    };
    let document = roxmltree::Document::parse_with_options(&text, options).map_err(|error| {
        DataError::field(path, error.pos().row as usize, "", error.to_string(), "GraphML")
    })?;
    let named = |name: &'static str| {
        document
            .descendants()
            .filter(move |node| node.has_tag_name_local(name))
    };
    let weight_key = named("key")
        .find(|key| key.attribute("for") == Some("edge") && key.attribute("attr.name") == Some("weight"))
        .and_then(|key| key.attribute("id"));
    let mut builder = Builder::default();
    builder.layer("chem");
    for node in named("node") {
        if let Some(id) = node.attribute("id") {
            builder.node(id);
        }
    }
    for edge in named("edge") {
        let line = document.text_pos_at(edge.range().start).row as usize;
        let end = |name: &str| {
            edge.attribute(name)
                .ok_or_else(|| DataError::field(path, line, name, "nothing", "a node id"))
        };
        let (source, target) = (end("source")?, end("target")?);
        let datum = edge
            .children()
            .find(|child| child.has_tag_name_local("data") && child.attribute("key") == weight_key)
            .and_then(|child| child.text());
        let weight = match (weight_key, datum) {
            (Some(_), Some(value)) => number(path, line, "weight", value)?,
            _ => 1.0,
        };
        let (pre, post) = (builder.node(source), builder.node(target));
        builder.edge("chem", pre, post, weight);
    }
    Ok(builder.finish())
}

/// Comparison of tag names without their namespace.
trait LocalName {
    fn has_tag_name_local(&self, name: &str) -> bool;
}

impl LocalName for roxmltree::Node<'_, '_> {
    fn has_tag_name_local(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

/// Matrix Market coordinates, general or symmetric; neurons are numbered from 1 as in the file.
pub(super) fn matrix_market(path: &Path) -> Result<Connectome, DataError> {
    let text = text(path)?;
    let mut lines = text.lines().enumerate();
    let head = lines
        .next()
        .map(|(_, line)| line.to_lowercase())
        .unwrap_or_default();
    if !head.starts_with("%%matrixmarket matrix coordinate") {
        return Err(DataError::field(
            path,
            1,
            "",
            "no Matrix Market header",
            "`%%MatrixMarket matrix coordinate …`",
        ));
    }
    let (pattern, symmetric) = (head.contains("pattern"), head.contains("symmetric"));
    let mut body = lines.filter(|(_, line)| !line.starts_with('%') && !line.trim().is_empty());
    let mut builder = Builder::default();
    builder.layer("chem");
    let (at, sizes) = body.next().unwrap_or((1, ""));
    let sizes: Vec<usize> = sizes.split_whitespace().filter_map(|f| f.parse().ok()).collect();
    let [rows, columns, _] = sizes[..] else {
        return Err(DataError::field(
            path,
            at + 1,
            "sizes",
            "not three numbers",
            "rows, columns, entries",
        ));
    };
    if rows != columns {
        return Err(DataError::field(
            path,
            at + 1,
            "sizes",
            format!("{rows} rows and {columns} columns"),
            "a square matrix",
        ));
    }
    for k in 1..=rows {
        builder.node(&k.to_string());
    }
    for (at, line) in body {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let index = |k: usize, name: &str| {
            let text = fields.get(k).copied().unwrap_or_default();
            let parsed = text.parse::<usize>().ok().filter(|v| (1..=rows).contains(v));
            parsed.ok_or_else(|| {
                DataError::field(path, at + 1, name, format!("`{text}`"), format!("1 to {rows}"))
            })
        };
        let (i, j) = (index(0, "row")? as u32 - 1, index(1, "column")? as u32 - 1);
        let weight = if pattern {
            1.0
        } else {
            number(path, at + 1, "value", fields.get(2).copied().unwrap_or("missing"))?
        };
        builder.edge("chem", i, j, weight);
        if symmetric && i != j {
            builder.edge("chem", j, i, weight);
        }
    }
    Ok(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn graphml_of_networkx_is_read() {
        let (_keep, path) = file(
            "g.graphml",
            r#"<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">
            <key id="d0" for="edge" attr.name="weight" attr.type="long"/><graph edgedefault="directed">
            <node id="29"/><node id="7"/><edge source="29" target="7"><data key="d0">4</data></edge></graph></graphml>"#,
        );
        let c = graphml(&path).unwrap();
        assert_eq!((c.ids.clone(), c.layers["chem"].weight(1, 0)), (vec![7, 29], 4.0));
    }

    #[test]
    fn matrix_market_symmetric_fills_both_halves() {
        let (_keep, path) = file(
            "m.mtx",
            "%%MatrixMarket matrix coordinate integer symmetric\n3 3 2\n2 1 5\n3 3 1\n",
        );
        let g = matrix_market(&path).unwrap().layers["chem"].clone();
        assert_eq!((g.weight(0, 1), g.weight(1, 0), g.weight(2, 2)), (5.0, 5.0, 1.0));
    }
}
