//! `neuropil enhancers calibrate`: how often planted regions are found, and false ones with them.

use super::{aligned, print_or_write};
use crate::cli::enhancers::CalibrateArgs;
use crate::process;
use crate::terminal::say;
use neuropil_enhancers::calibrate::{Calibration, Trial, calibrate, over_studies, whole_way};
use neuropil_enhancers::error::InputError;
use neuropil_enhancers::simulate::Invention;
use neuropil_enhancers::tree::{self, Choice, Tree};
use neuropil_lab::error::Problem;
use neuropil_math::stats::summary::{Summary, quantile};

/// Fewest studies over which the nulls of a region are judged.
const FEWEST_STUDIES: usize = 10;

/// One seed: AUROC of the network, where one was trained, and what the association found.
type Found = (Option<f64>, Calibration);

/// Runs the command.
pub(super) fn run(args: &CalibrateArgs, quiet: bool) -> Result<u8, Problem> {
    let tree = match &args.tree {
        Some(path) => Some(tree::read(path, &Choice::Only)?.tree),
        None => None,
    };
    let (regions, planted) = match &tree {
        Some(_) => (Trial::default().regions, Trial::default().planted),
        None => (Invention::default().regions, Invention::default().planted),
    };
    let (regions, planted) = (args.regions.unwrap_or(regions), args.planted.unwrap_or(planted));
    if planted >= regions || regions > 1_000_000 {
        return Err(Problem::bare(format!(
            "--planted {planted} of --regions {regions}, expected fewer, and a million regions at most"
        )));
    }
    let pool = process::thread_pool(args.threads)?;
    let (first, last) = args.seeds;
    let mut found = Vec::new();
    for seed in first..=last {
        let (auroc, one) = pool.install(|| by_seed(tree.as_ref(), (regions, planted), seed))?;
        if !quiet {
            let (recovered, planted, wrong) = (one.recovered, one.planted, one.false_discoveries);
            say!("seed {seed}: {recovered} of {planted} recovered, {wrong} false");
        }
        found.push((auroc, one));
    }
    if args.json {
        let one = |(auroc, found): &Found| serde_json::json!({"auroc": auroc, "found": found});
        let each: Vec<_> = found.iter().map(one).collect();
        let text = serde_json::to_string_pretty(&each).expect("numbers are JSON");
        print_or_write(&format!("{text}\n"), args.out.as_deref())?;
        return Ok(0);
    }
    print_or_write(&table(&found), args.out.as_deref())?;
    Ok(0)
}

/// Traits and predictions invented on a tree, or else a whole study from sequences on.
fn by_seed(tree: Option<&Tree>, (regions, planted): (usize, usize), seed: u64) -> Result<Found, InputError> {
    let Some(tree) = tree else {
        let plan = Invention {
            seed,
            regions,
            planted,
            ..Invention::default()
        };
        return whole_way(&plan).map(|way| (Some(way.auroc), way.found));
    };
    let trial = Trial {
        regions,
        planted,
        ..Trial::default()
    };
    calibrate(tree, &trial, seed).map(|found| (None, found))
}

fn table(found: &[Found]) -> String {
    let head = [
        "seed",
        "AUROC",
        "recovered",
        "planted",
        "false",
        "FDR",
        "KS p of nulls",
        "p ≤ 0.05",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(found.iter().map(|(auroc, c)| {
        vec![
            c.seed.to_string(),
            auroc.map_or_else(|| "–".to_owned(), |auroc| format!("{auroc:.3}")),
            c.recovered.to_string(),
            c.planted.to_string(),
            c.false_discoveries.to_string(),
            format!("{:.3}", c.false_discovery_rate()),
            format!("{:.3}", c.null_ks_p),
            format!("{:.3}", c.null_below_005),
        ]
    }));
    let over = |value: &dyn Fn(&Calibration) -> f64| {
        let values: Vec<f64> = found.iter().map(|(_, found)| value(found)).collect();
        let summary = Summary::of(&values);
        format!(
            "{:.3} ± {:.3}",
            summary.mean.unwrap_or(f64::NAN),
            summary.sem.unwrap_or(f64::NAN)
        )
    };
    let studies: Vec<&Calibration> = found.iter().map(|(_, found)| found).collect();
    let uniform = over_studies(&studies);
    let words = match quantile(&uniform, 0.5).filter(|_| studies.len() >= FEWEST_STUDIES) {
        None => String::new(),
        Some(median) => format!(
            "nulls of one region over studies against uniform: Kolmogorov–Smirnov p {:.3} in the median of {} regions, below 0.01 in \
             {:.1} % of them\n",
            median,
            uniform.len(),
            100.0 * uniform.iter().filter(|p| **p < 0.01).count() as f64 / uniform.len() as f64
        ),
    };
    format!(
        "{}means and standard errors over seeds: recovered {}, false among q < 0.1 {}, nulls with p ≤ 0.05 {}\n{words}",
        aligned(&rows),
        over(&|c| c.recovered as f64 / c.planted.max(1) as f64),
        over(&Calibration::false_discovery_rate),
        over(&|c| c.null_below_005),
    )
}
