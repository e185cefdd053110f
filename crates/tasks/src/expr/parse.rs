//! Reads an expression, and says what is wrong with it.

use super::function::{Apply, CONSTANTS, FUNCTIONS};
use super::token::{Placed, Token, tokens};
use super::{Binary, ExprError, Kind, Node, Scope};
use neuropil_lab::error::nearest;
use std::ops::Range;

/// Parts within parts: deeper ones nobody writes by hand.
const DEEPEST: usize = 100;
/// Words of the longest expression.
const LONGEST: usize = 2000;
/// Parts of an expression after the functions of the task's own are filled in.
const MOST_PARTS: usize = 20_000;

/// A part, what it comes to, and its place.
struct Part {
    node: Node,
    kind: Kind,
    at: Range<usize>,
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
    scope: &'a Scope,
    arguments: &'a [String],
}

/// Reads `text`; `arguments` are names whose values are filled in later.
pub(super) fn parse(text: &str, scope: &Scope, arguments: &[String]) -> Result<(Node, Kind), ExprError> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        let message = "nothing is written here, expected an expression".to_owned();
        return Err(ExprError::new(message, None));
    }
    if tokens.len() > LONGEST {
        let message = format!(
            "the expression is too long: {} words, expected at most {LONGEST}",
            tokens.len()
        );
        return Err(ExprError::new(message, None));
    }
    let mut parser = Parser {
        text,
        tokens,
        next: 0,
        depth: 0,
        scope,
        arguments,
    };
    let part = parser.choice()?;
    if let Some((token, at)) = parser.tokens.get(parser.next) {
        let found = &text[at.clone()];
        let message = match token {
            Token::Close => "`)` was never opened".to_owned(),
            _ => format!("`{found}` stands where an operator belongs"),
        };
        return Err(parser.error(message, None, at.clone()));
    }
    if part.node.count() > MOST_PARTS {
        let message = format!("the expression has more than {MOST_PARTS} parts");
        return Err(ExprError::new(message, None));
    }
    Ok((part.node, part.kind))
}

impl Parser<'_> {
    fn error(&self, message: impl Into<String>, hint: Option<String>, at: Range<usize>) -> ExprError {
        let _ = self;
        ExprError {
            message: message.into(),
            hint,
            at: Some(at),
        }
    }

    fn take(&mut self, wanted: &Token) -> Option<Range<usize>> {
        let (token, at) = self.tokens.get(self.next)?;
        (token == wanted).then(|| {
            self.next += 1;
            at.clone()
        })
    }

    fn operator(&mut self, wanted: &[Binary]) -> Option<Binary> {
        match self.tokens.get(self.next) {
            Some((Token::Operator(operator), _)) if wanted.contains(operator) => {
                self.next += 1;
                Some(*operator)
            }
            _ => None,
        }
    }

    /// One level deeper, for whatever can hold itself.
    fn within<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ExprError>) -> Result<T, ExprError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let message = "the expression is nested too deeply".to_owned();
            let hint = Some("give its parts names in `[derived]`".to_owned());
            return Err(ExprError::new(message, hint));
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn wants(&self, part: Part, kind: Kind) -> Result<Part, ExprError> {
        if part.kind == kind {
            return Ok(part);
        }
        let words = &self.text[part.at.clone()];
        let (message, hint) = if kind == Kind::Number {
            (
                format!("`{words}` is a condition where a number belongs"),
                format!("write `(1 if {words} else 0)`"),
            )
        } else {
            (
                format!("`{words}` is a number where a condition belongs"),
                format!("compare it: `{words} > 0`, `{words} == 1`"),
            )
        };
        Err(self.error(message, Some(hint), part.at))
    }

    fn two(&self, operator: Binary, kind: Kind, a: Part, b: Part) -> Result<Part, ExprError> {
        let (a, b) = (self.wants(a, kind)?, self.wants(b, kind)?);
        let at = a.at.start..b.at.end;
        Ok(Part {
            kind: operator.kind(),
            node: Node::Two(operator, Box::new(a.node), Box::new(b.node)),
            at,
        })
    }

    /// `a if condition else b`
    fn choice(&mut self) -> Result<Part, ExprError> {
        self.within(|parser| {
            let value = parser.either()?;
            let Some(at) = parser.take(&Token::If) else {
                return Ok(value);
            };
            let condition = parser.either()?;
            let condition = parser.wants(condition, Kind::Truth)?;
            if parser.take(&Token::Else).is_none() {
                let hint = Some("write `a if condition else b`".to_owned());
                return Err(parser.error("`if` without `else`", hint, at));
            }
            let otherwise = parser.choice()?;
            let otherwise = parser.wants(otherwise, value.kind)?;
            Ok(Part {
                kind: value.kind,
                at: value.at.start..otherwise.at.end,
                node: Node::If(Box::new([value.node, condition.node, otherwise.node])),
            })
        })
    }

    fn either(&mut self) -> Result<Part, ExprError> {
        let mut part = self.both()?;
        while let Some(operator) = self.operator(&[Binary::Or]) {
            let next = self.both()?;
            part = self.two(operator, Kind::Truth, part, next)?;
        }
        Ok(part)
    }

    fn both(&mut self) -> Result<Part, ExprError> {
        let mut part = self.negation()?;
        while let Some(operator) = self.operator(&[Binary::And]) {
            let next = self.negation()?;
            part = self.two(operator, Kind::Truth, part, next)?;
        }
        Ok(part)
    }

    fn negation(&mut self) -> Result<Part, ExprError> {
        let Some(at) = self.take(&Token::Not) else {
            return self.comparison();
        };
        let part = self.within(Self::negation)?;
        let part = self.wants(part, Kind::Truth)?;
        Ok(Part {
            kind: Kind::Truth,
            at: at.start..part.at.end,
            node: Node::Not(Box::new(part.node)),
        })
    }

    fn comparison(&mut self) -> Result<Part, ExprError> {
        const COMPARE: [Binary; 6] = [
            Binary::Less,
            Binary::LessOrEqual,
            Binary::Equal,
            Binary::Unequal,
            Binary::GreaterOrEqual,
            Binary::Greater,
        ];
        let mut left = self.sum()?;
        let Some(mut operator) = self.operator(&COMPARE) else {
            return Ok(left);
        };
        let mut all: Option<Part> = None;
        loop {
            let right = self.sum()?;
            let again = Part {
                node: right.node.clone(),
                kind: right.kind,
                at: right.at.clone(),
            };
            let compared = self.two(operator, Kind::Number, left, right)?;
            let so_far = match all {
                None => compared,
                Some(before) => self.two(Binary::And, Kind::Truth, before, compared)?,
            };
            match self.operator(&COMPARE) {
                None => return Ok(so_far),
                Some(next) => operator = next,
            }
            (left, all) = (again, Some(so_far));
        }
    }

    fn sum(&mut self) -> Result<Part, ExprError> {
        let mut part = self.product()?;
        while let Some(operator) = self.operator(&[Binary::Add, Binary::Subtract]) {
            let next = self.product()?;
            part = self.two(operator, Kind::Number, part, next)?;
        }
        Ok(part)
    }

    fn product(&mut self) -> Result<Part, ExprError> {
        let mut part = self.signed()?;
        while let Some(operator) = self.operator(&[Binary::Multiply, Binary::Divide, Binary::Remainder]) {
            let next = self.signed()?;
            part = self.two(operator, Kind::Number, part, next)?;
        }
        Ok(part)
    }

    fn signed(&mut self) -> Result<Part, ExprError> {
        let place = self.tokens.get(self.next).map(|(_, at)| at.start);
        let Some(sign) = self.operator(&[Binary::Add, Binary::Subtract]) else {
            return self.power();
        };
        let part = self.within(Self::signed)?;
        let part = self.wants(part, Kind::Number)?;
        let at = place.unwrap_or(part.at.start)..part.at.end;
        let node = match (sign, part.node) {
            (Binary::Subtract, Node::Number(x)) => Node::Number(-x),
            (Binary::Subtract, node) => Node::Negative(Box::new(node)),
            (_, node) => node,
        };
        let kind = Kind::Number;
        Ok(Part { node, kind, at })
    }

    fn power(&mut self) -> Result<Part, ExprError> {
        let base = self.atom()?;
        if self.operator(&[Binary::Power]).is_none() {
            return Ok(base);
        }
        let exponent = self.within(Self::signed)?;
        self.two(Binary::Power, Kind::Number, base, exponent)
    }

    fn atom(&mut self) -> Result<Part, ExprError> {
        let Some((token, at)) = self.tokens.get(self.next).cloned() else {
            let message = "the expression ends where a number, a name or `(` belongs";
            return Err(self.error(message, None, self.text.len()..self.text.len()));
        };
        self.next += 1;
        match token {
            Token::Number(x) => Ok(Part {
                node: Node::Number(x),
                kind: Kind::Number,
                at,
            }),
            Token::Open => {
                let inner = self.choice()?;
                let Some(end) = self.take(&Token::Close) else {
                    return Err(self.unclosed(at));
                };
                // Places are those of the content, so that messages quote what was written.
                let _ = end;
                Ok(inner)
            }
            Token::Name(name) if self.take(&Token::Open).is_some() => self.call(&name, at),
            Token::Name(name) => self.name(&name, at),
            _ => {
                let found = &self.text[at.clone()];
                let message = format!("`{found}` stands where a number, a name or `(` belongs");
                Err(self.error(message, None, at))
            }
        }
    }

    /// What follows where a bracket should close.
    fn unclosed(&self, open: Range<usize>) -> ExprError {
        match self.tokens.get(self.next) {
            None => self.error("`(` is never closed", None, open),
            Some((_, at)) => {
                let found = &self.text[at.clone()];
                self.error(
                    format!("`{found}` stands where an operator or `)` belongs"),
                    None,
                    at.clone(),
                )
            }
        }
    }

    fn name(&self, name: &str, at: Range<usize>) -> Result<Part, ExprError> {
        let argument = || self.arguments.iter().position(|known| known == name);
        let (node, kind) = if let Some(i) = argument() {
            (Node::Argument(i), Kind::Number)
        } else if let Some(i) = self.scope.position(name) {
            (Node::Name(i), Kind::Number)
        } else if let Some((_, x, _)) = CONSTANTS.iter().find(|(known, ..)| *known == name) {
            (Node::Number(*x), Kind::Number)
        } else if let Some(x) = ["false", "true"].iter().position(|known| *known == name) {
            (Node::Number(x as f64), Kind::Truth)
        } else {
            let hint = self.scope.hint(name, self.arguments);
            return Err(self.error(format!("`{name}` is not known"), Some(hint), at));
        };
        Ok(Part { node, kind, at })
    }

    /// A call, behind its opening bracket.
    fn call(&mut self, name: &str, at: Range<usize>) -> Result<Part, ExprError> {
        if name == "before" {
            return self.before(at);
        }
        let mut given = Vec::new();
        let end = loop {
            if let (true, Some(end)) = (given.is_empty(), self.take(&Token::Close)) {
                break end;
            }
            let argument = self.choice()?;
            given.push(self.wants(argument, Kind::Number)?.node);
            if let Some(end) = self.take(&Token::Close) {
                break end;
            }
            if self.take(&Token::Comma).is_none() {
                return Err(self.unclosed(at));
            }
        };
        let (node, kind) = self.applied(name, given, at.clone())?;
        Ok(Part {
            node,
            kind,
            at: at.start..end.end,
        })
    }

    fn applied(&self, name: &str, given: Vec<Node>, at: Range<usize>) -> Result<(Node, Kind), ExprError> {
        let found = given.len();
        let fits = |n: usize, form: Option<String>| {
            let s = if n == 1 { "" } else { "s" };
            let message = format!("`{name}` takes {n} number{s}, found {found}");
            if n == found {
                Ok(())
            } else {
                Err(self.error(message, form, at.clone()))
            }
        };
        if let Some(function) = self.scope.functions.get(name) {
            fits(function.n_arguments, None)?;
            return Ok((function.body.with(&given), function.kind));
        }
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) else {
            let own = self.scope.functions.keys().map(String::as_str);
            let known: Vec<&str> = FUNCTIONS.iter().map(|f| f.name).chain(own).collect();
            let hint = nearest(name, known.iter().copied()).map_or_else(
                || format!("functions: {}", known.join(", ")),
                |name| format!("did you mean `{name}`?"),
            );
            return Err(self.error(format!("`{name}` is not a function"), Some(hint), at));
        };
        let form = Some(format!("{}: {}", function.form, function.meaning));
        match function.apply {
            Apply::One(_) => fits(1, form)?,
            Apply::Two(_) => fits(2, form)?,
            Apply::Three(_) => fits(3, form)?,
            Apply::Fold(_) if found == 0 => fits(1, form)?,
            Apply::Fold(_) => {}
        }
        Ok((Node::Call(function.apply, given), Kind::Number))
    }

    /// `before(name)`, `before(name, trials)`, `before(name, trials, otherwise)`, behind the opening bracket.
    fn before(&mut self, at: Range<usize>) -> Result<Part, ExprError> {
        if !self.scope.remembers {
            let message = "`before` asks for an earlier trial, and the trials of this task stand alone";
            let hint = Some("give the task a `[session]`".to_owned());
            return Err(self.error(message, hint, at));
        }
        let form = Some("write `before(NAME)`, `before(NAME, 2)` or `before(NAME, 2, OTHERWISE)`".to_owned());
        let position = match self.tokens.get(self.next) {
            Some((Token::Name(name), _)) => self.scope.position(name),
            _ => None,
        };
        let Some(position) = position else {
            return Err(self.error("`before` needs the name of a quantity of the trial", form, at));
        };
        self.next += 1;
        let mut lag = 1;
        let mut otherwise = Node::Number(f64::NAN);
        if self.take(&Token::Comma).is_some() {
            lag = match self.tokens.get(self.next) {
                Some((Token::Number(n), _)) if n.fract() == 0.0 && (1.0..=100.0).contains(n) => *n as usize,
                _ => {
                    let message = "`before` needs a whole number of trials from 1 to 100";
                    return Err(self.error(message, form, at));
                }
            };
            self.next += 1;
            if self.take(&Token::Comma).is_some() {
                let part = self.choice()?;
                otherwise = self.wants(part, Kind::Number)?.node;
            }
        }
        let Some(end) = self.take(&Token::Close) else {
            return Err(self.unclosed(at));
        };
        Ok(Part {
            node: Node::Before(position, lag, Box::new(otherwise)),
            kind: Kind::Number,
            at: at.start..end.end,
        })
    }
}

impl Binary {
    fn kind(self) -> Kind {
        match self {
            Self::Add | Self::Subtract | Self::Multiply | Self::Divide | Self::Remainder | Self::Power => {
                Kind::Number
            }
            _ => Kind::Truth,
        }
    }
}
