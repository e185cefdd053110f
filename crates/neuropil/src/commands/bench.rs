//! `neuropil bench`: the engine against the machine's peak, and whole updates of every task.

use crate::cli::BenchArgs;
use crate::failure::Failure;
use neuropil_lab::provenance;
use neuropil_song::bench::{Measured, kernels, peak, updates, validations};
use serde_json::json;

/// Runs the command.
pub(crate) fn run(args: &BenchArgs) -> Result<u8, Failure> {
    if !(args.seconds > 0.0 && args.seconds.is_finite()) {
        return Err(Failure::new(
            format!("--seconds is {}, expected a number > 0", args.seconds),
            "try 1",
        ));
    }
    let one = super::train::thread_pool(Some(1))?;
    let all = super::train::thread_pool(None)?;
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
    let mut rows: Vec<(usize, Measured)> = Vec::new();
    for (threads, pool) in [(1, &one), (n, &all)] {
        let measured = pool.install(|| {
            [
                kernels(args.seconds),
                updates(args.seconds),
                validations(args.seconds),
            ]
            .concat()
        });
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
