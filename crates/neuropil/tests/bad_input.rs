//! What bad input gets: exit code 2, a message in full, nothing half-written.
//!
//! `tests/messages/` holds every message as a user sees it. After a deliberate change, `UPDATE_EXPECT=1 cargo test -p
//! neuropil --test bad_input` writes them anew: read the difference as a user would.

mod systems;

use crate::support::SMALL;
use expect_test::{ExpectFile, expect_file};
use neuropil_lab::array::Npz;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder to run in, and what was said there so far.
struct Session {
    folder: tempfile::TempDir,
    said: String,
}

impl Session {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            said: String::new(),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("a file");
    }

    /// Runs the command; its exit code and what it wrote to standard error.
    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_neuropil"))
            .args(args)
            .current_dir(self.path())
            .env("NO_COLOR", "1")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("TERM")
            .env_remove("SLURM_CPUS_PER_TASK")
            .output()
            .expect("the command starts");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), message)
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path.clone());
                }
                files.push(path);
            }
        }
        files.sort();
        files
    }

    /// Runs a command that must be refused and leave everything as it was; remembers what it said.
    fn refused(&mut self, args: &[&str]) {
        let before = self.files();
        let (code, message) = self.run(args);
        assert_eq!(code, Some(2), "{args:?}: {message}");
        let lock = |path: &PathBuf| path.ends_with(".lock");
        let after: Vec<PathBuf> = self.files().into_iter().filter(|path| !lock(path)).collect();
        let before: Vec<PathBuf> = before.into_iter().filter(|path| !lock(path)).collect();
        assert_eq!(before, after, "{args:?}: files came or went");
        let typed: Vec<String> = args
            .iter()
            .map(|arg| {
                if arg.contains([' ', '[']) {
                    format!("'{arg}'")
                } else {
                    (*arg).to_owned()
                }
            })
            .collect();
        writeln!(
            self.said,
            "$ neuropil {}\n{}",
            typed.join(" "),
            message
                .replace(&self.path().display().to_string(), "FOLDER")
                .trim_end()
        )
        .unwrap();
        self.said.push('\n');
    }

    fn check(&self, expected: &ExpectFile) {
        expected.assert_eq(&self.said);
    }
}

#[test]
fn settings() {
    let mut session = Session::new();
    session.refused(&["train", "rdmm", "--out", "bad"]);
    session.refused(&["tasks", "nothing-of-the-kind"]);
    for settings in [
        &["--dt", "0"][..],
        &["--dt", "-10"],
        &["--dt", "125"],
        &["--dt", "7"],
        &["--set", "policy.connection_probability=0"],
        &["--set", "policy.connection_probability=1.5"],
        &["--set", "policy.units=5"],
        &["--set", "policy.units=0"],
        &["--set", "policy.units=-3"],
        &[
            "--set",
            "policy.units=2",
            "--set",
            "policy.connection_probability=1",
            "--set",
            "policy.input_targets.LEFT=[0, 0.33]",
        ],
        &["--set", "policy.input_targets.LEFT=[0.5, 0.2]"],
        &["--set", "policy.input_targets.UP=[0, 0.2]"],
        &["--set", "tau_ms=0"],
        &["--set", "tau_ms=5"],
        &["--set", "policy.learning_rate=0"],
        &["--set", "value.learning_rate=-0.004"],
        &["--set", "policy.learning_rate=fast"],
        &["--set", "policy.learning_rte=1"],
        &["--set", "policy.spectral_radius=0"],
        &["--set", "value.noise_variance=-1"],
        &["--set", "policy.cell=linear"],
        &["--set", "policy.cell=lstn"],
        &["--set", "policy.fixed=['w_rex']"],
        &["--set", "policy.excitatory_fraction=1"],
        &["--set", "training.trials_per_update=0"],
        &["--set", "training.check_every=0"],
        &["--set", "training.max_gradient_norm=0"],
        &["--set", "training.gae_lambda=2"],
        &["--set", "training.entropy_bonus=-0.1"],
        &["--set", "training.value_input=late"],
        &["--set", "preset=song2018"],
        &["--set", "nonsense"],
        &["--threads", "0"],
    ] {
        session.refused(&[&["train", "rdm", "--out", "bad"], settings].concat());
    }
    session.refused(&["train", "cartpole", "--out", "bad", "--dt", "5"]);
    session.refused(&[
        "train",
        "cartpole",
        "--out",
        "bad",
        "--set",
        "training.teacher=targets",
    ]);
    // What would be without effect.
    session.refused(&["tasks", "rdm", "--toml", "--out", "mine.toml"]);
    session.refused(&["export", "run", "--npz", "w.npz", "--out", "weights.npz"]);
    session.refused(&["enhancers", "simulate", "demo", "--json"]);
    session.check(&expect_file!["./messages/settings.txt"]);
}

const RDM: &str = include_str!("../../tasks/library/rdm.toml");

#[test]
fn task_files() {
    let mut session = Session::new();
    for (from, to) in [
        ("[factors]", "[factor]"),
        ("tmax_ms = 2750", "tmax_ms = 2000"),
        ("tmax_ms = 2750", "tmax_ms = inf"),
        ("tmax_ms = 2750", "tmax_ms = 0"),
        ("dt_ms = 10", "dt_ms = 7"),
        ("6.4", "640"),
        ("duration_ms = 750", "duration_ms = -750"),
        ("duration_ms = 750", "duration_ms = 0"),
        ("duration_ms = 750", "duration_ms = { uniform = [900, 300] }"),
        ("duration_ms = 750", "duration_ms = \"coherence - 100\""),
        ("exponential = 330", "exponental = 330"),
        ("duration_ms = 750", "duration_ms = [750]"),
        ("LEFT = { during", "LEFTT = { during"),
        ("CHOOSE-LEFT = {", "CHOSE-LEFT = {"),
        ("\"fixation\", \"stimulus\"", "\"fixation\", \"stimulos\""),
        ("direction*coherence/100)/2", "directon*coherence/100)/2"),
        ("\"direction < 0\"", "\"direction + 1\""),
        ("(1 - direction*coherence/100)/2", "coherence/0"),
        ("(1 - direction*coherence/100)/2", "sqrt(0 - 1 - coherence)"),
        ("at_least = 0.99", "at_leest = 0.99"),
        ("at_least = 0.99", "at_least = 99"),
        ("trials_per_update = 10", "trials_per_update = 0"),
        ("noise = 0.01", "noise = -0.01"),
        ("inputs = [\"FIXATION\", \"LEFT\"", "inputs = [\"LEFT\", \"LEFT\""),
        ("name = \"rdm\"", "name = \"rdm\nextends = 3"),
        ("[factors]", "[rewards]\nterminal = \"coherense\"\n[factors]"),
        (
            "dt_ms = 10",
            "curriculum = [{ factors = { coherence = [51.2] } }]\ndt_ms = 10",
        ),
        (
            "dt_ms = 10",
            "curriculum = [{ inputs = [], criterion = {} }]\ndt_ms = 10",
        ),
    ] {
        assert!(RDM.contains(from), "`{from}` is not in the file any more");
        session.write("mine.toml", &RDM.replacen(from, to, 1));
        writeln!(
            session.said,
            "# mine.toml: `{from}` became `{}`",
            to.replace('\n', "⏎")
        )
        .unwrap();
        session.refused(&["train", "mine.toml", "--out", "bad"]);
    }
    let nothing_pays = RDM
        .replace("correct = \"direction < 0\"", "reward = -1")
        .replace("correct = \"direction > 0\"", "reward = -1");
    session.write("mine.toml", &nothing_pays);
    session
        .said
        .push_str("# mine.toml: both answers have `reward = -1`\n");
    session.refused(&["train", "mine.toml", "--out", "bad"]);
    for world in [
        "world = 3",
        "world = { kind = \"bandits\" }",
        "world = { kind = \"bandit\", arm = 3 }",
        "world = { kind = \"bandit\", arms = 1 }",
        "world = { kind = \"bandit\", best_pays = 1.5 }",
        "world = { kind = \"two-step\", change = \"sometimes\" }",
        "world = { kind = \"bandit\" }\ninputs = [\"A\"]",
    ] {
        session.write(
            "mine.toml",
            &format!("extends = \"bandit\"\nname = \"mine\"\n{world}\n"),
        );
        writeln!(
            session.said,
            "# mine.toml: extends = \"bandit\", {}",
            world.replace('\n', "⏎")
        )
        .unwrap();
        session.refused(&["train", "mine.toml", "--out", "bad"]);
    }
    session.write("mine.toml", "name = \"mine\"\nworld = { arms = 3 }\n");
    session.said.push_str("# mine.toml: a world without a kind\n");
    session.refused(&["train", "mine.toml", "--out", "bad"]);
    session.write(
        "mine.toml",
        "extends = \"bandit\"\nname = \"mine\"\n[criterion]\nbest_arm = { at_least = 0.8 }\n",
    );
    session
        .said
        .push_str("# mine.toml: extends = \"bandit\", a criterion of `best_arm`\n");
    session.refused(&["train", "mine.toml", "--out", "bad"]);
    session.check(&expect_file!["./messages/task-files.txt"]);
}

#[test]
fn masks() {
    let mut session = Session::new();
    let ring = |n: usize| -> String {
        let row = |i: usize| {
            let cells = (0..n).map(|j| if (i + 1) % n == j { "1" } else { "0" });
            cells.collect::<Vec<_>>().join(",")
        };
        (0..n).map(row).collect::<Vec<_>>().join("\n")
    };
    session.write("small.csv", &ring(5));
    session.write("halves.csv", &ring(20).replacen('1', "0.5", 1));
    session.write(
        "short.csv",
        &ring(20).lines().take(19).collect::<Vec<_>>().join("\n"),
    );
    session.write(
        "no-loop.csv",
        &ring(20)
            .lines()
            .take(19)
            .chain([&vec!["0"; 20].join(",")[..]])
            .collect::<Vec<_>>()
            .join("\n"),
    );
    session.write("text.npz", "not an archive");
    session.write("mask.txt", "");
    let archive = |file: &str, name: &str, shape: &[usize], value: f32| {
        let mut npz = Npz::default();
        npz.add(name, shape, vec![value; shape.iter().product()]);
        npz.write(&session.path().join(file)).unwrap();
    };
    archive("other-shape.npz", "w_rec", &[20, 5], 1.0);
    archive("other-name.npz", "wrec", &[20, 20], 1.0);
    archive("halves.npz", "w_rec", &[20, 20], 0.5);
    for file in [
        "missing.npz",
        "other-shape.npz",
        "other-name.npz",
        "halves.npz",
        "missing.csv",
        "small.csv",
        "halves.csv",
        "short.csv",
        "no-loop.csv",
        "text.npz",
        "mask.txt",
    ] {
        let setting = format!("policy.masks.w_rec=\"{file}\"");
        session.refused(&[
            "train",
            "rdm",
            "--out",
            "bad",
            "--set",
            "policy.units=20",
            "--set",
            &setting,
        ]);
    }
    session.refused(&[
        "train",
        "rdm",
        "--out",
        "bad",
        "--set",
        "policy.masks.w_recc=\"small.csv\"",
    ]);
    session.check(&expect_file!["./messages/masks.txt"]);
}

#[test]
fn wirings() {
    let mut session = Session::new();
    session.write("signs.csv", &vec!["1"; 19].join("\n"));
    session.write("charges.csv", &[vec!["1"; 19], vec!["0.5"]].concat().join("\n"));
    session.write("excite.csv", &vec!["1"; 20].join("\n"));
    session.write("types.csv", &[vec!["0"; 19], vec!["-1"]].concat().join(","));
    session.write("names.csv", &[vec!["0"; 19], vec!["KC"]].concat().join("\n"));
    let matrix = |value: &str| {
        let row = |i: usize| {
            let cell = |j: usize| if (i + 1) % 20 == j { value } else { "0" };
            (0..20).map(cell).collect::<Vec<_>>().join(",")
        };
        (0..20).map(row).collect::<Vec<_>>().join("\n")
    };
    session.write("inhibit.csv", &matrix("-0.5"));
    session.write("endless.csv", &matrix("inf"));
    session.write("ring.csv", &matrix("1"));
    session.write("small.csv", "1,2\n3,4\n");
    let dense = vec![vec!["0.1"; 20].join(","); 20].join("\n");
    session.write("dense.csv", &dense);
    let npz = |name: &str, arrays: Vec<(&str, Vec<usize>, Vec<f64>)>| {
        neuropil_lab::array::write_npz(&session.path().join(name), arrays).expect("a file");
    };
    npz("mask.npz", vec![("w_rec", vec![20, 20], vec![1.0; 400])]);
    npz("turned.npz", vec![("sign", vec![20, 1], vec![1.0; 20])]);
    for settings in [
        &["policy.signs=\"missing.npz\""][..],
        &["policy.signs=\"mask.npz\""],
        &["policy.signs=\"turned.npz\""],
        &["policy.signs=\"signs.csv\""],
        &["policy.signs=\"charges.csv\""],
        &["policy.signs=\"excite.txt\""],
        &["policy.signs=\"excite.csv\"", "policy.excitatory_fraction=0.8"],
        &["policy.types=\"types.csv\""],
        &["policy.types=\"types.csv\"", "policy.tied=['w_rec']"],
        &["policy.types=\"names.csv\"", "policy.tied=['w_rec']"],
        &["policy.tied=['w_rec']"],
        &["policy.types=\"excite.csv\"", "policy.tied=['b_out']"],
        &["policy.types=\"excite.csv\"", "policy.tied=['w_recc']"],
        &["policy.initial.w_rex=\"ring.csv\""],
        &["policy.initial.w_rec=\"mask.npz\""],
        &["policy.initial.w_rec=\"small.csv\""],
        &["policy.initial.w_rec=\"endless.csv\""],
        &[
            "policy.initial.w_rec=\"inhibit.csv\"",
            "policy.signs=\"excite.csv\"",
        ],
        &[
            "policy.initial.w_rec=\"dense.csv\"",
            "policy.masks.w_rec=\"ring.csv\"",
        ],
        &["policy.l2_initial=-1"],
        &["value.cell=linear", "value.signs=\"excite.csv\""],
    ] {
        let mut args = vec!["train", "rdm", "--out", "bad", "--set", "policy.units=20"];
        args.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        session.refused(&args);
    }
    session.check(&expect_file!["./messages/wirings.txt"]);
}

#[test]
fn checkpoints() {
    let mut session = Session::new();
    let train = |session: &Session, out: &str| {
        let args = [&["-q", "train", "rdm", "--out", out, "--updates", "10"], SMALL].concat();
        let (code, message) = session.run(&args);
        assert_eq!(code, Some(0), "{message}");
    };
    train(&session, "run");
    let resume = [
        &[
            "-q",
            "train",
            "rdm",
            "--out",
            "run",
            "--updates",
            "20",
            "--resume",
        ],
        SMALL,
    ]
    .concat();
    let file = session.path().join("run/checkpoint/last.safetensors");
    let whole = std::fs::read(&file).unwrap();
    session.said.push_str("# a checkpoint cut in half\n");
    std::fs::write(&file, &whole[..3000]).unwrap();
    session.refused(&resume);
    session.said.push_str("# one of another version\n");
    let text = br#"format_version\":"#;
    let at = whole
        .windows(text.len())
        .position(|window| window == text)
        .unwrap()
        + text.len();
    let mut other = whole.clone();
    other[at] = b'9';
    std::fs::write(&file, &other).unwrap();
    session.refused(&resume);
    session.said.push_str("# one with a flipped bit\n");
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &flipped).unwrap();
    session.refused(&resume);
    session.said.push_str("# a text file in its place\n");
    std::fs::write(&file, "no checkpoint at all").unwrap();
    session.refused(&resume);
    std::fs::write(&file, &whole).unwrap();
    session.said.push_str("# resumed with other settings\n");
    let changed = [
        &resume[..],
        &[
            "--set",
            "policy.learning_rate=0.01",
            "--set",
            "training.continuous=true",
        ],
    ]
    .concat();
    session.refused(&changed);
    session.said.push_str("# begun where a run is\n");
    session.refused(&[&["train", "rdm", "--out", "run"], SMALL].concat());
    assert!(std::fs::read(&file).unwrap() == whole, "nothing was lost");
    session.check(&expect_file!["./messages/checkpoints.txt"]);
}

#[test]
fn tests_and_analyses() {
    let mut session = Session::new();
    for args in [
        &["test", "nowhere"][..],
        &["analyse", "nowhere"],
        &["analyse", "nowhere", "psychometrics"],
        &["report", "nowhere"],
        &["test", "nowhere", "--trials-per-condition", "0"],
    ] {
        session.refused(args);
    }
    let args = [&["-q", "train", "rdm", "--out", "run", "--updates", "5"], SMALL].concat();
    let (code, message) = session.run(&args);
    assert_eq!(code, Some(0), "{message}");
    session.said.push_str("# a run without test trials\n");
    session.refused(&["analyse", "run"]);
    session.refused(&["report", "run"]);
    let (code, message) = session.run(&["test", "run", "--trials-per-condition", "2"]);
    assert_eq!(code, Some(0), "{message}");
    session.said.push_str("# a run without recorded activity\n");
    session.refused(&["analyse", "run", "unit-activity"]);
    session.refused(&["analyse", "run", "psychometrics"]);
    session.refused(&["test", "run", "--kind", "activity", "--save-every", "7"]);
    session.check(&expect_file!["./messages/tests-and-analyses.txt"]);
}

/// What cannot be computed is said, and the analyses that can be are made all the same: exit code 1.
#[test]
fn a_psychometric_function_without_choices() {
    let mut session = Session::new();
    let args = [&["-q", "train", "rdm", "--out", "run", "--updates", "0"], SMALL].concat();
    assert_eq!(session.run(&args).0, Some(0));
    let (code, message) = session.run(&["test", "run", "--trials-per-condition", "2"]);
    assert_eq!(code, Some(0), "{message}");
    let (code, message) = session.run(&["analyse", "run", "psychometric"]);
    assert_eq!(code, Some(1));
    session.said = format!("$ neuropil analyse run psychometric\n{message}");
    session.check(&expect_file!["./messages/no-psychometric.txt"]);
}

/// More than 50 useless gradients in a row end a run; fewer are counted and survived.
#[test]
fn a_run_that_diverges_says_so() {
    let mut session = Session::new();
    let args = [
        &[
            "-q",
            "train",
            "rdm",
            "--out",
            "run",
            "--updates",
            "400",
            "--set",
            "policy.learning_rate=1e30",
        ],
        SMALL,
    ]
    .concat();
    let (code, message) = session.run(&args);
    session.said = format!("$ neuropil {}\n{message}", args.join(" "));
    assert_eq!(code, Some(2), "{message}");
    let log = std::fs::read_to_string(session.path().join("run/log.jsonl")).expect("a log");
    assert!(
        log.contains("\"event\":\"discarded\""),
        "discarded gradients are logged"
    );
    session.check(&expect_file!["./messages/diverged.txt"]);
}
