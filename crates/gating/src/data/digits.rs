//! The digits that come with neuropil: first 1,400 to learn from, last 397 to be tested with.

use super::{Found, Pictures, Pixels};
use crate::error::GatingError;
use neuropil_lab::error::Problem;
use std::io::Read;

const FILE: &[u8] = include_bytes!("../../data/digits8x8.csv.gz");
const TRAIN: usize = 1400;
/// Largest value of a pixel.
const LARGEST: f32 = 16.0;

pub(super) fn read() -> Result<Found, GatingError> {
    let mut text = String::new();
    let read = flate2::read::GzDecoder::new(FILE).read_to_string(&mut text);
    read.map_err(|error| Problem::bare(format!("the digits that come with neuropil are damaged: {error}")))?;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut values: Vec<u8> = line
            .split(',')
            .filter_map(|value| value.trim().parse().ok())
            .collect();
        labels.extend(values.pop().map(i64::from));
        pixels.extend(values);
    }
    let half = |pixels: &[u8], labels: &[i64]| Pictures {
        shape: [8, 8, 1],
        pixels: Pixels::Bytes(pixels.to_vec()),
        labels: labels.to_vec(),
    };
    Ok(Found {
        name: "handwritten digits, 8 × 8 (Alpaydin & Kaynak 1998, CC BY 4.0)".to_owned(),
        train: Some(half(&pixels[..TRAIN * 64], &labels[..TRAIN])),
        test: Some(half(&pixels[TRAIN * 64..], &labels[TRAIN..])),
        scale: Some(1.0 / LARGEST),
        ..Found::default()
    })
}
