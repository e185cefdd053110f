//! Homologous pairs from a column: the partner's id, or a label that both share.

use crate::data::{Connectome, Side};
use crate::error::DataError;
use neuropil_lab::file;
use neuropil_lab::table::is_missing;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What a column says of every neuron.
pub(super) struct Listed<'a> {
    pub(super) path: &'a Path,
    pub(super) column: &'a str,
    pub(super) said: &'a [String],
    pub(super) lines: &'a [usize],
    /// Sides before any pair is known.
    pub(super) sides: &'a [Side],
}

/// Pairs while they are found: a neuron is in one, and not with one of its own side.
pub(super) struct Found<'a> {
    path: &'a Path,
    pub(super) pairs: Vec<(usize, usize)>,
    /// The pair and line that a neuron stands in.
    seen: BTreeMap<usize, ((usize, usize), usize)>,
}

impl<'a> Found<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        Self {
            path,
            pairs: Vec::new(),
            seen: BTreeMap::new(),
        }
    }

    /// Adds (left, right); the same pair again changes nothing.
    pub(super) fn add(
        &mut self,
        connectome: &Connectome,
        sides: &[Side],
        (left, right): (usize, usize),
        line: usize,
    ) -> Result<(), DataError> {
        let name = |i: usize| connectome.id_text(i);
        let wrong =
            |found: String, expected: &str| DataError::field(self.path, line, "pair", found, expected);
        if left == right {
            return Err(wrong(
                format!("`{}` paired with itself", name(left)),
                "its partner on the other side",
            ));
        }
        for i in [left, right] {
            if let Some(&((l, r), before)) = self.seen.get(&i)
                && (l, r) != (left, right)
            {
                let found = format!("`{}` with `{}`", name(left), name(right));
                let expected = format!(
                    "one partner of `{}`, which line {before} pairs as `{}` with `{}`",
                    name(i),
                    name(l),
                    name(r)
                );
                return Err(wrong(found, &expected));
            }
        }
        if sides[left] == sides[right] && sides[left] != Side::Centre {
            let side = if sides[left] == Side::Left {
                "left"
            } else {
                "right"
            };
            let found = format!(
                "`{}` and `{}`, which are both on the {side}",
                name(left),
                name(right)
            );
            return Err(wrong(found, "one neuron of each side"));
        }
        if sides[left] == Side::Right || sides[right] == Side::Left {
            let found = format!(
                "`{}` as the left one and `{}` as the right one",
                name(left),
                name(right)
            );
            return Err(wrong(found, "the sides that the table of neurons says"));
        }
        if !self.seen.contains_key(&left) {
            self.pairs.push((left, right));
        }
        self.seen.insert(left, ((left, right), line));
        self.seen.insert(right, ((left, right), line));
        Ok(())
    }
}

impl Listed<'_> {
    /// The pairs (left, right), in the order of their first neuron.
    ///
    /// A column that names partners is told from one of shared labels by what holds of all of it.
    pub(super) fn pairs(&self, connectome: &mut Connectome) -> Result<Vec<(usize, usize)>, DataError> {
        let partners: Vec<Option<usize>> = self.said.iter().map(|text| known(connectome, text)).collect();
        let groups = self.groups();
        let mutual =
            (0..partners.len()).filter(|&i| partners[i].is_some_and(|j| j != i && partners[j] == Some(i)));
        let shared = groups.values().filter(|members| members.len() == 2).count();
        let partner_like = mutual.count() / 2 + self.one_way(&partners).len();
        let contradicts = self.contradictions(&partners);
        let by_label = shared > 0 && (partner_like == 0 || (contradicts > 0 && shared >= partner_like));
        let pairs: Vec<((usize, usize), usize)> = if by_label {
            self.labelled(connectome, &groups, &partners)?
        } else {
            self.named(connectome, &partners)?
        };
        let mut found = Found::new(self.path);
        for (pair, line) in pairs {
            found.add(connectome, self.sides, self.ordered(pair), line)?;
        }
        Ok(found.pairs)
    }

    /// Left before right.
    fn ordered(&self, (i, j): (usize, usize)) -> (usize, usize) {
        if self.sides[i] == Side::Right || (self.sides[j] == Side::Left && self.sides[i] != Side::Left) {
            (j, i)
        } else {
            (i, j)
        }
    }

    /// Neurons by what the column says of them, where it says anything.
    fn groups(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, text) in self.said.iter().enumerate() {
            if !says_nothing(text) {
                groups.entry(text.trim()).or_default().push(i);
            }
        }
        groups
    }

    /// Neurons that name a partner of whom the column says nothing.
    fn one_way(&self, partners: &[Option<usize>]) -> Vec<usize> {
        let silent = |i: usize| says_nothing(&self.said[i]);
        (0..partners.len())
            .filter(|&i| partners[i].is_some_and(|j| j != i && silent(j)))
            .collect()
    }

    /// Neurons that name themselves, or a partner that names another.
    fn contradictions(&self, partners: &[Option<usize>]) -> usize {
        let wrong = |i: usize| match partners[i] {
            Some(j) => j == i || (partners[j] != Some(i) && !says_nothing(&self.said[j])),
            None => false,
        };
        (0..partners.len()).filter(|&i| wrong(i)).count()
    }

    /// Pairs of a column that names partners.
    fn named(
        &self,
        connectome: &mut Connectome,
        partners: &[Option<usize>],
    ) -> Result<Vec<((usize, usize), usize)>, DataError> {
        let mut pairs = Vec::new();
        let mut seen = BTreeSet::new();
        let mut absent = 0usize;
        for (i, partner) in partners.iter().enumerate() {
            match *partner {
                Some(j) if partners[j].is_some_and(|k| k != i) => {
                    let k = partners[j].unwrap_or(j);
                    let (own, other, third) = (
                        connectome.id_text(i),
                        connectome.id_text(j),
                        connectome.id_text(k),
                    );
                    let found = format!("`{other}` as the partner of `{own}`");
                    let expected = format!("a partner that names `{own}` in turn: `{other}` names `{third}`");
                    return Err(DataError::field(
                        self.path,
                        self.lines[i],
                        self.column,
                        found,
                        expected,
                    ));
                }
                Some(j) if seen.insert((i.min(j), i.max(j))) => pairs.push(((i, j), self.lines[i])),
                Some(_) => {}
                None => absent += usize::from(!says_nothing(&self.said[i]) && self.said[i].trim() != "0"),
            }
        }
        if absent > 0 {
            connectome.warnings.push(format!(
                "{absent} neurons have a partner in `{}` that is not in this connectome: they count as unpaired",
                self.column
            ));
        }
        Ok(pairs)
    }

    /// Pairs of a column of shared labels.
    fn labelled(
        &self,
        connectome: &mut Connectome,
        groups: &BTreeMap<&str, Vec<usize>>,
        partners: &[Option<usize>],
    ) -> Result<Vec<((usize, usize), usize)>, DataError> {
        let mut pairs = Vec::new();
        for (label, members) in groups {
            match members[..] {
                [_] => {}
                [i, j] => pairs.push(((i, j), self.lines[j])),
                [.., last] => {
                    let found = format!("the label `{}` of {} neurons", file::shown(label), members.len());
                    return Err(DataError::field(
                        self.path,
                        self.lines[last],
                        self.column,
                        found,
                        "a label of two, left and right",
                    ));
                }
                [] => {}
            }
        }
        pairs.sort_unstable_by_key(|pair| pair.0);
        if partners.iter().any(Option::is_some) {
            connectome.warnings.push(format!(
                "`{}` is read as labels that two neurons share, not as ids of partners, although some are ids",
                self.column
            ));
        }
        Ok(pairs)
    }
}

/// The neuron that a cell names.
fn known(connectome: &Connectome, text: &str) -> Option<usize> {
    if says_nothing(text) {
        None
    } else {
        connectome.find(text.trim())
    }
}

/// Whether a cell says that there is no partner.
fn says_nothing(text: &str) -> bool {
    let text = text.trim();
    is_missing(text)
        || text == "no pair"
        || text == "unpaired"
        || text.parse::<f64>().is_ok_and(|value| value < 0.0)
}
