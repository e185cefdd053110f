//! Functions and constants that every expression knows.

/// How a function is applied.
#[derive(Clone, Copy, Debug)]
pub(super) enum Apply {
    One(fn(f64) -> f64),
    Two(fn(f64, f64) -> f64),
    Three(fn(f64, f64, f64) -> f64),
    /// Any number of arguments, from the left.
    Fold(fn(f64, f64) -> f64),
}

/// A function that every expression knows.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Name.
    pub name: &'static str,
    /// How it is called.
    pub form: &'static str,
    /// What it comes to.
    pub meaning: &'static str,
    pub(super) apply: Apply,
}

const fn one(name: &'static str, form: &'static str, meaning: &'static str, f: fn(f64) -> f64) -> Function {
    Function {
        name,
        form,
        meaning,
        apply: Apply::One(f),
    }
}

/// Every function, in the order in which they are listed.
pub const FUNCTIONS: &[Function] = &[
    one("abs", "abs(x)", "x without its sign", f64::abs),
    one("sqrt", "sqrt(x)", "square root", f64::sqrt),
    one("cbrt", "cbrt(x)", "cube root", f64::cbrt),
    one("exp", "exp(x)", "e to the power of x", f64::exp),
    one("ln", "ln(x)", "natural logarithm", f64::ln),
    one("log", "log(x)", "natural logarithm", f64::ln),
    one("log2", "log2(x)", "logarithm to base 2", f64::log2),
    one("log10", "log10(x)", "logarithm to base 10", f64::log10),
    one("sin", "sin(x)", "sine of x radians", f64::sin),
    one("cos", "cos(x)", "cosine of x radians", f64::cos),
    one("tan", "tan(x)", "tangent of x radians", f64::tan),
    one("asin", "asin(x)", "angle in radians whose sine is x", f64::asin),
    one("acos", "acos(x)", "angle in radians whose cosine is x", f64::acos),
    one(
        "atan",
        "atan(x)",
        "angle in radians whose tangent is x",
        f64::atan,
    ),
    Function {
        name: "atan2",
        form: "atan2(y, x)",
        meaning: "angle in radians of the point (x, y)",
        apply: Apply::Two(f64::atan2),
    },
    one("sinh", "sinh(x)", "hyperbolic sine", f64::sinh),
    one("cosh", "cosh(x)", "hyperbolic cosine", f64::cosh),
    one("tanh", "tanh(x)", "hyperbolic tangent", f64::tanh),
    one(
        "floor",
        "floor(x)",
        "largest whole number not above x",
        f64::floor,
    ),
    one("ceil", "ceil(x)", "smallest whole number not below x", f64::ceil),
    one(
        "round",
        "round(x)",
        "nearest whole number, halves away from 0",
        f64::round,
    ),
    one("trunc", "trunc(x)", "x without its fraction", f64::trunc),
    one("fract", "fract(x)", "fraction of x", f64::fract),
    one("sign", "sign(x)", "-1, 0 or 1", sign),
    one("signum", "signum(x)", "-1, 0 or 1", sign),
    one("rad", "rad(x)", "x degrees in radians", f64::to_radians),
    one("deg", "deg(x)", "x radians in degrees", f64::to_degrees),
    Function {
        name: "min",
        form: "min(x, y, …)",
        meaning: "smallest",
        apply: Apply::Fold(f64::min),
    },
    Function {
        name: "max",
        form: "max(x, y, …)",
        meaning: "largest",
        apply: Apply::Fold(f64::max),
    },
    Function {
        name: "clip",
        form: "clip(x, low, high)",
        meaning: "x, but not below low and not above high",
        apply: Apply::Three(|x, low, high| x.max(low).min(high)),
    },
];

/// Name, value and meaning of every constant.
pub const CONSTANTS: &[(&str, f64, &str)] = &[
    ("pi", std::f64::consts::PI, "3.14159…, half a turn in radians"),
    ("PI", std::f64::consts::PI, "the same"),
    ("π", std::f64::consts::PI, "the same"),
    ("E", std::f64::consts::E, "2.71828…"),
    ("e", std::f64::consts::E, "the same"),
];

fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}
