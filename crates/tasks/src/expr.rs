//! Expressions over a trial's factors: `(1 + coherence/100)/2 if direction < 0 else 0.5`.
//!
//! Arithmetic, `sqrt min max abs exp …`, comparisons, `&&`, `||` and `a if condition else b`. Every number is real:
//! `1/2` is 0.5; comparisons bind tighter than `&&`, that tighter than `||`.

use exmex::{BinOp, Express, FlatEx, MakeOperators, Operator, Val, ValMatcher, ValOpsFactory};

/// Names that an expression may use, in the order of the values it is evaluated on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    names: Vec<String>,
}

impl Scope {
    pub(crate) fn add(&mut self, name: &str) {
        self.names.push(name.to_owned());
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

/// The operators of the expression crate, its `&&` and `||` moved below the comparisons: as they come,
/// `a == 1 && b == 1` means `a == (1 && b) == 1`.
#[derive(Clone, Debug, Default)]
struct Operators;

impl MakeOperators<Val<i32, f64>> for Operators {
    fn make<'a>() -> Vec<Operator<'a, Val<i32, f64>>> {
        const STEP: i64 = 10; // makes room between the crate's priorities
        let (or, and) = (STEP / 2, STEP / 2 + 1); // above `if` and `else` at 0, below comparisons at 1
        let moved = |operator: Operator<'a, Val<i32, f64>>| {
            let Ok(bin) = operator.bin() else {
                return operator;
            };
            let prio = match operator.repr() {
                "||" => or,
                "&&" => and,
                _ => STEP * bin.prio,
            };
            let bin = BinOp { prio, ..bin };
            match operator.unary() {
                Ok(unary) => Operator::make_bin_unary(operator.repr(), bin, unary),
                Err(_) => Operator::make_bin(operator.repr(), bin),
            }
        };
        ValOpsFactory::<i32, f64>::make().into_iter().map(moved).collect()
    }
}

type Tree = FlatEx<Val<i32, f64>, Operators, ValMatcher>;

/// A parsed expression, its variables resolved to positions in the scope.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    text: String,
    tree: Tree,
    variables: Vec<usize>,
}

/// Why an expression cannot be used: what, and a hint.
pub(crate) type ExprError = (String, Option<String>);

impl Expr {
    pub(crate) fn parse(text: &str, scope: &Scope) -> Result<Self, ExprError> {
        let tree = <Tree as Express<Val<i32, f64>>>::parse(&real_literals(text)).map_err(|error| {
            let reason = error.to_string();
            let reason = reason
                .split(['\n', '{', ','])
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned();
            (format!("`{text}` is not an expression: {reason}"), None)
        })?;
        let mut variables = Vec::new();
        for name in tree.var_names() {
            let position = scope.position(name).ok_or_else(|| {
                let known = neuropil_lab::error::nearest(name, scope.names().iter().map(String::as_str));
                let hint = known.map_or_else(
                    || format!("known names: {}", scope.names().join(", ")),
                    |name| format!("did you mean `{name}`?"),
                );
                (format!("`{text}` uses the unknown name `{name}`"), Some(hint))
            })?;
            variables.push(position);
        }
        Ok(Self {
            text: text.to_owned(),
            tree,
            variables,
        })
    }

    fn eval(&self, values: &[f64]) -> Result<Val<i32, f64>, ExprError> {
        let given: Vec<Val<i32, f64>> = self.variables.iter().map(|&i| Val::Float(values[i])).collect();
        self.tree
            .eval(&given)
            .map_err(|error| (format!("`{}` cannot be evaluated: {error}", self.text), None))
    }

    /// Value of an arithmetic expression.
    pub(crate) fn number(&self, values: &[f64]) -> Result<f64, ExprError> {
        let number = match self.eval(values)? {
            Val::Float(x) => x,
            Val::Int(x) => f64::from(x),
            Val::Bool(_) => return Err((format!("`{}` is a condition, expected a number", self.text), None)),
            _ => f64::NAN,
        };
        if number.is_finite() {
            Ok(number)
        } else {
            Err((format!("`{}` is not a finite number", self.text), None))
        }
    }

    /// Truth of a condition.
    pub(crate) fn truth(&self, values: &[f64]) -> Result<bool, ExprError> {
        match self.eval(values)? {
            Val::Bool(x) => Ok(x),
            _ => Err((
                format!("`{}` is not a condition", self.text),
                Some("compare something: `direction < 0`, `wager == yes`".to_owned()),
            )),
        }
    }
}

/// Writes whole numbers as reals, so that no division truncates.
fn real_literals(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut i = 0;
    while i < characters.len() {
        let start = i;
        let joined = i > 0 && (characters[i - 1].is_alphanumeric() || matches!(characters[i - 1], '_' | '.'));
        if characters[i].is_ascii_digit() && !joined {
            while i < characters.len() && characters[i].is_ascii_digit() {
                i += 1;
            }
            out.extend(&characters[start..i]);
            if !characters
                .get(i)
                .is_some_and(|&c| c == '.' || c == 'e' || c == '_' || c.is_alphanumeric())
            {
                out.push_str(".0");
            }
        } else {
            out.push(characters[i]);
            i += 1;
        }
    }
    out
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

    #[test]
    fn whole_numbers_divide_as_reals() {
        let value = |text: &str| Expr::parse(text, &scope()).unwrap().number(&[25.6, 4.0]).unwrap();
        assert_eq!(value("1/2"), 0.5);
        assert_eq!(value("(1 + coherence/100)/2"), 0.628);
        assert_eq!(value("x2 if coherence > 20 else 3/4"), 4.0);
    }

    #[test]
    fn unknown_names_come_with_the_nearest_known_one() {
        let (message, hint) = Expr::parse("1 + coherense", &scope()).unwrap_err();
        assert_eq!(message, "`1 + coherense` uses the unknown name `coherense`");
        assert_eq!(hint.as_deref(), Some("did you mean `coherence`?"));
    }

    #[test]
    fn comparisons_bind_tighter_than_and_and_that_tighter_than_or() {
        let truth =
            |text: &str, values: [f64; 2]| Expr::parse(text, &scope()).unwrap().truth(&values).unwrap();
        for (coherence, x2) in [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)] {
            let values = [coherence, x2];
            let (a, b) = (coherence == 1.0, x2 == 1.0);
            assert_eq!(truth("coherence == 1 && x2 == 1", values), a && b, "{values:?}");
            assert_eq!(
                truth("coherence == 1 || x2 == 1 && x2 < coherence", values),
                a || b && x2 < coherence,
                "{values:?}"
            );
        }
        let chosen = Expr::parse("1 if coherence > 0 && x2 > 0 else -2 - 1", &scope()).unwrap();
        assert_eq!(chosen.number(&[1.0, 1.0]).unwrap(), 1.0);
        assert_eq!(chosen.number(&[1.0, 0.0]).unwrap(), -3.0);
    }

    #[test]
    fn conditions_and_numbers_are_not_mixed_up() {
        assert!(
            Expr::parse("x2 + 1", &scope())
                .unwrap()
                .truth(&[0.0, 0.0])
                .is_err()
        );
        assert!(
            Expr::parse("x2 > 1", &scope())
                .unwrap()
                .number(&[0.0, 0.0])
                .is_err()
        );
        assert!(
            Expr::parse("1/x2", &scope())
                .unwrap()
                .number(&[0.0, 0.0])
                .is_err()
        );
    }
}
