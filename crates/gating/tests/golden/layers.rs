//! `dense.json` and `conv.json`: outputs, losses and gradients.

use super::{double, real, tolerance};
use crate::support::{golden, near, numbers, wholes};
use neuropil_gating::network::{Factors, Network, Pass, Power};
use neuropil_math::real::Real;
use neuropil_nn::layer::{conv2d, pool2d};
use neuropil_nn::loss::cross_entropy;
use serde_json::Value;

/// Parameters of the given arrays in the network's layout.
fn flat(network: &Network, w: &Value, b: &Value, rule: Option<&Value>) -> Vec<f64> {
    let mut theta = vec![0.0; network.layout().len()];
    let layers = w.as_array().expect("a list of layers").len();
    for layer in 0..layers {
        let mut put = |name: &str, value: &Value| {
            let name = format!("{}.{name}", layer + 1);
            network
                .layout()
                .view_mut(&mut theta, &name)
                .copy_from_slice(&numbers(value));
        };
        put("w", &w[layer]);
        put("b", &b[layer]);
        if let Some(rule) = rule.filter(|_| layer + 1 < layers) {
            put("rule", &rule[layer]);
        }
    }
    theta
}

fn dense_in<R: Real>() {
    let Some(file) = golden("dense.json") else { return };
    let (relative, absolute) = tolerance::<R>(1e-10, 1e-12);
    let network = Network::new(&wholes(&file["dims"]), file["n_tasks"].as_u64().unwrap() as usize);
    let p = &file["params"];
    let theta: Vec<R> = real(&flat(&network, &p["W"], &p["b"], Some(&p["Wr"])));
    let x: Vec<R> = real(&numbers(&file["x"]));
    for case in file["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let gates: Vec<Vec<R>> = case["gates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|g| real(&numbers(g)))
            .collect();
        let dropout: Option<Vec<Vec<R>>> = case["dropout_multiplier"]
            .as_array()
            .map(|all| all.iter().map(|d| real(&numbers(d))).collect());
        let factors: Vec<Factors<R>> = (0..gates.len())
            .map(|layer| Factors {
                gates: Some(&gates[layer]),
                dropout: dropout.as_ref().map(|all| &all[layer][..]),
            })
            .collect();
        let rule = case["rule_onehot_index"].as_u64().map(|rule| rule as usize);
        let classes = *network.widths().last().unwrap();
        let head = case["block"].as_array().map_or(0..classes, |_| {
            let block = wholes(&case["block"]);
            block[0]..block[1]
        });
        let labels = wholes(&case["label"]);
        let mut pass = Pass::default();
        network.forward(&theta, &x, &factors, rule, &mut pass);
        near(
            &format!("{name}: logits"),
            &double(pass.logits()),
            &numbers(&case["logits"]),
            relative,
            absolute,
        );
        let mut d = vec![R::ZERO; pass.logits().len()];
        let weight = 1.0 / labels.len() as f64;
        let loss = cross_entropy(pass.logits(), classes, head, &labels, |_| weight, &mut d);
        near(
            &format!("{name}: loss"),
            &[loss],
            &numbers(&case["loss"]),
            relative,
            absolute,
        );
        let mut gradient = vec![R::ZERO; theta.len()];
        network.backward(&theta, &pass, &d, rule, Power::One, &mut gradient);
        let g = &case["grad"];
        let expected = flat(&network, &g["W"], &g["b"], Some(&g["Wr"]));
        near(
            &format!("{name}: gradient"),
            &double(&gradient),
            &expected,
            relative,
            absolute,
        );
        // What enters or leaves a unit that is gated off has no gradient at all.
        for (i, expected) in expected.iter().enumerate() {
            assert!(
                *expected != 0.0 || gradient[i] == R::ZERO || gradient[i].f64().abs() < absolute,
                "{name} [{i}]"
            );
        }
    }
}

#[test]
fn dense_networks_with_gates_dropout_rules_and_heads() {
    dense_in::<f64>();
    dense_in::<f32>();
}

fn conv_in<R: Real>() {
    let Some(file) = golden("conv.json") else { return };
    let (relative, absolute) = tolerance::<R>(1e-9, 1e-12);
    let mut size = 8;
    let image: Vec<R> = real(&numbers(&file["image"]));
    // Forward: convolution, rectifier, and after every second one the largest of each square.
    let (mut shapes, mut sums, mut inputs, mut places) = (Vec::new(), Vec::new(), vec![image], Vec::new());
    let kernels: Vec<Vec<R>> = file["kernels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|k| real(&numbers(k)))
        .collect();
    let biases: Vec<Vec<R>> = file["biases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| real(&numbers(b)))
        .collect();
    for (layer, (kernel, bias)) in kernels.iter().zip(&biases).enumerate() {
        let outputs = bias.len();
        let shape = conv2d::Shape {
            rows: size,
            columns: size,
            inputs: kernel.len() / 9 / outputs,
            outputs,
            kernel: 3,
        };
        let mut sum = vec![R::ZERO; 2 * size * size * outputs];
        conv2d::forward(shape, inputs.last().unwrap(), kernel, bias, &mut sum);
        let mut rates: Vec<R> = sum.iter().map(|&a| a.larger(R::ZERO)).collect();
        let mut from = Vec::new();
        if layer % 2 == 1 {
            let mut pooled = vec![R::ZERO; rates.len() / 4];
            from = vec![0; pooled.len()];
            pool2d::forward(&rates, size, size, outputs, &mut pooled, &mut from);
            (rates, size) = (pooled, size / 2);
        }
        shapes.push(shape);
        sums.push(sum);
        inputs.push(rates);
        places.push(from);
    }
    near(
        "features",
        &double(inputs.last().unwrap()),
        &numbers(&file["features"]),
        relative,
        absolute,
    );
    let probe: Vec<R> = real(&numbers(&file["probe"]));
    let mut d = [&probe[..], &probe[..]].concat();
    for layer in (0..kernels.len()).rev() {
        if !places[layer].is_empty() {
            let mut before = vec![R::ZERO; sums[layer].len()];
            pool2d::backward(&d, &places[layer], &mut before);
            d = before;
        }
        d.iter_mut().zip(&sums[layer]).for_each(|(d, &sum)| {
            if sum <= R::ZERO {
                *d = R::ZERO;
            }
        });
        let (mut dw, mut db) = (
            vec![R::ZERO; kernels[layer].len()],
            vec![R::ZERO; biases[layer].len()],
        );
        let mut dx = vec![R::ZERO; inputs[layer].len()];
        conv2d::backward(
            shapes[layer],
            &inputs[layer],
            &kernels[layer],
            &d,
            Some(&mut dx),
            &mut dw,
            &mut db,
        );
        near(
            &format!("kernel {layer}"),
            &double(&dw),
            &numbers(&file["grad_kernels"][layer]),
            relative,
            absolute * 10.0,
        );
        near(
            &format!("bias {layer}"),
            &double(&db),
            &numbers(&file["grad_biases"][layer]),
            relative,
            absolute * 10.0,
        );
        d = dx;
    }
}

#[test]
fn convolutions_and_pools() {
    conv_in::<f64>();
    conv_in::<f32>();
}
