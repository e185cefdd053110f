//! What a sequence of tasks shows: one file for each analysis, one line in `ALL`.

pub mod accuracy;
pub mod connections;
pub mod flexibility;
pub mod learning;
pub mod overlap;
pub mod perturbation;
pub mod weights;

use crate::error::GatingError;
use crate::sequence::Sequence;
use neuropil_lab::error::Problem;
use neuropil_study::{Answer, Origin};

/// An analysis: name, what it shows, and how it is made.
pub(crate) struct Analysis {
    pub name: &'static str,
    pub title: &'static str,
    pub make: fn(&mut dyn Sequence, &Origin) -> Result<Answer, GatingError>,
}

/// All analyses, in the order of the page.
pub(crate) const ALL: [Analysis; 7] = [
    Analysis {
        name: "accuracy",
        title: "Accuracy on all tasks after each task",
        make: |sequence, origin| Ok(Answer::of(&accuracy::accuracy(&sequence.record())?, origin)),
    },
    Analysis {
        name: "learning",
        title: "How each task was learnt",
        make: |sequence, origin| {
            let found = learning::learning(&sequence.record());
            let found = found.ok_or_else(|| {
                let message = "the run was made by a version that kept no courses of learning";
                Problem::new(message, "train it anew")
            })?;
            Ok(Answer::of(&found, origin))
        },
    },
    Analysis {
        name: "overlap",
        title: "Units that tasks share",
        make: |sequence, origin| {
            several(sequence)?;
            Ok(Answer::of(&overlap::overlap(sequence.record().gates), origin))
        },
    },
    Analysis {
        name: "importance",
        title: "Importance of weights, layer by layer",
        make: |sequence, origin| {
            held_back(sequence)?;
            Ok(Answer::of(&weights::weights(&sequence.record()), origin))
        },
    },
    Analysis {
        name: "flexibility",
        title: "Distance that weights moved and accuracy on the task just learnt",
        make: |sequence, origin| {
            several(sequence)?;
            Ok(Answer::of(&flexibility::flexibility(&sequence.record()), origin))
        },
    },
    Analysis {
        name: "connections",
        title: "Importance by the gates of both ends of a weight",
        make: |sequence, origin| {
            let found = connections::connections(&sequence.record());
            let found = found.ok_or_else(|| {
                let message = "the network has no weights between hidden units";
                Problem::new(message, "two hidden layers at least, or a recurrent network")
            })?;
            Ok(Answer::of(&found, origin))
        },
    },
    Analysis {
        name: "perturbation",
        title: "What it costs to change weights of little and of great importance",
        make: |sequence, origin| {
            held_back(sequence)?;
            Ok(Answer::of(
                &perturbation::perturbation(sequence, origin.seed),
                origin,
            ))
        },
    },
];

/// Tasks are compared with one another.
fn several(sequence: &dyn Sequence) -> Result<(), Problem> {
    if sequence.place().tasks < 2 {
        return Err(Problem::new(
            "it compares tasks, and there is one",
            "give the sequence more",
        ));
    }
    Ok(())
}

/// A number that may be far below 1, or 0.
fn small(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else {
        format!("{value:.3e}")
    }
}

/// A front end has no weights that are held back, and nothing to say of them.
fn held_back(sequence: &dyn Sequence) -> Result<(), Problem> {
    if sequence.record().tensors.is_empty() {
        let message = "no weight is held back: one network learns everything at once";
        return Err(Problem::new(message, "a sequence of tasks has this analysis"));
    }
    Ok(())
}
