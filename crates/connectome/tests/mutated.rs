//! Bytes of a file, changed by a seed.

use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;

/// The bytes with one to four changes: a bit turned, bytes cut out, doubled, overwritten by others or by large numbers.
pub(crate) fn mutated(bytes: &[u8], seed: u64, index: u64) -> Vec<u8> {
    let mut stream = Key::new(seed).stream(Purpose::Generate, index);
    let mut out = bytes.to_vec();
    for _ in 0..stream.random_range(1..5) {
        if out.is_empty() {
            break;
        }
        let at = stream.random_range(0..out.len());
        let length = stream.random_range(0..16usize).min(out.len() - at);
        match stream.random_range(0..7) {
            0 => out[at] ^= 1 << stream.random_range(0..8),
            1 => drop(out.drain(at..at + length)),
            2 => out.splice(at..at, out[at..at + length].to_vec()).for_each(drop),
            3 => out.truncate(at),
            4 => out[at..at + length].iter_mut().for_each(|byte| *byte = 0xff),
            5 => {
                let digits = [
                    &b"99999999999"[..],
                    b"-1",
                    b"4000000000",
                    b"1e308",
                    b"NaN",
                    b",",
                    b"\"",
                    b"\n",
                    b"#",
                ];
                let word = digits[stream.random_range(0..digits.len())];
                out.splice(at..at + length, word.iter().copied()).for_each(drop);
            }
            _ => out[at] = stream.random(),
        }
    }
    out
}
