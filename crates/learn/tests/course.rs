//! Courses: stages close, early or at their end; resumed anywhere they end the same.

use neuropil_learn::course::{Course, Early, Measures, Plan, Progress, Student};
use neuropil_learn::learner::{Ending, Event, Flow, Learner, Mismatch, Verdict, learn, singles};
use neuropil_math::arrays::Arrays;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use std::convert::Infallible;

/// Knows a number a stage; an update moves it, closing freezes what it was.
#[derive(Clone, Debug, PartialEq)]
struct Counter {
    moving: f32,
    closed: Vec<f32>,
}

impl Student for Counter {
    type Report = f64;
    type Error = Infallible;

    fn update(&mut self, stage: usize, key: Key) -> f64 {
        let draw: f32 = key.stream(Purpose::Test, 0).random();
        self.moving += draw;
        // Stage 1 is easy from its sixth update on.
        if stage == 1 && key == Key::new(9).part(1).at(7) {
            5.0
        } else {
            0.0
        }
    }

    fn success(report: &f64) -> f64 {
        *report
    }

    fn close(&mut self, stage: usize, _: Key) -> Result<(), Infallible> {
        self.closed[stage] = self.moving;
        self.moving = 0.0;
        Ok(())
    }

    fn test(&self, stage: usize, _: Key) -> Measures {
        Measures::from([("number".to_owned(), f64::from(self.closed[stage]))])
    }

    fn arrays(&self) -> Arrays {
        Arrays::from([
            ("moving".to_owned(), (vec![1], vec![self.moving].into())),
            ("closed".to_owned(), (vec![3], self.closed.clone().into())),
        ])
    }

    fn restore(&mut self, arrays: &Arrays) -> Result<(), Mismatch> {
        self.moving = singles(arrays, "moving", 1)?[0];
        self.closed = singles(arrays, "closed", 3)?;
        Ok(())
    }
}

fn course() -> Course<Counter> {
    Course {
        plan: Plan {
            n_stages: 3,
            updates_per_stage: 20,
            check_every: 6,
            window: 2,
            early: vec![Early { after: 5, above: 2.0 }],
        },
        key: Key::new(9),
        student: Counter {
            moving: 0.0,
            closed: vec![0.0; 3],
        },
        progress: Progress::default(),
    }
}

type Moment = (Arrays, Progress);

/// Learns until `stop` checks have been made, keeping every moment that is worth saving.
fn run(course: &mut Course<Counter>, stop: usize) -> (Ending, Vec<Moment>) {
    let mut kept = Vec::new();
    let ending = learn(course, &mut |course, event| {
        if let Event::Checked(_) = event {
            kept.push((course.arrays(), course.progress.clone()));
            if kept.len() == stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    });
    let Ok(ending) = ending;
    (ending, kept)
}

#[test]
fn a_course_closes_its_stages_and_tests_all_of_them() {
    let mut course = course();
    let (ending, _) = run(&mut course, usize::MAX);
    assert_eq!(ending, Ending::Learnt);
    let progress = &course.progress;
    assert_eq!(progress.lengths, [20, 8, 20], "the second stage was learnt early");
    assert_eq!(progress.total, 48);
    let rows: Vec<usize> = progress.table.iter().map(Vec::len).collect();
    assert_eq!(rows, [1, 2, 3]);
    for row in &progress.table {
        for (stage, measures) in row.iter().enumerate() {
            assert_eq!(measures["number"], f64::from(course.student.closed[stage]));
        }
    }
}

#[test]
fn a_course_resumed_at_any_moment_ends_the_same() {
    let mut whole = course();
    let (_, moments) = run(&mut whole, usize::MAX);
    assert!(moments.len() > 10);
    for stop in 1..=moments.len() {
        let (_, kept) = run(&mut course(), stop);
        let (arrays, progress) = kept.last().unwrap();
        let mut resumed = course();
        resumed.restore(arrays).unwrap();
        resumed.progress = progress.clone();
        let (ending, _) = run(&mut resumed, usize::MAX);
        assert_eq!(ending, Ending::Learnt);
        assert_eq!(
            (&resumed.student, &resumed.progress),
            (&whole.student, &whole.progress),
            "{stop}"
        );
    }
    assert!(course().restore(&Arrays::new()).is_err());
}

#[test]
fn gradients_that_are_never_finite_end_it() {
    struct Hopeless(u64);
    impl Learner for Hopeless {
        type Report = ();
        type Reason = Infallible;
        type Error = Infallible;
        fn check_is_due(&self) -> bool {
            false
        }
        fn check(&mut self) -> Verdict {
            Verdict::GoOn
        }
        fn update(&mut self) {
            self.0 += 1;
        }
        fn discarded(&self) -> u64 {
            self.0
        }
        fn arrays(&self) -> Arrays {
            Arrays::new()
        }
        fn restore(&mut self, _: &Arrays) -> Result<(), Mismatch> {
            Ok(())
        }
    }
    let mut hopeless = Hopeless(0);
    assert_eq!(
        learn(&mut hopeless, &mut |_, _| Ok(Flow::Continue)),
        Ok(Ending::Diverged)
    );
    assert_eq!(hopeless.0, 51);
}
