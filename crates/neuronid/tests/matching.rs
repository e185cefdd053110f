//! Pins, streams and baselines on an invented head.

use neuropil_math::rng::{Key, Purpose};
use neuropil_neuronid::atlas::Atlas;
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
