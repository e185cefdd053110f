//! Sessions of many choices: in every round the animal fixates for a step, then chooses at the go signal.
//!
//! ```text
//! fixation   FIXATION is on; the last choice and its reward are shown; choosing now aborts the session with −1
//! go         everything is off; choosing pays up to 1/rounds, not choosing loses the round
//! ```
//!
//! So a session in which every round is rewarded earns 1.

use super::{Answer, Tally, World};
use rand_chacha::ChaCha8Rng;

/// Reward of choosing too early.
const ABORT: f64 = -1.0;

/// What the options pay, round by round.
pub(super) trait Game: Send {
    /// Begins a session.
    fn begin(&mut self, stream: &mut ChaCha8Rng);
    /// Reward (0 or 1) of choosing an option; `None`: the round was let pass. The next round begins.
    fn choose(&mut self, option: Option<usize>, stream: &mut ChaCha8Rng) -> f64;
    /// Adds the game's own measures.
    fn measure(&self, measures: &mut [Tally]);
}

/// Names of what is seen.
pub(super) fn inputs(options: &[&str]) -> Vec<String> {
    let last = options.iter().map(|option| format!("LAST-{option}"));
    let first = ["FIXATION".to_owned()].into_iter();
    first.chain(last).chain(["REWARD".to_owned()]).collect()
}

/// Names of the actions.
pub(super) fn actions(options: &[&str]) -> Vec<String> {
    let choices = options.iter().map(|option| format!("CHOOSE-{option}"));
    ["FIXATE".to_owned()].into_iter().chain(choices).collect()
}

/// A session of a game. Its first two measures are `answered`, the fraction of all rounds in which a choice was
/// made, and `rewarded`, the fraction of these that paid.
pub(super) struct Session<G> {
    game: G,
    rounds: usize,
    n_options: usize,
    done: usize,
    go: bool,
    last: Option<(usize, f64)>,
    answered: f64,
    rewarded: f64,
}

impl<G: Game> Session<G> {
    /// `rounds` rounds of a game of `n_options` options.
    pub(super) fn new(game: G, rounds: usize, n_options: usize) -> Self {
        Self {
            game,
            rounds,
            n_options,
            done: 0,
            go: false,
            last: None,
            answered: 0.0,
            rewarded: 0.0,
        }
    }
}

impl<G: Game> World for Session<G> {
    fn reset(&mut self, stream: &mut ChaCha8Rng) {
        self.game.begin(stream);
        (self.done, self.go, self.last) = (0, false, None);
        (self.answered, self.rewarded) = (0.0, 0.0);
    }

    fn observe(&self, inputs: &mut [f64]) {
        inputs.fill(0.0);
        if self.go {
            return;
        }
        inputs[0] = 1.0;
        if let Some((option, reward)) = self.last {
            inputs[1 + option] = 1.0;
            inputs[1 + self.n_options] = reward;
        }
    }

    fn act(&mut self, action: usize, stream: &mut ChaCha8Rng) -> Answer {
        let choice = action.checked_sub(1);
        if !self.go {
            self.go = true;
            let early = choice.is_some();
            return Answer {
                reward: if early { ABORT } else { 0.0 },
                ended: early,
            };
        }
        let reward = self.game.choose(choice, stream);
        self.last = choice.map(|option| (option, reward));
        self.answered += f64::from(u8::from(choice.is_some()));
        self.rewarded += reward;
        self.done += 1;
        self.go = false;
        Answer {
            reward: reward / self.rounds as f64,
            ended: self.done == self.rounds,
        }
    }

    fn measure(&self, measures: &mut [Tally]) {
        measures[0] += Tally {
            sum: self.answered,
            weight: self.rounds as f64,
        };
        measures[1] += Tally {
            sum: self.rewarded,
            weight: self.answered,
        };
        self.game.measure(&mut measures[2..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};

    /// Pays for option 1 alone.
    struct Second;

    impl Game for Second {
        fn begin(&mut self, _: &mut ChaCha8Rng) {}
        fn choose(&mut self, option: Option<usize>, _: &mut ChaCha8Rng) -> f64 {
            f64::from(u8::from(option == Some(1)))
        }
        fn measure(&self, _: &mut [Tally]) {}
    }

    #[test]
    fn fixate_then_choose_is_paid_and_shown_and_an_early_choice_aborts() {
        let mut stream = Key::new(1).stream(Purpose::Test, 0);
        let mut session = Session::new(Second, 4, 2);
        session.reset(&mut stream);
        let mut seen = [0.0; 4];
        session.observe(&mut seen);
        assert_eq!(seen, [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(session.act(0, &mut stream).reward, 0.0);
        session.observe(&mut seen);
        assert_eq!(seen, [0.0; 4]);
        assert_eq!(
            session.act(2, &mut stream),
            Answer {
                reward: 0.25,
                ended: false
            }
        );
        session.observe(&mut seen);
        assert_eq!(seen, [1.0, 0.0, 1.0, 1.0]);
        session.act(0, &mut stream);
        session.act(0, &mut stream); // the round is let pass
        session.observe(&mut seen);
        assert_eq!(seen, [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(
            session.act(1, &mut stream),
            Answer {
                reward: -1.0,
                ended: true
            }
        );
        let mut measures = [Tally::default(); 2];
        session.measure(&mut measures);
        assert_eq!(measures.map(Tally::mean), [0.25, 1.0]);
    }
}
