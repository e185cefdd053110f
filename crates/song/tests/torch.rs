//! Networks imported from PyTorch compute what PyTorch computes.

use neuropil_lab::array::{Tensors, read_tensors, write_safetensors};
use neuropil_nn::network::{History, Keep};
use neuropil_song::exchange::{import, to_ours};
use neuropil_song::resolve::resolve;
use neuropil_tasks::registry;
use std::path::Path;
use std::process::Command;

const LANES: usize = 8;

/// Largest distance between the logits in `logits` \[step\]\[action\] and those of the imported policy, which is shown
/// `inputs` \[step\]\[input\] without noise; the first step of ours, which has no input, is not among them.
fn distance(tensors: &Tensors, path: &Path, settings: &[&str]) -> f32 {
    let task = registry::find("rdm", None).unwrap();
    let config = resolve(&task, |layers| {
        settings.iter().try_for_each(|given| layers.set(given))
    });
    let imported = import(&to_ours(tensors), path, &config.unwrap().value, &task).unwrap();
    assert_eq!(imported.drawn, ["value"]);
    let ((shape, inputs), (_, logits)) = (&tensors["inputs"], &tensors["logits"]);
    let (n_steps, network) = (shape[0], &imported.policy.network);
    let mut history = History::<f32, LANES>::new(network.shape(), n_steps + 1, Keep::All);
    let mut z = vec![0.0; logits.len() / n_steps * LANES];
    network.begin(&mut history, None);
    let mut most = 0.0_f32;
    for t in 1..=n_steps {
        let shown = &inputs[(t - 1) * shape[1]..][..shape[1]];
        for (lanes, &u) in history
            .input_mut(t)
            .as_chunks_mut::<LANES>()
            .0
            .iter_mut()
            .zip(shown)
        {
            lanes.fill(u);
        }
        network.advance(&mut history, t);
        network.read_out(&history, t, &mut z);
        let n_outputs = z.len() / LANES;
        for (o, lanes) in z.as_chunks::<LANES>().0.iter().enumerate() {
            most = most.max((lanes[0] - logits[(t - 1) * n_outputs + o]).abs());
        }
    }
    most
}

/// `torch.manual_seed(5)`, `torch.nn.LSTM(3, 2)` and `torch.nn.Linear(2, 3)` with parameters rounded to fiftieths, and the
/// logits that PyTorch 2 computes from them.
#[test]
fn an_lstm_in_a_safetensors_file_computes_what_pytorch_computed() {
    let tensor = |shape: &[usize], values: &[f32]| (shape.to_vec(), values.to_vec());
    let tensors = Tensors::from(
        [
            (
                "policy.lstm.weight_ih_l0",
                tensor(
                    &[8, 3],
                    &[
                        0.94, -1.06, 1.16, 0.9, 1.18, -1.08, -0.94, 0.68, -1.32, 1.4, 0.3, 0.18, -1.2, 0.46,
                        0.6, 0.22, 1.36, 0.42, -1.26, 1.18, 0.48, -0.68, -1.3, 0.8,
                    ],
                ),
            ),
            (
                "policy.lstm.weight_hh_l0",
                tensor(
                    &[8, 2],
                    &[
                        1.34, -1.16, 0.08, 0.5, -0.66, -0.3, -0.94, -0.66, -1.28, -0.04, 0.84, 0.68, 1.32,
                        -1.24, -0.18, 1.38,
                    ],
                ),
            ),
            (
                "policy.lstm.bias_ih_l0",
                tensor(&[8], &[0.24, -0.4, -1.28, 0.66, 1.08, 1.14, 1.18, 0.28]),
            ),
            (
                "policy.lstm.bias_hh_l0",
                tensor(&[8], &[1.0, -0.36, 1.14, -0.12, -0.3, -0.7, 0.76, 0.58]),
            ),
            (
                "policy.readout.weight",
                tensor(&[3, 2], &[0.9, -0.9, -0.76, 1.34, -0.78, -0.8]),
            ),
            ("policy.readout.bias", tensor(&[3], &[-0.38, -0.46, -0.96])),
            (
                "inputs",
                tensor(&[3, 3], &[1.0, 0.5, 0.0, 1.0, 0.0, 0.5, 0.0, 1.0, -1.0]),
            ),
            (
                "logits",
                tensor(
                    &[3, 3],
                    &[
                        -0.672_742_7,
                        -0.094_874_89,
                        -1.027_520_3,
                        -0.809_984_45,
                        0.180_795_4,
                        -1.343_832_7,
                        -0.577_849_27,
                        -0.114_675_31,
                        -1.274_113_7,
                    ],
                ),
            ),
        ]
        .map(|(name, tensor)| (name.to_owned(), tensor)),
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    write_safetensors(&path, &tensors, "{}").unwrap();
    let settings = [
        "policy.units=2",
        "policy.connection_probability=1",
        "policy.cell=lstm",
    ];
    let most = distance(&read_tensors(&path).unwrap(), &path, &settings);
    assert!(most < 2e-6, "logits differ by {most}");
}

const SCRIPT: &str = r#"
import sys
import numpy, torch

class Policy(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        layer = torch.nn.LSTM(3, 7) if kind == "lstm" else torch.nn.RNN(3, 7, nonlinearity="relu")
        setattr(self, kind, layer)
        self.readout = torch.nn.Linear(7, 3)

torch.manual_seed(int(sys.argv[2]))
policy = Policy(sys.argv[1])
inputs = torch.randn(12, 3)
with torch.no_grad():
    logits = policy.readout(getattr(policy, sys.argv[1])(inputs)[0])
arrays = {"policy." + name: value.numpy() for name, value in policy.state_dict().items()}
numpy.savez(sys.argv[3], inputs=inputs.numpy(), logits=logits.numpy(), **arrays)
"#;

/// A Python with PyTorch and NumPy: `NEUROPIL_PYTHON`, or the one on the path.
fn python() -> Option<String> {
    let python = std::env::var("NEUROPIL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import torch, numpy"]).output();
    found
        .is_ok_and(|output| output.status.success())
        .then_some(python)
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn state_dicts_of_pytorch_are_imported_as_what_they_compute() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python with PyTorch; NEUROPIL_PYTHON names one");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (kind, settings) in [
        (
            "lstm",
            &[
                "policy.units=7",
                "policy.connection_probability=1",
                "policy.cell=lstm",
            ][..],
        ),
        // A leaky unit at Δt = τ keeps nothing.
        (
            "rnn",
            &[
                "policy.units=7",
                "policy.connection_probability=1",
                "policy.cell=leaky",
                "tau_ms=10",
            ],
        ),
    ] {
        for seed in ["1", "2"] {
            let path = folder.path().join(format!("{kind}-{seed}.npz"));
            let ran = Command::new(&python)
                .args(["-c", SCRIPT, kind, seed])
                .arg(&path)
                .output()
                .unwrap();
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
            let most = distance(&read_tensors(&path).unwrap(), &path, settings);
            assert!(most < 1e-5, "{kind}, seed {seed}: logits differ by {most}");
        }
    }
}
