//! Whole courses: gathered against masked, stopped against not, one thread against several.

use neuropil_gating::course::{Course, Progress, draw};
use neuropil_gating::data::Dataset;
use neuropil_gating::settings::Settings;

fn small(method: &str) -> Settings {
    let mut settings = Settings {
        method: method.to_owned(),
        seed: 3,
        ..Settings::default()
    };
    settings.tasks.n = 3;
    settings.network.hidden = vec![60, 50];
    settings.training.batches = 25;
    settings.training.batch = 32;
    settings.stabilise.samples = 300;
    settings.stabilise.memory = 40;
    settings.stabilise.strength = 0.5;
    settings
}

fn digits() -> Dataset {
    Dataset::open("digits", &Default::default()).unwrap()
}

fn run(settings: &Settings, data: &Dataset, stop_after: &[usize]) -> (Vec<f32>, Vec<f32>, Progress) {
    let (tasks, gates) = draw(settings, data).unwrap();
    let mut course = Course::new(settings, data, &tasks, &gates).unwrap();
    let mut made = 0;
    while !course.is_over() {
        course.step().unwrap();
        made += 1;
        if stop_after.contains(&made) {
            let text = serde_json::to_string(&course.kept_progress()).unwrap();
            let arrays = course.arrays();
            course = Course::new(settings, data, &tasks, &gates).unwrap();
            course
                .restore(&arrays, serde_json::from_str(&text).unwrap())
                .unwrap();
        }
    }
    (
        course.theta(),
        course.importance().to_vec(),
        course.kept_progress(),
    )
}

#[test]
fn the_network_of_the_active_units_learns_as_the_whole_one_with_masks() {
    let data = digits();
    for method in ["xdg+si", "xdg+ewc", "split+mas", "xdg-exact+si+rule"] {
        let mut settings = small(method);
        let gathered = run(&settings, &data, &[]);
        settings.gates.whole = true;
        let whole = run(&settings, &data, &[]);
        let worst = |a: &[f32], b: &[f32]| {
            let largest = a.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
            a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest
        };
        assert!(
            worst(&gathered.0, &whole.0) < 1e-4,
            "{method}: θ {}",
            worst(&gathered.0, &whole.0)
        );
        if !method.contains("ewc") {
            assert!(
                worst(&gathered.1, &whole.1) < 2e-2,
                "{method}: Ω {}",
                worst(&gathered.1, &whole.1)
            );
        }
    }
}

#[test]
fn a_course_that_was_stopped_anywhere_ends_with_the_same_bits() {
    let data = digits();
    for method in ["xdg+si", "ewc", "replay", "partial+si+rule"] {
        let settings = small(method);
        let whole = run(&settings, &data, &[]);
        let stopped = run(&settings, &data, &[1, 7, 25, 26, 40, 50, 74]);
        assert_eq!(whole, stopped, "{method}");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let data = digits();
    let mut settings = small("xdg+si");
    settings.network.hidden = vec![700, 600];
    settings.gates.gated = 0.2;
    settings.training.batches = 4;
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| run(&settings, &data, &[]))
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn weights_of_gated_units_keep_their_bits() {
    let data = digits();
    let mut settings = small("xdg+si");
    settings.tasks.n = 1;
    let (tasks, gates) = draw(&settings, &data).unwrap();
    let mut course = Course::new(&settings, &data, &tasks, &gates).unwrap();
    let before = course.theta();
    while !course.is_over() {
        course.step().unwrap();
    }
    let (after, layout) = (course.theta(), course.network().layout().clone());
    let (w, old) = (layout.view(&after, "2.w"), layout.view(&before, "2.w"));
    let open = [0, 1].map(|layer| {
        gates.of(0)[layer]
            .iter()
            .map(|&g| g != 0.0)
            .collect::<Vec<bool>>()
    });
    let mut moved = 0;
    for (i, from) in open[0].iter().enumerate() {
        for (j, to) in open[1].iter().enumerate() {
            if *from && *to {
                moved += usize::from(w[i * 50 + j] != old[i * 50 + j]);
            } else {
                assert_eq!(w[i * 50 + j].to_bits(), old[i * 50 + j].to_bits());
            }
        }
    }
    assert!(moved > 0);
}

#[test]
fn the_penalty_begins_at_0_and_grows_with_the_second_task() {
    let data = digits();
    let (_, _, progress) = run(&small("si"), &data, &[]);
    assert_eq!(progress.learnt[0].largest_penalty, 0.0);
    assert!(progress.learnt[1].largest_penalty > 0.0);
}
