//! What a trained course shows: one file for each analysis, one line in `ALL`.

pub mod accuracy;
pub mod flexibility;
pub mod overlap;
pub mod weights;

use crate::course::Course;
use crate::error::GatingError;
use neuropil_study::{Answer, Origin};

/// An analysis: name, what it shows, and how it is made.
pub(crate) struct Analysis {
    pub name: &'static str,
    pub title: &'static str,
    pub make: fn(&Course, &Origin) -> Result<Answer, GatingError>,
}

/// All analyses, in the order of the page.
pub(crate) const ALL: [Analysis; 4] = [
    Analysis {
        name: "accuracy",
        title: "Accuracy on all tasks after each task",
        make: |course, origin| Ok(Answer::of(&accuracy::accuracy(course)?, origin)),
    },
    Analysis {
        name: "overlap",
        title: "Units that tasks share",
        make: |course, origin| Ok(Answer::of(&overlap::overlap(course.gates()), origin)),
    },
    Analysis {
        name: "importance",
        title: "Importance of weights, layer by layer",
        make: |course, origin| Ok(Answer::of(&weights::weights(course), origin)),
    },
    Analysis {
        name: "flexibility",
        title: "Distance that weights moved and accuracy on the task just learnt",
        make: |course, origin| Ok(Answer::of(&flexibility::flexibility(course), origin)),
    },
];
