//! The stack machine that a pickle is a program for, as far as it builds data.

use super::Value;
use super::array::{Dtype, NumpyArray};
use std::collections::HashMap;

/// Words of eight bytes that a pickle may take up; what is shared counts each time it is shown.
const MOST: usize = 1 << 28;
/// Things within things.
const DEEPEST: usize = 100;

/// Number of a thing in the arena: lists and dictionaries are shared, and filled after they were stored.
type Item = usize;

#[derive(Clone, Debug)]
enum Thing {
    Plain(Value),
    List(Vec<Item>),
    Map(Vec<Item>),
    Name(Name),
    Dtype(Dtype),
    /// An array that waits for its state.
    Unbuilt,
    /// A name that the reader allowed.
    Allowed(String),
    /// A call of it, not made.
    Call(String, Vec<Item>),
    /// A reference to the outside.
    Persistent(Item),
}

/// What may be called.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Name {
    Reconstruct,
    Scalar,
    Ndarray,
    Dtype,
    Encode,
    Ordered,
    /// How NumPy 2 keeps arrays at protocol 5.
    FromBuffer,
}

struct Machine<'a> {
    bytes: &'a [u8],
    allowed: &'a [&'a str],
    at: usize,
    things: Vec<Thing>,
    stack: Vec<Item>,
    marks: Vec<usize>,
    memo: HashMap<u64, Item>,
}

type Answer<T> = Result<T, String>;

/// The value, and where the pickle ends.
pub(super) fn run(bytes: &[u8], allowed: &[&str]) -> Answer<(Value, usize)> {
    no_pickle(bytes)?;
    let mut machine = Machine {
        bytes,
        allowed,
        at: 0,
        things: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    while machine.step()? {}
    let item = machine.pop()?;
    if machine.size(item, 0, &mut HashMap::new())? > MOST {
        return Err(format!("a pickle of more than {} MiB", MOST >> 17));
    }
    Ok((machine.value(item)?, machine.at))
}

/// Files that come under a pickle's name and are something else.
fn no_pickle(bytes: &[u8]) -> Answer<()> {
    let found = match bytes {
        [] => "an empty file",
        [b'P', b'K', 3, 4, ..] => "a zip archive (an .npz?)",
        [b'<', ..] => "HTML or XML",
        [0x1f, 0x8b, ..] => "gzip",
        [0x89, b'H', b'D', b'F', ..] => "HDF5",
        _ if bytes.starts_with(b"version https://git-lfs") => {
            "a Git-LFS pointer: the data themselves are not here"
        }
        _ => return Ok(()),
    };
    Err(found.to_owned())
}

impl<'a> Machine<'a> {
    fn take(&mut self, n: usize) -> Answer<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.saturating_add(n));
        self.at = self.at.saturating_add(n);
        taken.ok_or_else(|| "a pickle that ends before it says so".to_owned())
    }

    fn word<const N: usize>(&mut self) -> Answer<[u8; N]> {
        let taken = self.take(N)?;
        Ok(std::array::from_fn(|i| taken[i]))
    }

    fn length(&mut self, width: usize) -> Answer<usize> {
        let taken = self.take(width)?;
        let n = taken
            .iter()
            .rev()
            .fold(0_u64, |n, &byte| n << 8 | u64::from(byte));
        usize::try_from(n).map_err(|_| "a length beyond the memory".to_owned())
    }

    fn line(&mut self) -> Answer<&'a str> {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let end = rest.iter().position(|&byte| byte == b'\n');
        let end = end.ok_or_else(|| "a pickle that ends before it says so".to_owned())?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).map_err(|_| "a name that is not text".to_owned())
    }

    fn push(&mut self, thing: Thing) -> Answer<()> {
        if self.things.len() >= MOST {
            return Err(format!("a pickle of more than {MOST} values"));
        }
        self.things.push(thing);
        self.stack.push(self.things.len() - 1);
        Ok(())
    }

    fn plain(&mut self, value: Value) -> Answer<()> {
        self.push(Thing::Plain(value))
    }

    fn pop(&mut self) -> Answer<Item> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let item = (self.stack.len() > floor).then(|| self.stack.pop()).flatten();
        item.ok_or_else(|| "a pickle that takes what is not there: nothing on its stack".to_owned())
    }

    fn top(&self) -> Answer<Item> {
        self.stack
            .last()
            .copied()
            .ok_or_else(|| "a pickle with nothing on its stack".to_owned())
    }

    fn marked(&mut self) -> Answer<Vec<Item>> {
        let mark = self
            .marks
            .pop()
            .ok_or_else(|| "a pickle without the mark that it asks for".to_owned())?;
        Ok(self.stack.split_off(mark))
    }

    fn store(&mut self, slot: u64) -> Answer<()> {
        let item = self.top()?;
        self.memo.insert(slot, item);
        Ok(())
    }

    fn fetch(&mut self, slot: u64) -> Answer<()> {
        let item = self.memo.get(&slot).copied();
        self.stack
            .push(item.ok_or_else(|| "a pickle that asks for what it never stored".to_owned())?);
        Ok(())
    }

    /// Obeys one instruction; false at the end.
    fn step(&mut self) -> Answer<bool> {
        match self.take(1)?[0] {
            b'.' => return Ok(false),
            0x80 => {
                self.take(1)?;
            }
            0x95 => {
                self.take(8)?;
            }
            b'(' => self.marks.push(self.stack.len()),
            b'0' => {
                self.pop()?;
            }
            b'1' => {
                self.marked()?;
            }
            b'2' => {
                let item = self.top()?;
                self.stack.push(item);
            }
            code @ (b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j') => self.memory(code)?,
            code @ (b'N' | 0x88 | 0x89 | b'I' | b'L' | b'J' | b'K' | b'M' | 0x8a | 0x8b | b'F' | b'G') => {
                let value = self.number(code)?;
                self.plain(value)?;
            }
            code @ (b'S' | b'T' | b'U' | b'V' | b'X' | 0x8c | 0x8d | b'B' | b'C' | 0x8e | 0x96) => {
                let value = self.text(code)?;
                self.plain(value)?;
            }
            code @ (b']' | b'a' | b'e' | b'l' | b')' | b't' | 0x85..=0x87 | 0x8f | 0x90 | 0x91) => {
                self.list(code)?;
            }
            code @ (b'}' | b'd' | b's' | b'u') => self.map(code)?,
            code @ (b'c' | 0x93) => self.name(code)?,
            b'R' | 0x81 => self.call()?,
            b'b' => self.build()?,
            b'Q' if !self.allowed.is_empty() => {
                let outside = self.pop()?;
                self.push(Thing::Persistent(outside))?;
            }
            b'P' | b'Q' => return Err("a pickle with a persistent id (part of a PyTorch file?)".to_owned()),
            code => {
                return Err(format!(
                    "a pickle whose instruction {code:#04x} builds an object or is unknown"
                ));
            }
        }
        Ok(true)
    }

    fn memory(&mut self, code: u8) -> Answer<()> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| "a pickle with a bad memory slot".to_owned())
        };
        match code {
            b'p' => {
                let slot = parse(self.line()?)?;
                self.store(slot)
            }
            b'q' => {
                let slot = self.length(1)? as u64;
                self.store(slot)
            }
            b'r' => {
                let slot = self.length(4)? as u64;
                self.store(slot)
            }
            0x94 => self.store(self.memo.len() as u64),
            b'g' => {
                let slot = parse(self.line()?)?;
                self.fetch(slot)
            }
            code => {
                let slot = self.length(if code == b'h' { 1 } else { 4 })? as u64;
                self.fetch(slot)
            }
        }
    }

    fn number(&mut self, code: u8) -> Answer<Value> {
        let bad = |text: &str| format!("`{text}` where a number should be");
        Ok(match code {
            b'N' => Value::None,
            0x88 => Value::Flag(true),
            0x89 => Value::Flag(false),
            b'I' => match self.line()? {
                "00" => Value::Flag(false),
                "01" => Value::Flag(true),
                text => Value::Integer(text.trim().parse().map_err(|_| bad(text))?),
            },
            b'L' => {
                let text = self.line()?;
                Value::Integer(text.trim_end_matches('L').parse().map_err(|_| bad(text))?)
            }
            b'J' => Value::Integer(i32::from_le_bytes(self.word()?).into()),
            b'K' => Value::Integer(self.length(1)? as i64),
            b'M' => Value::Integer(self.length(2)? as i64),
            b'F' => {
                let text = self.line()?;
                Value::Number(text.trim().parse().map_err(|_| bad(text))?)
            }
            b'G' => Value::Number(f64::from_be_bytes(self.word()?)),
            code => {
                let n = self.length(if code == 0x8a { 1 } else { 4 })?;
                let digits = self.take(n)?;
                let negative = digits.last().is_some_and(|&byte| byte >= 128);
                if n > 8 {
                    return Err("a whole number beyond 64 bits".to_owned());
                }
                let mut word = [if negative { 255 } else { 0 }; 8];
                word[..n].copy_from_slice(digits);
                Value::Integer(i64::from_le_bytes(word))
            }
        })
    }

    fn text(&mut self, code: u8) -> Answer<Value> {
        let not_text = |_| "text that is not UTF-8".to_owned();
        Ok(match code {
            b'S' => unquoted(self.line()?)?,
            b'V' => Value::Text(self.line()?.to_owned()),
            b'X' | 0x8c | 0x8d => {
                let n = self.length(match code {
                    b'X' => 4,
                    0x8c => 1,
                    _ => 8,
                })?;
                Value::Text(String::from_utf8(self.take(n)?.to_vec()).map_err(not_text)?)
            }
            code => {
                let n = self.length(match code {
                    b'T' | b'B' => 4,
                    b'U' | b'C' => 1,
                    _ => 8,
                })?;
                Value::Bytes(self.take(n)?.to_vec())
            }
        })
    }

    fn list(&mut self, code: u8) -> Answer<()> {
        match code {
            b']' | b')' | 0x8f => self.push(Thing::List(Vec::new())),
            b'l' | b't' | 0x91 => {
                let items = self.marked()?;
                self.push(Thing::List(items))
            }
            0x85..=0x87 => {
                let n = usize::from(code - 0x84);
                let mut items = (0..n).map(|_| self.pop()).collect::<Answer<Vec<_>>>()?;
                items.reverse();
                self.push(Thing::List(items))
            }
            code => {
                let items = if code == b'a' {
                    vec![self.pop()?]
                } else {
                    self.marked()?
                };
                let list = self.top()?;
                let Thing::List(list) = &mut self.things[list] else {
                    return Err("a pickle that appends to what is no list".to_owned());
                };
                list.extend(items);
                Ok(())
            }
        }
    }

    fn map(&mut self, code: u8) -> Answer<()> {
        if code == b'}' {
            return self.push(Thing::Map(Vec::new()));
        }
        let items = if code == b's' {
            let value = self.pop()?;
            vec![self.pop()?, value]
        } else {
            self.marked()?
        };
        if !items.len().is_multiple_of(2) {
            return Err("a dictionary with a key without a value".to_owned());
        }
        if code == b'd' {
            return self.push(Thing::Map(items));
        }
        let map = self.top()?;
        let Thing::Map(map) = &mut self.things[map] else {
            return Err("a pickle that adds keys to what is no dictionary".to_owned());
        };
        map.extend(items);
        Ok(())
    }

    fn name(&mut self, code: u8) -> Answer<()> {
        let at = self.at - 1;
        let (module, name) = if code == b'c' {
            (self.line()?.to_owned(), self.line()?.to_owned())
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            let text = |item: Item, things: &[Thing]| match &things[item] {
                Thing::Plain(value) => value.text(),
                _ => None,
            };
            let both = text(module, &self.things).zip(text(name, &self.things));
            both.ok_or_else(|| "a pickle that calls what has no name".to_owned())?
        };
        let known = match (module.as_str(), name.as_str()) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Name::Reconstruct,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Name::Scalar,
            ("numpy", "ndarray") => Name::Ndarray,
            ("numpy", "dtype") => Name::Dtype,
            ("_codecs", "encode") => Name::Encode,
            ("collections", "OrderedDict") => Name::Ordered,
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Name::FromBuffer,
            _ => {
                let whole = format!("{module}.{name}");
                if self.allowed.contains(&whole.as_str()) {
                    return self.push(Thing::Allowed(whole));
                }
                let opcode = if code == b'c' { "GLOBAL" } else { "STACK_GLOBAL" };
                return Err(format!(
                    "a pickle that would call `{whole}` ({opcode} `{module} {name}` at byte {at}), which is not read"
                ));
            }
        };
        self.push(Thing::Name(known))
    }

    fn call(&mut self) -> Answer<()> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Thing::List(arguments) = self.things[arguments].clone() else {
            return Err("a call without arguments".to_owned());
        };
        let name = match &self.things[function] {
            Thing::Name(Name::Ordered) if arguments.is_empty() => return self.push(Thing::Map(Vec::new())),
            Thing::Name(name) => *name,
            Thing::Allowed(name) => {
                let call = Thing::Call(name.clone(), arguments);
                return self.push(call);
            }
            _ => return Err("a call of what is no name".to_owned()),
        };
        let first = arguments.first().map(|&item| self.things[item].clone());
        match (name, first) {
            (Name::Reconstruct, Some(Thing::Name(Name::Ndarray))) => self.push(Thing::Unbuilt),
            (Name::Dtype, Some(Thing::Plain(name))) => {
                let name = name.text().unwrap_or_default();
                let big_endian = name.starts_with('>');
                let name = name.trim_start_matches(['<', '>', '=', '|']).to_owned();
                self.push(Thing::Dtype(Dtype { name, big_endian }))
            }
            // Python 3 writes bytes at protocol 2 as text in Latin-1.
            (Name::Encode, Some(Thing::Plain(Value::Text(text)))) => {
                let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
                let bytes = bytes.ok_or_else(|| "bytes that are not Latin-1".to_owned())?;
                self.plain(Value::Bytes(bytes))
            }
            (Name::Scalar, Some(Thing::Dtype(dtype))) => {
                let Some(Thing::Plain(Value::Bytes(bytes))) =
                    arguments.get(1).map(|&i| self.things[i].clone())
                else {
                    return Err("a NumPy number without its bytes".to_owned());
                };
                self.plain(array(Vec::new(), &dtype, false, bytes)?)
            }
            (Name::FromBuffer, Some(Thing::Plain(Value::Bytes(bytes)))) => {
                let part = |i: usize| arguments.get(i).map(|&item| &self.things[item]);
                let (Some(Thing::Dtype(dtype)), Some(Thing::List(shape))) = (part(1), part(2)) else {
                    return Err("an array without type and shape".to_owned());
                };
                let fortran =
                    matches!(part(3), Some(Thing::Plain(order)) if order.text().as_deref() == Some("F"));
                self.plain(array(self.sizes(shape)?, dtype, fortran, bytes)?)
            }
            _ => Err("a call that builds no array".to_owned()),
        }
    }

    /// The sizes of an array's axes.
    fn sizes(&self, shape: &[Item]) -> Answer<Vec<usize>> {
        let size = |&item: &Item| match &self.things[item] {
            Thing::Plain(Value::Integer(size)) => usize::try_from(*size).ok(),
            _ => None,
        };
        let sizes = shape.iter().map(size).collect::<Option<Vec<_>>>();
        sizes.ok_or_else(|| "an array without shape".to_owned())
    }

    /// Gives an array or a type its state.
    fn build(&mut self) -> Answer<()> {
        let (state, object) = (self.pop()?, self.top()?);
        // Attributes of a dictionary, and what a call that is not made would be given.
        if matches!(self.things[object], Thing::Map(_) | Thing::Call(..)) {
            return Ok(());
        }
        let Thing::List(state) = self.things[state].clone() else {
            return Err("an object with a state that is no tuple".to_owned());
        };
        let thing = |i: usize| state.get(i).map(|&item| &self.things[item]);
        match &self.things[object] {
            Thing::Dtype(dtype) => {
                let order = match thing(1) {
                    Some(Thing::Plain(order)) => order.text().unwrap_or_default(),
                    _ => String::new(),
                };
                let dtype = Dtype {
                    big_endian: order == ">" || dtype.big_endian,
                    name: dtype.name.clone(),
                };
                self.things[object] = Thing::Dtype(dtype);
            }
            Thing::Unbuilt => {
                let (Some(Thing::List(shape)), Some(Thing::Dtype(dtype))) = (thing(1), thing(2)) else {
                    return Err("an array without shape and type".to_owned());
                };
                let shape = self.sizes(shape)?;
                let fortran = matches!(
                    thing(3),
                    Some(Thing::Plain(Value::Flag(true) | Value::Integer(1)))
                );
                let bytes = match thing(4) {
                    Some(Thing::Plain(Value::Bytes(bytes))) => bytes.clone(),
                    // Of Python's own objects.
                    Some(Thing::List(items)) if shape.len() == 1 && shape[0] == items.len() => {
                        self.things[object] = Thing::List(items.clone());
                        return Ok(());
                    }
                    Some(Thing::List(_)) => {
                        return Err(format!("an array of type `{}`, which is not numbers", dtype.name));
                    }
                    _ => return Err("an array without values".to_owned()),
                };
                self.things[object] = Thing::Plain(array(shape, dtype, fortran, bytes)?);
            }
            _ => return Err("an object that is no array".to_owned()),
        }
        Ok(())
    }

    /// Words that a thing takes up with all that is in it, each shared thing measured once.
    fn size(&self, item: Item, depth: usize, known: &mut HashMap<Item, usize>) -> Answer<usize> {
        if let Some(&size) = known.get(&item) {
            return Ok(size);
        }
        if depth > DEEPEST {
            return Err(format!("a pickle more than {DEEPEST} levels deep"));
        }
        let mut size = match &self.things[item] {
            Thing::Plain(Value::Array(array)) => array.words(),
            Thing::Plain(Value::Bytes(bytes)) => bytes.len() / 8,
            Thing::Plain(Value::Text(text)) => text.len() / 8,
            _ => 0,
        };
        size += size_of::<Value>() / 8;
        let within = match &self.things[item] {
            Thing::Persistent(outside) => std::slice::from_ref(outside),
            Thing::List(items) | Thing::Map(items) | Thing::Call(_, items) => items,
            _ => &[],
        };
        for &item in within {
            size = size.saturating_add(self.size(item, depth + 1, known)?);
        }
        known.insert(item, size);
        Ok(size)
    }

    /// A thing with all that is in it, after [`Machine::size`] found that there is room.
    fn value(&self, item: Item) -> Answer<Value> {
        Ok(match &self.things[item] {
            Thing::Plain(value) => value.clone(),
            Thing::List(items) => Value::List(
                items
                    .iter()
                    .map(|&item| self.value(item))
                    .collect::<Answer<_>>()?,
            ),
            Thing::Map(items) => {
                let pair = |pair: &[Item]| Ok((self.value(pair[0])?, self.value(pair[1])?));
                Value::Map(items.chunks_exact(2).map(pair).collect::<Answer<_>>()?)
            }
            Thing::Allowed(name) => Value::Name(name.clone()),
            Thing::Call(name, items) => Value::Call {
                name: name.clone(),
                arguments: items
                    .iter()
                    .map(|&item| self.value(item))
                    .collect::<Answer<_>>()?,
            },
            Thing::Persistent(item) => Value::Persistent(Box::new(self.value(*item)?)),
            Thing::Name(_) | Thing::Dtype(_) | Thing::Unbuilt => {
                return Err("a pickle of a name or type where data should be".to_owned());
            }
        })
    }
}

/// A Python string literal of protocol 0.
fn unquoted(line: &str) -> Answer<Value> {
    let bad = || format!("`{line}` where a quoted string should be");
    let quote = line
        .chars()
        .next()
        .filter(|c| matches!(c, '\'' | '"'))
        .ok_or_else(bad)?;
    let inner = line[1..].strip_suffix(quote).ok_or_else(bad)?;
    let mut bytes = Vec::new();
    let mut rest = inner.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'x') => {
                let digits = rest.next().zip(rest.next()).ok_or_else(bad)?;
                let digit = |byte: u8| char::from(byte).to_digit(16).ok_or_else(bad);
                (digit(digits.0)? * 16 + digit(digits.1)?) as u8
            }
            Some(byte @ (b'\\' | b'\'' | b'"')) => byte,
            _ => return Err(bad()),
        });
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Value::Text(text),
        Err(error) => Value::Bytes(error.into_bytes()),
    })
}

/// An array of numbers, or a list of the texts of an array of texts.
fn array(shape: Vec<usize>, dtype: &Dtype, fortran: bool, bytes: Vec<u8>) -> Answer<Value> {
    let (letter, size) = dtype.name.split_at(dtype.name.len().min(1));
    let width = match (letter, size.parse::<usize>()) {
        ("U", Ok(letters)) => letters.saturating_mul(4),
        ("S", Ok(letters)) => letters,
        _ => return Ok(Value::Array(NumpyArray::new(shape, dtype, fortran, bytes)?)),
    };
    let n = shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
    if shape.len() > 1 || n.and_then(|n| n.checked_mul(width)) != Some(bytes.len()) {
        return Err(format!("an array of type `{}` of shape {shape:?}", dtype.name));
    }
    let letters = |word: &[u8]| -> String {
        let words = word.as_chunks::<4>().0.iter();
        let codes = words.map(|&code| {
            if dtype.big_endian {
                u32::from_be_bytes(code)
            } else {
                u32::from_le_bytes(code)
            }
        });
        codes
            .take_while(|&code| code != 0)
            .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    let text = |word: &[u8]| {
        Value::Text(match letter {
            "U" => letters(word),
            _ => String::from_utf8_lossy(word).trim_end_matches('\0').to_owned(),
        })
    };
    Ok(match (shape.is_empty(), width) {
        (true, _) => text(&bytes),
        (false, 0) => Value::List(vec![Value::Text(String::new()); shape[0]]),
        (false, _) => Value::List(bytes.chunks_exact(width).map(text).collect()),
    })
}
