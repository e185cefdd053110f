//! Soft links in groups of HDF5's first form, as pynwb and MatNWB write them, settled before the reader of the format sees
//! them.
//!
//! An entry of such a group holds the address of an object. That of a soft link holds none, and the place of a path instead
//! (HDF5 File Format Specification Version 3.0, sections III.A to III.D and IV.A).

use std::collections::{BTreeMap, HashSet};

/// Bytes of an entry whose addresses have eight.
const ENTRY: usize = 40;
/// Cache type of an entry that is a soft link.
const SOFT: u32 = 2;
/// Soft links on the way of a soft link.
const DEEPEST: usize = 8;
/// Objects that are looked at, and nodes of one group.
const MOST: usize = 1_000_000;
/// Blocks of one object's header.
const MOST_BLOCKS: usize = 64;

/// Makes soft links to data sets what they lead to and takes all others out; those to groups are told: path, and path of
/// the group. `start` is where the file begins, after a block of the user's.
pub(super) fn settle(bytes: &mut [u8], start: usize) -> Vec<(String, String)> {
    let mut told = Vec::new();
    if let Some(file) = Layout::of(bytes, start) {
        for link in &file.links {
            let target = file.resolve(&link.group, &link.target, 0);
            match target.and_then(|path| Some((file.objects.get(&path)?, path))) {
                Some((object, path)) if object.is_group => {
                    told.push((inside(&link.group, &link.name), path));
                }
                Some((object, _)) => {
                    // The address of the object, in an entry that caches nothing.
                    bytes[link.entry + 8..link.entry + 16].copy_from_slice(&object.address.to_le_bytes());
                    bytes[link.entry + 16..link.entry + 20].copy_from_slice(&0_u32.to_le_bytes());
                }
                None => {}
            }
        }
    }
    take_out(bytes);
    told
}

/// Takes out all entries without an address.
fn take_out(bytes: &mut [u8]) {
    let mut from = 0;
    while let Some(found) = bytes[from..].windows(6).position(|word| word == b"SNOD\x01\x00") {
        let node = from + found;
        from = node + 6;
        let Some(count) = number::<2>(bytes, node + 6) else {
            return;
        };
        let mut kept = 0;
        for index in 0..count as usize {
            let at = node + 8 + index * ENTRY;
            if bytes.len() < at + ENTRY {
                return;
            }
            let (Some(address), Some(cache)) = (number::<8>(bytes, at + 8), number::<4>(bytes, at + 16))
            else {
                return;
            };
            if address == u64::MAX && cache == u64::from(SOFT) {
                continue;
            }
            bytes.copy_within(at..at + ENTRY, node + 8 + kept * ENTRY);
            kept += 1;
        }
        bytes[node + 6..node + 8].copy_from_slice(&(kept as u16).to_le_bytes());
    }
}

/// What stands where in a file.
struct Layout {
    objects: BTreeMap<String, Placed>,
    links: Vec<Link>,
}

struct Placed {
    /// Of its header, as groups hold it.
    address: u64,
    is_group: bool,
}

struct Link {
    group: String,
    name: String,
    target: String,
    /// Where its entry is in the file.
    entry: usize,
}

/// A little-endian number of `N` bytes.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let word = bytes.get(at..at.checked_add(N)?)?;
    Some(word.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
}

fn inside(group: &str, name: &str) -> String {
    if group.is_empty() {
        name.to_owned()
    } else {
        format!("{group}/{name}")
    }
}

impl Layout {
    /// Walks the groups from the root; nothing of a file with other addresses than of eight bytes.
    fn of(bytes: &[u8], start: usize) -> Option<Self> {
        let version = *bytes.get(start + 8)?;
        let (width, base, root) = match version {
            0 => (bytes.get(start + 13)?, start + 24, start + 64),
            1 => (bytes.get(start + 13)?, start + 28, start + 68),
            _ => (bytes.get(start + 9)?, start + 12, start + 36),
        };
        if *width != 8 {
            return None;
        }
        let walk = Walk {
            bytes,
            base: number::<8>(bytes, base)?,
        };
        let mut found = Self {
            objects: BTreeMap::new(),
            links: Vec::new(),
        };
        let mut open = vec![(String::new(), number::<8>(bytes, root)?)];
        let mut seen = HashSet::new();
        while let Some((path, address)) = open.pop() {
            if found.objects.len() > MOST {
                break;
            }
            let parts = walk.parts(address).unwrap_or_default();
            let is_group = parts.table.is_some() || !parts.hard.is_empty();
            found.objects.insert(path.clone(), Placed { address, is_group });
            if !seen.insert(address) {
                continue;
            }
            for (name, address) in parts.hard {
                open.push((inside(&path, &name), address));
            }
            for entry in parts
                .table
                .and_then(|table| walk.entries(table))
                .unwrap_or_default()
            {
                match entry.target {
                    None => open.push((inside(&path, &entry.name), entry.address)),
                    Some(target) => found.links.push(Link {
                        group: path.clone(),
                        name: entry.name,
                        target,
                        entry: entry.at,
                    }),
                }
            }
        }
        Some(found)
    }

    /// The path of what a link leads to, without links on the way.
    fn resolve(&self, group: &str, target: &str, depth: usize) -> Option<String> {
        if depth > DEEPEST {
            return None;
        }
        let mut at = if target.starts_with('/') {
            String::new()
        } else {
            group.to_owned()
        };
        for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
            let next = inside(&at, part);
            at = if self.objects.contains_key(&next) {
                next
            } else {
                let link = self
                    .links
                    .iter()
                    .find(|link| link.group == at && link.name == part)?;
                self.resolve(&link.group, &link.target, depth + 1)?
            };
        }
        Some(at)
    }
}

/// Reads structures at addresses.
struct Walk<'a> {
    bytes: &'a [u8],
    base: u64,
}

/// What an object's header says of its members.
#[derive(Default)]
struct Parts {
    /// Addresses of the tree and of the heap of a group of the first form.
    table: Option<(u64, u64)>,
    /// Members of a group of the second form: name and address.
    hard: Vec<(String, u64)>,
}

struct Entry {
    name: String,
    address: u64,
    /// Of a soft link.
    target: Option<String>,
    at: usize,
}

impl Walk<'_> {
    fn place(&self, address: u64) -> Option<usize> {
        let at = usize::try_from(self.base.checked_add(address)?).ok()?;
        (at < self.bytes.len()).then_some(at)
    }

    fn parts(&self, address: u64) -> Option<Parts> {
        let at = self.place(address)?;
        let mut parts = Parts::default();
        if self.bytes.get(at..at + 4)? == b"OHDR" {
            self.second_form(at, &mut parts)?;
        } else if self.bytes.get(at) == Some(&1) {
            let size = number::<4>(self.bytes, at + 8)?;
            let (mut blocks, mut read) = (vec![(at + 16, size as usize)], 0);
            while let Some((mut at, size)) = blocks.pop() {
                read += 1;
                let end = at.checked_add(size)?;
                while at + 8 <= end {
                    let (kind, size) = (number::<2>(self.bytes, at)?, number::<2>(self.bytes, at + 2)?);
                    let two = || {
                        Some((
                            number::<8>(self.bytes, at + 8)?,
                            number::<8>(self.bytes, at + 16)?,
                        ))
                    };
                    match kind {
                        0x11 => parts.table = two(),
                        // The header goes on elsewhere.
                        0x10 if read + blocks.len() < MOST_BLOCKS => {
                            let (address, size) = two()?;
                            blocks.push((self.place(address)?, size as usize));
                        }
                        _ => {}
                    }
                    at += 8 + size as usize;
                }
            }
        }
        Some(parts)
    }

    /// A header of the second form: the first block alone, where small groups have their links.
    fn second_form(&self, at: usize, parts: &mut Parts) -> Option<()> {
        let flags = *self.bytes.get(at + 5)?;
        let mut at = at + 6;
        at += if flags & 0x20 != 0 { 16 } else { 0 };
        at += if flags & 0x10 != 0 { 4 } else { 0 };
        let width = 1 << (flags & 3);
        let size = (0..width).rev().try_fold(0_u64, |sum, k| {
            Some(sum << 8 | u64::from(*self.bytes.get(at + k)?))
        })?;
        at += width;
        let end = at.checked_add(usize::try_from(size).ok()?)?;
        let head = if flags & 4 != 0 { 6 } else { 4 };
        while at + head <= end {
            let (kind, size) = (*self.bytes.get(at)?, number::<2>(self.bytes, at + 1)? as usize);
            let body = at + head;
            match kind {
                0x11 => {
                    parts.table = Some((number::<8>(self.bytes, body)?, number::<8>(self.bytes, body + 8)?));
                }
                0x06 => parts.hard.extend(self.link(body)),
                _ => {}
            }
            at = body + size;
        }
        Some(())
    }

    /// A hard link of the second form.
    fn link(&self, at: usize) -> Option<(String, u64)> {
        let flags = *self.bytes.get(at + 1)?;
        let mut at = at + 2;
        if flags & 8 != 0 {
            if *self.bytes.get(at)? != 0 {
                return None;
            }
            at += 1;
        }
        at += if flags & 4 != 0 { 8 } else { 0 };
        at += usize::from(flags & 16 != 0);
        let width = 1 << (flags & 3);
        let length = (0..width).rev().try_fold(0_usize, |sum, k| {
            Some(sum << 8 | usize::from(*self.bytes.get(at + k)?))
        })?;
        at += width;
        let name = self.bytes.get(at..at.checked_add(length)?)?;
        Some((
            String::from_utf8_lossy(name).into_owned(),
            number::<8>(self.bytes, at + length)?,
        ))
    }

    /// Entries of a group of the first form.
    fn entries(&self, (tree, heap): (u64, u64)) -> Option<Vec<Entry>> {
        let heap = self.place(heap)?;
        if self.bytes.get(heap..heap + 4)? != b"HEAP" {
            return None;
        }
        let words = self.place(number::<8>(self.bytes, heap + 24)?)?;
        let word = |offset: u64| -> Option<String> {
            let text = self
                .bytes
                .get(words.checked_add(usize::try_from(offset).ok()?)?..)?;
            let end = text.iter().position(|&byte| byte == 0)?;
            Some(String::from_utf8_lossy(&text[..end]).into_owned())
        };
        let (mut open, mut found, mut read) = (vec![tree], Vec::new(), 0);
        while let Some(address) = open.pop() {
            let at = self.place(address)?;
            read += 1;
            match self.bytes.get(at..at + 4)? {
                b"TREE" if read + open.len() < MOST => {
                    let used = number::<2>(self.bytes, at + 6)? as usize;
                    for child in 0..used {
                        open.push(number::<8>(self.bytes, at + 32 + child * 16)?);
                    }
                }
                b"SNOD" => {
                    for index in 0..number::<2>(self.bytes, at + 6)? as usize {
                        let at = at + 8 + index * ENTRY;
                        let soft = number::<4>(self.bytes, at + 16)? == u64::from(SOFT);
                        found.push(Entry {
                            name: word(number::<8>(self.bytes, at)?)?,
                            address: number::<8>(self.bytes, at + 8)?,
                            target: if soft {
                                Some(word(number::<4>(self.bytes, at + 24)?)?)
                            } else {
                                None
                            },
                            at,
                        });
                    }
                }
                _ => return None,
            }
        }
        Some(found)
    }
}
