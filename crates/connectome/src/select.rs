//! Selections of neurons as expressions: `celltype=PN and hemisphere=L`.
//!
//! Terms are `column=value`, `column!=value`, `column~value` (one of the `;`-separated entries, or a part of
//! the text), `ids=1,2,3`, `all`; joined by `and`, `or`, `not` and parentheses. A bare id selects that neuron.
//! Values with blanks stand in quotes.

use crate::data::Connectome;
use crate::error::DataError;
use crate::read;

/// Indices of the neurons that an expression selects, ascending.
///
/// # Errors
/// An expression that cannot be read, an unknown column, an id that is not in the connectome.
pub fn select(connectome: &Connectome, expression: &str) -> Result<Vec<usize>, DataError> {
    let tokens = tokens(expression)?;
    let mut parser = Parser {
        connectome,
        expression,
        tokens,
        at: 0,
    };
    let mask = parser.either()?;
    if parser.at < parser.tokens.len() {
        return Err(parser.wrong(&format!("`{}` after the end", parser.tokens[parser.at])));
    }
    Ok((0..connectome.n()).filter(|&i| mask[i]).collect())
}

fn tokens(expression: &str) -> Result<Vec<String>, DataError> {
    let mut tokens = Vec::new();
    let mut rest = expression.chars().peekable();
    while let Some(&c) = rest.peek() {
        if c.is_whitespace() {
            rest.next();
        } else if "()".contains(c) {
            tokens.push(c.to_string());
            rest.next();
        } else {
            let mut token = String::new();
            let mut quote = None;
            while let Some(&c) = rest.peek() {
                match quote {
                    Some(open) if c == open => quote = None,
                    None if c == '"' || c == '\'' => quote = Some(c),
                    None if c.is_whitespace() || "()".contains(c) => break,
                    _ => token.push(c),
                }
                rest.next();
            }
            if quote.is_some() {
                return Err(DataError::question(
                    format!("`{expression}`: a quotation mark is not closed"),
                    "write values with blanks as column=\"two words\"",
                ));
            }
            tokens.push(token);
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    connectome: &'a Connectome,
    expression: &'a str,
    tokens: Vec<String>,
    at: usize,
}

impl Parser<'_> {
    fn wrong(&self, found: &str) -> DataError {
        DataError::question(
            format!("selection `{}`: {found}", self.expression),
            "write for example `celltype=PN and hemisphere=L`, `annotations~olfactory`, `ids=29,40045`",
        )
    }

    fn keyword(&mut self, word: &str) -> bool {
        let here = self
            .tokens
            .get(self.at)
            .is_some_and(|t| t.eq_ignore_ascii_case(word));
        self.at += usize::from(here);
        here
    }

    fn either(&mut self) -> Result<Vec<bool>, DataError> {
        let mut mask = self.both()?;
        while self.keyword("or") {
            let other = self.both()?;
            mask.iter_mut().zip(other).for_each(|(a, b)| *a |= b);
        }
        Ok(mask)
    }

    fn both(&mut self) -> Result<Vec<bool>, DataError> {
        let mut mask = self.term()?;
        while self.keyword("and") {
            let other = self.term()?;
            mask.iter_mut().zip(other).for_each(|(a, b)| *a &= b);
        }
        Ok(mask)
    }

    fn term(&mut self) -> Result<Vec<bool>, DataError> {
        if self.keyword("not") {
            return Ok(self.term()?.iter().map(|selected| !selected).collect());
        }
        if self.keyword("(") {
            let mask = self.either()?;
            if !self.keyword(")") {
                return Err(self.wrong("a parenthesis is not closed"));
            }
            return Ok(mask);
        }
        let Some(token) = self.tokens.get(self.at).cloned() else {
            return Err(self.wrong("it ends where a term is expected"));
        };
        self.at += 1;
        if token == "all" || token == "*" {
            return Ok(vec![true; self.connectome.n()]);
        }
        let operator = ["!=", "==", "=", "~"]
            .into_iter()
            .find_map(|op| Some((op, token.split_once(op)?)));
        match operator {
            Some((_, (column, value)))
                if column.eq_ignore_ascii_case("ids") || column.eq_ignore_ascii_case("id") =>
            {
                self.ids(value)
            }
            Some((operator, (column, value))) => self.compare(column.trim(), operator, value.trim()),
            None => self.ids(&token),
        }
    }

    fn ids(&self, list: &str) -> Result<Vec<bool>, DataError> {
        let mut mask = vec![false; self.connectome.n()];
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let i = self
                .connectome
                .find(name)
                .ok_or_else(|| self.wrong(&format!("no neuron `{name}` in this connectome")))?;
            mask[i] = true;
        }
        Ok(mask)
    }

    fn compare(&self, column: &str, operator: &str, value: &str) -> Result<Vec<bool>, DataError> {
        let table = &self.connectome.neurons;
        let values = table.column(column).ok_or_else(|| {
            let names: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
            let known = if names.is_empty() {
                "no columns".to_owned()
            } else {
                format!("`{}`", names.join("`, `"))
            };
            DataError::question(
                format!("selection `{}`: no column `{column}`", self.expression),
                format!("the neuron table has {known}"),
            )
        })?;
        let holds = |own: &str| match operator {
            "!=" => own != value,
            "~" => {
                own.split(';').any(|part| part.trim() == value) || (!own.contains(';') && own.contains(value))
            }
            _ => own == value,
        };
        Ok(values.iter().map(|own| holds(own)).collect())
    }
}

/// The neurons of an expression, or of a file with an id in every row.
///
/// A file may be a table: a header that is called as ids are says which column; without one it is the first. `#` begins a
/// remark.
///
/// # Errors
/// As [`select`]; an empty selection; a file that cannot be read, or a row that names no neuron.
pub fn select_or_file(connectome: &Connectome, query: &str) -> Result<Vec<usize>, DataError> {
    let path = std::path::Path::new(query);
    let found = if path.is_file() {
        read::ids(path, connectome)?
    } else {
        select(connectome, query)?
    };
    if found.is_empty() {
        return Err(DataError::question(
            format!("`{query}` selects no neuron"),
            "`neuropil connectome stats DATA` lists columns and classes",
        ));
    }
    Ok(found)
}
