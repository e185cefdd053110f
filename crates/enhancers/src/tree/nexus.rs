//! The trees block of NEXUS files, as BEAST, MrBayes, MEGA and Mesquite write them.

use std::collections::{HashMap, HashSet};

use super::{Parsed, newick};
use crate::error::InputError;
use crate::names::species_key;

/// All trees of all trees blocks; tips are named by the block's `Translate` table, looked up by key.
pub(super) fn trees(text: &str) -> Result<Vec<Parsed>, InputError> {
    let mut found = Vec::new();
    let mut names: HashMap<String, String> = HashMap::new();
    let mut labels: Vec<String> = Vec::new();
    let mut block = String::new();
    let mut commands = Commands { text, at: 0 };
    commands.skip_title();
    while let Some((at, word)) = commands.next_command()? {
        match word.to_ascii_lowercase().as_str() {
            "begin" => {
                block = commands
                    .tokens()?
                    .into_iter()
                    .next()
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                names.clear();
            }
            "end" | "endblock" => {
                commands.tokens()?;
                block.clear();
            }
            "taxlabels" => labels = commands.tokens()?,
            "translate" if block == "trees" => names = translation(&commands.tokens()?, text, at)?,
            "tree" | "utree" if block == "trees" => {
                let mut tree = commands.tree()?;
                name_tips(&mut tree, &names, &labels);
                found.push(tree);
            }
            _ => {
                commands.tokens()?;
            }
        }
    }
    if found.is_empty() {
        return Err(InputError::new("the NEXUS file has no tree in a trees block")
            .hint("expected `begin trees; tree NAME = (…); end;`"));
    }
    Ok(found)
}

fn translation(tokens: &[String], text: &str, at: usize) -> Result<HashMap<String, String>, InputError> {
    let line = text[..at].matches('\n').count() + 1;
    let mut names = HashMap::new();
    for pair in tokens.split(|token| token == ",").filter(|pair| !pair.is_empty()) {
        let (key, words) = pair.split_first().expect("not empty");
        if words.is_empty() {
            return Err(InputError::new(format!("`{key}` of the Translate table has no name")).at_line(line));
        }
        if names.insert(key.clone(), words.join(" ")).is_some() {
            return Err(
                InputError::new(format!("`{key}` stands twice in the Translate table")).at_line(line),
            );
        }
    }
    Ok(names)
}

fn name_tips(tree: &mut Parsed, names: &HashMap<String, String>, labels: &[String]) {
    let known: HashSet<String> = names.values().map(|name| species_key(name)).collect();
    for node in tree.nodes.iter_mut().filter(|node| node.children == 0) {
        if let Some(name) = names.get(&node.label) {
            node.label.clone_from(name);
        } else if names.is_empty()
            && let Ok(number) = node.label.parse::<usize>()
            && let Some(name) = number.checked_sub(1).and_then(|index| labels.get(index))
        {
            node.label.clone_from(name);
        } else if !names.is_empty() && !known.contains(&species_key(&node.label)) {
            tree.untranslated.push(node.label.clone());
        }
    }
}

struct Commands<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Commands<'a> {
    fn skip_title(&mut self) {
        self.at = self
            .text
            .find(|c: char| c.is_whitespace())
            .map_or(self.text.len(), |_| {
                let begin = self.text.find('#').unwrap_or(0);
                begin + "#NEXUS".len()
            });
    }

    fn skip(&mut self) -> Result<(), InputError> {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('[') {
                return Ok(());
            }
            let Some(length) = trimmed.find(']') else {
                let line = self.text[..self.at].matches('\n').count() + 1;
                return Err(InputError::new("the comment that begins here has no `]`").at_line(line));
            };
            self.at += length + 1;
        }
    }

    /// Where the next command begins, and its first word; `None` at the end of the file.
    fn next_command(&mut self) -> Result<Option<(usize, &'a str)>, InputError> {
        loop {
            self.skip()?;
            let rest = &self.text[self.at..];
            if let Some(after) = rest.strip_prefix(';') {
                self.at = self.text.len() - after.len();
                continue;
            }
            if rest.is_empty() {
                return Ok(None);
            }
            let length = rest
                .find(|c: char| c.is_whitespace() || c == ';' || c == '[')
                .unwrap_or(rest.len());
            let begin = self.at;
            self.at += length.max(rest.chars().next().map_or(1, char::len_utf8));
            return Ok(Some((begin, &self.text[begin..self.at])));
        }
    }

    /// The words of the current command up to its semicolon; quoted words are one, commas stand alone.
    fn tokens(&mut self) -> Result<Vec<String>, InputError> {
        let mut tokens = Vec::new();
        loop {
            self.skip()?;
            let rest = &self.text[self.at..];
            match rest.chars().next() {
                None => return Ok(tokens),
                Some(';') => {
                    self.at += 1;
                    return Ok(tokens);
                }
                Some(',') => {
                    self.at += 1;
                    tokens.push(",".to_owned());
                }
                Some(quote @ ('\'' | '"')) => tokens.push(self.quoted(quote)?),
                Some(_) => {
                    let length = rest
                        .find(|c: char| c.is_whitespace() || ";,[".contains(c))
                        .unwrap_or(rest.len());
                    tokens.push(rest[..length].to_owned());
                    self.at += length;
                }
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, InputError> {
        let line = self.text[..self.at].matches('\n').count() + 1;
        let mut word = String::new();
        self.at += 1;
        loop {
            let Some(length) = self.text[self.at..].find(quote) else {
                return Err(InputError::new(format!("a name has no closing {quote}")).at_line(line));
            };
            word.push_str(&self.text[self.at..self.at + length]);
            self.at += length + 1;
            if !self.text[self.at..].starts_with(quote) {
                return Ok(word);
            }
            word.push(quote);
            self.at += 1;
        }
    }

    /// `NAME = [&R] (…);` after the word `tree`.
    fn tree(&mut self) -> Result<Parsed, InputError> {
        self.skip()?;
        let rest = self.text[self.at..].trim_start_matches('*').trim_start();
        self.at = self.text.len() - rest.len();
        let line = self.text[..self.at].matches('\n').count() + 1;
        let name = match rest.chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote)?,
            _ => {
                let length = rest
                    .find(|c: char| c.is_whitespace() || "=[;".contains(c))
                    .unwrap_or(rest.len());
                self.at += length;
                rest[..length].to_owned()
            }
        };
        self.skip()?;
        if !self.text[self.at..].starts_with('=') {
            return Err(InputError::new(format!("tree `{name}` has no `=`")).at_line(line));
        }
        let (mut tree, end) = newick::tree_at(self.text, self.at + 1)?;
        self.at = end;
        tree.name = name;
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use crate::tree::{Choice, read_text};

    #[test]
    fn keys_of_the_translate_table_are_looked_up_not_counted() {
        let text = "#NEXUS\nBegin taxa;\n Dimensions ntax=3;\n Taxlabels x y z;\nEnd;\nBegin trees;\n Translate\n 7 'Homo sapiens',\n 2 Mus_musculus,\n 31 \"Bos taurus\"\n ;\n\
                    tree TREE1 = [&R] ((7[&height_95%_HPD={1.0E-2,2}]:1.5e-1,2:1)[&posterior=1.0]:2,31:3.0);\nEnd;\n";
        let read = read_text(text, &Choice::Only).expect("a tree");
        assert_eq!(
            read.tree.tip_names().collect::<Vec<_>>(),
            ["Homo sapiens", "Mus_musculus", "Bos taurus"]
        );
        assert_eq!(read.tree.length(0), 0.15);
        assert!(read.notes.is_empty(), "{:?}", read.notes);
    }

    #[test]
    fn tips_that_the_translate_table_lacks_are_said() {
        let text = "#NEXUS\nbegin trees; translate 1 Mus_musculus, 2 Homo_sapiens; tree t = ((1:1,3:1):1,Homo_sapiens:2); end;";
        let read = read_text(text, &Choice::Only).expect("a tree");
        assert_eq!(
            read.tree.tip_names().collect::<Vec<_>>(),
            ["Mus_musculus", "3", "Homo_sapiens"]
        );
        assert_eq!(
            read.notes,
            ["1 tips are not in the Translate table and keep their labels (the first: `3`)"]
        );
    }

    #[test]
    fn tips_without_a_table_are_names_or_numbers_of_taxlabels() {
        let text = "#nexus begin taxa; taxlabels a b; end; begin trees; tree t = (1:1,2:1); tree u = (b:1,c:2); end;";
        let names = |choice| {
            let read = read_text(text, &choice).expect("a tree");
            (
                read.tree.tip_names().map(str::to_owned).collect::<Vec<_>>(),
                read.notes,
            )
        };
        assert_eq!(names(Choice::Number(1)).0, ["a", "b"]);
        let (found, notes) = names(Choice::Name("u".into()));
        assert_eq!(found, ["b", "c"]);
        assert_eq!(notes, ["tree 2 of 2 (`u`) is used"]);
        let error = read_text(text, &Choice::Only).expect_err("two trees").to_string();
        assert!(
            error.contains("holds 2 trees (the first: t, u)") && error.contains("--tree-number"),
            "{error}"
        );
    }
}
