//! Sessions of many choices: in every round the animal fixates for a step, then chooses at the go signal.
//!
//! ```text
//! fixation   FIXATION is on; the last choice and its reward are shown; choosing now aborts the round: −1
//! go         GO is on; a choice pays 0 or 1; not to choose lets the round pass: 0
//! ```
//!
//! Rewards are divided by the number of rounds: a session in which every round is rewarded earns 1, one in which every
//! round is aborted −1.

use super::{Answer, Tally, World};
use crate::round::Round;
use rand_chacha::ChaCha8Rng;

/// Reward of choosing too early.
pub(super) const ABORT: f64 = -1.0;

/// What the options pay, round by round.
pub(super) trait Game: Send {
    /// Begins a session.
    fn begin(&mut self, stream: &mut ChaCha8Rng);
    /// Reward (0 or 1) of choosing an option; `None`: the round was aborted or let pass. The next round begins.
    fn choose(&mut self, option: Option<usize>, stream: &mut ChaCha8Rng) -> f64;
    /// Adds the game's own measures.
    fn measure(&self, measures: &mut [Tally]);
}

/// Names of what is seen.
pub(super) fn inputs(options: &[&str]) -> Vec<String> {
    let last = options.iter().map(|option| format!("LAST-{option}"));
    let first = ["FIXATION".to_owned(), "GO".to_owned()].into_iter();
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
    /// Rounds that are over.
    played: Vec<Round>,
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
            played: Vec::new(),
        }
    }
}

impl<G: Game> World for Session<G> {
    fn reset(&mut self, stream: &mut ChaCha8Rng) {
        self.game.begin(stream);
        (self.done, self.go, self.last) = (0, false, None);
        (self.answered, self.rewarded) = (0.0, 0.0);
        self.played.clear();
    }

    fn observe(&self, inputs: &mut [f64]) {
        inputs.fill(0.0);
        inputs[usize::from(self.go)] = 1.0;
        if let (false, Some((option, reward))) = (self.go, self.last) {
            inputs[2 + option] = 1.0;
            inputs[2 + self.n_options] = reward;
        }
    }

    fn act(&mut self, action: usize, stream: &mut ChaCha8Rng) -> Answer {
        let choice = action.checked_sub(1);
        if !self.go && choice.is_none() {
            self.go = true;
            return Answer {
                reward: 0.0,
                ended: false,
            };
        }
        // Too early, at the go signal, or not at all: the round is over.
        let early = !self.go;
        let counted = choice.filter(|_| !early);
        let won = self.game.choose(counted, stream);
        self.last = counted.map(|option| (option, won));
        self.answered += f64::from(u8::from(counted.is_some()));
        self.rewarded += won;
        self.done += 1;
        self.go = false;
        let reward = if early { ABORT } else { won } / self.rounds as f64;
        let (n_steps, answer) = if early {
            (1, None)
        } else {
            (2, choice.map(|_| (1, action)))
        };
        self.played
            .push(Round::of_world(self.done, n_steps, answer, reward));
        Answer {
            reward,
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

    fn rounds(&self) -> &[Round] {
        &self.played
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
    fn fixate_then_choose_is_paid_and_shown_and_an_early_choice_aborts_the_round() {
        let mut stream = Key::new(1).stream(Purpose::Test, 0);
        let mut session = Session::new(Second, 4, 2);
        session.reset(&mut stream);
        let mut seen = [0.0; 5];
        session.observe(&mut seen);
        assert_eq!(seen, [1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(session.act(0, &mut stream).reward, 0.0);
        session.observe(&mut seen);
        assert_eq!(seen, [0.0, 1.0, 0.0, 0.0, 0.0]);
        let answer = |reward: f64, ended: bool| Answer { reward, ended };
        assert_eq!(session.act(2, &mut stream), answer(0.25, false));
        session.observe(&mut seen);
        assert_eq!(seen, [1.0, 0.0, 0.0, 1.0, 1.0]);
        session.act(0, &mut stream);
        assert_eq!(
            session.act(0, &mut stream),
            answer(0.0, false),
            "a round is let pass"
        );
        session.observe(&mut seen);
        assert_eq!(seen, [1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(
            session.act(1, &mut stream),
            answer(-0.25, false),
            "a round is aborted"
        );
        session.act(0, &mut stream);
        assert_eq!(session.act(1, &mut stream), answer(0.0, true), "the last round");
        let mut measures = [Tally::default(); 2];
        session.measure(&mut measures);
        assert_eq!(measures.map(Tally::mean), [0.5, 0.5]);
        let answers: Vec<usize> = session.rounds().iter().map(|round| round.answers.len()).collect();
        assert_eq!(answers, [1, 0, 0, 1]);
        assert_eq!(
            session.rounds().iter().map(|round| round.n_steps).sum::<usize>(),
            7
        );
    }
}
