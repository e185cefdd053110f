//! `neuropil bench`: the engine against the machine's peak, and whole updates of every task.

use crate::cli::BenchArgs;
use crate::terminal;
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
pub(crate) fn run(args: &BenchArgs) -> Result<u8, Problem> {
    if !(args.seconds > 0.0 && args.seconds.is_finite()) {
        return Err(Problem::new(
            format!("--seconds is {}, expected a number > 0", args.seconds),
            "try 1",
        ));
    }
    let one = crate::process::thread_pool(Some(1))?;
    let all = crate::process::thread_pool(None)?;
    let n = all.current_num_threads();
    let tops = [
        one.install(|| peak(args.seconds)),
        all.install(|| peak(args.seconds)),
    ];
    println!(
        "{}, {}: f32 multiply-add peak {:.0} GFLOP/s on 1 thread, {:.0} on {n}",
        provenance::cpu(),
        neuropil_math::simd::level().name(),
        tops[0],
        tops[1]
    );
    let mut pupils = taught();
    let mut rows: Vec<(usize, Measured)> = Vec::new();
    for (threads, pool) in [(1, &one), (n, &all)] {
        let measured = pool.install(|| measure(&mut pupils, args.seconds));
        rows.extend(measured.into_iter().map(|m| (threads, m)));
        if n == 1 {
            break;
        }
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["work", "threads", "ms", "trials/s", "GFLOP/s", "% of peak"]);
    for (threads, m) in &rows {
        let top = if *threads == 1 { tops[0] } else { tops[1] };
        table.add_row([
            m.work.clone(),
            threads.to_string(),
            format!("{:.3}", 1e3 * m.seconds),
            format!("{:.0}", m.trials as f64 / m.seconds),
            m.flops
                .map_or(String::new(), |flops| format!("{:.1}", flops / m.seconds * 1e-9)),
            m.flops.map_or(String::new(), |flops| {
                format!("{:.0}", flops / m.seconds * 1e-7 / top)
            }),
        ]);
    }
    println!("{table}");
    if let Some(path) = &args.out {
        let document = json!({
            "cpu": provenance::cpu(), "vectors": neuropil_math::simd::level().name(), "date": provenance::now(),
            "peak_gflops": { "1": tops[0], (n.to_string()): tops[1] },
            "rows": rows.iter().map(|(threads, m)| json!({
                "work": m.work, "threads": threads, "seconds": m.seconds, "trials": m.trials, "flops": m.flops,
            })).collect::<Vec<_>>(),
        });
        neuropil_lab::atomic::write(
            path,
            &serde_json::to_vec_pretty(&document).expect("numbers are JSON"),
        )?;
    }
    Ok(0)
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
