//! One flat buffer for all parameters of a network, with named views.
//!
//! Gradients, optimiser moments and checkpoints share the layout, so each of them is one loop.

use serde::Serialize;

/// Name, shape and place of one parameter array; row-major.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Name as in the paper's equations, snake case.
    pub name: &'static str,
    /// Rows × columns, or length.
    pub shape: Vec<usize>,
    offset: usize,
}

impl Entry {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Holds no value at all?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where each parameter array lies in the flat buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Layout {
    entries: Vec<Entry>,
    len: usize,
}

impl Layout {
    /// Arrays one after another, in the given order.
    pub fn new(arrays: &[(&'static str, &[usize])]) -> Self {
        let mut layout = Self::default();
        for &(name, shape) in arrays {
            let entry = Entry {
                name,
                shape: shape.to_vec(),
                offset: layout.len,
            };
            layout.len += entry.len();
            layout.entries.push(entry);
        }
        layout
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.len
    }

    /// No parameter at all?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All arrays, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Is there an array of this name?
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// Place of the first value of an array in the flat buffer, if the network has that array.
    pub fn offset(&self, name: &str) -> Option<usize> {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| entry.offset)
    }

    fn range(&self, name: &str) -> std::ops::Range<usize> {
        let entry = self.entries.iter().find(|entry| entry.name == name);
        let entry = entry.unwrap_or_else(|| panic!("no parameter array `{name}` in this network"));
        entry.offset..entry.offset + entry.len()
    }

    /// View of one array.
    ///
    /// # Panics
    /// When the network has no array of that name.
    pub fn view<'a, T>(&self, flat: &'a [T], name: &str) -> &'a [T] {
        &flat[self.range(name)]
    }

    /// Mutable view of one array.
    ///
    /// # Panics
    /// When the network has no array of that name.
    pub fn view_mut<'a, T>(&self, flat: &'a mut [T], name: &str) -> &'a mut [T] {
        &mut flat[self.range(name)]
    }
}
