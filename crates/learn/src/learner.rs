//! One loop for any learner: check, keep what is best, close a stage or begin anew, update.
//!
//! A learner holds everything that changes while it learns, its progress included: what it gives as arrays and says of its
//! progress is a checkpoint, and a learner that is restored from one goes on as if it had never stopped.

use neuropil_math::arrays::Arrays;

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    GoOn,
    /// The stage is over (a lesson, a task of a sequence): it is closed, and the next one begins.
    NextStage,
    /// All that was to be learnt is.
    Learnt,
    /// All updates were made.
    OutOfUpdates,
}

/// What to do after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop now; the state can be saved and resumed.
    Stop,
}

/// How learning ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The criterion, or the target reward, was reached; or the last stage closed.
    Learnt,
    /// All updates were made.
    OutOfUpdates,
    /// The observer stopped it.
    Stopped,
    /// More than [`MOST_DISCARDED`] gradients in a row were not finite.
    Diverged,
}

/// Gradients in a row that may be discarded before learning is given up.
pub const MOST_DISCARDED: u64 = 50;

/// What happens on the way.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a, Report, Reason> {
    /// A check was made (and a stage closed, if it says so); the state is worth saving.
    Checked(Verdict),
    /// A stage is over.
    StageOver,
    /// An update was made.
    Updated(&'a Report),
    /// The learner was given up and begins anew.
    Restarted(Reason),
    /// This many gradients in a row were not finite.
    Discarded(u64),
}

/// Arrays that do not fit a learner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no array `{name}` of shape {shape:?}, expected one by the run's settings")]
pub struct Mismatch {
    /// Name of the array.
    pub name: String,
    /// Shape that it should have.
    pub shape: Vec<usize>,
}

/// Whatever learns.
pub trait Learner {
    /// What an update says.
    type Report;
    /// Why it is given up.
    type Reason: Copy;
    /// What can go wrong.
    type Error;

    /// Is a check due before the next update?
    fn check_is_due(&self) -> bool;
    /// Checks, remembers what is best, and says how to go on.
    fn check(&mut self) -> Verdict;
    /// Closes the stage that a check found to be over, and opens the next one.
    ///
    /// # Errors
    /// Whatever the stage needs that can fail.
    fn close_stage(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
    /// Why it should begin anew, if it should.
    fn given_up(&self) -> Option<Self::Reason> {
        None
    }
    /// Begins anew, from the next draw.
    ///
    /// # Errors
    /// Nothing can be drawn.
    fn begin_anew(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
    /// One update.
    fn update(&mut self) -> Self::Report;
    /// Gradients in a row that were discarded.
    fn discarded(&self) -> u64 {
        0
    }
    /// Everything that moves, by name.
    fn arrays(&self) -> Arrays;
    /// Takes back what [`Learner::arrays`] gave.
    ///
    /// # Errors
    /// An array is missing or of another size; the learner is then of no use any more.
    fn restore(&mut self, arrays: &Arrays) -> Result<(), Mismatch>;
}

/// Lets a learner learn until it is done or `observe` says stop; runs on the current thread pool.
///
/// # Errors
/// Whatever the learner or `observe` fails with.
pub fn learn<L: Learner>(
    learner: &mut L,
    observe: &mut dyn FnMut(&L, Event<'_, L::Report, L::Reason>) -> Result<Flow, L::Error>,
) -> Result<Ending, L::Error> {
    loop {
        if learner.check_is_due() {
            let verdict = learner.check();
            if verdict == Verdict::NextStage {
                learner.close_stage()?;
            }
            let flow = observe(learner, Event::Checked(verdict))?;
            match verdict {
                Verdict::NextStage => {
                    if observe(learner, Event::StageOver)? == Flow::Stop || flow == Flow::Stop {
                        return Ok(Ending::Stopped);
                    }
                    continue; // the next stage may be none
                }
                Verdict::Learnt => return Ok(Ending::Learnt),
                Verdict::OutOfUpdates => return Ok(Ending::OutOfUpdates),
                Verdict::GoOn => {}
            }
            if flow == Flow::Stop {
                return Ok(Ending::Stopped);
            }
        }
        if let Some(reason) = learner.given_up() {
            learner.begin_anew()?;
            if observe(learner, Event::Restarted(reason))? == Flow::Stop {
                return Ok(Ending::Stopped);
            }
        }
        let report = learner.update();
        if learner.discarded() > 0 {
            observe(learner, Event::Discarded(learner.discarded()))?;
            if learner.discarded() > MOST_DISCARDED {
                return Ok(Ending::Diverged);
            }
        }
        if observe(learner, Event::Updated(&report))? == Flow::Stop {
            return Ok(Ending::Stopped);
        }
    }
}

/// An array of single-precision numbers out of a checkpoint.
///
/// # Errors
/// It is missing or of another size.
pub fn singles(arrays: &Arrays, name: &str, expected: usize) -> Result<Vec<f32>, Mismatch> {
    let found = arrays.get(name).and_then(|(_, values)| values.singles());
    found
        .filter(|values| values.len() == expected)
        .ok_or_else(|| Mismatch {
            name: name.to_owned(),
            shape: vec![expected],
        })
}
