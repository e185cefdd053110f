//! GraphML: nodes, edges and their attributes (<http://graphml.graphdrawing.org>).

use super::annotations::Annotations;
use super::builder::Builder;
use super::columns::{WEIGHT, plain};
use crate::error::DataError;
use neuropil_lab::{file, memory};
use roxmltree::{Document, Node};
use std::collections::BTreeMap;
use std::path::Path;

/// Names of the attribute by which a node is called.
const NAMES: &[&str] = &["name", "label", "cell_name"];
/// Bytes of the tree for a byte of text.
const TREE: usize = 8;

/// An attribute that nodes or edges may have.
struct Attribute<'a> {
    id: &'a str,
    /// Its name, which several may share; that of its id if it has none.
    name: &'a str,
    default: Option<&'a str>,
    for_edges: bool,
    for_nodes: bool,
    is_number: bool,
}

/// Reads the one graph of a file. An attribute of edges named as weights are (`weight`, `synapses`, …) is the weight,
/// whatever it is declared for; a node's `name` is its name if all have one.
pub(super) fn read(path: &Path) -> Result<(Builder, Annotations), DataError> {
    let text = file::text(path)?;
    memory::claim(path, "its tree", text.len(), TREE)?;
    // Entities of the document itself are allowed, within bounds; external ones are never read.
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..Default::default()
    };
    let document = Document::parse_with_options(&text, options).map_err(|error| {
        DataError::field(path, error.pos().row as usize, "", error.to_string(), "GraphML")
    })?;
    Graph::new(path, &document)?.read()
}

struct Graph<'a> {
    path: &'a Path,
    document: &'a Document<'a>,
    attributes: Vec<Attribute<'a>>,
    directed: bool,
}

fn is(node: &Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

impl<'a> Graph<'a> {
    fn new(path: &'a Path, document: &'a Document<'a>) -> Result<Self, DataError> {
        let of = |name: &'static str| document.descendants().filter(move |node| is(node, name));
        let graphs: Vec<Node<'_, '_>> = document
            .root_element()
            .children()
            .filter(|node| is(node, "graph"))
            .collect();
        let wrong = |found: String| DataError::field(path, 0, "", found, "GraphML with one graph");
        let [graph] = graphs[..] else {
            return Err(wrong(format!("{} graphs", graphs.len())));
        };
        if of("hyperedge").next().is_some() {
            return Err(wrong("edges of several ends (`hyperedge`)".to_owned()));
        }
        let directed = match graph.attribute("edgedefault") {
            None | Some("directed") => true,
            Some("undirected") => false,
            Some(other) => return Err(wrong(format!("edgedefault `{}`", file::shown(other)))),
        };
        let attributes = of("key").filter_map(|key| {
            let id = key.attribute("id")?;
            let kind = key.attribute("for").unwrap_or("all");
            Some(Attribute {
                id,
                name: key.attribute("attr.name").unwrap_or(id),
                default: key
                    .children()
                    .find(|child| is(child, "default"))
                    .map(|child| child.text().unwrap_or("")),
                for_edges: kind != "node" && kind != "graph",
                for_nodes: kind != "edge" && kind != "graph",
                is_number: matches!(
                    key.attribute("attr.type"),
                    Some("int" | "long" | "float" | "double")
                ),
            })
        });
        Ok(Self {
            path,
            document,
            attributes: attributes.collect(),
            directed,
        })
    }

    fn all(&self, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
        self.document.descendants().filter(move |node| is(node, name))
    }

    fn line(&self, node: &Node<'_, '_>) -> usize {
        self.document.text_pos_at(node.range().start).row as usize
    }

    fn wrong(&self, node: &Node<'_, '_>, field: &str, found: impl Into<String>, expected: &str) -> DataError {
        DataError::field(self.path, self.line(node), field, found, expected)
    }

    /// What a node or edge says of an attribute.
    fn datum(element: &Node<'a, 'a>, attribute: &Attribute<'_>) -> Option<&'a str> {
        let own = |child: &Node<'_, '_>| is(child, "data") && child.attribute("key") == Some(attribute.id);
        element
            .children()
            .find(own)
            .map(|child| child.text().unwrap_or("").trim())
    }

    fn read(&self) -> Result<(Builder, Annotations), DataError> {
        let mut builder = Builder::default();
        builder.layer("chem");
        let nodes: Vec<(&str, Node<'_, '_>)> = self
            .all("node")
            .map(|node| {
                Ok((
                    node.attribute("id")
                        .ok_or_else(|| self.wrong(&node, "id", "nothing", "an id"))?,
                    node,
                ))
            })
            .collect::<Result<_, DataError>>()?;
        let names = self.names(&nodes);
        let mut index: BTreeMap<&str, u32> = BTreeMap::new();
        for ((id, node), name) in nodes.iter().zip(&names) {
            if index.insert(id, builder.node(name)).is_some() {
                return Err(self.wrong(
                    node,
                    "id",
                    format!("the id `{}` again", file::shown(id)),
                    "every id once",
                ));
            }
        }
        self.edges(&index, &mut builder)?;
        Ok((builder, self.annotations(&nodes, names)))
    }

    /// What the nodes are called: their `name` where all have one of their own, else their id.
    fn names(&self, nodes: &[(&'a str, Node<'a, 'a>)]) -> Vec<String> {
        let own = self
            .attributes
            .iter()
            .filter(|key| key.for_nodes && NAMES.contains(&plain(key.name).as_str()));
        for attribute in own {
            let named: Option<Vec<&str>> = nodes
                .iter()
                .map(|(_, node)| Self::datum(node, attribute).filter(|name| !name.is_empty()))
                .collect();
            let Some(named) = named else { continue };
            let mut sorted = named.clone();
            sorted.sort_unstable();
            sorted.dedup();
            if sorted.len() == named.len() {
                return named.into_iter().map(str::to_owned).collect();
            }
        }
        nodes.iter().map(|(id, _)| (*id).to_owned()).collect()
    }

    /// The attributes that hold the weight: any that edges use or may use, by name.
    fn weights(&self) -> Vec<&Attribute<'a>> {
        let used = |key: &Attribute<'_>| self.all("edge").any(|edge| Self::datum(&edge, key).is_some());
        for name in WEIGHT {
            let own = self
                .attributes
                .iter()
                .filter(|key| plain(key.name) == *name || plain(key.id) == *name);
            let own: Vec<_> = own.filter(|key| key.for_edges || used(key)).collect();
            if !own.is_empty() {
                return own;
            }
        }
        Vec::new()
    }

    fn edges(&self, index: &BTreeMap<&str, u32>, builder: &mut Builder) -> Result<(), DataError> {
        let keys = self.weights();
        let mut without = 0usize;
        for edge in self.all("edge") {
            let end = |name: &str| {
                let id = edge
                    .attribute(name)
                    .ok_or_else(|| self.wrong(&edge, name, "nothing", "a node id"))?;
                let known = index.get(id).copied();
                known.ok_or_else(|| {
                    self.wrong(&edge, name, format!("`{}`", file::shown(id)), "the id of a node")
                })
            };
            let (pre, post) = (end("source")?, end("target")?);
            let weight = self.weight(&edge, &keys)?;
            without += usize::from(weight.is_none());
            let both_ways = match edge.attribute("directed") {
                Some("true") => false,
                Some("false") => true,
                None => !self.directed,
                Some(other) => {
                    return Err(self.wrong(&edge, "directed", format!("`{other}`"), "true or false"));
                }
            };
            let weight = weight.unwrap_or(1.0);
            builder.edge("chem", pre, post, weight);
            if both_ways && pre != post {
                builder.edge("chem", post, pre, weight);
            }
        }
        if without > 0 {
            let others = self
                .attributes
                .iter()
                .filter(|key| key.for_edges && key.is_number);
            let others: Vec<String> = others.map(|key| format!("`{}`", file::shown(key.name))).collect();
            let among = if others.is_empty() {
                String::new()
            } else {
                format!(" (they have {})", others.join(", "))
            };
            builder.warn(format!("{without} edges without a weight{among} count as 1"));
        }
        Ok(())
    }

    fn weight(&self, edge: &Node<'a, 'a>, keys: &[&Attribute<'a>]) -> Result<Option<f64>, DataError> {
        let mut found: Option<f64> = None;
        for key in keys {
            let Some(text) = Self::datum(edge, key) else {
                continue;
            };
            let value: f64 = text.parse().unwrap_or(f64::NAN);
            if !value.is_finite() {
                return Err(self.wrong(edge, "weight", format!("`{}`", file::shown(text)), "a number"));
            }
            if found.is_some_and(|other| other != value) {
                return Err(self.wrong(
                    edge,
                    "weight",
                    format!("two weights, {} and {value}", found.unwrap_or(0.0)),
                    "one",
                ));
            }
            found = Some(value);
        }
        if found.is_some() {
            return Ok(found);
        }
        let Some(text) = keys.iter().find_map(|key| key.default) else {
            return Ok(None);
        };
        let value = text.trim().parse().ok().filter(|value: &f64| value.is_finite());
        value.map(Some).ok_or_else(|| {
            self.wrong(
                edge,
                "weight",
                format!("the default `{}`", file::shown(text)),
                "a number",
            )
        })
    }

    /// All attributes of the nodes.
    fn annotations(&self, nodes: &[(&'a str, Node<'a, 'a>)], names: Vec<String>) -> Annotations {
        let mut columns: Vec<(String, Vec<String>)> = Vec::new();
        for key in self.attributes.iter().filter(|key| key.for_nodes) {
            let texts = nodes
                .iter()
                .map(|(_, node)| Self::datum(node, key).or(key.default).unwrap_or("").to_owned());
            let texts: Vec<String> = texts.collect();
            let known = columns
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(key.name));
            if texts.iter().any(|text| !text.is_empty()) && !known && texts != names {
                columns.push((key.name.to_owned(), texts));
            }
        }
        let lines = nodes.iter().map(|(_, node)| self.line(node)).collect();
        Annotations::new(self.path, names, lines, columns)
    }
}

#[cfg(test)]
mod tests {
    use crate::data::Connectome;
    use crate::error::DataError;

    fn load(text: &str) -> Result<Connectome, DataError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g.graphml");
        std::fs::write(&path, text).unwrap();
        crate::read::load(&path)
    }

    const HEAD: &str = r#"<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">"#;

    #[test]
    fn graphml_of_networkx_is_read_with_its_attributes() {
        let c = load(&format!(
            r#"{HEAD}<key id="d0" for="edge" attr.name="weight" attr.type="long"/>
            <key id="d1" for="node" attr.name="hemisphere" attr.type="string"/>
            <key id="d2" for="edge" attr.name="weight" attr.type="double"/><graph edgedefault="directed">
            <node id="29"><data key="d1">L</data></node><node id="7"/><edge source="29" target="7"><data key="d0">4</data></edge>
            <edge source="7" target="29"><data key="d2">2.5</data></edge></graph></graphml>"#
        ))
        .unwrap();
        assert_eq!((c.ids.clone(), c.layers["chem"].weight(1, 0)), (vec![7, 29], 4.0));
        assert_eq!(c.layers["chem"].weight(0, 1), 2.5);
        assert_eq!(c.sides[1], crate::data::Side::Left);
    }

    #[test]
    fn what_is_not_understood_is_said_or_refused() {
        let body = |edge: &str| {
            format!(
                r#"{HEAD}<graph edgedefault="directed"><node id="1"/><node id="2"/>{edge}</graph></graphml>"#
            )
        };
        let c = load(&body(r#"<edge source="1" target="2"/>"#)).unwrap();
        assert!(
            c.warnings[0].starts_with("1 edges without a weight"),
            "{:?}",
            c.warnings
        );
        for (edge, expected) in [
            (
                r#"<edge source="1" target="3"/>"#,
                "target: `3`, expected the id of a node",
            ),
            (r#"<edge source="1"/>"#, "target: nothing, expected a node id"),
            (r#"<node id="1"/>"#, "the id `1` again"),
            (
                r#"<edge source="1" target="2" directed="maybe"/>"#,
                "`maybe`, expected true or false",
            ),
            (r"<hyperedge/>", "edges of several ends"),
        ] {
            let message = load(&body(edge)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        let bomb = r#"<!DOCTYPE g [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
            <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]><graphml>&d;</graphml>"#;
        assert!(load(bomb).is_err());
    }
}
