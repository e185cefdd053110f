//! `neuropil bench`: the engine against the machine's peak, and whole updates of every task.

use crate::cli::Global;
use crate::cli::song::BenchArgs;
use crate::terminal::{self, out, print_json, table};
use neuropil_lab::error::Problem;
use neuropil_lab::provenance;
use neuropil_song::bench::{BATCHES, KERNELS, Pupil, least, peak};
use neuropil_tasks::registry::PUBLISHED;
use serde_json::json;

/// One kind of work and its least time.
struct Measured {
    work: String,
    seconds: f64,
    trials: usize,
    flops: Option<f64>,
}

/// Runs the command.
pub(crate) fn run(args: &BenchArgs, global: &Global) -> Result<u8, Problem> {
    let one = crate::process::thread_pool(Some(1))?;
    let all = crate::process::thread_pool(global.threads)?;
    let n = all.current_num_threads();
    let tops = [
        one.install(|| peak(args.seconds)),
        all.install(|| peak(args.seconds)),
    ];
    let mut pupils = taught();
    let mut rows: Vec<(usize, Measured)> = Vec::new();
    for (threads, pool) in [(1, &one), (n, &all)] {
        let measured = pool.install(|| measure(&mut pupils, args.seconds));
        rows.extend(measured.into_iter().map(|m| (threads, m)));
        if n == 1 {
            break;
        }
    }
    let document = json!({
        "cpu": provenance::cpu(), "vectors": neuropil_math::simd::level().name(), "date": provenance::now(),
        "peak_gflops": { "1": tops[0], (n.to_string()): tops[1] },
        "rows": rows.iter().map(|(threads, m)| json!({
            "work": m.work, "threads": threads, "seconds": m.seconds, "trials": m.trials, "flops": m.flops,
        })).collect::<Vec<_>>(),
    });
    if let Some(path) = &global.out {
        let text = serde_json::to_vec_pretty(&document).expect("numbers are JSON");
        neuropil_lab::atomic::write(path, &text)?;
    }
    if global.json {
        print_json(&document)?;
    } else {
        print(&rows, tops, n)?;
    }
    Ok(0)
}

/// The peak, and every kind of work against it.
fn print(rows: &[(usize, Measured)], tops: [f64; 2], n: usize) -> Result<(), Problem> {
    out!(
        "{}, {}: f32 multiply-add peak {:.0} GFLOP/s on 1 thread, {:.0} on {n}",
        provenance::cpu(),
        neuropil_math::simd::level().name(),
        tops[0],
        tops[1]
    );
    let mut shown = table(["work", "threads", "ms", "trials/s", "GFLOP/s", "% of peak"]);
    for (threads, m) in rows {
        let top = if *threads == 1 { tops[0] } else { tops[1] };
        let flops = |digits: usize, factor: f64| {
            m.flops.map_or(String::new(), |flops| {
                format!("{:.digits$}", flops / m.seconds * factor)
            })
        };
        shown.add_row([
            m.work.clone(),
            threads.to_string(),
            format!("{:.3}", 1e3 * m.seconds),
            format!("{:.0}", m.trials as f64 / m.seconds),
            flops(1, 1e-9),
            flops(0, 1e-7 / top),
        ]);
    }
    out!("{shown}");
    Ok(())
}

/// Networks of every published task that have learnt for a while.
fn taught() -> Vec<Pupil> {
    let progress = terminal::counter("teaching", PUBLISHED.len() as u64);
    let teach = |name: &&str| {
        progress.set_message((*name).to_owned());
        let pupil = Pupil::teach(name);
        progress.inc(1);
        pupil
    };
    let pupils = PUBLISHED.iter().map(teach).collect();
    progress.finish_and_clear();
    pupils
}

fn measure(pupils: &mut [Pupil], seconds: f64) -> Vec<Measured> {
    let mut rows = Vec::new();
    for kernel in KERNELS {
        rows.push(Measured {
            work: kernel.describe() + ", forward + backward",
            seconds: least(seconds, kernel.prepare()),
            trials: kernel.n_trials,
            flops: Some(kernel.flops()),
        });
    }
    for pupil in pupils {
        let (name, n) = (
            pupil.task.definition.name.clone(),
            pupil.task.definition.trials_per_update,
        );
        let mut steps = 0.0;
        let all = least(seconds, || {
            steps = (0..BATCHES).map(|number| pupil.update(number)).sum();
        });
        rows.push(Measured {
            work: format!(
                "update {name}: B {n}, {:.0} steps a trial",
                steps / BATCHES as f64
            ),
            seconds: all / BATCHES as f64,
            trials: n,
            flops: None,
        });
        let n = pupil.task.definition.validation_trials;
        rows.push(Measured {
            work: format!("validation {name}: {n} trials"),
            seconds: least(seconds, || pupil.validate()),
            trials: n,
            flops: None,
        });
    }
    rows
}
