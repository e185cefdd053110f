//! What a criterion speaks of, and its bounds.

use crate::expr::Expr;

/// Where a quantity of the criterion comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Trials for which `of` holds, as a fraction of those for which `over` does.
    Ends {
        of: Box<Expr>,
        over: Option<Box<Expr>>,
        /// They depend on more than condition and kind of ending.
        anew: bool,
    },
    /// Mean reward of a trial.
    Reward,
    /// Mean of what the world measures by this name.
    World,
}

/// A quantity that the criterion speaks of: a fraction of trials, or a measure of a world.
#[derive(Clone, Debug)]
pub struct Quantity {
    /// Name.
    pub name: String,
    pub(crate) source: Source,
    /// Must be this or more.
    pub at_least: Option<f64>,
    /// Must be more than this.
    pub above: Option<f64>,
    /// Must be this or less.
    pub at_most: Option<f64>,
}

impl Quantity {
    /// Is a value within the bounds?
    pub fn holds(&self, value: f64) -> bool {
        self.at_least.is_none_or(|bound| value >= bound)
            && self.above.is_none_or(|bound| value > bound)
            && self.at_most.is_none_or(|bound| value <= bound)
    }

    /// Is it one that the task itself defines, and not one that every task has?
    pub fn is_own(&self) -> bool {
        self.is_fraction() && !["decided", "correct"].contains(&self.name.as_str())
    }

    /// Is it a fraction of trials (and not a measure of a world)?
    pub fn is_fraction(&self) -> bool {
        matches!(self.source, Source::Ends { .. })
    }
}
