//! Newick: nested parentheses, labels plain or quoted, lengths, comments in brackets anywhere.
//!
//! What follows a closing parenthesis is the label of an internal node (an identifier, a support such as `98.5/100`)
//! and may repeat. An underscore in a plain label is a blank (Olsen's rule); labels are kept as written and compared
//! by [`species_key`](crate::names::species_key).

use super::{Node, Parsed};
use crate::error::InputError;

/// All trees of a text, each ended by a semicolon.
pub(super) fn trees(text: &str) -> Result<Vec<Parsed>, InputError> {
    let mut reader = Reader { text, at: 0 };
    let mut found = Vec::new();
    loop {
        let rooted = reader.skip()?;
        if reader.peek().is_none() {
            break;
        }
        let mut tree = reader.tree()?;
        tree.rooted = tree.rooted.or(rooted);
        found.push(tree);
    }
    if found.is_empty() {
        return Err(InputError::new("the file holds no tree"));
    }
    Ok(found)
}

/// The tree that begins at byte `at`, and where it ends.
pub(super) fn tree_at(text: &str, at: usize) -> Result<(Parsed, usize), InputError> {
    let mut reader = Reader { text, at };
    let rooted = reader.skip()?;
    let mut tree = reader.tree()?;
    tree.rooted = tree.rooted.or(rooted);
    Ok((tree, reader.at))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn fault(&self, at: usize, message: impl std::fmt::Display) -> InputError {
        let before = &self.text[..at.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        InputError::new(format!("column {column}: {message}")).at_line(line)
    }

    /// Skips blanks and comments; tells what a `[&R]` or `[&U]` among them says.
    fn skip(&mut self) -> Result<Option<bool>, InputError> {
        let mut rooted = None;
        while let Some(c) = self.peek() {
            if c.is_whitespace() {
                self.at += c.len_utf8();
            } else if c == '[' {
                let begin = self.at;
                let Some(length) = self.text[begin..].find(']') else {
                    return Err(self.fault(begin, "the comment that begins here has no `]`"));
                };
                match &self.text[begin..=begin + length] {
                    "[&R]" | "[&r]" => rooted = Some(true),
                    "[&U]" | "[&u]" => rooted = Some(false),
                    _ => {}
                }
                self.at = begin + length + 1;
            } else {
                break;
            }
        }
        Ok(rooted)
    }

    fn tree(&mut self) -> Result<Parsed, InputError> {
        let mut nodes = vec![Node::default()];
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut current = 0;
        loop {
            self.skip()?;
            let at = self.at;
            match self.peek() {
                Some('(') => {
                    if nodes[current].children > 0 || !nodes[current].label.is_empty() {
                        return Err(self.fault(at, "`(` after a finished clade, expected `,` or `)`"));
                    }
                    open.push((current, at));
                    current = child(&mut nodes, current);
                    self.at += 1;
                }
                Some(',') => {
                    let Some(&(parent, _)) = open.last() else {
                        return Err(self.fault(at, "`,` outside all parentheses, expected `;`"));
                    };
                    current = child(&mut nodes, parent);
                    self.at += 1;
                }
                Some(')') => {
                    let Some((parent, _)) = open.pop() else {
                        return Err(self.fault(at, "`)` without its `(`"));
                    };
                    current = parent;
                    self.at += 1;
                }
                Some(';') => {
                    self.at += 1;
                    break;
                }
                None => break,
                Some(']') => return Err(self.fault(at, "`]` without its `[`")),
                Some(':') => {
                    self.at += 1;
                    nodes[current].length = Some(self.length()?);
                }
                Some(_) => {
                    if nodes[current].length.is_some() || !nodes[current].label.is_empty() {
                        return Err(
                            self.fault(at, "a second label for one node, expected `,`, `)`, `:` or `;`")
                        );
                    }
                    nodes[current].label = self.label()?;
                }
            }
        }
        if let Some(&(_, at)) = open.last() {
            return Err(self
                .fault(
                    at,
                    format!("{} parentheses are not closed; this is the innermost", open.len()),
                )
                .hint("the file may be cut short"));
        }
        Ok(Parsed {
            name: String::new(),
            rooted: None,
            nodes,
            untranslated: Vec::new(),
        })
    }

    fn label(&mut self) -> Result<String, InputError> {
        let begin = self.at;
        let quote = self.peek().filter(|&c| c == '\'' || c == '"');
        if let Some(quote) = quote {
            let mut label = String::new();
            self.at += 1;
            loop {
                let Some(length) = self.text[self.at..].find(quote) else {
                    return Err(
                        self.fault(begin, format!("the name that begins here has no closing {quote}"))
                    );
                };
                label.push_str(&self.text[self.at..self.at + length]);
                self.at += length + 1;
                if self.peek() != Some(quote) {
                    return Ok(label);
                }
                label.push(quote);
                self.at += 1;
            }
        }
        let rest = &self.text[begin..];
        let length = rest.find(|c| "()[],:;".contains(c)).unwrap_or(rest.len());
        self.at += length;
        Ok(rest[..length].split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn length(&mut self) -> Result<f64, InputError> {
        self.skip()?;
        let begin = self.at;
        let rest = &self.text[begin..];
        let length = rest
            .find(|c: char| "()[],:;".contains(c) || c.is_whitespace())
            .unwrap_or(rest.len());
        self.at += length;
        let text = &rest[..length];
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.fault(
                begin,
                format!("`{text}` is no branch length, expected a number after `:`"),
            )),
        }
    }
}

fn child(nodes: &mut Vec<Node>, parent: usize) -> usize {
    nodes[parent].children += 1;
    nodes.push(Node {
        parent: Some(parent),
        ..Node::default()
    });
    nodes.len() - 1
}

#[cfg(test)]
mod tests {
    use crate::tree::{Choice, Tree, read_text};

    #[test]
    fn faults_name_line_and_column() {
        for (text, expected) in [
            ("((a:1,b:1);", "line 1: column 1: 1 parentheses are not closed"),
            ("(a:1,\nb:1));", "line 2: column 5: `)` without its `(`"),
            ("(a:1,b:x);", "`x` is no branch length"),
            ("(a:1,b:nan);", "`nan` is no branch length"),
            (
                "(a:1,'b:1);",
                "column 6: the name that begins here has no closing '",
            ),
            ("(a:1,b[c:1);", "the comment that begins here has no `]`"),
            ("(]a:1,b:1);", "column 2: `]` without its `[`"),
            ("(a:1,b:1)(c:1,d:1);", "`(` after a finished clade"),
            ("(a:1,:1);", "has no name"),
            ("(a:1,A:1);", "the tips `a` and `A` are the same species"),
            (
                "(a:1,b);",
                "1 tips have no branch length (the first: b)\n  hint: the models need",
            ),
            (
                "((a,b):1,(c,d):1);",
                "4 tips have no branch length (the first: a)\n  hint: lengths on internal branches alone",
            ),
            ("(a:1,b:-1);", "negative (the first: -1 above b)"),
            ("a;", "single tip"),
            ("", "no tree"),
        ] {
            let error = Tree::parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn rounding_below_zero_is_clamped_and_said() {
        let read = read_text("((a:1,b:1):-5.7e-14,c:1);", &Choice::Only).expect("a tree");
        assert_eq!(read.tree.to_newick(), "((a:1,b:1):0,c:1);");
        assert!(read.notes[0].contains("1 branch lengths are below zero"));
    }

    #[test]
    fn a_root_of_two_branches_may_be_unrooted() {
        let note = |text: &str| {
            let read = read_text(text, &Choice::Only).expect("a tree");
            read.notes.join("; ")
        };
        let marked = note("[&U] ((a:1,b:1):1,c:1);");
        assert!(
            marked.contains(
                "says that it is unrooted ([&U]), and is taken as rooted where its two branches meet"
            ),
            "{marked}"
        );
        assert!(note("(a:1,b:1,c:1);").contains("the root has 3 branches"));
        assert_eq!(note("[&R] (a:1,b:1,c:1);"), "");
        assert_eq!(note("((a:1,b:1):1,c:1);"), "");
    }

    #[test]
    fn comments_and_supports_are_passed_over() {
        let text = "[&R] ((a[&x={1,2}]:[&rate=1e-3]1.0E+000,b:2)98.5/100:1[87],(c:1,d:1)98.5/100:2)r:5;";
        let tree = Tree::parse(text).expect("a tree");
        assert_eq!(tree.to_newick(), "((a:1,b:2):1,(c:1,d:1):2);");
    }
}
