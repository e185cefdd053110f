//! Pins, streams and baselines on an invented head.

use neuropil_lab::table::write_csv;
use neuropil_math::rng::{Key, Purpose};
use neuropil_neuronid::atlas::Atlas;
use neuropil_neuronid::atlas::matcher::Rules;
use neuropil_neuronid::cpd::Stiffness;
use neuropil_neuronid::evaluate::{LAMBDA, Method, score};
use neuropil_neuronid::identify::{Matcher, Options, Pin, identify, vote};
use neuropil_neuronid::stream::stream;
use neuropil_neuronid::synth::individuals::{Population, Variation};
use neuropil_neuronid::synth::invented;
use neuropil_neuronid::train::Head;
use neuropil_neuronid::worm::Worm;
use neuropil_neuronid::yu2021::CAMERA_UM;

/// Individuals of one invented head that differ little.
fn heads(n: u64) -> Vec<Head> {
    let mut atlas = invented::head(&mut Key::new(5).stream(Purpose::Test, 0));
    for neuron in &mut atlas {
        neuron.covariance = neuron.covariance.map(|row| row.map(|x| x * 0.15));
    }
    let variation = Variation {
        present: (0.7, 0.9),
        common: 1.0,
        ..Variation::default()
    };
    let population = Population::of(&atlas, variation).unwrap();
    let one = |index: u64| {
        let body = population.draw(&mut Key::new(6).stream(Purpose::Test, index));
        let worm = Worm {
            points: body.points.iter().map(|p| p.map(|x| x * CAMERA_UM)).collect(),
            names: body.labels.iter().map(|label| format!("N{label}")).collect(),
            ..Worm::default()
        };
        Head {
            name: format!("animal {index}"),
            worm,
            trained: index >= 3,
        }
    };
    (0..n).map(one).collect()
}

fn drift() -> Matcher {
    Matcher::Drift(Stiffness {
        lambda: LAMBDA,
        ..Stiffness::default()
    })
}

#[test]
fn a_pinned_neuron_keeps_its_name_and_nobody_else_has_it() {
    let heads = heads(2);
    let (template, test, matcher) = (&heads[0].worm, &heads[1].worm, drift());
    let name = template.names[10].clone();
    let row = test.names.iter().position(|other| *other != name).unwrap();
    let options = Options {
        pins: vec![Pin {
            test: row,
            name: name.clone(),
        }],
        ..Options::of(&matcher)
    };
    let found = identify(template, test, &matcher, &options).unwrap();
    assert_eq!(found.neurons[row].name, name);
    assert_eq!(
        found.neurons.iter().filter(|neuron| neuron.name == name).count(),
        1
    );
    let wrong = Options {
        pins: vec![Pin {
            test: row,
            name: "XYZ".to_owned(),
        }],
        ..options
    };
    let message = identify(template, test, &matcher, &wrong)
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        format!("pin of row {}: the template has no `XYZ`", row + 1)
    );
}

#[test]
fn every_baseline_finds_most_neurons_of_animals_that_differ_little_and_votes_are_no_worse_than_templates() {
    let heads = heads(9);
    let tests: Vec<&Head> = heads.iter().filter(|head| !head.trained).collect();
    let templates: Vec<&Worm> = heads
        .iter()
        .filter(|head| head.trained)
        .map(|head| &head.worm)
        .collect();
    let atlas = Atlas::of_worms(&templates, 3).unwrap();
    for method in Method::baselines() {
        let found = score(&method, false, &tests, &templates[..3], &atlas).unwrap();
        assert!(found.accuracy > 0.75, "{}: {}", method.name(), found.accuracy);
        assert!(found.top >= found.first && found.first > 0.7);
        if let Method::Votes(..) = method {
            assert!(
                found.accuracy >= found.single - 0.02,
                "{} {}",
                found.accuracy,
                found.single
            );
        }
    }
    let owned: Vec<Worm> = templates[..2].iter().map(|worm| (*worm).clone()).collect();
    let votes = vote(&owned, &tests[0].worm, &drift(), &Options::of(&drift())).unwrap();
    assert_eq!(votes.neurons.len(), tests[0].worm.points.len());
}

#[test]
fn pairs_that_somebody_else_found_put_a_worm_into_the_atlas() {
    let heads = heads(9);
    let trained: Vec<&Worm> = heads
        .iter()
        .filter(|head| head.trained)
        .map(|head| &head.worm)
        .collect();
    let atlas = Atlas::of_worms(&trained, 3).unwrap();
    let mut worm = heads.iter().find(|head| !head.trained).unwrap().worm.clone();
    worm.points.iter_mut().for_each(|p| (p[0], p[1]) = (-p[0], -p[1]));
    let place = |name: &String| atlas.neurons.iter().position(|neuron| neuron.name == *name);
    let truth: Vec<(usize, usize)> = worm
        .names
        .iter()
        .enumerate()
        .filter_map(|(row, name)| Some((row, place(name)?)))
        .collect();
    let rules = Rules::default();
    let found = atlas.match_from(&worm, &truth[..20], &rules).unwrap().unwrap();
    let n = atlas.neurons.len();
    let nearest = |row: usize| {
        let costs = &found.costs[row * n..][..n];
        (0..n).min_by(|&a, &b| costs[a].total_cmp(&costs[b]))
    };
    let right = truth
        .iter()
        .filter(|(row, column)| nearest(*row) == Some(*column))
        .count();
    assert!(right * 10 > truth.len() * 7, "{right} of {}", truth.len());
    assert!(atlas.match_from(&worm, &truth[..3], &rules).unwrap().is_none());
}

#[test]
fn an_atlas_names_a_worm_and_is_what_it_was_after_it_was_written() {
    let heads = heads(9);
    let trained: Vec<&Worm> = heads
        .iter()
        .filter(|head| head.trained)
        .map(|head| &head.worm)
        .collect();
    let atlas = Atlas::of_worms(&trained, 3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("atlas.csv");
    let table = atlas.table();
    let headers: Vec<String> = table.names().map(str::to_owned).collect();
    write_csv(&path, &headers, &table.rows()).unwrap();
    let back = Atlas::read(&path).unwrap();
    assert_eq!(back, atlas);

    let matcher = Matcher::Atlas(Box::new(back), None);
    let mut test = heads[0].worm.clone();
    let found = identify(&atlas.mean_worm(), &test, &matcher, &Options::of(&matcher)).unwrap();
    let right = found.against_names.unwrap();
    assert!(right.accuracy > 0.75, "{right:?}");

    // A neuron that lies far from all others has no counterpart.
    test.points.push([0.0, 400.0, 0.0]);
    test.names.push(String::new());
    let found = identify(&atlas.mean_worm(), &test, &matcher, &Options::of(&matcher)).unwrap();
    assert_eq!(found.neurons.last().unwrap().template, None);
}

#[test]
fn colours_count_only_where_every_neuron_of_the_atlas_has_them() {
    let heads = heads(9);
    let mut worms: Vec<Worm> = heads.iter().map(|head| head.worm.clone()).collect();
    for worm in &mut worms[..8] {
        worm.colours = Some(
            worm.names
                .iter()
                .map(|name| [name.len() as f64, 2.0, 3.0])
                .collect(),
        );
    }
    // The ninth has none: it says nothing of colours, and does not darken the mean.
    let atlas = Atlas::of_worms(&worms.iter().collect::<Vec<_>>(), 4).unwrap();
    assert!(atlas.coloured());
    for neuron in &atlas.neurons {
        assert!((neuron.mean[4] - 2.0).abs() < 1e-12, "{neuron:?}");
    }
    worms[1..].iter_mut().for_each(|worm| worm.colours = None);
    let atlas = Atlas::of_worms(&worms.iter().collect::<Vec<_>>(), 4).unwrap();
    assert!(!atlas.coloured());
}

#[test]
fn a_stream_answers_line_by_line_and_goes_on_after_a_line_that_is_none() {
    let heads = heads(1);
    let template = &heads[0].worm;
    let points: Vec<String> = template
        .points
        .iter()
        .map(|p| format!("[{},{},{}]", p[0], p[1], p[2]))
        .collect();
    let good = format!("{{\"volume\": 7, \"points\": [{}]}}\n", points.join(","));
    let text = format!("{good}nonsense\n\n{{\"points\": [[1,2]]}}\n{good}");
    let mut output = Vec::new();
    let matcher = Matcher::Rigid;
    let options = Options::of(&matcher);
    let found = stream(
        &mut text.as_bytes(),
        &mut output,
        template,
        (&matcher, &options),
        [1.0; 3],
        1e9,
    )
    .unwrap();
    assert_eq!((found.volumes, found.refused, found.late), (2, 2, 0));
    let lines: Vec<serde_json::Value> = String::from_utf8(output)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0]["volume"], 7);
    let right = |line: &serde_json::Value| {
        let neurons = line["neurons"].as_array().unwrap();
        neurons
            .iter()
            .filter(|neuron| neuron["test"] == neuron["template"])
            .count()
    };
    assert_eq!((right(&lines[0]), right(&lines[3])), (points.len(), points.len()));
    assert_eq!(lines[1]["line"], 2);
    assert!(
        lines[2]["error"].as_str().unwrap().contains("expected"),
        "{}",
        lines[2]
    );
}

#[test]
fn separate_encoders_have_the_gradients_of_finite_differences_and_a_template_is_encoded_once() {
    use neuropil_neuronid::loss::{Partners, gradient, loss};
    use neuropil_neuronid::network::{Encoder, Network, Normalise, Request, Shape};
    let shape = Shape {
        width: 8,
        layers: 2,
        heads: 2,
        hidden: 12,
        encoder: Encoder::Separate,
    };
    let mut network = Network::<f64>::draw(shape, Key::new(4));
    let cloud = |n: usize, shift: f64| -> Vec<[f64; 3]> {
        (0..n)
            .map(|i| {
                let i = i as f64 + shift;
                [
                    0.4 * (i * 1.3).sin(),
                    0.3 * (i * 2.1).cos(),
                    0.2 * (i * 0.7).sin(),
                ]
            })
            .collect()
    };
    let (a, b, c) = (cloud(5, 0.0), cloud(4, 0.3), cloud(6, 1.7));
    let worms: Vec<&[[f64; 3]]> = vec![&a, &b, &c];
    let partners = [
        Partners::of(&[0, 1, 2, 3, -1], &[3, 0, -2, 1], false),
        Partners::of(&[0, 1, 2, 3, -1], &[2, -1, 9, 0, -2, 3], false),
    ];
    let request = |worms| Request {
        worms,
        reference: 0,
        tests: &[1, 2],
        normalise: Normalise::Batch,
        dropout: None,
    };
    let total = |network: &Network<f64>| {
        let pass = network.forward(&request(&worms));
        let log_p: Vec<&[f64]> = (0..2).map(|k| pass.log_probabilities(k)).collect();
        let sums = loss(&log_p, &partners, 5);
        let dlog = gradient(&log_p, &partners, 5, &sums, 0.1);
        (sums.total(0.1), network.backward(&pass, &dlog))
    };
    let exact = total(&network).1;
    for place in (0..network.params.len()).step_by(7) {
        let kept = network.params[place];
        let mut at = |value: f64| {
            network.params[place] = value;
            total(&network).0
        };
        let difference = (at(kept + 1e-5) - at(kept - 1e-5)) / 2e-5;
        network.params[place] = kept;
        assert!(
            (difference - exact[place]).abs() < 1e-6 * exact[place].abs().max(1.0),
            "{place}: {difference} for {}",
            exact[place]
        );
    }
    let network = network.ready();
    let (whole, encoded) = (network.match_one(&a, &b), network.encode(&a));
    let cached = network.match_encoded(&encoded, &b);
    assert!(whole.iter().zip(&cached).all(|(a, b)| (a - b).abs() < 1e-12));
}
