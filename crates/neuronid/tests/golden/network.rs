//! The network: log-probabilities, loss, gradients, optimiser, checkpoints.

use super::files::{Arrays, distance, example, file, json, number, numbers};
use neuropil_lab::array::Tensors;
use neuropil_math::real::Real;
use neuropil_neuronid::assign::assign;
use neuropil_neuronid::checkpoint::{load, tensors, to_torch};
use neuropil_neuronid::loss::{Partners, gradient, loss};
use neuropil_neuronid::network::{Encoder, Network, Normalise, Request, Shape};
use neuropil_neuronid::worm::Point;
use neuropil_neuronid::yu2021::{ENTROPY_WEIGHT, LEARNING_RATE, MAX_NORM};
use neuropil_nn::layer::norm::Statistics;
use neuropil_nn::optim::clip::to_norm;
use neuropil_nn::optim::{Adam, AdamRule, Correction};

const TINY: Shape = Shape {
    width: 16,
    layers: 2,
    heads: 4,
    hidden: 24,
    encoder: Encoder::Joint,
};

/// PyTorch's name of each of our arrays, in our order, found by writing a network whose values are their own places.
fn torch_places(shape: Shape) -> Vec<(String, Vec<usize>)> {
    let n = shape.layout().len();
    assert!(n < 1 << 24, "places are exact in single precision");
    let network = Network::<f32>::new(
        shape,
        (0..n).map(|i| i as f32).collect(),
        Statistics {
            mean: vec![0.0; shape.width],
            variance: vec![1.0; shape.width],
            rows: 0,
        },
    );
    let tensors: Tensors = to_torch(&network);
    tensors
        .into_iter()
        .filter(|(name, _)| !name.contains("running"))
        .map(|(name, (_, places))| (name, places.into_iter().map(|place| place as usize).collect()))
        .collect()
}

fn network<R: Real>(arrays: &Arrays, prefix: &str) -> Network<R> {
    let mut params = vec![R::ZERO; TINY.layout().len()];
    for (name, places) in torch_places(TINY) {
        for (place, value) in places.iter().zip(arrays.values(&format!("{prefix}{name}"))) {
            params[*place] = R::of(value);
        }
    }
    let wide = |name: &str| {
        arrays
            .values(&format!("param/point_f.bn1.{name}"))
            .into_iter()
            .map(R::of)
            .collect()
    };
    let running = Statistics {
        mean: wide("running_mean"),
        variance: wide("running_var"),
        rows: 0,
    };
    Network::new(TINY, params, running)
}

struct Batch {
    worms: Vec<Vec<Point>>,
    partners: Vec<Partners>,
}

fn batch(arrays: &Arrays) -> Batch {
    let labels: Vec<Vec<i64>> = (0..3)
        .map(|i| {
            arrays
                .values(&format!("label{i}"))
                .iter()
                .map(|&x| x as i64)
                .collect()
        })
        .collect();
    Batch {
        worms: (0..3).map(|i| arrays.points(&format!("worm{i}"))).collect(),
        partners: labels
            .iter()
            .map(|test| Partners::of(&labels[0], test, false))
            .collect(),
    }
}

const MODES: [(&str, Normalise); 3] = [
    ("eval", Normalise::Running),
    ("batch_pad", Normalise::PaddedBatch),
    ("batch_nopad", Normalise::Batch),
];

fn request<'a>(worms: &'a [&'a [Point]], normalise: Normalise) -> Request<'a> {
    Request {
        worms,
        reference: 0,
        tests: &[0, 1, 2],
        normalise,
        dropout: None,
    }
}

#[test]
fn log_probabilities_loss_and_gradients_of_a_small_network() {
    let (Some(arrays), Some(json)) = (Arrays::open("torch/tiny.npz"), json("torch/torch.json")) else {
        return;
    };
    let batch = batch(&arrays);
    let worms: Vec<&[Point]> = batch.worms.iter().map(Vec::as_slice).collect();
    let mut network: Network<f64> = network(&arrays, "param/");
    let single: Network<f32> = self::network(&arrays, "param/");
    for (mode, normalise) in MODES {
        let pass = network.forward(&request(&worms, normalise));
        let low = single.forward(&request(&worms, normalise));
        for i in 0..3 {
            let exact = arrays.values(&format!("{mode}/logp{i}"));
            assert!(
                distance(pass.log_probabilities(i), &exact) < 1e-9,
                "{mode} worm {i}"
            );
            let low: Vec<f64> = low.log_probabilities(i).iter().map(|&p| f64::from(p)).collect();
            assert!(
                distance(&low, &exact) < 1e-4,
                "{mode} worm {i} in single precision"
            );
        }
        let log_p: Vec<&[f64]> = (0..3).map(|i| pass.log_probabilities(i)).collect();
        let sums = loss(&log_p, &batch.partners, worms[0].len());
        let exact = &json["modes"][mode];
        assert!(
            (sums.total(ENTROPY_WEIGHT) - number(&exact["loss"])).abs() < 1e-9,
            "{mode}"
        );
        assert!((sums.cross_entropy - number(&exact["ce_sum"])).abs() < 1e-9);
        assert!((sums.entropy - number(&exact["ent_sum"])).abs() < 1e-9);
        assert_eq!(
            (sums.known as f64, sums.unknown as f64),
            (number(&exact["ce_count"]), number(&exact["ent_count"]))
        );
        if normalise == Normalise::Running {
            // Running statistics are constants: nothing is learnt through them.
            continue;
        }
        let dlog = gradient(&log_p, &batch.partners, worms[0].len(), &sums, ENTROPY_WEIGHT);
        let gradient = network.backward(&pass, &dlog);
        for (name, places) in torch_places(TINY) {
            let found: Vec<f64> = places.iter().map(|&place| gradient[place]).collect();
            let difference = distance(&found, &arrays.values(&format!("{mode}/grad/{name}")));
            assert!(difference < 1e-8, "{mode} {name}: {difference}");
        }
        let before = network.running.clone();
        network.follow(pass.statistics());
        assert!(
            distance(
                &network.running.mean,
                &arrays.values(&format!("{mode}/new_running_mean"))
            ) < 1e-9
        );
        assert!(
            distance(
                &network.running.variance,
                &arrays.values(&format!("{mode}/new_running_var"))
            ) < 1e-9
        );
        network.running = before;
    }
}

#[test]
fn three_steps_of_the_optimiser() {
    let (Some(arrays), Some(json)) = (Arrays::open("torch/tiny.npz"), json("torch/torch.json")) else {
        return;
    };
    let batch = batch(&arrays);
    let worms: Vec<&[Point]> = batch.worms.iter().map(Vec::as_slice).collect();
    for (mode, normalise) in &MODES[1..] {
        let mut network: Network<f64> = network(&arrays, "param/");
        let rule = AdamRule {
            correction: Correction::Moments,
            ..AdamRule::default()
        };
        let mut adam = Adam::new(network.params.len(), rule);
        for step in json["modes"][mode]["adam3"].as_array().expect("three steps") {
            let pass = network.forward(&request(&worms, *normalise));
            let log_p: Vec<&[f64]> = (0..3).map(|i| pass.log_probabilities(i)).collect();
            let sums = loss(&log_p, &batch.partners, worms[0].len());
            let dlog = gradient(&log_p, &batch.partners, worms[0].len(), &sums, ENTROPY_WEIGHT);
            let mut gradient = network.backward(&pass, &dlog);
            let norm = to_norm(&mut gradient, MAX_NORM).norm;
            let exact = numbers(step);
            assert!(
                (sums.total(ENTROPY_WEIGHT) - exact[0]).abs() < 1e-7 && (norm - exact[1]).abs() < 1e-6,
                "{mode}"
            );
            adam.step(&mut network.params, &gradient, LEARNING_RATE);
        }
        for (name, places) in torch_places(TINY) {
            let found: Vec<f64> = places.iter().map(|&place| network.params[place]).collect();
            assert!(
                distance(&found, &arrays.values(&format!("{mode}/after3/{name}"))) < 1e-7,
                "{mode} {name}"
            );
        }
    }
}

/// `SplitMix64` (Steele, Lea & Flood 2014), as numbers in [0, 1).
fn stream(seed: u64) -> impl Iterator<Item = f64> {
    (1_u64..).map(move |k| {
        let mut z = seed.wrapping_add(k.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    })
}

/// A network of the published size whose weights come from a stream, tensor by tensor in PyTorch's order.
fn streamed<R: Real>(shape: Shape, seed: u64) -> Network<R> {
    let mut stream = stream(seed);
    let mut params = vec![R::ZERO; shape.layout().len()];
    let places: std::collections::HashMap<String, Vec<usize>> = torch_places(shape).into_iter().collect();
    let mut order = vec![
        "point_f.conv1.weight",
        "point_f.conv1.bias",
        "point_f.bn1.weight",
        "point_f.bn1.bias",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect::<Vec<_>>();
    order.extend(["running_mean", "running_var"].map(str::to_owned));
    for layer in 0..shape.layers {
        let parts = [
            "self_attn.in_proj_weight",
            "self_attn.in_proj_bias",
            "self_attn.out_proj.weight",
            "self_attn.out_proj.bias",
            "linear1.weight",
            "linear1.bias",
            "linear2.weight",
            "linear2.bias",
            "norm1.weight",
            "norm1.bias",
            "norm2.weight",
            "norm2.bias",
        ];
        order.extend(parts.map(|part| format!("model.layers.{layer}.{part}")));
    }
    order.extend(["fc_outlier.weight", "fc_outlier.bias"].map(str::to_owned));
    let mut running = Statistics {
        mean: Vec::new(),
        variance: Vec::new(),
        rows: 0,
    };
    let mut inputs = 0;
    for name in order {
        if name == "running_mean" {
            running.mean = stream
                .by_ref()
                .take(shape.width)
                .map(|u| R::of(0.2 * (2.0 * u - 1.0)))
                .collect();
            continue;
        }
        if name == "running_var" {
            running.variance = stream
                .by_ref()
                .take(shape.width)
                .map(|u| R::of(0.5 + u))
                .collect();
            continue;
        }
        inputs = match name.as_str() {
            "point_f.conv1.weight" => 3,
            name if name.ends_with("linear2.weight") => shape.hidden,
            name if name.ends_with("eight") && !name.contains("norm") && !name.contains("bn1") => shape.width,
            _ => inputs,
        };
        let normal = name.contains("norm") || name.contains("bn1");
        for &place in &places[&name] {
            let u = stream.next().expect("an endless stream");
            params[place] = R::of(match (normal, name.ends_with("weight")) {
                (true, true) => 0.5 + u,
                (true, false) => 0.2 * (2.0 * u - 1.0),
                (false, _) => (2.0 * u - 1.0) / f64::from(inputs as u32).sqrt(),
            });
        }
    }
    Network::new(shape, params, running)
}

#[test]
fn the_published_size_on_the_real_pair() {
    let (Some(arrays), Some(json)) = (Arrays::open("torch/full_logp.npz"), json("torch/torch.json")) else {
        return;
    };
    let full = &json["full"];
    let (template, test) = (arrays.points("template"), arrays.points("test"));
    let exact = arrays.values("logp");
    let double = streamed::<f64>(Shape::YU2021, full["seed"].as_u64().expect("a seed"))
        .ready()
        .match_one(&template, &test);
    assert!(distance(&double, &exact) < 1e-5, "{}", distance(&double, &exact));
    let sum: f64 = double.iter().sum();
    assert!((sum / number(&full["logp_sum"]) - 1.0).abs() < 1e-6);
    let single = streamed::<f32>(Shape::YU2021, full["seed"].as_u64().expect("a seed"))
        .ready()
        .match_one(&template, &test);
    assert!(distance(&single, &exact) < 2e-3, "{}", distance(&single, &exact));
    let n = template.len();
    let cost: Vec<f64> = double
        .chunks_exact(n + 1)
        .flat_map(|row| row[..n].iter().map(|p| -p))
        .collect();
    let total: f64 = assign(&cost, n)
        .expect("finite costs")
        .iter()
        .map(|&(r, c)| -cost[r * n + c])
        .sum();
    assert!((total / number(&full["hungarian_total"]) - 1.0).abs() < 1e-9);
}

#[test]
fn the_real_pair_is_prepared_as_published() {
    let (Some(arrays), Some(template)) = (
        Arrays::open("torch/full_logp.npz"),
        example("data/fdnc_example_template.csv"),
    ) else {
        return;
    };
    assert!(distance(template.normalised().as_flattened(), &arrays.values("template")) < 1e-12);
}

#[test]
fn one_network_from_three_forms_of_checkpoint() {
    let Some(arrays) = Arrays::open("torch/small_logp.npz") else {
        return;
    };
    let mut all = Vec::new();
    for name in [
        "torch/small_zip.bin",
        "torch/small_legacy.bin",
        "torch/small.safetensors",
    ] {
        let Some(path) = file(name) else { return };
        let loaded = load(&path, None).unwrap_or_else(|error| panic!("{error}"));
        let log_p = loaded
            .trained
            .network
            .match_one(&arrays.points("template"), &arrays.points("test"));
        assert!(distance(&log_p, &arrays.values("logp")) < 1e-4, "{name}");
        assert!(loaded.said.iter().any(|said| said.contains("enc_l")));
        let mut found = tensors(&path).expect("read before").0;
        // What is no 32-bit number is not in the safetensors file.
        found.remove("point_f.bn1.num_batches_tracked");
        all.push(found);
    }
    assert!(
        all[0] == all[1] && all[1] == all[2],
        "the same arrays in all three"
    );
}
