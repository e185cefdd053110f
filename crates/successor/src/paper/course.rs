//! The course of a long computation: piece by piece, kept as it goes.

use crate::error::SuccessorError;
use neuropil_lab::error::Problem;
use neuropil_lab::journal::Journal;
use neuropil_study::{News, Watch};
use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Pieces a thread that are computed between two looks at whether to stop.
const AT_A_TIME: usize = 4;

/// How a figure is computed: under what name, watched by whom, kept where.
pub struct Course<'a> {
    /// What is computed, and with what effort: pieces that were kept for anything else are not taken.
    pub question: String,
    /// Journal of what is done; nothing is kept without one.
    pub journal: Option<&'a Path>,
    /// Who watches, and may stop it.
    pub watch: &'a dyn Watch,
}

impl Course<'_> {
    /// All pieces, those that were kept and those that were left; nothing if it was stopped. A piece depends on its number alone.
    pub(super) fn go<T: Serialize + DeserializeOwned + Send>(
        &self,
        unit: &str,
        n: usize,
        one: impl Fn(usize) -> Result<T, SuccessorError> + Sync,
    ) -> Result<Option<Vec<T>>, Problem> {
        let (mut journal, mut done) = match self.journal {
            Some(path) => {
                let (journal, done) = Journal::open::<_, T>(path, &self.question)?;
                (Some(journal), done)
            }
            None => (None, Vec::new()),
        };
        let mut told = self.watch.begin(&self.question);
        while done.len() < n {
            if self.watch.stopped() {
                return Ok(None);
            }
            let next = done.len()..n.min(done.len() + AT_A_TIME * rayon::current_num_threads());
            let pieces: Vec<T> = next.into_par_iter().map(&one).collect::<Result<_, _>>()?;
            if let Some(journal) = &mut journal {
                journal.keep(&pieces)?;
            }
            done.extend(pieces);
            told(&News::Check {
                seen: done.len() as u64,
                unit,
                measures: &[],
                toward: Some((done.len() as f64, n as f64)),
            });
        }
        Ok(Some(done))
    }

    /// What is one piece.
    pub(super) fn once<T: Serialize + DeserializeOwned + Send>(
        &self,
        all: impl Fn() -> Result<T, SuccessorError> + Sync,
    ) -> Result<Option<T>, Problem> {
        Ok(self
            .go("figures", 1, |_| all())?
            .and_then(|mut found| found.pop()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_study::{Flow, Unwatched};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Stops after so many looks.
    struct Patience(AtomicUsize);

    impl Watch for Patience {
        fn begin<'a>(&'a self, _: &str) -> Box<dyn FnMut(&News<'_>) -> Flow + 'a> {
            Box::new(|_| Flow::Continue)
        }

        fn stopped(&self) -> bool {
            self.0.fetch_sub(1, Ordering::Relaxed) == 1
        }
    }

    #[test]
    fn what_was_stopped_goes_on_behind_the_last_piece() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("squares.jsonl");
        let computed = Mutex::new(Vec::new());
        let go = |question: &str, watch: &dyn Watch| {
            let course = Course {
                question: question.to_owned(),
                journal: Some(&journal),
                watch,
            };
            course.go("squares", 100, |i| {
                computed.lock().unwrap().push(i);
                Ok(i * i)
            })
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        pool.install(|| {
            assert!(go("squares", &Patience(AtomicUsize::new(4))).unwrap().is_none());
            assert_eq!(computed.lock().unwrap().len(), 3 * AT_A_TIME * 2);
            let all = go("squares", &Unwatched).unwrap().unwrap();
            assert!(all.iter().enumerate().all(|(i, square)| *square == i * i));
            assert_eq!(computed.lock().unwrap().len(), 100);
            go("other squares", &Unwatched).unwrap().unwrap();
            assert_eq!(computed.lock().unwrap().len(), 200);
        });
    }
}
