//! Numbered pieces of work, each a pure function of settings and its number: shared out to threads, to processes, or
//! to the jobs of an array. Whoever does a piece, and in whatever order, the results are the same.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A share of the work: every `of`-th piece, from the `index`-th on. Written `index/of`, counted from 1.
///
/// ```
/// use neuropil_lab::shards::Shard;
/// let shard: Shard = "2/3".parse()?;
/// assert_eq!((0..8).filter(|&piece| shard.takes(piece)).collect::<Vec<_>>(), [1, 4, 7]);
/// assert_eq!(Shard::ALL.to_string(), "1/1");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

impl Shard {
    /// All of the work.
    pub const ALL: Self = Self { index: 1, of: 1 };

    /// Its number, from 1.
    pub fn index(self) -> usize {
        self.index
    }

    /// Shares in all.
    pub fn of(self) -> usize {
        self.of
    }

    /// Does it hold this piece, counted from 0?
    pub fn takes(self, piece: usize) -> bool {
        piece % self.of == self.index - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(index, of)| {
            let shard = Self {
                index: index.parse().ok()?,
                of: of.parse().ok()?,
            };
            (1..=shard.of).contains(&shard.index).then_some(shard)
        });
        parsed.ok_or_else(|| {
            format!("`{text}` is not a share of the work, expected `I/N` with 1 ≤ I ≤ N, as in 3/12")
        })
    }
}

/// How many pieces are done side by side, and with how many threads each.
///
/// Pieces on single threads lose no time waiting for one another; fewer pieces than threads get several.
///
/// ```
/// assert_eq!(neuropil_lab::shards::side_by_side(8, 100), (8, 1));
/// assert_eq!(neuropil_lab::shards::side_by_side(8, 3), (3, 2));
/// ```
pub fn side_by_side(threads: usize, pieces: usize) -> (usize, usize) {
    let workers = threads.min(pieces).max(1);
    (workers, (threads / workers).max(1))
}

/// Does `pieces` on `workers` threads, in the order given as they become free, until all are done or `stop` says so.
/// Results come in the order of the pieces; `None` is one that was not begun.
///
/// # Panics
/// When `work` does.
pub fn on_threads<P: Sync, T: Send>(
    pieces: &[P],
    workers: usize,
    stop: &(dyn Fn() -> bool + Sync),
    work: &(dyn Fn(&P) -> T + Sync),
) -> Vec<Option<T>> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        while !stop() {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(piece) = pieces.get(i) else { break };
            done.push((i, work(piece)));
        }
        done
    };
    let mut results: Vec<Option<T>> = pieces.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers.clamp(1, pieces.len().max(1)))
            .map(|_| scope.spawn(worker))
            .collect();
        for worker in workers {
            let done = worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            for (i, result) in done {
                results[i] = Some(result);
            }
        }
    });
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_hold_every_piece_once() {
        for of in 1..6 {
            for piece in 0..20 {
                let holders = (1..=of).filter(|&index| Shard { index, of }.takes(piece)).count();
                assert_eq!(holders, 1, "piece {piece} of {of} shards");
            }
        }
        for wrong in ["0/3", "4/3", "3", "a/b", "1/0", "-1/2", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn results_are_in_order_whatever_the_workers() {
        let pieces: Vec<u64> = (0..50).collect();
        for workers in [1, 3, 64] {
            let squares = on_threads(&pieces, workers, &|| false, &|piece| piece * piece);
            assert!(squares.iter().zip(&pieces).all(|(s, p)| *s == Some(p * p)));
        }
    }

    #[test]
    fn work_that_is_stopped_leaves_the_rest_undone() {
        let begun = AtomicUsize::new(0);
        let pieces: Vec<usize> = (0..10).collect();
        let results = on_threads(&pieces, 1, &|| begun.load(Ordering::Relaxed) >= 4, &|_| {
            begun.fetch_add(1, Ordering::Relaxed)
        });
        assert_eq!(results.iter().flatten().count(), 4);
    }
}
