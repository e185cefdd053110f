//! Attributions of random networks of many shapes against what they must add up to, and against the long way.

use neuropil_enhancers::cnn::attribute::{
    Method, Normalisation, Scores, deeplift, explain, mutagenesis, references,
};
use neuropil_enhancers::cnn::{Architecture, Convolution, Dense, Flatten, Network, Pass};
use neuropil_enhancers::sequence::{UNKNOWN, reverse_complement};
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};
use proptest::prelude::*;
use rand::RngExt;

fn architectures() -> impl Strategy<Value = Architecture> {
    let convolution = (1_usize..9, 1_usize..6, 1_usize..4).prop_map(|(filters, width, stride)| Convolution {
        filters,
        width,
        stride,
        dropout: 0.0,
    });
    let dense = (1_usize..9).prop_map(|units| Dense { units, dropout: 0.0 });
    (
        (10_usize..60, 1_usize..8, 1_usize..8, 1_usize..4),
        prop::collection::vec(convolution, 0..4),
        prop::collection::vec(dense, 0..3),
        any::<[bool; 2]>(),
    )
        .prop_map(
            |((length, pool_size, pool_stride, outputs), convolutions, dense, [same, major])| Architecture {
                length,
                convolutions,
                pool_size,
                pool_stride,
                pool_same: same,
                flatten: if major {
                    Flatten::PositionMajor
                } else {
                    Flatten::FilterMajor
                },
                dense,
                outputs,
                l2_convolution: 0.0,
                l2_dense: 0.0,
                l2_output: 0.0,
            },
        )
        .prop_filter("windows fit", |architecture| architecture.check().is_ok())
}

/// A network with random weights and biases, and a sequence for it, some of its bases unknown.
fn invented<R: Real>(architecture: Architecture, seed: u64) -> (Network<R>, Vec<u8>) {
    let mut random = Key::new(seed).stream(Purpose::Test, 0);
    let length = architecture.length;
    let mut network = Network::new(architecture, Key::new(seed));
    for i in 0..network.n_layers() {
        let (_, b) = network.layer_mut(i);
        b.iter_mut()
            .for_each(|b| *b = R::of(random.random_range(-0.3..0.3)));
    }
    // One base in ten is unknown.
    let bases = (0..length).map(|_| match random.random_range(0..10) {
        9 => UNKNOWN,
        number => number % 4,
    });
    let bases = bases.collect();
    (network, bases)
}

fn logit<R: Real>(network: &Network<R>, bases: &[u8]) -> f64 {
    let mut x = vec![R::ZERO; 4 * bases.len()];
    for (i, &base) in bases.iter().enumerate().filter(|(_, base)| **base < 4) {
        x[i * 4 + usize::from(base)] = R::ONE;
    }
    let mut pass = Pass::default();
    network.forward(&x, &mut pass, None);
    match pass.logits[..] {
        [z] => z.f64(),
        _ => pass.logits[1].f64() - pass.logits[0].f64(),
    }
}

/// Every mutant through the whole network.
fn mutants_one_by_one<R: Real>(network: &Network<R>, bases: &[u8]) -> Vec<f64> {
    let here = logit(network, bases);
    let change = |i: usize| {
        let mut mutant = bases.to_vec();
        mutant[i / 4] = (i % 4) as u8;
        logit(network, &mutant) - here
    };
    (0..4 * bases.len()).map(change).collect()
}

fn completeness<R: Real>(architecture: Architecture, seed: u64) -> (f64, f64) {
    let (network, bases) = invented::<R>(architecture, seed);
    let references = references(&bases, 3, seed);
    let scores = Scores::new(&bases, deeplift(&network, &bases, &references));
    let mean = references.iter().map(|r| logit(&network, r)).sum::<f64>() / 3.0;
    (scores.importance().iter().sum(), logit(&network, &bases) - mean)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn mutants_are_what_the_whole_network_makes_of_them(architecture in architectures(), seed in 0_u64..99) {
        let (network, bases) = invented::<f32>(architecture, seed);
        for strand in [bases.clone(), reverse_complement(&bases)] {
            prop_assert_eq!(mutagenesis(&network, &strand), mutants_one_by_one(&network, &strand));
        }
    }

    #[test]
    fn contributions_sum_to_the_difference_from_the_references(architecture in architectures(), seed in 0_u64..99) {
        let (found, expected) = completeness::<f64>(architecture.clone(), seed);
        prop_assert!((found - expected).abs() < 1e-11 * (1.0 + expected.abs()), "{found} {expected}");
        let (found, expected) = completeness::<f32>(architecture, seed);
        prop_assert!((found - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{found} {expected}");
    }

    #[test]
    fn both_strands_have_the_same_scores(architecture in architectures(), seed in 0_u64..99) {
        let (network, bases) = invented::<f64>(architecture, seed);
        let other = reverse_complement(&bases);
        let references = references(&bases, 2, seed);
        let reversed = references.iter().map(|r| reverse_complement(r)).collect();
        for (method, same) in [
            (Method::Mutagenesis, Method::Mutagenesis),
            (Method::Gradient, Method::Gradient),
            (Method::IntegratedGradients(5), Method::IntegratedGradients(5)),
            (Method::DeepLift(references), Method::DeepLift(reversed)),
        ] {
            let (here, there) = (explain(&network, &bases, &method), explain(&network, &other, &same));
            for (a, b) in here.hypothetical().iter().zip(there.hypothetical().iter().rev()) {
                prop_assert!((a - b).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn mutants_of_the_presets() {
    for preset in ["small", "pv-like"] {
        let architecture = Architecture::named(preset, 240).expect("a preset");
        let (network, bases) = invented::<f32>(architecture, 3);
        // The bases at both ends, at an edge between pooling windows, and in the middle.
        let found = mutagenesis(&network, &bases);
        let here = logit(&network, &bases);
        for position in [0, 1, 59, 60, 61, 120, 238, 239] {
            for base in 0..4 {
                let mut mutant = bases.clone();
                mutant[position] = base;
                let expected = logit(&network, &mutant) - here;
                assert_eq!(
                    found[position * 4 + usize::from(base)],
                    expected,
                    "{preset} {position}"
                );
            }
        }
    }
}

#[test]
fn a_rectifier_that_a_reference_does_not_reach() {
    let mut network: Network<f64> = Network::zeros(Architecture {
        length: 2,
        convolutions: vec![Convolution {
            filters: 1,
            width: 2,
            stride: 1,
            dropout: 0.0,
        }],
        pool_size: 1,
        pool_stride: 1,
        pool_same: false,
        flatten: Flatten::PositionMajor,
        dense: Vec::new(),
        outputs: 1,
        l2_convolution: 0.0,
        l2_dense: 0.0,
        l2_output: 0.0,
    });
    // max(0, A₁ + A₂ − 1): 1 for AA, where the sum is 1, and 0 for CC, where it is −1. Half of the sum counts.
    let (w, b) = network.layer_mut(0);
    (w[0], w[4], b[0]) = (1.0, 1.0, -1.0);
    network.layer_mut(1).0[0] = 1.0;
    let found = deeplift(&network, &[0, 0], &[vec![1, 1]]);
    assert_eq!(found, [0.5, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0]);
}

#[test]
fn threads_change_nothing() {
    let (network, bases) = invented::<f32>(Architecture::named("pv-like", 160).expect("a preset"), 5);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads").install(|| {
            let lifted = Method::DeepLift(references(&bases, 4, 1));
            [Method::Mutagenesis, lifted]
                .map(|method| explain(&network, &bases, &method).normalised(Normalisation::GkmExplain))
        })
    };
    assert_eq!(run(1), run(3));
}
