//! `real_sequences/`: a network learns peaks of a transcription factor from real sequences.

use neuropil_enhancers::cnn::learner::train;
use neuropil_enhancers::cnn::train::{Examples, Monitor, Settings};
use neuropil_enhancers::cnn::{Architecture, Convolution, Dense, Network};
use neuropil_enhancers::fasta;
use neuropil_enhancers::metrics::Metrics;
use neuropil_enhancers::sequence::{UNKNOWN, bases};
use neuropil_math::rng::Key;

use crate::support::golden;

const LENGTH: usize = 250;

/// A sequence in the middle of a window, unknown bases around it.
fn centred(sequence: &[u8]) -> Vec<u8> {
    let bases = bases(sequence).expect("letters");
    let bases = &bases[..bases.len().min(LENGTH)];
    let mut window = vec![UNKNOWN; LENGTH];
    let at = (LENGTH - bases.len()) / 2;
    window[at..at + bases.len()].copy_from_slice(bases);
    window
}

#[test]
fn golden_real_sequences() {
    let Some(root) = golden() else { return };
    let set = |part: &str| {
        let mut examples = Examples::default();
        for (class, kind) in ["neg", "pos"].iter().enumerate() {
            let records = fasta::read(&root.join(format!("real_sequences/nfe2_{part}_{kind}.fa.gz")))
                .expect("sequences");
            examples.extend(records.iter().map(|record| centred(&record.sequence)), class);
        }
        examples
    };
    let (training, test) = (set("train"), set("test"));
    assert_eq!((training.sequences.len(), test.sequences.len()), (1288, 138));
    let conv = |filters, width| Convolution {
        filters,
        width,
        stride: 1,
        dropout: 0.2,
    };
    let architecture = Architecture {
        length: LENGTH,
        convolutions: vec![conv(64, 15), conv(32, 7)],
        dense: vec![Dense {
            units: 32,
            dropout: 0.3,
        }],
        pool_size: 26,
        pool_stride: 26,
        l2_convolution: 1e-4,
        l2_dense: 1e-4,
        l2_output: 1e-4,
        ..Architecture::preset("small").expect("a preset")
    };
    // Of training there is no validation set: the last epoch counts, as in the baseline.
    let settings = Settings {
        epochs: 12,
        patience: 100,
        monitor: Monitor::Loss,
        ..Settings::default()
    };
    let key = Key::new(1);
    let mut network = Network::new(architecture, key);
    let validation = training.clone();
    let history =
        train(&mut network, training, &validation, &settings, key, &mut |_| true).expect("a training");
    assert!(history.last().expect("epochs").train_loss < history[0].train_loss);
    let labels: Vec<bool> = test.classes.iter().map(|&class| class == 1).collect();
    let metrics = Metrics::of(&labels, &network.predict(&test.sequences)).expect("two classes");
    assert!(metrics.auroc >= 0.97, "AUROC {}", metrics.auroc);
}
