use hdf5_pure::{AttrValue, FileBuilder};

use super::*;

struct Layer {
    name: &'static str,
    shape: Vec<usize>,
    kernel: Vec<f32>,
    bias: Vec<f32>,
}

fn numbers(n: usize, seed: usize) -> Vec<f32> {
    (0..n)
        .map(|i| ((i * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0)
        .collect()
}

/// Two convolutions in one dimension and a dense layer over two positions of two filters, for 60 bases.
fn layers() -> Vec<Layer> {
    let of = |name, shape: &[usize], seed| Layer {
        name,
        shape: shape.to_vec(),
        kernel: numbers(shape.iter().product(), seed),
        bias: numbers(*shape.last().expect("outputs"), seed + 1),
    };
    vec![
        of("conv1d", &[3, 4, 2], 1),
        of("conv1d_1", &[3, 2, 2], 2),
        of("dense", &[4, 1], 3),
    ]
}

fn texts(names: &[&str]) -> AttrValue {
    AttrValue::AsciiStringArray(names.iter().map(|name| (*name).to_owned()).collect())
}

/// Writes the layers as Keras 2 does, and reads them.
fn read_written(
    layers: &[Layer],
    attributes: &[(&str, AttrValue)],
    reading: Reading,
) -> Result<(Network<f64>, Vec<String>), InputError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weights.h5");
    let mut file = FileBuilder::new();
    for layer in layers {
        let mut outer = file.create_group(layer.name);
        let weights = [
            format!("{}/kernel:0", layer.name),
            format!("{}/bias:0", layer.name),
        ];
        outer.set_attr("weight_names", texts(&[&weights[0], &weights[1]]));
        let mut inner = outer.create_group(layer.name);
        let shape: Vec<u64> = layer.shape.iter().map(|&n| n as u64).collect();
        inner
            .create_dataset("kernel:0")
            .with_f32_data(&layer.kernel)
            .with_shape(&shape);
        inner
            .create_dataset("bias:0")
            .with_f32_data(&layer.bias)
            .with_shape(&[layer.bias.len() as u64]);
        outer.add_group(inner.finish());
        file.add_group(outer.finish());
    }
    for (name, value) in attributes {
        file.set_attr(name, value.clone());
    }
    file.write(&path).expect("a file");
    read(&path, 60, reading)
}

fn backend(name: &str) -> (&'static str, AttrValue) {
    ("backend", AttrValue::AsciiString(name.into()))
}

fn config(convolution: &str, flatten: &str) -> (&'static str, AttrValue) {
    let text = format!(
        r#"{{"class_name": "Sequential", "config": [{{"class_name": "Conv1D", "config": {{"data_format": "{convolution}"}}}},
        {{"class_name": "Flatten", "config": {{{flatten}}}}}]}}"#
    );
    ("model_config", AttrValue::String(text))
}

#[test]
fn kernels_written_with_theano_are_turned_and_said() {
    let plain = read_written(&layers(), &[backend("tensorflow")], Reading::default())
        .expect("weights")
        .0;
    let mut turned = layers();
    for layer in &mut turned[..2] {
        let rest = layer.shape[1] * layer.shape[2];
        layer.kernel = layer.kernel.chunks(rest).rev().flatten().copied().collect();
    }
    let (network, notes) = read_written(&turned, &[backend("theano")], Reading::default()).expect("weights");
    assert_eq!(network.params, plain.params);
    assert!(
        notes[0].contains("Theano: kernels were turned by 180 degrees (--no-rotate"),
        "{notes:?}"
    );
    let kept = Reading {
        rotate: Some(false),
        ..Reading::default()
    };
    let (network, notes) = read_written(&turned, &[backend("theano")], kept).expect("weights");
    assert_ne!(network.params, plain.params);
    assert!(notes[0].contains("kept as they stand"), "{notes:?}");

    // Bases along an axis of an image: (positions, bases, 1, filters), or (bases, positions, 1, filters).
    let mut image = layers();
    image[0].shape = vec![3, 4, 1, 2];
    image[1].shape = vec![3, 1, 2, 2];
    for layer in &mut image[..2] {
        let filters = layer.shape[3];
        let turned: Vec<f32> = layer.kernel.chunks(filters).rev().flatten().copied().collect();
        // The second kernel's inner axis is channels, which are not turned.
        layer.kernel = if layer.shape[1] == 4 {
            turned
        } else {
            layer.kernel.chunks(4).rev().flatten().copied().collect()
        };
    }
    let (network, _) = read_written(&image, &[backend("theano")], Reading::default()).expect("weights");
    assert_eq!(network.params, plain.params);
    let mut columns = layers();
    let first = &columns[0].kernel;
    columns[0].kernel = (0..24)
        .map(|i| first[(i / 2 % 3 * 4 + i / 6) * 2 + i % 2])
        .collect();
    columns[0].shape = vec![4, 3, 1, 2];
    columns[1].shape = vec![1, 3, 2, 2];
    let (network, _) = read_written(&columns, &[backend("tensorflow")], Reading::default()).expect("weights");
    assert_eq!(network.params, plain.params);
}

#[test]
fn the_list_of_layers_is_their_order() {
    let plain = read_written(&layers(), &[backend("tensorflow")], Reading::default())
        .expect("weights")
        .0;
    // Built after other models, and put together in another order than they were made.
    let mut renamed = layers();
    (renamed[0].name, renamed[1].name) = ("conv1d_9", "conv1d_3");
    let list = (
        "layer_names",
        texts(&["conv1d_9", "dropout", "conv1d_3", "dense"]),
    );
    let (network, notes) =
        read_written(&renamed, &[backend("tensorflow"), list], Reading::default()).expect("weights");
    assert_eq!(network.params, plain.params);
    assert!(
        notes.iter().all(|note| !note.contains("order of its layers")),
        "{notes:?}"
    );
    // Without a list the numbers of names count, as numbers.
    (renamed[0].name, renamed[1].name) = ("conv1d_9", "conv1d_10");
    let (network, _) = read_written(&renamed, &[], Reading::default()).expect("weights");
    assert_eq!(network.params, plain.params);
    (renamed[0].name, renamed[1].name) = ("a_scan", "b_scan");
    let (network, notes) = read_written(&renamed, &[], Reading::default()).expect("weights");
    assert_eq!(network.params, plain.params);
    assert!(
        notes
            .iter()
            .any(|note| note.contains("taken as they stand in it (a_scan, b_scan, dense)")),
        "{notes:?}"
    );
}

#[test]
fn the_order_of_flattening_follows_convolutions_and_flatten() {
    let flatten = |attributes: &[(&str, AttrValue)]| {
        let (network, notes) = read_written(&layers(), attributes, Reading::default()).expect("weights");
        (network.architecture.flatten, notes.join("; "))
    };
    let (first, last) = (
        r#""data_format": "channels_first""#,
        r#""data_format": "channels_last""#,
    );
    let tensorflow = backend("tensorflow");
    for (convolution, own, expected) in [
        ("channels_last", last, Flatten::PositionMajor),
        ("channels_first", last, Flatten::FilterMajor),
        // A Flatten that expects channels first moves them to the end; older ones do not know of it.
        ("channels_first", first, Flatten::PositionMajor),
        ("channels_first", "", Flatten::FilterMajor),
    ] {
        let (found, notes) = flatten(&[config(convolution, own), tensorflow.clone()]);
        assert_eq!(found, expected, "{convolution} {own}");
        assert_eq!(
            notes.contains("convolutions are channels_first"),
            convolution == "channels_first"
        );
    }
    let (found, notes) = flatten(&[tensorflow]);
    assert_eq!(found, Flatten::PositionMajor);
    assert!(notes.contains("position by position (--flatten"), "{notes}");
}

#[test]
fn weights_that_are_no_numbers_are_refused_with_their_layer() {
    let mut broken = layers();
    broken[2].bias[0] = f32::NAN;
    let error = read_written(&broken, &[], Reading::default())
        .expect_err("refused")
        .to_string();
    assert!(error.contains("weights.h5: layer `dense` holds NaN"), "{error}");
}

/// A configuration of two convolutions, one pooling layer and a dense layer, with one thing replaced.
fn told(from: &str, to: &str) -> (&'static str, AttrValue) {
    let text = r#"{"class_name": "Sequential", "config": {"layers": [
        {"class_name": "InputLayer", "config": {"name": "input"}},
        {"class_name": "Conv1D", "config": {"name": "first", "activation": "relu", "strides": [1], "padding": "valid"}},
        {"class_name": "Conv1D", "config": {"name": "second", "activation": "linear", "dilation_rate": [1]}},
        {"class_name": "Dropout", "config": {"name": "drop"}},
        {"class_name": "Activation", "config": {"name": "rectify", "activation": "relu"}},
        {"class_name": "MaxPooling1D", "config": {"name": "pool", "pool_size": [28], "strides": null, "padding": "valid"}},
        {"class_name": "Flatten", "config": {"name": "flat"}},
        {"class_name": "Dense", "config": {"name": "score", "activation": "sigmoid"}}]}}"#;
    assert!(text.contains(from), "{from}");
    ("model_config", AttrValue::String(text.replace(from, to)))
}

#[test]
fn pooling_and_strides_are_those_of_the_model() {
    let read = |from: &str, to: &str| {
        let attributes = [backend("tensorflow"), told(from, to)];
        read_written(&layers(), &attributes, Reading::default())
    };
    let shape = |from: &str, to: &str| read(from, to).expect("weights").0.architecture;
    let plain = shape("[28]", "[28]");
    assert_eq!(
        (plain.pool_size, plain.pool_stride, plain.pool_same),
        (28, 28, false)
    );
    let strided = shape("\"strides\": null", "\"strides\": [20]");
    assert_eq!((strided.pool_size, strided.pool_stride), (28, 20));
    let same = shape(
        "\"strides\": null, \"padding\": \"valid\"",
        "\"strides\": null, \"padding\": \"same\"",
    );
    assert!(same.pool_same);
    for (from, to, expected) in [
        (
            "\"relu\", \"strides\"",
            "\"tanh\", \"strides\"",
            "layer `first` has the activation `tanh`, expected `relu`",
        ),
        (
            "\"name\": \"rectify\", \"activation\": \"relu\"",
            "\"name\": \"rectify\", \"activation\": \"elu\"",
            "`second` has the activation `elu`",
        ),
        (
            "\"sigmoid\"",
            "\"linear\"",
            "layer `score` has the activation `linear`, expected `sigmoid`",
        ),
        (
            "MaxPooling1D",
            "AveragePooling1D",
            "layer `pool` is a `AveragePooling1D`",
        ),
        (
            "\"strides\": [1], \"padding\": \"valid\"",
            "\"strides\": [1], \"padding\": \"same\"",
            "layer `first` is padded `same`",
        ),
        ("[1]}}", "[2]}}", "layer `second` is dilated"),
        ("[28]", "[13]", "pooling windows of 13"),
    ] {
        let error = read(from, to).expect_err(to).to_string();
        assert!(error.contains(expected), "{error}");
    }
}
