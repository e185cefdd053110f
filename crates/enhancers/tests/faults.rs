//! Inputs as programs and spreadsheets write them. `expected.json` says what is right for each; every entry has a
//! test of its name here.

use std::collections::HashSet;
use std::path::PathBuf;

use neuropil_enhancers::aliases::Aliases;
use neuropil_enhancers::associate::{Filters, Plan, Rounds, Study};
use neuropil_enhancers::cnn::keras::{self, Reading};
use neuropil_enhancers::cnn::{Flatten, Pass};
use neuropil_enhancers::fasta::{self, Genome};
use neuropil_enhancers::matrix::Matrix;
use neuropil_enhancers::names::species_key;
use neuropil_enhancers::peaks::{self, Format};
use neuropil_enhancers::phylo::{Covariance, Gaussian, LinearFit, Logistic};
use neuropil_enhancers::sequence::{bases, one_hot};
use neuropil_enhancers::table::{Table, is_missing};
use neuropil_enhancers::traits::{self, Kind};
use neuropil_enhancers::tree::{Choice, ReadTree, Tree, read, read_text};
use neuropil_enhancers::windows::{Sizes, beyond_end, check_shared, windows};
use neuropil_enhancers::{genes, motifs, text};
use neuropil_math::stats::adjust::{Adjustment, adjust};
use serde_json::Value;

use crate::support::{close, faults, json};

struct Case {
    file: PathBuf,
    folder: PathBuf,
    right: Value,
}

fn case(name: &str) -> Option<Case> {
    let folder = faults()?;
    let right = json(folder.join("expected.json"))[name].clone();
    assert!(!right.is_null(), "expected.json has no entry {name}");
    Some(Case {
        file: folder.join(name),
        folder,
        right,
    })
}

impl Case {
    fn number(&self, path: &[&str]) -> f64 {
        path.iter()
            .fold(&self.right, |value, key| &value[*key])
            .as_f64()
            .expect("a number")
    }

    /// Checks windows and dropped peaks.
    fn windows(&self, kept: &str, dropped: &str) -> peaks::Peaks {
        let found = peaks::read(&self.file).expect("peaks");
        let sizes = Sizes::read(&self.folder.join("genome.chrom.sizes")).expect("sizes");
        let (windows, left_out) = windows(&found.peaks, &sizes, 500);
        let windows: Vec<Value> = windows
            .iter()
            .map(|w| serde_json::json!([w.name, w.chrom, w.start, w.end]))
            .collect();
        assert_eq!(Value::Array(windows), self.right[kept]);
        let left_out: Vec<Value> = left_out
            .iter()
            .map(|d| serde_json::json!([d.name, d.reason]))
            .collect();
        if !self.right[dropped].is_null() {
            assert_eq!(Value::Array(left_out), self.right[dropped]);
        }
        found
    }

    fn tree(&self) -> ReadTree {
        read(&self.file, &Choice::Only).expect("a tree")
    }

    fn time_tree(&self) -> Tree {
        read(&self.folder.join("timetree_species.nwk"), &Choice::Only)
            .expect("a tree")
            .tree
    }
}

#[test]
fn every_entry_has_a_test() {
    let Some(folder) = faults() else { return };
    let source = include_str!("faults.rs");
    for name in json(folder.join("expected.json"))
        .as_object()
        .expect("entries")
        .keys()
    {
        assert!(
            source.contains(&format!("case(\"{name}\")")),
            "{name} has no test"
        );
    }
}

#[test]
fn macs3_subpeaks() {
    let Some(case) = case("macs3_subpeaks_peaks.narrowPeak") else {
        return;
    };
    let found = case.windows("windows", "dropped");
    assert_eq!(
        (found.format, found.peaks.len(), found.peaks[1].score),
        (Format::NarrowPeak, 6, Some(1487.0))
    );
    assert!(found.notes[0].contains("1 track lines"));
    let sizes = Sizes::read(&case.folder.join("genome.chrom.sizes")).expect("sizes");
    assert_eq!(beyond_end(&found.peaks, &sizes), 1);
}

#[test]
fn encode_two_members() {
    let Some(case) = case("encode_idr_thresholded.narrowPeak.gz") else {
        return;
    };
    let found = case.windows("windows", "dropped");
    assert_eq!(found.peaks.len(), 4);
    assert_eq!(found.peaks[3].score, Some(798.4));
}

#[test]
fn idr() {
    let Some(case) = case("idr_two_replicates.txt") else {
        return;
    };
    let found = case.windows("windows", "dropped");
    assert_eq!(found.format, Format::Idr);
    assert_eq!(peaks::idr_score(0.05) as f64, case.number(&["idr_score_at_0.05"]));
    let kept: Vec<&str> = found
        .peaks
        .iter()
        .filter(|peak| peak.score >= Some(540.0))
        .map(|peak| peak.name.as_str())
        .collect();
    assert_eq!(kept, ["line1", "line2"]);
}

#[test]
fn hmmratac() {
    let Some(case) = case("hmmratac_accessible_regions.gappedPeak") else {
        return;
    };
    let found = case.windows("if_read_thick_centre", "dropped");
    assert!(
        found
            .notes
            .iter()
            .any(|note| note.contains("open (thick) region"))
    );
}

#[test]
fn macs_table() {
    let Some(case) = case("macs3_peaks.xls") else {
        return;
    };
    let found = case.windows("if_read", "dropped");
    let peak = &found.peaks[0];
    assert_eq!((peak.start, peak.end, peak.summit), (4756, 4888, Some(4852)));
    assert!(found.notes.iter().any(|note| note.contains("count from 1")));
}

#[test]
fn scientific_notation() {
    let Some(case) = case("r_write_table_scientific.bed") else {
        return;
    };
    let error = peaks::read(&case.file).expect_err("refused").to_string();
    for part in ["line 1", "`start`", "`4.2e+04`", "scipen"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn ensembl_gtf() {
    let Some(case) = case("ensembl_chr_mix.gtf") else {
        return;
    };
    let found = genes::read(&case.file).expect("genes");
    let told = |sites: &[genes::Tss]| -> Value {
        sites
            .iter()
            .map(|t| serde_json::json!([t.chrom, t.position, t.position + 1, t.name, t.strand.to_string()]))
            .collect()
    };
    assert_eq!(told(&found.genes), case.right["tss_bed_0based_from_gene_lines"]);
    assert_eq!(
        told(&found.transcripts),
        case.right["tss_bed_0based_from_transcripts_of_coding_genes"]
    );
    let theirs: HashSet<&str> = found.genes.iter().map(|t| t.chrom.as_str()).collect();
    let error = check_shared(["chr1", "chr2"], "the peaks", &theirs, "the annotation")
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("no chromosome in common: chr1, chr2 against 1") && error.contains("--aliases"),
        "{error}"
    );
}

#[test]
fn refseq_gff3() {
    let Some(case) = case("refseq_genomic.gff3") else {
        return;
    };
    let found = genes::read(&case.file).expect("genes");
    let aliases = Aliases::read(&case.folder.join("ucsc_chromAlias.txt")).expect("aliases");
    let known = HashSet::from(["chr1", "chr2"]);
    let told: Value = found
        .genes
        .iter()
        .map(|t| {
            serde_json::json!([
                aliases.translate(&t.chrom, &known),
                t.position,
                t.position + 1,
                t.name,
                t.strand.to_string()
            ])
        })
        .collect();
    assert_eq!(told, case.right["tss_bed_0based"]);
}

#[test]
fn chrom_alias() {
    let Some(case) = case("ucsc_chromAlias.txt") else {
        return;
    };
    let aliases = Aliases::read(&case.file).expect("aliases");
    let known = HashSet::from(["chr1", "chrM", "chrUn_MU069434v1"]);
    for (name, expected) in [
        ("NC_000067.7", "chr1"),
        ("CM000994.3", "chr1"),
        ("1", "chr1"),
        ("MT", "chrM"),
        ("MU069434.1", "chrUn_MU069434v1"),
        ("", ""),
    ] {
        assert_eq!(aliases.translate(name, &known), expected);
    }
}

#[test]
fn ensembl_fasta() {
    let Some(case) = case("ensembl_crlf_softmask.fa") else {
        return;
    };
    let records = fasta::read(&case.file).expect("sequences");
    for record in &records {
        assert_eq!(
            record.sequence.len() as u64,
            case.right["lengths"][&record.name].as_u64().expect("a length")
        );
    }
    // In a folder of its own: opening must not depend on an index that happens to lie there.
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("genome.fa");
    std::fs::copy(&case.file, &copy).expect("a copy");
    let check = |genome: &Genome| {
        let upper = |start, end| {
            String::from_utf8(genome.slice("1", start, end).expect("a slice"))
                .expect("letters")
                .to_uppercase()
        };
        assert_eq!(
            upper(95, 110),
            case.right["slice_0based_95_110_upper"].as_str().expect("letters")
        );
        assert_eq!(
            upper(296, 306),
            case.right["slice_0based_296_306_upper"]
                .as_str()
                .expect("letters")
        );
        assert_eq!(genome.slice("chrUn_1", 0, 4).expect("a slice"), b"ACGT");
        assert!(genome.slice("1", 600, 621).is_err());
    };
    let genome = Genome::open(&copy).expect("a genome");
    let lines: Vec<Value> = genome.index_text().lines().map(Value::from).collect();
    assert_eq!(Value::Array(lines), case.right["fai_lines"]);
    check(&genome);
    std::fs::write(
        folder.path().join("genome.fa.fai"),
        genome.index_text().replace("\t4\t4\n", "\t4\t6\n"),
    )
    .expect("an index");
    check(&Genome::open(&copy).expect("a genome"));
    let first = &records[0].sequence[..500];
    let strange = first.iter().filter(|byte| !b"ACGTacgt".contains(byte)).count();
    assert_eq!(strange as f64, case.number(&["non_acgt_in_first_500"]));
    let sum = |sequence: &[u8]| one_hot(sequence).expect("letters").iter().sum::<f32>();
    assert_eq!(f64::from(sum(first)), case.number(&["one_hot_sum_first_500"]));
    assert_eq!(sum(&records[1].sequence), 8.0);
}

#[test]
fn meme_of_many_makers() {
    let Some(case) = case("jaspar2024_streme_mixed.meme") else {
        return;
    };
    let (found, notes) = motifs::read(&case.file).expect("motifs");
    assert_eq!(found.len(), 2);
    for motif in &found {
        assert_eq!(
            motif.consensus(),
            case.right["consensus"][&motif.id].as_str().expect("a consensus")
        );
        assert!(
            motif
                .rows
                .iter()
                .all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-12)
        );
    }
    assert_eq!(
        (found[0].name.as_str(), found[0].n_sites, found[1].n_sites),
        ("TEST::ONE", 1000.0, 20.0)
    );
    assert!(notes[0].contains("motif `2` has no matrix"), "{notes:?}");
}

#[test]
fn time_tree() {
    let Some(case) = case("timetree_species.nwk") else {
        return;
    };
    let ReadTree { tree, notes } = case.tree();
    assert_eq!(
        tree.tip_names().collect::<Vec<_>>(),
        case.right["tips"]
            .as_array()
            .expect("tips")
            .iter()
            .map(|t| t.as_str().expect("a name"))
            .collect::<Vec<_>>()
    );
    assert_eq!(
        (tree.n_nodes() - tree.n_tips(), tree.is_ultrametric(), notes.len()),
        (8, true, 0)
    );
    for &tip in tree.tips() {
        assert!((tree.depths()[tip] - case.number(&["root_to_tip"])).abs() < 1e-9);
    }
    for (pair, age) in case.right["mrca_age"].as_object().expect("pairs") {
        let (a, b) = pair.split_once('+').expect("a pair");
        let node = tree.mrca(tree.find(a).expect("a tip"), tree.find(b).expect("a tip"));
        assert!((tree.height() - tree.depths()[node] - age.as_f64().expect("an age")).abs() < 1e-9);
    }
}

fn same_fit(fit: &LinearFit, right: &Value) {
    let number = |key: &str| right[key].as_f64().expect("a number");
    assert_eq!(fit.n as f64, number("n"));
    for (key, value) in [
        ("intercept", fit.coefficients[0]),
        ("slope", fit.coefficients[1]),
        ("se", fit.se[1]),
        ("t", fit.t[1]),
        ("p", fit.p[1]),
        ("sigma2_ml", fit.sigma2),
        ("logLik", fit.log_lik),
    ] {
        close(value, number(key), 1e-8, key);
    }
}

#[test]
fn pantheria() {
    let Some(case) = case("pantheria_traits.txt") else {
        return;
    };
    let tree = case.time_tree();
    let table = Table::parse(&text::read_to_string(&case.file).expect("text")).expect("a table");
    let known: Vec<String> = tree.tip_names().map(str::to_owned).collect();
    let mass = traits::from_table(&table, "5-1_AdultBodyMass_g", Kind::Continuous, &known).expect("a trait");
    let brain = traits::from_table(&table, "BrainMass_g", Kind::Continuous, &known).expect("a trait");
    assert!(
        mass.notes.iter().any(|note| note.contains("1 values -999"))
            && brain.notes.iter().any(|note| note.contains("2 values -999"))
    );
    let mut kept = Vec::new();
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for tip in 0..tree.n_tips() {
        let key = species_key(tree.tip_name(tip));
        let row = mass
            .species
            .iter()
            .position(|name| species_key(name) == key)
            .expect("a row");
        if let (Some(mass), Some(brain)) = (mass.values[row], brain.values[row]) {
            kept.push(tip);
            x.extend([1.0, mass.log10()]);
            y.push(brain.log10());
        }
    }
    let right = &case.right["BM_log10brain_on_log10mass"];
    let pruned = tree.keep(&kept).expect("a tree");
    let species: Vec<Value> = pruned.tip_names().map(Value::from).collect();
    assert_eq!(Value::Array(species), right["species"]);
    same_fit(
        &Gaussian::new(Covariance::Brownian)
            .fit(&pruned, &x, &y)
            .expect("a fit"),
        right,
    );
    let unmatched = neuropil_enhancers::names::unmatched(&mass.species, "traits", &known, "tree");
    assert_eq!(
        unmatched.iter().map(|u| u.name.as_str()).collect::<Vec<_>>(),
        ["Procavia capensis"]
    );
}

#[test]
fn iqtree() {
    let Some(case) = case("iqtree_alrt_ufboot.treefile") else {
        return;
    };
    let ReadTree { tree, notes } = case.tree();
    assert!(notes[0].contains("unrooted tree"), "{notes:?}");
    for (tip, depth) in case.right["root_to_tip"].as_object().expect("tips") {
        close(
            tree.depths()[tree.tips()[tree.find(tip).expect("a tip")]],
            depth.as_f64().expect("a depth"),
            1e-12,
            tip,
        );
    }
    let right = &case.right["x_y_BM"];
    let value = |key: &str, tip: usize| right[key][tree.tip_name(tip)].as_f64().expect("a value");
    let x: Vec<f64> = (0..6).flat_map(|tip| [1.0, value("x", tip)]).collect();
    let y: Vec<f64> = (0..6).map(|tip| value("y", tip)).collect();
    same_fit(
        &Gaussian::new(Covariance::Brownian)
            .fit(&tree, &x, &y)
            .expect("a fit"),
        right,
    );
}

#[test]
fn quoted_names() {
    let Some(case) = case("quoted_names_raxml_comments.nwk") else {
        return;
    };
    let tree = case.tree().tree;
    let expected: Vec<String> = case.right["tips"]
        .as_array()
        .expect("tips")
        .iter()
        .map(|t| species_key(t.as_str().expect("a name")))
        .collect();
    assert_eq!(tree.tip_names().map(species_key).collect::<Vec<_>>(), expected);
    for (&tip, depth) in tree
        .tips()
        .iter()
        .zip(case.right["root_to_tip"].as_array().expect("depths"))
    {
        assert_eq!(tree.depths()[tip], depth.as_f64().expect("a depth"));
    }
    assert_eq!(tree.find("Canis_lupus"), Some(1));
    assert_eq!(tree.find("canis lupus familiaris"), Some(0));
}

#[test]
fn astral() {
    let Some(case) = case("astral_internal_lengths_only.tre") else {
        return;
    };
    let error = read(&case.file, &Choice::Only).expect_err("refused").to_string();
    for part in [
        "6 tips have no branch length (the first: sp_A)",
        "-0.0012 above sp_D+sp_E",
        "coalescent units",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn mrbayes() {
    let Some(case) = case("mrbayes_posterior.t") else {
        return;
    };
    let error = read(&case.file, &Choice::Only).expect_err("refused").to_string();
    assert!(
        error.contains("holds 2 trees (the first: gen.0, gen.100)") && error.contains("--tree-number"),
        "{error}"
    );
    let second = read(&case.file, &Choice::Number(2)).expect("a tree");
    assert_eq!(
        second.tree.tip_names().collect::<Vec<_>>(),
        ["sp_A", "sp_B", "sp_C"]
    );
    assert!(second.notes[0].contains("tree 2 of 2") && second.notes[1].contains("unrooted"));
}

#[test]
fn excel() {
    let Some(case) = case("excel_de_traits.csv") else {
        return;
    };
    let known: Vec<String> = case.time_tree().tip_names().map(str::to_owned).collect();
    let content = text::read_to_string(&case.file).expect("text");
    let table = Table::parse(&content).expect("a table");
    let error = traits::from_table(&table, "Brain (g)", Kind::Continuous, &known)
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("line 8")
            && error.contains("`homo sapiens` is the same species as `Homo sapiens` on line 4"),
        "{error}"
    );
    let shorter = content.lines().take(7).collect::<Vec<_>>().join("\n");
    let table = Table::parse(&shorter).expect("a table");
    let brain = traits::from_table(&table, "Brain (g)", Kind::Continuous, &known).expect("a trait");
    let resid = traits::from_table(&table, "Resid.", Kind::Continuous, &known).expect("a trait");
    for (species, values) in case.right["values_if_read"].as_object().expect("rows") {
        let row = brain
            .species
            .iter()
            .position(|name| name == species)
            .expect("the species, without blanks around it");
        assert_eq!(brain.values[row], values[0].as_f64());
        assert_eq!(resid.values[row], values[2].as_f64());
    }
    let vocal =
        traits::from_table(&table, "Vocal learner", Kind::Binary, &known).expect("words that are mapped");
    assert!(
        vocal.notes.iter().any(|note| note.contains("nein is 0, ja is 1")),
        "{:?}",
        vocal.notes
    );
    let unmatched = neuropil_enhancers::names::unmatched(&brain.species, "traits", &known, "tree");
    assert_eq!(
        (unmatched[0].name.as_str(), unmatched[0].nearest.as_deref()),
        ("Canis lupus familiaris", Some("Canis_lupus"))
    );
}

#[test]
fn words_for_two_classes_are_mapped_and_said() {
    let table = Table::parse("species;v\na;ja\nb;nein\nc;ja\n").expect("a table");
    let found = traits::from_table(&table, "v", Kind::Binary, &[]).expect("a trait");
    assert_eq!(found.values, [Some(1.0), Some(0.0), Some(1.0)]);
    assert!(found.notes[0].contains("nein is 0, ja is 1"));
    let table = Table::parse("species;v\na;ja\nb;nein\nc;1\n").expect("a table");
    let error = traits::from_table(&table, "v", Kind::Binary, &[])
        .expect_err("mixed")
        .to_string();
    assert!(
        error.contains("line 2") && error.contains("1, ja, nein"),
        "{error}"
    );
}

#[test]
fn separation() {
    let Some(case) = case("binary_separated.csv") else {
        return;
    };
    let tree = case.time_tree();
    let known: Vec<String> = tree.tip_names().map(str::to_owned).collect();
    let content = text::read_to_string(&case.file).expect("text");
    let table = Table::parse(&content).expect("a table");
    let error = traits::from_table(&table, "vocal", Kind::Binary, &known)
        .expect_err("refused")
        .to_string();
    assert!(error.contains("line 12") && error.contains("`TRUE`"), "{error}");
    let shorter = content.lines().take(10).collect::<Vec<_>>().join("\n");
    let table = Table::parse(&shorter).expect("a table");
    let vocal = traits::from_table(&table, "vocal", Kind::Binary, &known).expect("a trait");
    assert_eq!(vocal.values.len() as f64, case.number(&["counts", "n"]));
    assert_eq!(
        vocal.values.iter().flatten().sum::<f64>(),
        case.number(&["counts", "ones"])
    );
    let (predictions, _) = table.numbers(2).expect("numbers");
    let row: Vec<String> = predictions
        .iter()
        .map(|p| p.expect("a prediction").to_string())
        .collect();
    let text = format!(
        "region\t{}\npeak1\t{}\n",
        vocal.species.join("\t"),
        row.join("\t")
    );
    let matrix = Matrix::parse(&text, None, false).expect("a matrix");
    let scan = |min_foreground| {
        let filters = Filters {
            min_foreground,
            ..Filters::default()
        };
        let study = Study::new(&tree, matrix.clone(), &vocal, filters).expect("a study");
        Rounds::scan(&study, &Plan::default())
            .into_results()
            .swap_remove(0)
    };
    let left_out = scan(Filters::default().min_foreground);
    assert_eq!(
        left_out.reason.as_deref(),
        Some("2 species of class 1 have a prediction, fewer than 3")
    );
    let tested = scan(1).fit.expect("a fit");
    assert!(tested.separated && tested.coef.is_finite());
    let x: Vec<f64> = known
        .iter()
        .flat_map(|name| {
            let row = vocal
                .species
                .iter()
                .position(|s| species_key(s) == species_key(name))
                .expect("a row");
            [1.0, predictions[row].expect("a prediction")]
        })
        .collect();
    let y: Vec<bool> = x.chunks(2).map(|row| row[1] > 0.6).collect();
    let fit = Logistic::default().fit(&tree, &x, &y).expect("a fit");
    assert!(
        fit.separated
            && fit
                .remarks()
                .iter()
                .any(|remark| remark.contains("separates the classes"))
    );
}

#[test]
fn permulation_results() {
    let Some(case) = case("permulation_results.csv") else {
        return;
    };
    let table = Table::parse(&text::read_to_string(&case.file).expect("text")).expect("a table");
    let (p, _) = table
        .numbers(table.column("Exp_Pvalue").expect("a column"))
        .expect("numbers");
    let p: Vec<f64> = p.into_iter().map(|p| p.unwrap_or(f64::NAN)).collect();
    assert_eq!(
        p.iter().filter(|p| !p.is_nan()).count() as f64,
        case.number(&["m"])
    );
    let q = adjust(&p, Adjustment::BenjaminiHochberg);
    for (row, q) in table.rows.iter().zip(q) {
        match case.right["bh"][&row[0]].as_f64() {
            Some(expected) => close(q, expected, 1e-12, &row[0]),
            None => assert!(q.is_nan() && is_missing(&row[1])),
        }
    }
    let released = neuropil_enhancers::associate::released(&table).expect("a table of the original scripts");
    assert!(
        released
            .notes
            .iter()
            .any(|note| note.contains("`ocr2`") && note.contains("cannot be 0")),
        "{:?}",
        released.notes
    );
    assert!(
        released
            .notes
            .iter()
            .any(|note| note.contains("1 regions are at the floor") && note.contains("0.000999")),
        "{:?}",
        released.notes
    );
}

#[test]
fn keras1_theano() {
    let Some(case) = case("keras1_theano_conv5.hdf5") else {
        return;
    };
    let records = fasta::read(&case.folder.join("keras_seqs.fa")).expect("sequences");
    let tolerance = case.number(&["tolerance"]);
    let read = |reading| keras::read::<f64>(&case.file, 500, reading).expect("a network");
    let (network, notes) = read(Reading::default());
    assert!(notes[0].contains("turned by 180 degrees"), "{notes:?}");
    assert_eq!(
        (
            network.architecture.convolutions.len(),
            network.architecture.dense[0].units
        ),
        (5, 4)
    );
    let mut pass = Pass::default();
    for record in &records {
        let sequence = bases(&record.sequence).expect("letters");
        let (forward, reverse) = network.both_strands(&sequence, &mut pass);
        for (value, key) in [
            (forward, "forward"),
            (reverse, "reverse"),
            (0.5 * (forward + reverse), "mean"),
        ] {
            let expected = case.number(&["outputs", &record.name, key]);
            assert!(
                (value - expected).abs() < tolerance,
                "{} {key}: {value} {expected}",
                record.name
            );
        }
        let forward_of = |reading: Reading| read(reading).0.both_strands(&sequence, &mut Pass::default()).0;
        let plain = forward_of(Reading {
            rotate: Some(false),
            ..Reading::default()
        });
        assert!(
            (plain - case.number(&["wrong_if_not_rotated", &record.name])).abs() < 0.05,
            "{plain}"
        );
        assert!((plain - forward).abs() > 1e-3);
        let flat = forward_of(Reading {
            flatten: Some(Flatten::PositionMajor),
            ..Reading::default()
        });
        assert!((flat - forward).abs() > 1e-3, "the order of flattening matters");
    }
}

#[test]
fn beast_and_open_tree() {
    let beast = "#NEXUS\n\nBegin taxa;\n\tDimensions ntax=2;\n\tTaxlabels\n\t\t'Homo sapiens'\n\t\tMus_musculus\n\t\t;\nEnd;\nBegin trees;\n\tTranslate\n\t\t1 'Homo sapiens',\n\t\t2 Mus_musculus\n\t\t;\ntree TREE1 = [&R] (1[&rate=1.1E-3]:[&rate_range={1.0E-4,2.0E-3}]9.0E1,2:90.0)[&height=90.0,height_95%_HPD={80.0,95.5}];\nEnd;\n";
    let found = read_text(beast, &Choice::Only).expect("a tree").tree;
    assert_eq!((found.tip_name(0), found.height()), ("Homo sapiens", 90.0));
    let open_tree = "(('Homo sapiens_ott770315':1,'Pan (genus in Opisthokonta)_ott417957':1)Homininae_ott312031:2,Mus_musculus_ott542509:3)mrcaott42ott83926;";
    let found = read_text(open_tree, &Choice::Only).expect("a tree").tree;
    assert_eq!(found.n_tips(), 3);
    assert_eq!(found.find("Homo.sapiens"), Some(0));
    let read = read_text(open_tree, &Choice::Only).expect("a tree");
    assert!(
        read.notes[0].contains("3 tips carry identifiers of Open Tree"),
        "{:?}",
        read.notes
    );
}

#[test]
fn species_of_r_and_of_open_tree_are_matched() {
    let known = ["Mus_musculus_ott542509", "Homo sapiens ott770315", "Bos taurus"].map(String::from);
    let table = Table::parse("order,who,mass\na,Mus.musculus,1\nb,Homo.sapiens,2\nc,Bos_taurus,3\n")
        .expect("a table");
    let found = traits::from_table(&table, "mass", Kind::Continuous, &known).expect("a trait");
    assert_eq!(found.species, ["Mus.musculus", "Homo.sapiens", "Bos_taurus"]);
    assert_eq!(
        neuropil_enhancers::names::unmatched(&found.species, "traits", &known, "tree"),
        []
    );
}

/// A study of predictions that are there, in a folder of its own; what running it comes to.
fn run_study(tree: &str, more: &str) -> Result<usize, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    put("tree.nwk", tree);
    put("traits.csv", "species,mass\na,1\nb,2\nc,4\nd,3\n");
    put("predictions.tsv", "\ta\tb\tc\td\nr1\t0.1\t0.4\t0.6\t0.9\n");
    put(
        "study.toml",
        &format!(
            "tree.file = \"tree.nwk\"\ntrait = {{ file = \"traits.csv\", column = \"mass\", kind = \"continuous\" }}\n{more}"
        ),
    );
    let out = folder.path().join("results");
    let told = |error: neuropil_enhancers::error::InputError| {
        assert!(!out.exists(), "nothing is begun");
        error.to_string()
    };
    neuropil_enhancers::run::run(&folder.path().join("study.toml"), &out, &mut |_| {})
        .map(|outcome| outcome.results.len())
        .map_err(told)
}

#[test]
fn studies_that_cannot_be_run_are_refused_before_the_work() {
    const TREE: &str = "((a:1,b:1):1,(c:1,d:1):1);";
    const PREDICTIONS: &str = "predictions.file = \"predictions.tsv\"\n";
    let fault = |tree: &str, more: &str| run_study(tree, more).expect_err(more);
    assert_eq!(
        run_study(TREE, &format!("{PREDICTIONS}permulations.totals = [9, 19]\n")),
        Ok(1)
    );
    let error = fault("((a:0,b:0):1,(c:1,d:1):1);", PREDICTIONS);
    assert!(
        error.contains("tree.nwk: `a` and `b` are at distance zero"),
        "{error}"
    );
    assert!(
        error.contains("hint: keep one of them") && !error.contains("--min"),
        "{error}"
    );
    let error = fault(TREE, &format!("{PREDICTIONS}permulations.totals = [9999, 999]\n"));
    assert!(
        error.contains("study.toml, `permulations.totals`: [9999, 999], expected numbers above 0 that grow"),
        "{error}"
    );
    let error = fault(
        TREE,
        &format!("{PREDICTIONS}permulations = {{ totals = [9, 19, 29], thresholds = [0.1] }}\n"),
    );
    assert!(
        error.contains("`permulations.thresholds`: 1 thresholds for 3 rounds, expected 2"),
        "{error}"
    );
    let error = fault(
        TREE,
        "sequences = { positives = \"none.fa\", negatives = \"none.fa\", orthologs = \"nofolder\" }\n",
    );
    assert!(error.contains("nofolder: cannot read"), "{error}");
}
