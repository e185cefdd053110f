//! Features, place fields and comparisons.

use super::files::{close, folder, json, matrix, number, numbers, states};
use neuropil_lab::array::read_numbers;
use neuropil_successor::compare::{GammaFit, GammaLaw, kl_counts, kl_gamma, number_distribution};
use neuropil_successor::features::{Border, blur, repair, scaled};
use neuropil_successor::field_1d::{circular_centre, neuron_shift, population_shift, skewness};
use neuropil_successor::fields::{
    FieldSettings, Fields, Grid, Smoother, detect, information, occupancy, rate_map, smoothing_kernel,
    summarise,
};
use neuropil_successor::world::Shape;

fn lowest_first(unused: &[usize], k: usize) -> Vec<usize> {
    unused.iter().copied().take(k).collect()
}

#[test]
fn features_are_blurred_and_repaired() {
    let file = json("features_td.json");
    let (fixed, _) = repair(&matrix(&file["bernoulli"]), 2.0, lowest_first);
    close(
        "repair",
        fixed.values(),
        &numbers(&file["bernoulli_fixed_lowest_unused_first"]),
        0.0,
    );
    for (border, key) in [
        (Border::Reflect, "feature_map_reflect"),
        (Border::Wrap, "feature_map_wrap"),
    ] {
        let map = scaled(blur(&fixed, Shape::Ring, number(&file["sigma"]), 1.0, border));
        close(key, map.transposed().values(), &numbers(&file[key]), 1e-10);
    }
    let file = json("feature_blur_2d.json");
    let (width, height) = (
        file["arena"][0].as_u64().unwrap() as usize,
        file["arena"][1].as_u64().unwrap() as usize,
    );
    for case in file["cases"].as_array().unwrap() {
        let shape = Shape::Grid { width, height };
        let (sigma, truncate) = (number(&case["sigma"]), number(&case["truncate"]));
        let map = scaled(blur(
            &matrix(&file["bernoulli"]),
            shape,
            sigma,
            truncate,
            Border::Reflect,
        ));
        close(
            "2-D blur",
            map.transposed().values(),
            &numbers(&case["feature_map"]),
            1e-10,
        );
        let features = neuropil_successor::features::FeatureMap {
            of_state: map,
            notes: Vec::new(),
        };
        close(
            "sparsity",
            &[features.sparsity()],
            &[number(&case["sparsity"])],
            1e-10,
        );
    }
    let duplicates = &file["duplicates"];
    let (fixed, _) = repair(&matrix(&duplicates["input"]), 0.0, lowest_first);
    close(
        "duplicates",
        fixed.values(),
        &numbers(&duplicates["fixed_lowest_unused_first"]),
        0.0,
    );
}

#[test]
fn place_fields() {
    let file = json("place_fields.json");
    let path = folder().join("place_fields.npz");
    let array = |name: &str| read_numbers(&path, name).unwrap();
    let side = file["L"].as_u64().unwrap() as usize;
    let bins: Vec<usize> = array("xs")
        .1
        .iter()
        .zip(&array("ys").1)
        .map(|(x, y)| *x as usize * side + *y as usize)
        .collect();
    let (shape, activity) = array("activity");
    let (_, shifts) = array("shifts");
    let (_, smoothed) = array("smoothed");
    let (_, raw) = array("raw");
    let (_, mask) = array("mask");
    let settings = FieldSettings::default();
    let grid = Grid::full(side, side);
    let smoother = Smoother::new(&grid, &settings);
    close(
        "kernel",
        &smoothing_kernel(side as f64, 0.12).1,
        &numbers(&file["kernel"]),
        1e-12,
    );
    let neurons = shape[1];
    let column =
        |values: &[f64], j: usize| -> Vec<f64> { values.iter().skip(j).step_by(neurons).copied().collect() };
    let frames = occupancy(&bins, grid.bins());
    let mut found: Vec<Fields> = Vec::new();
    for j in 0..neurons {
        let a = column(&activity, j);
        let shifts: Vec<usize> = column(&shifts, j).iter().map(|shift| *shift as usize).collect();
        let fields = detect(&bins, &a, &shifts, &grid, &smoother, &settings);
        let part = j * side * side..(j + 1) * side * side;
        close(
            "raw map",
            &rate_map(&bins, &a, grid.bins()),
            &raw[part.clone()],
            1e-10,
        );
        close("smoothed map", &fields.map, &smoothed[part.clone()], 1e-10);
        let significant: Vec<f64> = fields
            .significant
            .iter()
            .map(|flag| f64::from(u8::from(*flag)))
            .collect();
        close("mask", &significant, &mask[part], 0.0);
        assert_eq!(
            fields.areas(),
            states(&file["areas_bins"][j]),
            "areas of neuron {j}"
        );
        let measured = information(&frames, &fields.raw).unwrap();
        close(
            "information",
            &[measured.bits_per_spike],
            &[number(&file["spatial_information_bits_per_spike"][j])],
            1e-9,
        );
        close(
            "sparsity",
            &[measured.sparsity],
            &[number(&file["sparsity_treves_rolls"][j])],
            1e-9,
        );
        found.push(fields);
    }
    let summary = summarise(&found, &grid);
    assert_eq!(summary.numbers, states(&file["n_fields"]));
    let ours = [
        summary.mean_size.unwrap(),
        summary.per_neuron,
        summary.one_field,
        summary.no_field,
    ];
    let names = [
        "mean_field_size",
        "mean_fields_per_neuron",
        "one_field",
        "zero_field",
    ];
    close("summary", &ours, &names.map(|name| number(&file[name])), 1e-12);
    let p = number_distribution(&summary.numbers).unwrap();
    close(
        "KL of numbers",
        &[kl_counts(&p, &numbers(&file["Q"]))],
        &[number(&file["kl_counts_nats"])],
        1e-6,
    );
    let law = GammaLaw::fit(&summary.sizes, GammaFit::Location0).unwrap();
    close(
        "gamma law",
        &[law.shape, law.scale],
        &numbers(&file["gamma_loc0"]),
        1e-5,
    );
    let birds = GammaLaw {
        shape: 1.12048,
        scale: 0.067097,
    };
    close(
        "KL of sizes",
        &[kl_gamma(law, birds)],
        &[number(&file["kl_sizes_nats_loc0"])],
        1e-6,
    );
}

#[test]
fn fields_on_a_ring() {
    let file = json("field_1d.json");
    let (before, after) = (matrix(&file["tuning_before"]), matrix(&file["tuning_after"]));
    for (ours, key) in [
        (population_shift(&before, &after), "population_shift"),
        (neuron_shift(&before, &after), "neuron_shift"),
    ] {
        let shifts: Vec<f64> = ours.shifts.iter().map(|shift| *shift as f64).collect();
        close(key, &shifts, &numbers(&file[key][0]), 0.0);
        close(key, &[ours.mean], &[number(&file[key][1])], 1e-12);
    }
    let centres: Vec<f64> = (0..after.rows())
        .map(|i| circular_centre(after.row(i)).unwrap())
        .collect();
    close("centre", &centres, &numbers(&file["circular_com_after"]), 1e-9);
    let skew = [skewness(before.row(3)).unwrap(), skewness(after.row(3)).unwrap()];
    close(
        "skewness",
        &skew,
        &[number(&file["skewness_before"]), number(&file["skewness_after"])],
        1e-9,
    );
    let info = information(&vec![1.0; after.columns()], after.row(3)).unwrap();
    close(
        "information",
        &[info.bits_per_spike],
        &[number(&file["spatial_info_uniform_occupancy"])],
        1e-9,
    );
}
