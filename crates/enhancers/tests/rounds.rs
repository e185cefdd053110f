//! Scans and rounds of permulations: the same whatever the threads, the order of columns, the other regions, and
//! whether they were killed; uniform p-values without an association.

use std::panic::{AssertUnwindSafe, catch_unwind};

use neuropil_enhancers::associate::{Association, Filters, Plan, Progress, Rounds, Study, to_tsv};
use neuropil_enhancers::matrix::Matrix;
use neuropil_enhancers::phylo::simulate::Trait as Evolving;
use neuropil_enhancers::traits::{Kind, Trait};
use neuropil_enhancers::tree::Tree;
use neuropil_math::rng::{Key, Purpose};

/// A balanced tree of 64 tips with uneven branches.
fn tree() -> Tree {
    let mut parts: Vec<String> = (0..64).map(|i| format!("sp_{i}")).collect();
    let mut level = 1;
    while parts.len() > 1 {
        parts = parts
            .chunks(2)
            .enumerate()
            .map(|(i, pair)| {
                format!(
                    "({}:{},{}:{})",
                    pair[0],
                    0.5 + 0.1 * ((i + level) % 4) as f64,
                    pair[1],
                    0.7
                )
            })
            .collect();
        level += 1;
    }
    Tree::parse(&format!("{};", parts[0])).expect("a tree")
}

fn names(tree: &Tree) -> Vec<String> {
    tree.tip_names().map(str::to_owned).collect()
}

/// Regions that evolved by themselves; every seventh prediction is missing.
fn matrix(tree: &Tree, regions: usize, follow: Option<&[f64]>) -> Matrix {
    let mut values = Vec::new();
    for region in 0..regions {
        let mut random = Key::new(11).stream(Purpose::Test, region as u64);
        let x = Evolving::brownian(1.0).simulate(tree, &mut random);
        for (tip, x) in x.iter().enumerate() {
            let pull = if region == 0 {
                follow.map_or(0.0, |y| 2.0 * y[tip])
            } else {
                0.0
            };
            values.push(if (region + tip) % 7 == 3 {
                f64::NAN
            } else {
                1.0 / (1.0 + (-x - pull).exp())
            });
        }
    }
    Matrix {
        regions: (0..regions).map(|i| format!("r{i}")).collect(),
        species: names(tree),
        values,
        notes: Vec::new(),
    }
}

fn response(tree: &Tree, kind: Kind) -> Trait {
    let mut random = Key::new(12).stream(Purpose::Test, 0);
    let y = Evolving::brownian(1.0).simulate(tree, &mut random);
    let mut sorted = y.clone();
    sorted.sort_by(f64::total_cmp);
    let values = match kind {
        Kind::Continuous => y.iter().map(|&y| Some(y)).collect(),
        Kind::Binary => y
            .iter()
            .map(|&y| Some(f64::from(u8::from(y > sorted[44]))))
            .collect(),
    };
    Trait {
        name: "trait".into(),
        kind,
        species: names(tree),
        values,
        notes: Vec::new(),
    }
}

fn run(study: &Study, plan: &Plan, threads: usize) -> Vec<Association> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool");
    pool.install(|| {
        let mut rounds = Rounds::scan(study, plan);
        rounds.run(None, &mut |_| {}).expect("no file is used");
        rounds.into_results()
    })
}

fn plan(totals: &[u64]) -> Plan {
    Plan {
        totals: totals.to_vec(),
        thresholds: vec![0.3; totals.len() - 1],
        ..Plan::default()
    }
}

#[test]
fn threads_columns_and_neighbours_do_not_matter() {
    let tree = tree();
    for kind in [Kind::Continuous, Kind::Binary] {
        let response = response(&tree, kind);
        let y: Vec<f64> = response.values.iter().map(|y| y.expect("a value")).collect();
        let matrix = matrix(&tree, 12, Some(&y));
        let study = Study::new(&tree, matrix.clone(), &response, Filters::default()).expect("a study");
        let plan = plan(if kind == Kind::Binary { &[19] } else { &[99, 499] });
        let first = run(&study, &plan, 1);
        assert_eq!(first, run(&study, &plan, 3), "threads");
        assert!(first[0].permuted.is_some(), "{:?}", first[0]);

        // Columns in another order, and the traits' rows too: matched by name alone.
        let n = matrix.species.len();
        let order: Vec<usize> = (0..n).map(|i| (i * 37 + 5) % n).collect();
        let shuffled = Matrix {
            species: order
                .iter()
                .map(|&i| matrix.species[i].replace('_', " ").to_uppercase())
                .collect(),
            values: (0..12)
                .flat_map(|r| order.iter().map(move |&i| (r, i)))
                .map(|(r, i)| matrix.values[r * n + i])
                .collect(),
            ..matrix.clone()
        };
        let mut turned = response.clone();
        turned.species.reverse();
        turned.values.reverse();
        let other = Study::new(&tree, shuffled, &turned, Filters::default()).expect("a study");
        assert_eq!(first, run(&other, &plan, 2), "order of columns");

        // A region by itself.
        let alone = Matrix {
            regions: vec!["r0".into()],
            values: matrix.values[..n].to_vec(),
            ..matrix.clone()
        };
        let alone = Study::new(&tree, alone, &response, Filters::default()).expect("a study");
        assert_eq!(
            first[0].permuted,
            run(&alone, &plan, 1)[0].permuted,
            "other regions"
        );
    }
}

#[test]
fn rounds_go_on_where_they_were_killed() {
    let tree = tree();
    let response = response(&tree, Kind::Continuous);
    let y: Vec<f64> = response.values.iter().map(|y| y.expect("a value")).collect();
    let study =
        Study::new(&tree, matrix(&tree, 20, Some(&y)), &response, Filters::default()).expect("a study");
    let plan = plan(&[49, 199, 999]);
    let whole = run(&study, &plan, 2);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rounds.json");
    for killed_after in 1..=2 {
        let killed = catch_unwind(AssertUnwindSafe(|| {
            Rounds::scan(&study, &plan).run(Some(&path), &mut |progress| {
                assert!(
                    !matches!(progress, Progress::Round { round, .. } if round == killed_after),
                    "killed"
                );
            })
        }));
        assert!(killed.is_err());
    }
    let mut seen = Vec::new();
    let mut rounds = Rounds::scan(&study, &plan);
    rounds
        .run(Some(&path), &mut |progress| seen.push(progress))
        .expect("the checkpoint fits");
    assert_eq!(to_tsv(rounds.results()), to_tsv(&whole));
    assert!(
        seen.iter()
            .all(|p| !matches!(p, Progress::Round { round: 1 | 2, .. })),
        "{seen:?}"
    );
    // Other settings, damaged files.
    let other = Plan {
        seed: 2,
        ..plan.clone()
    };
    let refused = |plan: &Plan| {
        Rounds::scan(&study, plan)
            .run(Some(&path), &mut |_| {})
            .expect_err("refused")
            .to_string()
    };
    assert!(refused(&other).contains("other settings"));
    let text = std::fs::read(&path).expect("a file");
    std::fs::write(&path, &text[..text.len() / 2]).expect("a file");
    assert!(refused(&plan).contains("damaged"));
}

#[test]
fn without_an_association_p_values_are_uniform() {
    let tree = tree();
    let response = response(&tree, Kind::Continuous);
    let study = Study::new(&tree, matrix(&tree, 400, None), &response, Filters::default()).expect("a study");
    let plan = plan(&[199]);
    let mut rounds = Rounds::scan(&study, &plan);
    rounds.run(None, &mut |_| {}).expect("no file is used");
    let mut p: Vec<f64> = rounds
        .results()
        .iter()
        .map(|r| r.permuted.expect("permulations").p)
        .collect();
    p.sort_by(f64::total_cmp);
    let n = p.len() as f64;
    let distance = p
        .iter()
        .enumerate()
        .map(|(i, p)| (p - (i as f64 + 0.5) / n).abs())
        .fold(0.0, f64::max);
    // Kolmogorov–Smirnov: √n D above 1.63 has probability 0.01.
    assert!(distance * n.sqrt() < 1.63, "√n D = {}", distance * n.sqrt());
    let small = p.iter().filter(|p| **p <= 0.05).count() as f64 / n;
    assert!(
        (0.02..0.085).contains(&small),
        "{small} of the p-values are ≤ 0.05"
    );
    let false_discoveries = rounds
        .results()
        .iter()
        .filter(|r| r.q.expect("adjusted") < 0.1)
        .count();
    assert!(false_discoveries <= 4, "{false_discoveries}");
}

#[test]
fn every_region_is_permuted_whatever_its_regression_says() {
    let tree = tree();
    let response = response(&tree, Kind::Continuous);
    let all = matrix(&tree, 30, None);
    let study = Study::new(&tree, all.clone(), &response, Filters::default()).expect("a study");
    let scanned = Rounds::scan(&study, &plan(&[99])).into_results();
    let n = all.species.len();
    let unlikely: Vec<usize> = (0..30)
        .filter(|&i| scanned[i].fit.is_some_and(|fit| fit.p > 0.05))
        .collect();
    let rest = Matrix {
        regions: unlikely.iter().map(|&i| all.regions[i].clone()).collect(),
        values: unlikely
            .iter()
            .flat_map(|&i| all.values[i * n..(i + 1) * n].to_vec())
            .collect(),
        ..all
    };
    let study = Study::new(&tree, rest, &response, Filters::default()).expect("a study");
    let results = run(&study, &plan(&[99]), 1);
    assert!(results.len() > 20);
    assert!(results.iter().all(|r| r.permuted.is_some_and(|p| p.n == 99)));
}

#[test]
fn reasons_are_given_for_all_that_is_left_out() {
    let tree = tree();
    let mut matrix = matrix(&tree, 4, None);
    let n = matrix.species.len();
    matrix.values[..n].fill(f64::NAN);
    matrix.values[n..2 * n].fill(0.5);
    matrix.values[2 * n..2 * n + 40].fill(f64::NAN);
    let study = Study::new(
        &tree,
        matrix,
        &response(&tree, Kind::Continuous),
        Filters::default(),
    )
    .expect("a study");
    let results = Rounds::scan(&study, &Plan::default()).into_results();
    let reasons: Vec<Option<&str>> = results.iter().map(|r| r.reason.as_deref()).collect();
    assert_eq!(
        reasons[0],
        Some("0 of 64 species have a prediction, fewer than 32")
    );
    assert_eq!(reasons[1], Some("constant-predictor"));
    assert!(reasons[2].expect("a reason").contains("fewer than 32") && reasons[3].is_none());
    let text = to_tsv(&results);
    assert!(
        text.lines().nth(1).expect("a row").starts_with("r3\t") && text.contains("r1\t64\tNA\tNA"),
        "{text}"
    );
}

#[test]
fn shares_of_the_regions_come_to_the_same_as_all_of_them() {
    let tree = tree();
    for kind in [Kind::Continuous, Kind::Binary] {
        let response = response(&tree, kind);
        let y: Vec<f64> = response.values.iter().map(|y| y.expect("a value")).collect();
        let study =
            Study::new(&tree, matrix(&tree, 11, Some(&y)), &response, Filters::default()).expect("a study");
        let plan = plan(if kind == Kind::Binary {
            &[19, 59]
        } else {
            &[99, 499]
        });
        let whole = run(&study, &plan, 2);
        let folder = tempfile::tempdir().expect("a folder");
        let mut kept = Vec::new();
        for share in ["1/3", "2/3", "3/3"] {
            let path = folder.path().join(format!("{}.json", kept.len()));
            let mut rounds = Rounds::scan(&study, &plan).of_shard(share.parse().expect("a share"));
            rounds.run(Some(&path), &mut |_| {}).expect("a run");
            let counted = rounds.results().iter().filter(|r| r.permuted.is_some()).count();
            assert!(counted <= 4, "{share}: {counted}");
            kept.push(path);
        }
        // All of them; without the second, whose regions are done anew; twice, which changes nothing.
        let twice = [kept.clone(), kept.clone()].concat();
        for given in [&kept[..], &[kept[0].clone(), kept[2].clone()], &twice] {
            let mut rounds = Rounds::scan(&study, &plan);
            rounds.take_shards(given).expect("checkpoints of this study");
            rounds.run(None, &mut |_| {}).expect("no file is used");
            assert_eq!(rounds.results(), whole);
        }
    }
}
