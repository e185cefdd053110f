//! One flat buffer for all parameters of a network, with named views.
//!
//! Gradients, optimiser moments and checkpoints share the layout, so each of them is one loop.

use serde::Serialize;
use std::borrow::Cow;
use std::ops::Range;

/// Name, shape and place of one parameter array; row-major.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Name as in the paper's equations, snake case; that of the part and a full stop before it in a layout of parts.
    pub name: Cow<'static, str>,
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
            layout.push(Cow::Borrowed(name), shape.to_vec());
        }
        layout
    }

    fn push(&mut self, name: Cow<'static, str>, shape: Vec<usize>) {
        let offset = self.len;
        let entry = Entry { name, shape, offset };
        self.len += entry.len();
        self.entries.push(entry);
    }

    /// The same arrays, followed by those of a part, named `prefix.name`.
    ///
    /// ```
    /// use neuropil_nn::params::Layout;
    /// let dense = Layout::new(&[("w", &[3, 2]), ("b", &[2])]);
    /// let net = Layout::default().nest("first", &dense).nest("second", &dense);
    /// assert_eq!(net.len(), 16);
    /// assert_eq!(net.offset("second.b"), Some(14));
    /// assert_eq!(net.part("second"), Some((dense, 8..16)));
    /// ```
    #[must_use]
    pub fn nest(mut self, prefix: &str, part: &Layout) -> Self {
        for entry in &part.entries {
            self.push(
                Cow::Owned(format!("{prefix}.{}", entry.name)),
                entry.shape.clone(),
            );
        }
        self
    }

    /// The layout that was nested under `prefix`, and where its values lie; none if there is no such part.
    pub fn part(&self, prefix: &str) -> Option<(Layout, Range<usize>)> {
        let mut part = Layout::default();
        let mut begin = None;
        for entry in &self.entries {
            let name = entry
                .name
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix('.'));
            if let Some(name) = name {
                begin.get_or_insert(entry.offset);
                part.push(Cow::Owned(name.to_owned()), entry.shape.clone());
            }
        }
        begin.map(|begin| {
            let end = begin + part.len;
            (part, begin..end)
        })
    }

    /// A smaller network inside this one: of every array the given indices along each axis.
    ///
    /// `kept(entry, axis)` lists, in increasing order, what is kept of one axis; `None` keeps all of it.
    ///
    /// ```
    /// use neuropil_nn::params::Layout;
    /// let dense = Layout::new(&[("w", &[2, 3]), ("b", &[3])]);
    /// // Outputs 0 and 2.
    /// let part = dense.gathered(|entry, axis| (axis + 1 == entry.shape.len()).then(|| vec![0, 2]));
    /// let mut all = vec![0, 1, 2, 10, 11, 12, 20, 21, 22];
    /// let mut some = part.gather(&all);
    /// assert_eq!(some, [0, 2, 10, 12, 20, 22]);
    /// some.fill(7);
    /// part.scatter(&some, &mut all);
    /// assert_eq!(all, [7, 1, 7, 7, 11, 7, 7, 21, 7]);
    /// ```
    pub fn gathered(&self, kept: impl Fn(&Entry, usize) -> Option<Vec<usize>>) -> Gathered {
        let mut gathered = Gathered {
            layout: Layout::default(),
            from: Vec::new(),
        };
        for entry in &self.entries {
            let axes = entry.shape.iter().enumerate();
            let axes: Vec<Vec<usize>> = axes
                .map(|(axis, &n)| kept(entry, axis).unwrap_or_else(|| (0..n).collect()))
                .collect();
            let mut places = vec![0];
            for (axis, &n) in axes.iter().zip(&entry.shape) {
                let of = |place: usize| axis.iter().map(move |&i| place * n + i);
                places = places.into_iter().flat_map(of).collect();
            }
            gathered
                .from
                .extend(places.into_iter().map(|place| entry.offset + place));
            let shape = axes.iter().map(Vec::len).collect();
            gathered.layout.push(entry.name.clone(), shape);
        }
        gathered
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

    fn range(&self, name: &str) -> Range<usize> {
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

    /// View of one array, if the network has it.
    pub fn view_if<'a, T>(&self, flat: &'a [T], name: &str) -> Option<&'a [T]> {
        self.has(name).then(|| self.view(flat, name))
    }

    /// Mutable view of one array.
    ///
    /// # Panics
    /// When the network has no array of that name.
    pub fn view_mut<'a, T>(&self, flat: &'a mut [T], name: &str) -> &'a mut [T] {
        &mut flat[self.range(name)]
    }
}

/// A smaller network inside a larger one: see [`Layout::gathered`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    layout: Layout,
    from: Vec<usize>,
}

impl Gathered {
    /// Layout of the smaller network; names are those of the larger one.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Place in the larger network of each parameter of the smaller one.
    pub fn places(&self) -> &[usize] {
        &self.from
    }

    /// Values of the smaller network, out of those of the larger one.
    pub fn gather<T: Copy>(&self, all: &[T]) -> Vec<T> {
        self.from.iter().map(|&place| all[place]).collect()
    }

    /// Puts values of the smaller network back where they came from; the others stay as they are.
    pub fn scatter<T: Copy>(&self, some: &[T], all: &mut [T]) {
        for (&place, &value) in self.from.iter().zip(some) {
            all[place] = value;
        }
    }
}
