//! The words of an expression.

use super::{Binary, ExprError};
use std::ops::Range;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Name(String),
    Operator(Binary),
    Not,
    If,
    Else,
    Open,
    Close,
    Comma,
}

/// A word and its place.
pub(super) type Placed = (Token, Range<usize>);

/// Operators as they are written, longer ones before those that they begin with.
const OPERATORS: [(&str, Token); 20] = [
    ("**", Token::Operator(Binary::Power)),
    ("&&", Token::Operator(Binary::And)),
    ("||", Token::Operator(Binary::Or)),
    ("==", Token::Operator(Binary::Equal)),
    ("!=", Token::Operator(Binary::Unequal)),
    ("<=", Token::Operator(Binary::LessOrEqual)),
    (">=", Token::Operator(Binary::GreaterOrEqual)),
    ("<", Token::Operator(Binary::Less)),
    (">", Token::Operator(Binary::Greater)),
    ("+", Token::Operator(Binary::Add)),
    ("-", Token::Operator(Binary::Subtract)),
    ("−", Token::Operator(Binary::Subtract)),
    ("*", Token::Operator(Binary::Multiply)),
    ("/", Token::Operator(Binary::Divide)),
    ("%", Token::Operator(Binary::Remainder)),
    ("^", Token::Operator(Binary::Power)),
    ("!", Token::Not),
    ("(", Token::Open),
    (")", Token::Close),
    (",", Token::Comma),
];

/// All words of a text, in order.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, ExprError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let digit = |c: char| c.is_ascii_digit();
        let (token, length) = if digit(first) || (first == '.' && rest[1..].starts_with(digit)) {
            number(rest, at)?
        } else if first.is_alphabetic() || first == '_' {
            let length = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            (word(&rest[..length]), length)
        } else if let Some((text, token)) = OPERATORS.iter().find(|(text, _)| rest.starts_with(text)) {
            (token.clone(), text.len())
        } else {
            let hint = match first {
                '=' => Some("write `==`"),
                '&' => Some("write `&&` or `and`"),
                '|' => Some("write `||` or `or`"),
                '?' | ':' => Some("write `a if condition else b`"),
                '"' | '\'' => Some("labels are words without quotes: `context == motion`"),
                _ => None,
            };
            let message = match first {
                '=' => "`=` does not compare".to_owned(),
                _ => format!("`{first}` means nothing here"),
            };
            return Err(ExprError {
                message,
                hint: hint.map(str::to_owned),
                at: Some(at..at + first.len_utf8()),
            });
        };
        found.push((token, at..at + length));
        at += length;
    }
    Ok(found)
}

fn word(text: &str) -> Token {
    match text {
        "and" => Token::Operator(Binary::And),
        "or" => Token::Operator(Binary::Or),
        "not" => Token::Not,
        "if" => Token::If,
        "else" => Token::Else,
        name => Token::Name(name.to_owned()),
    }
}

/// A number at the beginning of `rest`: digits, a fraction, a power of ten.
fn number(rest: &str, at: usize) -> Result<(Token, usize), ExprError> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if digits(signed) > signed {
            end = digits(signed);
        }
    }
    let longer = rest[end..]
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
        .unwrap_or(rest.len() - end);
    let wrong = |hint: Option<String>| ExprError {
        message: format!("`{}` is not a number", &rest[..end + longer]),
        hint,
        at: Some(at..at + end + longer),
    };
    if longer > 0 {
        let digit_first = "names start with a letter; a product is written with `*`".to_owned();
        return Err(wrong(Some(digit_first)));
    }
    match rest[..end].parse::<f64>() {
        Ok(x) if x.is_finite() => Ok((Token::Number(x), end)),
        _ => Err(wrong(None)),
    }
}
