//! From a connectome to a trained network and back, as it is typed.

use crate::support::killed_mid_run;
use neuropil_connectome::export::Wiring;
use neuropil_lab::array::{Tensors, read_tensors};
use std::path::Path;
use std::process::Command;

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuropil"));
    command.current_dir(folder).args(args);
    command
}

fn run(folder: &Path, args: &[&str]) {
    let output = command(folder, args).output().expect("the command starts");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {words}");
}

/// A generated brain in which KCs and PNs are assumed to excite, LNs and MBINs to inhibit.
fn brain(folder: &Path) {
    run(folder, &["connectome", "simulate", "larva", "--pairs", "100"]);
    let path = folder.join("larva/neurons.csv");
    let table = std::fs::read_to_string(&path).expect("a table");
    let mut lines = table.lines();
    let head = lines.next().expect("a head");
    let class = head
        .split(',')
        .position(|name| name == "celltype")
        .expect("classes");
    let sign = |line: &str| match line.split(',').nth(class) {
        Some("KC" | "PN") => "1",
        Some("LN" | "MBIN") => "-1",
        _ => "0",
    };
    let signed: Vec<String> = lines.map(|line| format!("{line},{}", sign(line))).collect();
    std::fs::write(path, format!("{head},sign\n{}\n", signed.join("\n"))).expect("a file");
}

const SETTINGS: &[&str] = &[
    "policy.masks.w_rec='wiring.npz'",
    "policy.masks.w_gates='wiring.npz'",
    "policy.initial.w_rec='wiring.npz'",
    "policy.signs='wiring.npz'",
    "policy.types='wiring.npz'",
    "policy.tied=['w_rec', 'w_gates', 'b_in', 'x0']",
    "policy.fixed=['x0']",
    "policy.l2_initial=0.1",
    "value.units=20",
    "training.check_every=5",
    "training.validation_trials=40",
];

fn array<'a>(tensors: &'a Tensors, name: &str) -> &'a [f32] {
    &tensors[name].1
}

#[test]
fn an_exported_wiring_is_obeyed_resumed_to_the_bit_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    brain(here);
    run(
        here,
        &[
            "connectome",
            "export-rnn",
            "larva",
            "--select",
            "celltype=PN or celltype=KC or celltype=LN or celltype=MBON or celltype=MBIN",
            "--signs",
            "sign",
        ],
    );
    let wiring = Wiring::load(&here.join("wiring.npz")).unwrap();
    let n = wiring.n();
    let units = format!("policy.units={n}");
    let settings: Vec<&str> = SETTINGS.iter().flat_map(|s| ["--set", s]).collect();
    let settings = [&["--set", &units][..], &settings].concat();
    let train = |out: &str, more: &[&str]| {
        let start = [
            "-q",
            "train",
            "rdm",
            "--dt",
            "50",
            "--only",
            "--updates",
            "40",
            "--out",
            out,
        ];
        let args = [&start[..], &settings, more].concat();
        args.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let run_owned = |args: &[String]| run(here, &args.iter().map(String::as_str).collect::<Vec<_>>());
    run_owned(&train("one", &["--threads", "1"]));
    run_owned(&train("three", &["--threads", "3"]));

    // The files are not needed any more once a checkpoint holds what they said.
    let (mut begun, mut landed) = (false, 0);
    for _ in 0..6 {
        let args = train("killed", &["--resume"]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        landed += usize::from(killed_mid_run(&mut command(here, &args), &here.join("killed"), 2));
        if !begun && here.join("killed/checkpoint/last.safetensors").is_file() {
            begun = true;
            std::fs::rename(here.join("wiring.npz"), here.join("away.npz")).unwrap();
        }
    }
    assert!(begun && landed >= 4, "{landed} of 6 kills landed mid-run");
    run_owned(&train("killed", &["--resume"]));
    std::fs::rename(here.join("away.npz"), here.join("wiring.npz")).unwrap();
    let bytes = |out: &str| std::fs::read(here.join(out).join("checkpoint/last.safetensors")).unwrap();
    assert!(bytes("one") == bytes("three"), "threads matter");
    assert!(bytes("one") == bytes("killed"), "kills matter");

    let last = read_tensors(&here.join("one/checkpoint/last.safetensors")).unwrap();
    let (base, group, gain) = (
        array(&last, "policy.tie.base"),
        array(&last, "policy.tie.group"),
        array(&last, "policy.tie.gain"),
    );
    let w_rec = array(&last, "policy.w_rec");
    let from = (0..base.len())
        .find(|&i| base[i..].starts_with(&base_of(&wiring)))
        .expect("the bases are the weights of the file");
    let (mut moved, mut tied) = (0, 0);
    for pre in 0..n {
        for post in 0..n {
            let (w, place) = (w_rec[pre * n + post], from + pre * n + post);
            if !wiring.mask[post * n + pre] {
                assert_eq!(w, 0.0, "no connection from {pre} to {post}");
                continue;
            }
            assert!(w * f32::from(wiring.sign[pre]) >= 0.0, "{pre} to {post}: {w}");
            assert_eq!(w, base[place] * gain[group[place] as usize]);
            tied += 1;
            moved += usize::from(w != base[place]);
        }
    }
    assert_eq!(tied, wiring.n_edges());
    assert!(moved > tied / 2, "{moved} of {tied} weights moved");
    let types = wiring.types();
    let bias = array(&last, "policy.b_in");
    for (a, b) in (0..n).flat_map(|a| (0..n).map(move |b| (a, b))) {
        for block in 0..3 {
            let same = bias[block * n + a] == bias[block * n + b];
            assert!(
                same || types[a] != types[b],
                "biases of units {a} and {b} of one type"
            );
        }
    }
    assert!(array(&last, "policy.x0").iter().all(|&x| x == 0.5), "x0 is fixed");

    run(here, &["export", "one", "--safetensors", "weights.safetensors"]);
    let import = [
        "import",
        "rdm",
        "weights.safetensors",
        "--dt",
        "50",
        "--out",
        "again",
    ];
    run(here, &[&import[..], &settings].concat());
    let best = |out: &str| read_tensors(&here.join(out).join("checkpoint/best.safetensors")).unwrap();
    let (trained, imported) = (best("one"), best("again"));
    assert_eq!(
        trained.keys().collect::<Vec<_>>(),
        imported.keys().collect::<Vec<_>>()
    );
    for (name, values) in &trained {
        assert!(imported[name] == *values, "{name} changed on the way");
    }
    assert!(array(&best("again"), "policy.w_rec").iter().any(|&w| w != 0.0));
}

/// The initial weights of a wiring, from × to, as the engine's first row and on.
fn base_of(wiring: &Wiring) -> Vec<f32> {
    let n = wiring.n();
    (0..n * n).map(|e| wiring.w0[e % n * n + e / n] as f32).collect()
}
