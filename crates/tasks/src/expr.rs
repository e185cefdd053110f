//! Expressions over a trial's quantities: `(1 + coherence/100)/2 if direction < 0 else 0.5`.
//!
//! ```text
//! a if condition else b          loosest; groups from the right
//! or  ||      and  &&      not  !
//! <  <=  ==  !=  >=  >           may be chained: 0 < x < 5
//! +  -        *  /  %
//! -x                             -x^2 is -(x^2)
//! ^  **                          tightest; groups from the right: 2^3^2 is 512
//! ```
//!
//! Every number is real (`1/2` is 0.5, `1e-3` is 0.001). Conditions and numbers are told apart when the text is read,
//! so that nothing but a number that is not finite can go wrong afterwards.

mod function;
mod parse;
mod token;

use function::Apply;
pub use function::{CONSTANTS, FUNCTIONS};
use neuropil_lab::error::nearest;
use std::collections::BTreeMap;
use std::ops::Range;

/// Names that an expression may use, in the order of the values it is evaluated on, and functions of the task's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    names: Vec<String>,
    functions: BTreeMap<String, OwnFunction>,
    /// Earlier trials can be asked for: the trials are parts of a session.
    remembers: bool,
}

#[derive(Clone, Debug)]
struct OwnFunction {
    n_arguments: usize,
    kind: Kind,
    body: Node,
}

impl Scope {
    pub(crate) fn add(&mut self, name: &str) {
        self.names.push(name.to_owned());
    }

    /// Lets expressions ask for earlier trials from now on.
    pub(crate) fn remember(&mut self) {
        self.remembers = true;
    }

    /// Defines a function by its body, an expression over its arguments and everything that is known so far.
    pub(crate) fn define(&mut self, name: &str, arguments: &[String], body: &str) -> Result<(), ExprError> {
        let (node, kind) = parse::parse(body, self, arguments)?;
        let function = OwnFunction {
            n_arguments: arguments.len(),
            kind,
            body: node,
        };
        self.functions.insert(name.to_owned(), function);
        Ok(())
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// What to say to a name that is unknown.
    fn hint(&self, name: &str, arguments: &[String]) -> String {
        let known = || self.names.iter().chain(arguments).map(String::as_str);
        if self.is_function(name) {
            return format!("`{name}` is a function: write `{name}(…)`");
        }
        nearest(name, known().chain(CONSTANTS.iter().map(|(name, ..)| *name))).map_or_else(
            || format!("known names: {}", known().collect::<Vec<_>>().join(", ")),
            |name| format!("did you mean `{name}`?"),
        )
    }

    fn is_function(&self, name: &str) -> bool {
        self.functions.contains_key(name) || FUNCTIONS.iter().any(|f| f.name == name)
    }
}

/// What an expression comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Truth,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    Less,
    LessOrEqual,
    Equal,
    Unequal,
    GreaterOrEqual,
    Greater,
    And,
    Or,
}

/// A parsed expression. Truths are 1 and 0.
#[derive(Clone, Debug)]
enum Node {
    Number(f64),
    Name(usize),
    Argument(usize),
    /// A name's value so many trials before; the last node where there was no such trial.
    Before(usize, usize, Box<Node>),
    Negative(Box<Node>),
    Not(Box<Node>),
    Two(Binary, Box<Node>, Box<Node>),
    If(Box<[Node; 3]>),
    Call(Apply, Vec<Node>),
}

/// Values that an expression is evaluated on: those of the scope now, and those of the trials before, latest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) now: &'a [f64],
    pub(crate) before: &'a [Vec<f64>],
}

impl<'a> From<&'a [f64]> for Known<'a> {
    fn from(now: &'a [f64]) -> Self {
        Self { now, before: &[] }
    }
}

impl<'a> From<&'a Vec<f64>> for Known<'a> {
    fn from(now: &'a Vec<f64>) -> Self {
        Self { now, before: &[] }
    }
}

impl<'a, const N: usize> From<&'a [f64; N]> for Known<'a> {
    fn from(now: &'a [f64; N]) -> Self {
        Self { now, before: &[] }
    }
}

impl Node {
    fn value(&self, known: Known<'_>) -> f64 {
        match self {
            Self::Number(x) => *x,
            Self::Name(i) => known.now[*i],
            Self::Argument(_) => unreachable!("arguments are replaced where a function is called"),
            Self::Before(i, lag, otherwise) => match known.before.get(lag - 1) {
                Some(values) => values[*i],
                None => otherwise.value(known),
            },
            Self::Negative(x) => -x.value(known),
            Self::Not(x) => truth(x.value(known) == 0.0),
            Self::Two(Binary::And, a, b) => truth(a.value(known) != 0.0 && b.value(known) != 0.0),
            Self::Two(Binary::Or, a, b) => truth(a.value(known) != 0.0 || b.value(known) != 0.0),
            Self::Two(operator, a, b) => operator.apply(a.value(known), b.value(known)),
            Self::If(parts) => parts[if parts[1].value(known) == 0.0 { 2 } else { 0 }].value(known),
            Self::Call(apply, arguments) => match apply {
                Apply::One(f) => f(arguments[0].value(known)),
                Apply::Two(f) => f(arguments[0].value(known), arguments[1].value(known)),
                Apply::Three(f) => {
                    let [a, b, c] = [0, 1, 2].map(|i| arguments[i].value(known));
                    f(a, b, c)
                }
                Apply::Fold(f) => {
                    let mut values = arguments.iter().map(|argument| argument.value(known));
                    let first = values.next().unwrap_or(f64::NAN);
                    values.fold(first, f)
                }
            },
        }
    }

    /// The body of a function with its arguments filled in.
    fn with(&self, arguments: &[Node]) -> Node {
        let each = |node: &Node| Box::new(node.with(arguments));
        match self {
            Self::Argument(i) => arguments[*i].clone(),
            Self::Number(_) | Self::Name(_) => self.clone(),
            Self::Before(i, lag, otherwise) => Self::Before(*i, *lag, each(otherwise)),
            Self::Negative(x) => Self::Negative(each(x)),
            Self::Not(x) => Self::Not(each(x)),
            Self::Two(operator, a, b) => Self::Two(*operator, each(a), each(b)),
            Self::If(parts) => Self::If(Box::new([0, 1, 2].map(|i| parts[i].with(arguments)))),
            Self::Call(apply, given) => {
                Self::Call(*apply, given.iter().map(|node| node.with(arguments)).collect())
            }
        }
    }

    fn count(&self) -> usize {
        1 + match self {
            Self::Argument(_) | Self::Number(_) | Self::Name(_) => 0,
            Self::Before(_, _, x) | Self::Negative(x) | Self::Not(x) => x.count(),
            Self::Two(_, a, b) => a.count() + b.count(),
            Self::If(parts) => parts.iter().map(Self::count).sum(),
            Self::Call(_, given) => given.iter().map(Self::count).sum(),
        }
    }

    fn uses(&self, name: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Self::Argument(_) | Self::Number(_) => false,
            Self::Name(i) => name(*i),
            Self::Before(_, _, x) | Self::Negative(x) | Self::Not(x) => x.uses(name),
            Self::Two(_, a, b) => a.uses(name) || b.uses(name),
            Self::If(parts) => parts.iter().any(|part| part.uses(name)),
            Self::Call(_, given) => given.iter().any(|part| part.uses(name)),
        }
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

impl Binary {
    #[expect(
        clippy::float_cmp,
        reason = "levels of factors are compared as they stand in the file"
    )]
    fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Remainder => a - b * (a / b).floor(),
            Self::Power => a.powf(b),
            Self::Less => truth(a < b),
            Self::LessOrEqual => truth(a <= b),
            Self::Equal => truth(a == b),
            Self::Unequal => truth(a != b),
            Self::GreaterOrEqual => truth(a >= b),
            Self::Greater => truth(a > b),
            Self::And | Self::Or => unreachable!("evaluated where the second part may be skipped"),
        }
    }
}

/// Why an expression cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExprError {
    /// What was found and expected.
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// Bytes of the expression that it is about; the whole if absent.
    pub(crate) at: Option<Range<usize>>,
}

impl ExprError {
    fn new(message: String, hint: Option<String>) -> Self {
        Self {
            message,
            hint,
            at: None,
        }
    }
}

/// An expression, its names resolved to positions in the scope.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    text: String,
    node: Node,
    kind: Kind,
}

impl Expr {
    pub(crate) fn parse(text: &str, scope: &Scope) -> Result<Self, ExprError> {
        let (node, kind) = parse::parse(text, scope, &[])?;
        Ok(Self {
            text: text.to_owned(),
            node,
            kind,
        })
    }

    /// A function of one argument, to be filled in with a constant.
    pub(crate) fn of_argument(
        text: &str,
        scope: &Scope,
        argument: &str,
    ) -> Result<impl Fn(f64) -> Self, ExprError> {
        let (node, kind) = parse::parse(text, scope, &[argument.to_owned()])?;
        let text = text.to_owned();
        Ok(move |x: f64| Self {
            text: text.clone(),
            node: node.with(&[Node::Number(x)]),
            kind,
        })
    }

    /// A constant.
    pub(crate) fn constant(x: f64) -> Self {
        Self {
            text: x.to_string(),
            node: Node::Number(x),
            kind: Kind::Number,
        }
    }

    /// Does it use a name for whose position `name` holds?
    /// Is it one quantity alone, and of this name?
    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(self.node, Node::Name(_)) && self.text.trim() == name
    }

    pub(crate) fn uses(&self, name: impl Fn(usize) -> bool) -> bool {
        self.node.uses(&name)
    }

    /// The same expression, if it comes to a number.
    pub(crate) fn numeric(self) -> Result<Self, ExprError> {
        if self.kind == Kind::Number {
            return Ok(self);
        }
        let hint = format!("to count it as a number, write `1 if {} else 0`", self.text);
        Err(ExprError::new(
            format!("`{}` is a condition, expected a number", self.text),
            Some(hint),
        ))
    }

    /// The same expression, if it is a condition.
    pub(crate) fn condition(self) -> Result<Self, ExprError> {
        if self.kind == Kind::Truth {
            return Ok(self);
        }
        Err(ExprError::new(
            format!("`{}` is not a condition", self.text),
            Some("compare something: `direction < 0`, `wager == yes`".to_owned()),
        ))
    }

    /// Value, whatever it comes to; truths are 1 and 0.
    pub(crate) fn value<'a>(&self, known: impl Into<Known<'a>>) -> f64 {
        self.node.value(known.into())
    }

    /// Value of an arithmetic expression.
    pub(crate) fn number<'a>(&self, known: impl Into<Known<'a>>) -> Result<f64, ExprError> {
        let number = self.value(known);
        if number.is_finite() {
            Ok(number)
        } else {
            Err(ExprError::new(
                format!("`{}` is not a finite number", self.text),
                None,
            ))
        }
    }

    /// Truth of a condition.
    pub(crate) fn holds<'a>(&self, known: impl Into<Known<'a>>) -> bool {
        self.value(known) != 0.0
    }
}

/// A name as expressions write it.
pub(crate) fn identifier(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        let mut scope = Scope::default();
        scope.add("coherence");
        scope.add("x2");
        scope
    }

    fn value(text: &str) -> f64 {
        let expr = Expr::parse(text, &scope()).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        expr.number(&[25.6, 4.0]).unwrap()
    }

    fn error(text: &str) -> String {
        let error = Expr::parse(text, &scope())
            .and_then(Expr::numeric)
            .expect_err(text);
        let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}{hint}", error.message)
    }

    #[test]
    fn precedence_is_the_usual_one() {
        for (text, expected) in [
            ("1/2", 0.5),
            ("(1 + coherence/100)/2", 0.628),
            ("-x2^2", -16.0),
            ("2^3^2", 512.0),
            ("2**3**2", 512.0),
            ("2^-1", 0.5),
            ("-2^-2", -0.25),
            ("exp(-(x2-1)^2/2)", (-4.5_f64).exp()),
            ("10 - 4 - 3", 3.0),
            ("2 - -3", 5.0),
            ("12/4/3", 1.0),
            ("1e-3 + 2.5E2 + .5", 250.501),
            ("7 % 3", 1.0),
            ("-7 % 3", 2.0),
            ("2 * 7 % 4", 2.0),
            ("max(1, x2, 3, 2)", 4.0),
            ("min(x2, 3) + abs(-2)", 5.0),
            ("clip(7, 0, x2)", 4.0),
            ("x2 if coherence > 20 else 3/4", 4.0),
            ("1 if x2 < 3 else 2 if x2 < 5 else 3", 2.0),
            ("1 if 3 < x2 < 5 else 0", 1.0),
            ("1 if 3 < x2 < 4 else 0", 0.0),
            ("1 if not (x2 == 4 and coherence < 1) else 0", 1.0),
            ("cos(pi)", -1.0),
            ("round(2.5) + floor(-0.5)", 2.0),
        ] {
            let found = value(text);
            assert!(
                (found - expected).abs() < 1e-12,
                "{text} is {found}, expected {expected}"
            );
        }
    }

    #[test]
    fn mistakes_are_said_in_the_words_of_who_wrote_them() {
        for (text, expected) in [
            (
                "1 + coherense",
                "`coherense` is not known (did you mean `coherence`?)",
            ),
            ("gauss(3)", "`gauss` is not a function (functions: abs, sqrt,"),
            ("sqr(3)", "`sqr` is not a function (did you mean `sqrt`?)"),
            (
                "sqrt(1, 2)",
                "`sqrt` takes 1 number, found 2 (sqrt(x): square root)",
            ),
            (
                "sqrt + 1",
                "`sqrt` is not known (`sqrt` is a function: write `sqrt(…)`)",
            ),
            ("coherence = 0", "`=` does not compare (write `==`)"),
            ("1 +", "the expression ends where a number, a name or `(` belongs"),
            ("(1 + 2", "`(` is never closed"),
            ("1 + 2)", "`)` was never opened"),
            ("1 2", "`2` stands where an operator belongs"),
            ("$x", "`$` means nothing here"),
            (
                "1 if x2 > 1",
                "`if` without `else` (write `a if condition else b`)",
            ),
            ("1 if x2 else 2", "`x2` is a number where a condition belongs"),
            ("1 + (x2 > 1)", "`x2 > 1` is a condition where a number belongs"),
            ("x2 > 1", "`x2 > 1` is a condition, expected a number"),
            (
                "before(x2)",
                "`before` asks for an earlier trial, and the trials of this task stand alone",
            ),
            ("", "nothing is written here, expected an expression"),
        ] {
            let found = error(text);
            assert!(found.contains(expected), "{text}: {found}");
        }
        let place = Expr::parse("1 + coherense*2", &scope()).expect_err("unknown").at;
        assert_eq!(place, Some(4..13));
    }

    #[test]
    fn nests_as_deep_as_people_write_and_no_deeper() {
        let deep = |n: usize| format!("{}1{}", "(".repeat(n), ")".repeat(n));
        assert_eq!(value(&deep(50)), 1.0);
        assert!(error(&deep(500)).contains("nested too deeply"));
        assert!(error(&"-".repeat(1000)).contains("nested too deeply"));
        assert!(error(&"2^".repeat(900)).contains("nested too deeply"));
        assert!(error(&deep(10_000)).contains("too long"));
        assert!(error(&vec!["1"; 100_000].join("+")).contains("too long"));
    }

    #[test]
    fn comparisons_bind_tighter_than_and_and_that_tighter_than_or() {
        let holds = |text: &str, values: [f64; 2]| Expr::parse(text, &scope()).unwrap().holds(&values);
        for (coherence, x2) in [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)] {
            let values = [coherence, x2];
            let (a, b) = (coherence == 1.0, x2 == 1.0);
            assert_eq!(holds("coherence == 1 && x2 == 1", values), a && b, "{values:?}");
            assert_eq!(
                holds("coherence == 1 || x2 == 1 && x2 < coherence", values),
                a || b && x2 < coherence,
                "{values:?}"
            );
        }
    }

    #[test]
    fn functions_of_ones_own_take_arguments_and_names() {
        let mut scope = scope();
        let arguments = ["a".to_owned(), "b".to_owned()];
        scope.define("mix", &arguments, "a*coherence + b").unwrap();
        let expr = Expr::parse("mix(2, mix(0, x2)) / 2", &scope).unwrap();
        assert_eq!(expr.number(&[10.0, 4.0]).unwrap(), 12.0);
        let error = Expr::parse("mix(1)", &scope).expect_err("one argument of two");
        assert_eq!(error.message, "`mix` takes 2 numbers, found 1");
    }

    #[test]
    fn earlier_trials_are_remembered_in_a_session() {
        let mut scope = scope();
        scope.remember();
        let past = [vec![1.0, 7.0], vec![2.0, 4.0]];
        let known = |n: usize| Known {
            now: &[3.0, 4.0],
            before: &past[..n],
        };
        let two_back = Expr::parse("x2 == before(x2, 2)", &scope).unwrap();
        assert!(two_back.holds(known(2)) && !two_back.holds(known(1)));
        let first = Expr::parse("before(x2, 1, 9)", &scope).unwrap();
        assert_eq!(first.number(known(0)).unwrap(), 9.0);
        assert_eq!(first.number(known(1)).unwrap(), 7.0);
    }
}
