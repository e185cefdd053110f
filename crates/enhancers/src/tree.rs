//! Rooted trees with branch lengths, as one flat array in postorder.
//!
//! Every traversal of the regressions is one loop over this array: a node stands after all nodes below it, the
//! root stands last.

mod newick;
mod nexus;

use std::collections::HashMap;
use std::path::Path;

use crate::error::InputError;
use crate::names::{self, species_key};

/// Index that stands for "no node".
pub const NONE: usize = usize::MAX;

/// Lengths down to minus this fraction of the tree's height are rounding of a dating program and count as 0.
const ROUNDING: f64 = 1e-9;

/// A rooted tree.
///
/// ```
/// use neuropil_enhancers::tree::Tree;
///
/// let tree = Tree::parse("((mouse:12,rat:12):70,human:82);")?;
/// assert_eq!(tree.n_tips(), 3);
/// assert_eq!(tree.height(), 82.0);
/// let pruned = tree.keep(&[0, 2])?;
/// assert_eq!(pruned.length(0), 82.0, "the node above mouse has one child left and is gone");
/// # Ok::<(), neuropil_enhancers::error::InputError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tree {
    parent: Vec<usize>,
    length: Vec<f64>,
    label: Vec<String>,
    tips: Vec<usize>,
    tip_of: Vec<usize>,
    depth: Vec<f64>,
}

/// A tree as it stands in a file, with what is worth saying about it.
#[derive(Clone, Debug)]
pub struct ReadTree {
    /// The tree.
    pub tree: Tree,
    /// Remarks: unrooted, clamped lengths, which tree of several.
    pub notes: Vec<String>,
}

/// Which tree of a file that holds several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The only one; several are refused.
    #[default]
    Only,
    /// By number, counted from 1.
    Number(usize),
    /// By its name in a NEXUS file.
    Name(String),
}

/// One node while a tree is being built; a node's parent comes before it.
#[derive(Clone, Debug, Default)]
struct Node {
    parent: Option<usize>,
    label: String,
    length: Option<f64>,
    children: usize,
}

impl Tree {
    /// Reads one tree in Newick format that has a length for every branch.
    ///
    /// # Errors
    /// What does not follow the format, with its line and column; missing or negative lengths; tips without or
    /// with the same name.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        Ok(read_text(text, &Choice::Only)?.tree)
    }

    /// Number of tips.
    pub fn n_tips(&self) -> usize {
        self.tips.len()
    }

    /// Number of nodes, tips included.
    pub fn n_nodes(&self) -> usize {
        self.parent.len()
    }

    /// Parent of every node in postorder, [`NONE`] for the root, which stands last.
    pub fn parents(&self) -> &[usize] {
        &self.parent
    }

    /// Length of the branch above every node; 0 for the root.
    pub fn lengths(&self) -> &[f64] {
        &self.length
    }

    /// Node of every tip, in the order of the file.
    pub fn tips(&self) -> &[usize] {
        &self.tips
    }

    /// Tip at every node, [`NONE`] at internal nodes.
    pub fn tip_of(&self) -> &[usize] {
        &self.tip_of
    }

    /// Name of tip `tip`.
    pub fn tip_name(&self, tip: usize) -> &str {
        &self.label[self.tips[tip]]
    }

    /// Names of the tips, in the order of the file.
    pub fn tip_names(&self) -> impl Iterator<Item = &str> {
        self.tips.iter().map(|&node| self.label[node].as_str())
    }

    /// Label of a node: a tip's name, or what stands at an internal node (an identifier, a support).
    pub fn label(&self, node: usize) -> &str {
        &self.label[node]
    }

    /// Length of the branch above tip `tip`.
    pub fn length(&self, tip: usize) -> f64 {
        self.length[self.tips[tip]]
    }

    /// Distance of every node from the root.
    pub fn depths(&self) -> &[f64] {
        &self.depth
    }

    /// Distance of the farthest tip from the root.
    pub fn height(&self) -> f64 {
        self.tips.iter().map(|&node| self.depth[node]).fold(0.0, f64::max)
    }

    /// Mean distance of the tips from the root.
    pub fn mean_height(&self) -> f64 {
        self.tips.iter().map(|&node| self.depth[node]).sum::<f64>() / self.n_tips() as f64
    }

    /// Whether all tips are equally far from the root, to 1e-8 of the height (ape's tolerance is 1.5e-8).
    pub fn is_ultrametric(&self) -> bool {
        let height = self.height();
        let least = self
            .tips
            .iter()
            .map(|&node| self.depth[node])
            .fold(f64::INFINITY, f64::min);
        height - least <= 1e-8 * height
    }

    /// Number of children of every node.
    pub fn n_children(&self) -> Vec<usize> {
        let mut children = vec![0; self.n_nodes()];
        for &parent in &self.parent {
            if parent != NONE {
                children[parent] += 1;
            }
        }
        children
    }

    /// The node at which the paths from two tips to the root meet.
    pub fn mrca(&self, a: usize, b: usize) -> usize {
        let (mut a, mut b) = (self.tips[a], self.tips[b]);
        // A parent has a larger index than its child: whoever is lower climbs.
        while a != b {
            if a < b {
                a = self.parent[a];
            } else {
                b = self.parent[b];
            }
        }
        a
    }

    /// Tip by its species: case and the choice between blanks and underscores do not matter.
    pub fn find(&self, name: &str) -> Option<usize> {
        let key = species_key(name);
        self.tip_names().position(|tip| species_key(tip) == key)
    }

    /// The tree of the tips in `kept` alone, in that order: nodes with one child left are dissolved into one
    /// branch, the root is the common ancestor, and what is above it is discarded.
    ///
    /// # Errors
    /// When fewer than two tips are kept or one is named twice.
    pub fn keep(&self, kept: &[usize]) -> Result<Self, InputError> {
        if kept.len() < 2 {
            return Err(InputError::new(format!(
                "{} of the tree's {} tips would be left, expected at least 2",
                kept.len(),
                self.n_tips()
            )));
        }
        let n = self.n_nodes();
        let mut new_tip = vec![NONE; n];
        for (new, &tip) in kept.iter().enumerate() {
            if std::mem::replace(&mut new_tip[self.tips[tip]], new) != NONE {
                return Err(InputError::new(format!(
                    "tip `{}` is kept twice",
                    self.tip_name(tip)
                )));
            }
        }
        // In postorder: children with kept tips below; where there is one alone, the branch runs on.
        let mut live = vec![0_usize; n];
        let mut carried = self.length.clone();
        let mut through = (0..n).collect::<Vec<_>>();
        for v in 0..n {
            let parent = self.parent[v];
            if live[v] == 1 {
                let below = through[v];
                let above = carried[v];
                carried[below] += above;
            }
            if (live[v] > 0 || new_tip[v] != NONE) && parent != NONE {
                live[parent] += 1;
                through[parent] = through[v];
                if live[v] != 1 {
                    through[parent] = v;
                }
            }
        }
        let stays = |v: usize| live[v] > 1 || new_tip[v] != NONE;
        let mut new_index = vec![NONE; n];
        let mut order = Vec::new();
        for v in 0..n {
            if stays(v) {
                new_index[v] = order.len();
                order.push(v);
            }
        }
        let mut pruned = Self {
            parent: Vec::with_capacity(order.len()),
            length: Vec::with_capacity(order.len()),
            label: Vec::with_capacity(order.len()),
            tips: vec![NONE; kept.len()],
            tip_of: vec![NONE; order.len()],
            depth: Vec::new(),
        };
        for (new, &v) in order.iter().enumerate() {
            let mut up = self.parent[v];
            while up != NONE && !stays(up) {
                up = self.parent[up];
            }
            let root = up == NONE;
            pruned.parent.push(if root { NONE } else { new_index[up] });
            pruned.length.push(if root { 0.0 } else { carried[v] });
            pruned.label.push(self.label[v].clone());
            if new_tip[v] != NONE {
                pruned.tips[new_tip[v]] = new;
                pruned.tip_of[new] = new_tip[v];
            }
        }
        pruned.set_depths();
        Ok(pruned)
    }

    /// The same tree with every length multiplied by `factor`.
    pub fn scaled(&self, factor: f64) -> Self {
        let mut scaled = self.clone();
        scaled.length.iter_mut().for_each(|length| *length *= factor);
        scaled.set_depths();
        scaled
    }

    /// The tree as one line in Newick format; names are quoted where the format needs it.
    pub fn to_newick(&self) -> String {
        let mut texts = vec![String::new(); self.n_nodes()];
        for v in 0..self.n_nodes() {
            let inner = std::mem::take(&mut texts[v]);
            let label = if self.tip_of[v] == NONE {
                String::new()
            } else {
                quoted(&self.label[v])
            };
            let node = if inner.is_empty() {
                label
            } else {
                format!("({inner}){label}")
            };
            let parent = self.parent[v];
            if parent == NONE {
                return format!("{node};");
            }
            if !texts[parent].is_empty() {
                texts[parent].push(',');
            }
            texts[parent].push_str(&format!("{node}:{}", self.length[v]));
        }
        unreachable!("the root stands last")
    }

    fn set_depths(&mut self) {
        self.depth = vec![0.0; self.n_nodes()];
        for v in (0..self.n_nodes()).rev() {
            if self.parent[v] != NONE {
                self.depth[v] = self.depth[self.parent[v]] + self.length[v];
            }
        }
    }

    /// Puts nodes, of which parents come first, into postorder; children keep their order.
    fn from_nodes(nodes: &[Node]) -> Self {
        let n = nodes.len();
        let mut below = vec![1_usize; n];
        for v in (1..n).rev() {
            below[nodes[v].parent.expect("only the first has none")] += below[v];
        }
        // Where a subtree's block begins: after the blocks of the siblings before it.
        let mut place = vec![0; n];
        let mut next = vec![0; n];
        for v in 0..n {
            let begin = nodes[v].parent.map_or(0, |parent| {
                let begin = next[parent];
                next[parent] += below[v];
                begin
            });
            next[v] = begin;
            place[v] = begin + below[v] - 1;
        }
        let mut tree = Self {
            parent: vec![NONE; n],
            length: vec![0.0; n],
            label: vec![String::new(); n],
            tips: Vec::new(),
            tip_of: vec![NONE; n],
            depth: Vec::new(),
        };
        for (v, node) in nodes.iter().enumerate() {
            tree.parent[place[v]] = node.parent.map_or(NONE, |parent| place[parent]);
            tree.length[place[v]] = if v == 0 { 0.0 } else { node.length.unwrap_or(0.0) };
            tree.label[place[v]].clone_from(&node.label);
            if node.children == 0 {
                tree.tip_of[place[v]] = tree.tips.len();
                tree.tips.push(place[v]);
            }
        }
        tree.set_depths();
        tree
    }
}

pub(crate) fn quoted(name: &str) -> String {
    if name.chars().any(|c| "()[]{}:;,'\"= \t".contains(c)) {
        format!("'{}'", name.replace('\'', "''"))
    } else {
        name.to_owned()
    }
}

/// Reads a tree from a Newick or NEXUS file.
///
/// # Errors
/// As [`Tree::parse`], with the file named; several trees where [`Choice::Only`] was asked for.
pub fn read(path: &Path, choice: &Choice) -> Result<ReadTree, InputError> {
    let text = crate::text::read_to_string(path)?;
    read_text(&text, choice).map_err(|error| error.in_file(path))
}

/// Reads a tree from the text of a Newick or NEXUS file.
///
/// # Errors
/// As [`read`].
pub fn read_text(text: &str, choice: &Choice) -> Result<ReadTree, InputError> {
    let text = text.trim_start_matches('\u{feff}');
    let is_nexus = text
        .trim_start()
        .get(..6)
        .is_some_and(|start| start.eq_ignore_ascii_case("#nexus"));
    let found = if is_nexus {
        nexus::trees(text)?
    } else {
        newick::trees(text)?
    };
    let total = found.len();
    let (index, chosen) = choose(found, choice)?;
    let mut notes = Vec::new();
    if total > 1 {
        let name = if chosen.name.is_empty() {
            String::new()
        } else {
            format!(" (`{}`)", chosen.name)
        };
        notes.push(format!("tree {} of {total}{name} is used", index + 1));
    }
    let mut nodes = chosen.nodes;
    check_lengths(&mut nodes, &mut notes)?;
    check_names(&nodes)?;
    suppress_unary(&mut nodes);
    let tips = || nodes.iter().filter(|node| node.children == 0);
    if tips().count() < 2 {
        return Err(InputError::new("the tree has a single tip, expected at least 2"));
    }
    if let Some(first) = chosen.untranslated.first() {
        notes.push(format!(
            "{} tips are not in the Translate table and keep their labels (the first: `{first}`)",
            chosen.untranslated.len()
        ));
    }
    let identified = tips().filter(|tip| names::has_identifier(&tip.label)).count();
    if identified > 0 {
        notes.push(format!(
            "{identified} tips carry identifiers of Open Tree (`_ott123`), which do not count where names are compared"
        ));
    }
    let branches = nodes[0].children;
    let unrooted = match chosen.rooted {
        Some(false) if branches == 2 => Some(
            "the tree says that it is unrooted ([&U]), and is taken as rooted where its two branches meet"
                .into(),
        ),
        Some(true) => None,
        _ if branches > 2 => Some(format!(
            "the root has {branches} branches: an unrooted tree, taken as a polytomy"
        )),
        _ => None,
    };
    if let Some(told) = unrooted {
        notes.push(format!(
            "{told}; slopes, errors and p-values of the Brownian model do not depend on the root, intercepts and \
             log-likelihoods and all other models do"
        ));
    }
    Ok(ReadTree {
        tree: Tree::from_nodes(&nodes),
        notes,
    })
}

/// A tree as parsed: lengths may be absent.
#[derive(Clone, Debug)]
struct Parsed {
    name: String,
    rooted: Option<bool>,
    nodes: Vec<Node>,
    /// Labels of tips that the Translate table lacks, as keys and as names.
    untranslated: Vec<String>,
}

fn choose(mut found: Vec<Parsed>, choice: &Choice) -> Result<(usize, Parsed), InputError> {
    let total = found.len();
    let index = match choice {
        Choice::Only if total == 1 => 0,
        Choice::Only => {
            let names: Vec<&str> = found
                .iter()
                .map(|tree| tree.name.as_str())
                .filter(|name| !name.is_empty())
                .take(3)
                .collect();
            let named = if names.is_empty() {
                String::new()
            } else {
                format!(" (the first: {})", names.join(", "))
            };
            return Err(
                InputError::new(format!("the file holds {total} trees{named}, expected one"))
                    .hint(format!("choose one with --tree-number 1 … {total}")),
            );
        }
        Choice::Number(number) => {
            if *number == 0 || *number > total {
                return Err(InputError::new(format!(
                    "tree number {number} was asked for, the file holds {total}"
                )));
            }
            number - 1
        }
        Choice::Name(name) => found
            .iter()
            .position(|tree| &tree.name == name)
            .ok_or_else(|| InputError::new(format!("no tree of the file is named `{name}`")))?,
    };
    Ok((index, found.swap_remove(index)))
}

/// Refuses missing and negative lengths, all of them told in one message; rounding below zero is clamped.
fn check_lengths(nodes: &mut [Node], notes: &mut Vec<String>) -> Result<(), InputError> {
    let missing: Vec<usize> = (1..nodes.len()).filter(|&v| nodes[v].length.is_none()).collect();
    let height = height_of(nodes);
    let mut clamped = 0;
    let mut negative = Vec::new();
    for v in 1..nodes.len() {
        if nodes[v].length.is_some_and(|length| length < 0.0) {
            if nodes[v].length.is_some_and(|length| length >= -ROUNDING * height) {
                nodes[v].length = Some(0.0);
                clamped += 1;
            } else {
                negative.push(v);
            }
        }
    }
    if clamped > 0 {
        notes.push(format!(
            "{clamped} branch lengths are below zero by rounding and were set to 0"
        ));
    }
    if missing.is_empty() && negative.is_empty() {
        return Ok(());
    }
    let mut parts = Vec::new();
    let missing_tips: Vec<usize> = missing
        .iter()
        .copied()
        .filter(|&v| nodes[v].children == 0)
        .collect();
    if let Some(&first) = missing_tips.first() {
        parts.push(format!(
            "{} tips have no branch length (the first: {})",
            missing_tips.len(),
            nodes[first].label
        ));
    }
    let missing_inner = missing.len() - missing_tips.len();
    if missing_inner > 0 {
        parts.push(format!("{missing_inner} internal branches have no length"));
    }
    if let Some(&first) = negative.first() {
        parts.push(format!(
            "{} branch lengths are negative (the first: {} above {})",
            negative.len(),
            nodes[first].length.unwrap_or_default(),
            clade(nodes, first)
        ));
    }
    let tips = nodes.iter().filter(|node| node.children == 0).count();
    let hint = if missing_inner == 0 && missing_tips.len() == tips {
        "lengths on internal branches alone are coalescent units (ASTRAL): estimate lengths in substitutions or time for this topology"
    } else {
        "the models need the length of every branch, in substitutions or time"
    };
    Err(InputError::new(parts.join("; ")).hint(hint))
}

fn height_of(nodes: &[Node]) -> f64 {
    let mut depth = vec![0.0_f64; nodes.len()];
    for v in 1..nodes.len() {
        depth[v] = depth[nodes[v].parent.expect("not the root")] + nodes[v].length.unwrap_or(0.0);
    }
    depth.into_iter().fold(0.0, f64::max)
}

/// The tips below a node: all of few, the first two of many.
fn clade(nodes: &[Node], top: usize) -> String {
    let mut inside = vec![false; nodes.len()];
    inside[top] = true;
    let mut tips = Vec::new();
    for v in top..nodes.len() {
        if v > top && nodes[v].parent.is_some_and(|parent| inside[parent]) {
            inside[v] = true;
        }
        if inside[v] && nodes[v].children == 0 {
            tips.push(nodes[v].label.as_str());
        }
    }
    match tips.len() {
        0..=3 => tips.join("+"),
        n => format!("{}+{}+… ({n} tips)", tips[0], tips[1]),
    }
}

fn check_names(nodes: &[Node]) -> Result<(), InputError> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for (v, node) in nodes.iter().enumerate() {
        if node.children > 0 {
            continue;
        }
        if node.label.trim().is_empty() {
            let sister = nodes[v].parent.map_or_else(String::new, |parent| {
                format!(" of clade {}", clade(nodes, parent))
            });
            return Err(InputError::new(format!("a tip{sister} has no name"))
                .hint("an empty place between `(`, `,` and `)` is a tip without a name"));
        }
        if let Some(other) = seen.insert(species_key(&node.label), &node.label) {
            return Err(InputError::new(format!(
                "the tips `{other}` and `{}` are the same species",
                node.label
            )));
        }
    }
    Ok(())
}

/// Dissolves nodes with one child into one branch; a root with one child gives way to it.
fn suppress_unary(nodes: &mut Vec<Node>) {
    if nodes.iter().all(|node| node.children != 1) {
        return;
    }
    // Walking upwards, a node with one child hands its length to it.
    let mut up: Vec<Option<usize>> = nodes.iter().map(|node| node.parent).collect();
    for v in 0..nodes.len() {
        while let Some(parent) = up[v] {
            if nodes[parent].children != 1 {
                break;
            }
            let above = nodes[parent].length.unwrap_or(0.0);
            nodes[v].length = nodes[v].length.map(|length| length + above);
            up[v] = up[parent];
        }
    }
    let mut new_index = vec![NONE; nodes.len()];
    let mut kept = Vec::new();
    for v in 0..nodes.len() {
        if nodes[v].children != 1 {
            new_index[v] = kept.len();
            kept.push(Node {
                parent: up[v].map(|parent| new_index[parent]),
                ..nodes[v].clone()
            });
        }
    }
    *nodes = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postorder_keeps_children_before_parents_and_their_order() {
        let tree = Tree::parse("((a:1,b:2)x:3,(c:4,(d:5,e:6):7):8);").expect("a tree");
        assert_eq!(tree.tip_names().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
        for (v, &parent) in tree.parents().iter().enumerate() {
            assert!(parent == NONE && v + 1 == tree.n_nodes() || parent > v);
        }
        assert_eq!(tree.to_newick(), "((a:1,b:2):3,(c:4,(d:5,e:6):7):8);");
        assert_eq!(tree.depths()[tree.tips()[4]], 21.0);
    }

    #[test]
    fn pruning_adds_lengths_and_drops_what_is_above_the_ancestor() {
        let tree = Tree::parse("((a:1,(b:2,(c:3,d:4):5):6):7,e:8);").expect("a tree");
        let kept = tree.keep(&[3, 1]).expect("two tips");
        assert_eq!(kept.to_newick(), "(b:2,d:9);");
        assert_eq!(
            kept.tip_names().collect::<Vec<_>>(),
            ["d", "b"],
            "in the order asked for"
        );
        let kept = tree.keep(&[0, 2, 3, 4]).expect("four tips");
        assert_eq!(kept.to_newick(), "((a:1,(c:3,d:4):11):7,e:8);");
        assert!(tree.keep(&[1]).is_err() && tree.keep(&[1, 1]).is_err());
    }

    #[test]
    fn nodes_with_one_child_are_dissolved() {
        let tree = Tree::parse("(((a:1):2,((b:1,c:1):3):4):5);").expect("a tree");
        assert_eq!(tree.to_newick(), "(a:3,(b:1,c:1):7);");
    }

    #[test]
    fn a_comb_of_many_tips_needs_no_stack() {
        let n = 20_000;
        let text = "(".repeat(n) + "t" + &(0..n).map(|i| format!(":1,s{i}:1)")).collect::<String>() + ";";
        assert_eq!(Tree::parse(&text).expect("a comb").n_tips(), n + 1);
    }
}
