//! What the task language can say: rings, loops, targets, laws, events, answers that go on.

use neuropil_math::rng::{Key, Purpose};
use neuropil_tasks::task::Task;
use neuropil_tasks::trial::{Target, Trial};

/// A task of the given lines after what every task needs.
fn task(lines: &str) -> Task {
    let text = format!("name = \"mine\"\ndt_ms = 10\ntmax_ms = 1000\n{lines}");
    Task::parse("mine.toml", &text, None).unwrap_or_else(|error| panic!("{error}"))
}

fn draw(task: &Task, seed: u64) -> Trial {
    task.draw(&mut Key::new(seed).stream(Purpose::Condition, 0))
}

const RING: &str = r#"
inputs = ["FIXATION", "CUE", "TONE-{tone}"]
actions = ["WAIT", "GO-{angle}"]
[factors]
angle = { values = [0, 90, 180, 270], unit = "degrees" }
tone = ["low", "high"]
[rings]
CUE = { units = 8, concentration = 2, height = 0.8, baseline = 0.1 }
EYE = { units = 4, concentration = 1 }
[epochs]
fixation = { duration_ms = 100 }
cue = { duration_ms = 200, weight = 0 }
grace = { duration_ms = 100, weight = "0.5 if tone == low else 2" }
go = {}
[show]
FIXATION = { except = ["go"], mean = 1 }
CUE = { during = ["cue"], angle = "angle", noise = 0.01 }
"TONE-{tone}" = { during = ["cue"], when = "tone == {tone}", mean = 1 }
[answers]
"GO-{angle}" = { during = ["go"], correct = "angle == {angle}" }
[targets]
SPEED = { during = ["go"], value = "epoch_ms/1000" }
EYE = { during = ["go"], angle = "angle" }
[criterion]
correct = { at_least = 0.8 }
"#;

#[test]
fn rings_are_tuned_and_names_with_braces_are_written_out() {
    let task = task(RING);
    assert_eq!(task.n_inputs(), 1 + 8 + 2);
    assert_eq!(
        task.definition.actions,
        ["WAIT", "GO-0", "GO-90", "GO-180", "GO-270"]
    );
    assert_eq!((task.rings[0].first, task.rings[0].units), (1, 8));
    assert_eq!(task.periods_deg(), [("angle".to_owned(), 360.0)].into());
    for condition in task.conditions() {
        let (angle, tone) = (condition.values[0], condition.values[1]);
        let mut stream = Key::new(1).stream(Purpose::Condition, 0);
        let trial = task.compile(condition, &Default::default(), &mut stream);
        let row = trial.row_at(15);
        for unit in 0..8 {
            let away: f64 = (angle - task.rings[0].preferred_deg(unit)).to_radians();
            let expected = 0.1 + 0.8 * (2.0 * (away.cos() - 1.0)).exp();
            assert!(
                (row.inputs[1 + unit] - expected).abs() < 1e-12,
                "unit {unit} at {angle}"
            );
            assert!(row.noise_sd[1 + unit] > 0.0);
        }
        assert_eq!(row.inputs[9..], if tone == 0.0 { [1.0, 0.0] } else { [0.0, 1.0] });
        let choice = 1 + (angle / 90.0) as usize;
        assert_eq!(trial.row_at(60).outcomes[choice].correct, Some(true));
    }
}

#[test]
fn targets_are_values_or_actions_and_epochs_weigh_them() {
    let task = task(RING);
    assert_eq!(task.outputs, ["SPEED", "EYE-1", "EYE-2", "EYE-3", "EYE-4"]);
    let condition = task
        .find_condition(
            &[
                ("angle".to_owned(), "90".to_owned()),
                ("tone".to_owned(), "high".to_owned()),
            ]
            .into(),
        )
        .unwrap();
    let trial = task.compile(
        condition,
        &Default::default(),
        &mut Key::new(1).stream(Purpose::Condition, 0),
    );
    assert_eq!(trial.row_at(20).target, Some(Target::Values(vec![0.0; 5])));
    assert_eq!(
        [5, 20, 35, 60].map(|k| trial.row_at(k).weight),
        [1.0, 0.0, 2.0, 1.0]
    );
    let Some(Target::Values(values)) = &trial.row_at(60).target else {
        panic!("no values");
    };
    assert!((values[0] - 0.2).abs() < 1e-12, "200 ms after go: {}", values[0]);
    assert!(
        (values[2] - 1.0).abs() < 1e-12,
        "the unit that prefers 90°: {values:?}"
    );
    assert_eq!(trial.row_at(100).target, None);
    let classes = neuropil_tasks::registry::find("rdm", None).unwrap();
    assert_eq!(draw(&classes, 1).row_at(10).target, Some(Target::Class(0)));
}

const CLICKS: &str = r#"
inputs = ["FIXATION", "LEFT", "RIGHT"]
actions = ["WAIT", "CHOOSE-LEFT", "CHOOSE-RIGHT"]
[factors]
rate_left = [39, 20, 1]
bias = { normal = [0, 1], min = -0.5, max = 2 }
[derived]
"share(a, b)" = "a/(a + b)"
difference = "n_right - n_left"
left_share = "share(n_left + 1, n_right + 1)"
[epochs]
fixation = { duration_ms = 100 }
clicks = { duration_ms = { uniform = [500, "500 + 10*rate_left"] } }
decision = { duration_ms = 10 }
[events]
n_left = { input = "LEFT", during = ["clicks"], rate = "rate_left", refractory_ms = 5 }
n_right = { input = "RIGHT", during = ["clicks"], rate = "40 - rate_left", refractory_ms = 5 }
[show]
FIXATION = { except = ["decision"], mean = 1 }
[answers]
CHOOSE-LEFT = { during = ["decision"], correct = "difference < 0 || (difference == 0 && bias < 0)" }
CHOOSE-RIGHT = { during = ["decision"], correct = "difference > 0 || (difference == 0 && bias >= 0)" }
[criterion]
correct = { at_least = 0.8 }
"#;

#[test]
fn clicks_come_at_their_rate_and_are_counted() {
    let task = task(CLICKS);
    let names: Vec<&str> = task.recorded().collect();
    assert_eq!(names, ["bias", "n_left", "n_right", "difference", "left_share"]);
    let (mut expected, mut found, mut variance) = (0.0, 0.0, 0.0);
    for seed in 0..4000 {
        let trial = draw(&task, seed);
        let (start, end) = trial.epochs[1].unwrap();
        let [bias, n_left, n_right, difference, share] = trial.recorded[..] else {
            panic!("{:?}", trial.recorded);
        };
        assert!((-0.5..2.0).contains(&bias));
        assert_eq!(difference, n_right - n_left);
        assert!((share - (n_left + 1.0) / (n_left + n_right + 2.0)).abs() < 1e-12);
        let shown = |input: usize| trial.pulses.iter().filter(|pulse| pulse.input == input).count() as f64;
        assert_eq!([shown(1), shown(2)], [n_left, n_right]);
        assert!(
            trial
                .pulses
                .iter()
                .all(|pulse| (start..end).contains(&pulse.step) && pulse.size == 1.0)
        );
        let mean = trial.condition.values[0] * (end - start) as f64 * 0.01;
        expected += mean;
        found += n_left;
        variance += mean;
        let step = end;
        let right = trial.row_at(step).outcomes[2].correct;
        assert_eq!(right, Some(difference > 0.0 || difference == 0.0 && bias >= 0.0));
    }
    // A dead time makes counts less variable than Poisson's, never more.
    assert!(
        (found - expected).abs() < 4.0 * f64::sqrt(variance),
        "{found} clicks, expected {expected}"
    );
}

#[test]
fn a_trial_can_hold_many_answers_and_each_window_pays_once() {
    use neuropil_tasks::block::TrialBlock;
    use neuropil_tasks::environment::Environment;
    let task = task(
        r#"
inputs = ["LIGHT"]
actions = ["WAIT", "PRESS"]
trials_per_update = 5
[epochs]
first = { duration_ms = 300 }
gap = { duration_ms = 100 }
second = { duration_ms = 300 }
[show]
LIGHT = { except = ["gap"], mean = "sin(2*pi*t_ms/1000)" }
[answers]
PRESS = [
    { during = ["first"], reward = "1 - epoch_ms/1000", ends = false },
    { during = ["second"], reward = 3, ends = false },
]
[rewards]
otherwise = { reward = -0.5, ends = false }
[criterion]
reward = { at_least = 3 }
"#,
    );
    let trial = draw(&task, 1);
    assert!((trial.row_at(25).inputs[0] - 1.0).abs() < 1e-12);
    let mut block = TrialBlock::<1>::new(vec![&trial], &task.noisy_inputs, Key::new(1), &[0]);
    let mut inputs = [0.0];
    let mut earned = Vec::new();
    for t in 0..trial.n_steps {
        if t > 0 {
            block.observe(t, &mut inputs);
        }
        let (mut rewards, mut ended) = ([0.0], [false]);
        let action = usize::from([10, 11, 35, 50, 60].contains(&t));
        block.act(t, &[action], &[true], &mut rewards, &mut ended);
        if action == 1 {
            earned.push(rewards[0]);
        }
        assert_eq!(ended[0], t == trial.n_steps - 1, "at step {t}");
    }
    assert_eq!(earned, [0.9, 0.0, -0.5, 3.0, 0.0]);
}

#[test]
fn probabilities_by_an_expression_are_ones_in_every_trial() {
    let text = r#"
name = "odds"
dt_ms = 10
tmax_ms = 1000
inputs = ["A"]
actions = ["WAIT", "GO"]
[factors]
rate = [5, 30]
side = { values = ["left", "right"], probabilities = ["rate / 40", "1 - rate / 20"] }
[epochs]
go = { duration_ms = 100 }
[show]
A = { during = ["go"], mean = 1 }
[answers]
GO = { during = ["go"], reward = 1 }
[criterion]
reward = { at_least = 0.5 }
"#;
    let refused = Task::parse("mine.toml", text, None).unwrap_err().to_string();
    assert!(
        refused.contains("in some trials the probabilities are 0.1250, 0.7500"),
        "{refused}"
    );
    let whole = text.replace("1 - rate / 20", "1 - rate / 40");
    assert!(Task::parse("mine.toml", &whole, None).is_ok());
}

#[test]
fn levels_come_by_their_probabilities() {
    let task = task(
        r#"
inputs = ["A"]
actions = ["WAIT", "GO"]
[factors]
side = { values = ["left", "right"], probabilities = [0.2, 0.8] }
size = { values = [1, 2, 3], probabilities = ["0.5 if side == left else 0.1", 0.1, "0.4 if side == left else 0.8"] }
[epochs]
go = { duration_ms = { one_of = [100, 200] } }
rest = {}
[show]
A = { during = ["go"], mean = 1 }
[answers]
GO = { during = ["go"], reward = "size" }
[criterion]
reward = { at_least = 1 }
"#,
    );
    let n = 20_000;
    let mut counts = [[0.0_f64; 3]; 2];
    for seed in 0..n {
        let trial = draw(&task, seed);
        counts[trial.condition.values[0] as usize][trial.condition.values[1] as usize - 1] += 1.0;
    }
    for (side, sizes) in [(0.2, [0.5, 0.1, 0.4]), (0.8, [0.1, 0.1, 0.8])]
        .iter()
        .zip(counts)
        .map(|(p, c)| (p.1.map(|q| p.0 * q), c))
    {
        for (p, count) in side.iter().zip(sizes) {
            let sd = (n as f64 * p * (1.0 - p)).sqrt();
            assert!((count - n as f64 * p).abs() < 5.0 * sd, "{count} of {n} at {p}");
        }
    }
}

#[test]
fn onsets_are_rounded_once() {
    let text = r#"
name = "mine"
dt_ms = 5
tmax_ms = 1000
inputs = ["A"]
actions = ["WAIT", "GO"]
[factors]
wait = [105, 210]
[epochs]
first = { duration_ms = "wait" }
second = { duration_ms = "wait" }
third = { duration_ms = "wait" }
[show]
A = { during = ["first"], mean = 1 }
[answers]
GO = { during = ["third"], correct = "wait > 0" }
[criterion]
correct = { at_least = 0.8 }
"#;
    let task = Task::parse("mine.toml", text, Some(10.0)).unwrap();
    let condition = task.condition(0);
    let trial = task.compile(
        condition,
        &Default::default(),
        &mut Key::new(1).stream(Purpose::Condition, 0),
    );
    // 105, 210 and 315 ms: steps at 110, 210 and 320 ms are the first ones in time.
    assert_eq!(trial.epochs, [Some((0, 11)), Some((11, 21)), Some((21, 32))]);
    let moved = task.moved();
    assert_eq!(
        moved[0],
        "`first` from 0 to 105 ms takes 11 steps, at 0 to 100 ms"
    );
    assert_eq!(
        Task::parse("mine.toml", text, None).unwrap().moved(),
        Vec::<String>::new()
    );
    let too_long = [("second".to_owned(), 900.0)].into();
    let (message, _) = task.check_fixed(&too_long).unwrap_err();
    assert!(
        message.contains("epoch `second` would last until 1005 ms"),
        "{message}"
    );
}

#[test]
fn the_example_tasks_load_and_are_short() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/tasks");
    let mut n = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        assert!(lines.count() <= 35, "{}", path.display());
        let task =
            Task::parse(&path.display().to_string(), &text, None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            path.file_stem().unwrap().to_str(),
            Some(task.definition.name.as_str())
        );
        n += 1;
    }
    assert_eq!(n, 5);
}

const TIMING: &str = r#"
inputs = ["ON", "TONE-{wait}"]
actions = ["WAIT", "PRESS"]
[factors]
wait = { values = [200, 400], unit = "ms" }
[epochs]
tone = { duration_ms = 100 }
timed = { duration_ms = 800 }
[show]
ON = { except = [], mean = 1 }
"TONE-{wait}" = { during = ["tone"], when = "wait == {wait}", mean = 1 }
[answers]
PRESS = { during = ["timed"], reward = "1 if abs(epoch_ms - wait) <= 0.2*wait else -0.2" }
[rewards]
abort = -0.2
[criterion]
rewarded = { of = "reward > 0", over = "chosen == 1", at_least = 0.85 }
[[curriculum]]
answers.PRESS.reward = "1 if abs(epoch_ms - wait) <= 0.5*wait else -0.2"
criterion = { rewarded = { at_least = 0.5 } }
"#;

#[test]
fn a_reward_that_only_comes_later_in_an_epoch_is_worth_learning_for() {
    let never = TIMING.replace("0.2*wait", "-1").replace("0.5*wait", "-1");
    let text = format!("name = \"mine\"\ndt_ms = 10\ntmax_ms = 1000\n{never}");
    let error = Task::parse("mine.toml", &text, None).unwrap_err();
    assert!(
        error.message.contains("no action ever earns more than an abort"),
        "{error}"
    );
    task(TIMING);
}

#[test]
fn a_quantity_of_the_criterion_means_the_same_trials_in_a_lesson() {
    let whole = task(TIMING);
    let [lesson] = &whole.lessons[..] else {
        panic!("one lesson");
    };
    assert_eq!(
        (whole.quantities[0].at_least, lesson.quantities[0].at_least),
        (Some(0.85), Some(0.5))
    );
    assert!(whole.quantities[0].is_own() && lesson.quantities[0].is_own());
}

#[test]
fn what_training_would_run_into_without_a_word_is_said() {
    let go = r#"
name = "go"
dt_ms = 20
tmax_ms = 1000
inputs = ["TONE"]
actions = ["WAIT", "LICK"]
[factors]
tone = ["A", "B"]
[epochs]
on = { duration_ms = 300 }
answer = {}
[show]
TONE = { during = ["on"], when = "tone == A", mean = 1 }
[answers]
LICK = { during = ["answer"], correct = "tone == A", reward = "1 if tone == A else -1" }
[criterion]
hits = { of = "chosen == 1", over = "tone == A", at_least = 0.9 }
"#;
    let doubts = |text: &str| {
        Task::parse("go.toml", text, None)
            .unwrap_or_else(|error| panic!("{error}"))
            .doubts()
    };
    assert_eq!(
        doubts(go),
        [
            "in trials with tone B no answer is right, and to give none earns -1: if they are to be sat out, write \
          `[rewards] terminal = 0`"
        ]
    );
    assert!(doubts(&format!("{go}\n[rewards]\nterminal = 0\n")).is_empty());
    let never = go.replace("tone == A\", reward", "tone == A and tone == B\", reward");
    assert!(doubts(&never)[0].starts_with("the answer `LICK` is never right"));
    // The tasks of the library give no reason to doubt.
    for name in neuropil_tasks::registry::names() {
        let found = neuropil_tasks::registry::find(name, None).unwrap().doubts();
        assert!(found.is_empty(), "{name}: {found:?}");
    }
}
