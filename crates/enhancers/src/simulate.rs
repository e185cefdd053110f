//! A complete study that is invented: tree, genomes' enhancers, training sequences, traits with planted associations.
//!
//! An enhancer has six sites of transcription factors. Its activity evolves by Brownian motion along the tree; a site is
//! held while the activity, with a smaller part of the site's own, is above zero. A site that is gained is written from
//! its factor's motif, on either strand, and one base in twelve is another; selection keeps the bases of a held site, and
//! a site that is lost loses half of its bases. The enhancer is open where three sites or more are held. For planted
//! enhancers the activity follows a trait, so that openness goes with it; all others evolve by themselves, with the same
//! phylogenetic signal. All other bases evolve with transitions more frequent than transversions.

mod measured;

use std::fmt::Write as _;
use std::path::Path;

use rand::{Rng, RngExt};

use neuropil_lab::atomic;
use neuropil_math::rng::{Key, Purpose};

use crate::cnn::train::Settings;
use crate::error::InputError;
use crate::phylo::simulate::normal;
use crate::sequence::{bases, letters, reverse_complement};
use crate::tree::{NONE, Tree};

/// Motifs of the sites.
const MOTIFS: [&str; 3] = ["TGACTCAGCA", "CAGCTGTTAC", "GGATTAACGT"];
/// Fewest bases of a region: room for its sites.
const SHORTEST: usize = 90;
/// Sites of an enhancer.
const SITES: usize = 6;
/// Sites that an open enhancer holds at least.
const OPEN: usize = 3;
/// How much a site's own value counts against the activity of the enhancer.
const OWN: f64 = 0.4;
/// Chance that a base of a new site is not that of its motif.
const DEGENERATE: f64 = 1.0 / 12.0;
/// Frequencies of A, C, G, T.
const COMPOSITION: [f64; 4] = [0.29, 0.21, 0.21, 0.29];
/// Transitions against transversions.
const KAPPA: f64 = 4.0;
/// Height of the tree in substitutions per site.
const HEIGHT: f64 = 0.2;

/// What is invented.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Invention {
    /// Seed.
    pub seed: u64,
    /// Species.
    pub species: usize,
    /// Regions whose association is tested.
    pub regions: usize,
    /// Regions of them that go with the trait.
    pub planted: usize,
    /// How much the values of planted regions follow the trait, in standard deviations of their own.
    pub effect: f64,
    /// Regions that the network learns from.
    pub training: usize,
    /// Bases of a region.
    pub length: usize,
}

impl Default for Invention {
    fn default() -> Self {
        Self {
            seed: 1,
            species: 60,
            regions: 150,
            planted: 10,
            effect: 3.0,
            training: 1500,
            length: crate::kaplow2023::WINDOW,
        }
    }
}

/// An invented study, in memory.
#[derive(Clone, Debug)]
pub struct Invented {
    /// The species tree.
    pub tree: Tree,
    /// Trait of every tip.
    pub response: Vec<f64>,
    /// A trait of two classes.
    pub classes: Vec<bool>,
    /// Regions × species: numbers of bases, empty where the species has no ortholog.
    pub orthologs: Vec<Vec<Vec<u8>>>,
    /// Whether each of them is open.
    pub open: Vec<Vec<bool>>,
    /// Sequences to learn from: chromosome, bases, whether open.
    pub training: Vec<(String, Vec<u8>, bool)>,
    /// Sign of the planted association of every region, 0 for none.
    pub planted: Vec<i8>,
}

/// Invents a study.
///
/// # Errors
/// Numbers that cannot be.
pub fn invent(plan: &Invention) -> Result<Invented, InputError> {
    if plan.species < 8 || plan.species > 5000 {
        return Err(
            InputError::new(format!("{} species, expected 8 to 5000", plan.species)).in_field("--species"),
        );
    }
    if plan.length < SHORTEST
        || plan.length > 100_000
        || plan.planted > plan.regions
        || plan.regions == 0
        || plan.regions > 1_000_000
        || plan.training < 60
        || plan.training > 1_000_000
    {
        return Err(InputError::new(
            "regions need 90 bases or more, as many planted ones as there are at most, and 60 training regions or more",
        ));
    }
    let key = Key::new(plan.seed);
    let mut random = key.stream(Purpose::Generate, 0);
    let tree = coalescent(plan.species, &mut random);
    let evolved = brownian(&tree, &mut random);
    let response: Vec<f64> = tree.tips().iter().map(|&node| evolved[node]).collect();
    let other = brownian(&tree, &mut random);
    let mut order: Vec<usize> = (0..plan.species).collect();
    order.sort_by(|&a, &b| other[tree.tips()[b]].total_cmp(&other[tree.tips()[a]]));
    let mut classes = vec![false; plan.species];
    order[..plan.species / 4]
        .iter()
        .for_each(|&tip| classes[tip] = true);
    let mut study = Invented {
        tree,
        response,
        classes,
        orthologs: Vec::new(),
        open: Vec::new(),
        training: Vec::new(),
        planted: (0..plan.regions)
            .map(|i| {
                if i < plan.planted {
                    if i % 2 == 0 { 1 } else { -1 }
                } else {
                    0
                }
            })
            .collect(),
    };
    for region in 0..plan.regions {
        let mut random = key.stream(Purpose::Generate, 1 + region as u64);
        let effect = f64::from(study.planted[region]) * plan.effect;
        let (mut sequences, open) = evolve(
            &study.tree,
            plan.length,
            &|node| effect * evolved[node],
            &mut random,
        );
        let missing = random.random_range(0.0..0.3);
        for sequence in &mut sequences {
            if random.random::<f64>() < missing {
                sequence.clear();
            }
        }
        study.orthologs.push(sequences);
        study.open.push(open);
    }
    for i in 0..plan.training {
        let mut random = key.stream(Purpose::Generate, (1 << 32) + i as u64);
        let (mut sequences, open) = evolve(&study.tree, plan.length, &|_| 0.0, &mut random);
        // Orthologs of two species: what is open in one and closed in the other teaches what the difference is.
        for tip in [0, plan.species / 2] {
            let chrom = format!("chr{}", 1 + i % 19);
            study
                .training
                .push((chrom, std::mem::take(&mut sequences[tip]), open[tip]));
        }
    }
    Ok(study)
}

/// A random coalescent tree with tips s1, s2, … and branches of uneven rates.
fn coalescent(n: usize, random: &mut impl Rng) -> Tree {
    let mut lineages: Vec<(String, f64)> = (0..n).map(|i| (format!("Species_{}", i + 1), 0.0)).collect();
    let mut time = 0.0;
    while lineages.len() > 1 {
        let k = lineages.len() as f64;
        time += -(1.0 - random.random::<f64>()).ln() / (k * (k - 1.0) / 2.0);
        let a = lineages.swap_remove(random.random_range(0..lineages.len()));
        let b = lineages.swap_remove(random.random_range(0..lineages.len()));
        let mut branch = |born: f64| (time - born) * random.random_range(0.7..1.4);
        let (la, lb) = (branch(a.1), branch(b.1));
        lineages.push((format!("({}:{la},{}:{lb})", a.0, b.0), time));
    }
    let tree = Tree::parse(&format!("{};", lineages[0].0)).expect("a tree by construction");
    tree.scaled(HEIGHT / tree.mean_height())
}

/// Brownian motion at every node, with unit variance at the mean height.
fn brownian(tree: &Tree, random: &mut impl Rng) -> Vec<f64> {
    let mut values = vec![0.0; tree.n_nodes()];
    for v in (0..tree.n_nodes()).rev() {
        let parent = tree.parents()[v];
        if parent != NONE {
            values[v] = values[parent] + (tree.lengths()[v] / tree.mean_height()).sqrt() * normal(random);
        }
    }
    values
}

/// A site: where it is, and what its factor binds there.
struct Site {
    at: usize,
    motif: Vec<u8>,
}

impl Site {
    /// Six places, one in every stretch of the window, each with a motif on either strand.
    fn draw(length: usize, random: &mut impl Rng) -> Vec<Self> {
        let stretch = length / SITES;
        (0..SITES)
            .map(|i| {
                let letters = MOTIFS[random.random_range(0..MOTIFS.len())].as_bytes();
                let mut motif = bases(letters).expect("letters");
                if random.random() {
                    motif = reverse_complement(&motif);
                }
                let at = i * stretch + random.random_range(0..=stretch - motif.len());
                Self { at, motif }
            })
            .collect()
    }

    /// Writes a new instance of the motif.
    fn gain(&self, sequence: &mut [u8], random: &mut impl Rng) {
        for (base, &motif) in sequence[self.at..].iter_mut().zip(&self.motif) {
            *base = motif;
            if random.random::<f64>() < DEGENERATE {
                *base = (motif + random.random_range(1..4_u8)) % 4;
            }
        }
    }

    /// Changes every second base.
    fn lose(&self, sequence: &mut [u8], random: &mut impl Rng) {
        let first = random.random_range(0..2);
        let place = &mut sequence[self.at..self.at + self.motif.len()];
        for (base, &motif) in place.iter_mut().zip(&self.motif).skip(first).step_by(2) {
            *base = (motif + random.random_range(1..4_u8)) % 4;
        }
    }
}

/// A base by the composition.
fn base(random: &mut impl Rng) -> u8 {
    let mut u: f64 = random.random();
    for (base, p) in COMPOSITION.iter().enumerate() {
        u -= p;
        if u < 0.0 {
            return base as u8;
        }
    }
    3
}

/// Sequences of one region at the tips, and where it is open; `pull` moves its activity.
fn evolve(
    tree: &Tree,
    length: usize,
    pull: &dyn Fn(usize) -> f64,
    random: &mut impl Rng,
) -> (Vec<Vec<u8>>, Vec<bool>) {
    let sites = Site::draw(length, random);
    let activity = brownian(tree, random);
    let own: Vec<Vec<f64>> = sites.iter().map(|_| brownian(tree, random)).collect();
    let offset = 0.6 * normal(random);
    let mut sequences: Vec<Vec<u8>> = vec![Vec::new(); tree.n_nodes()];
    let mut held = vec![[false; SITES]; tree.n_nodes()];
    let mut out = vec![Vec::new(); tree.n_tips()];
    let mut open = vec![false; tree.n_tips()];
    for v in (0..tree.n_nodes()).rev() {
        let parent = tree.parents()[v];
        let (mut sequence, before) = if parent == NONE {
            ((0..length).map(|_| base(random)).collect(), [false; SITES])
        } else {
            let sequence = mutate(&sequences[parent], tree.lengths()[v], random);
            (sequence, held[parent])
        };
        for (i, site) in sites.iter().enumerate() {
            held[v][i] = activity[v] + offset + pull(v) + OWN * own[i][v] > 0.0;
            match (before[i], held[v][i]) {
                (false, true) => site.gain(&mut sequence, random),
                (true, false) => site.lose(&mut sequence, random),
                (true, true) => {
                    let range = site.at..site.at + site.motif.len();
                    sequence[range.clone()].copy_from_slice(&sequences[parent][range]);
                }
                (false, false) => {}
            }
        }
        let tip = tree.tip_of()[v];
        if tip != NONE {
            open[tip] = held[v].iter().filter(|&&held| held).count() >= OPEN;
            out[tip].clone_from(&sequence);
        }
        sequences[v] = sequence;
    }
    (out, open)
}

/// At most one change of a base on a branch; transitions are more frequent (Hasegawa, Kishino & Yano 1985).
fn mutate(sequence: &[u8], length: f64, random: &mut impl Rng) -> Vec<u8> {
    let chance = 1.0 - (-length).exp();
    let mut new = sequence.to_vec();
    for base in &mut new {
        if random.random::<f64>() < chance {
            // A ↔ G and C ↔ T are transitions.
            let weights: [f64; 4] = std::array::from_fn(|to| {
                if to == *base as usize {
                    0.0
                } else {
                    COMPOSITION[to]
                        * if (to + *base as usize).is_multiple_of(2) {
                            KAPPA
                        } else {
                            1.0
                        }
                }
            });
            let mut u = random.random::<f64>() * weights.iter().sum::<f64>();
            for (to, weight) in weights.iter().enumerate() {
                u -= weight;
                if u < 0.0 {
                    *base = to as u8;
                    break;
                }
            }
        }
    }
    new
}

/// Writes the study as files that `run` takes: `study.toml`, tree, traits, sequences, what was
/// measured in a few species, and the truth.
///
/// # Errors
/// Files that cannot be written; a folder that already holds a study.
pub fn write(study: &Invented, plan: &Invention, folder: &Path) -> Result<(), InputError> {
    let fault = |error: &dyn std::fmt::Display| InputError::new(error.to_string());
    if folder.join("study.toml").exists() {
        return Err(InputError::new("the folder already holds a study")
            .in_file(folder)
            .hint("give another folder"));
    }
    std::fs::create_dir_all(folder.join("orthologs")).map_err(|error| fault(&error).in_file(folder))?;
    let put = |name: &str, text: &str| {
        atomic::write(&folder.join(name), text.as_bytes()).map_err(|error| fault(&error))
    };
    put("tree.nwk", &format!("{}\n", study.tree.to_newick()))?;
    let mut traits = "species,brain_residual,vocal_learning\n".to_owned();
    for (tip, name) in study.tree.tip_names().enumerate() {
        let _ = writeln!(
            traits,
            "{name},{:.6},{}",
            study.response[tip],
            u8::from(study.classes[tip])
        );
    }
    put("traits.csv", &traits)?;
    for (tip, name) in study.tree.tip_names().enumerate() {
        let mut text = String::new();
        for (region, sequences) in study.orthologs.iter().enumerate() {
            if !sequences[tip].is_empty() {
                let _ = writeln!(text, ">{}\n{}", region_name(region), letters(&sequences[tip]));
            }
        }
        put(&format!("orthologs/{name}.fa"), &text)?;
    }
    let (mut positives, mut negatives) = (String::new(), String::new());
    for (i, (chrom, sequence, open)) in study.training.iter().enumerate() {
        let text = if *open { &mut positives } else { &mut negatives };
        let _ = writeln!(
            text,
            ">{chrom}:{}-{}\n{}",
            i * 1000,
            i * 1000 + sequence.len(),
            letters(sequence)
        );
    }
    put("positives.fa", &positives)?;
    put("negatives.fa", &negatives)?;
    let mut truth = "region\tplanted\n".to_owned();
    for (region, sign) in study.planted.iter().enumerate() {
        let _ = writeln!(truth, "{}\t{sign}", region_name(region));
    }
    put("truth.tsv", &truth)?;
    put("labels.tsv", &measured::labels(study))?;
    put("clades.csv", &measured::clades(study))?;
    put("study.toml", &settings(plan))
}

/// Name of an invented region.
pub fn region_name(region: usize) -> String {
    format!("peak{}", region + 1)
}

/// How the network of an invented study is trained.
pub fn training() -> Settings {
    Settings {
        epochs: 8,
        ..Settings::default()
    }
}

fn settings(plan: &Invention) -> String {
    format!(
        "# An invented study: `neuropil enhancers run study.toml` takes it from sequences to associations.\n\
         seed = {}\n\n\
         [sequences]\n\
         positives = \"positives.fa\"\n\
         negatives = \"negatives.fa\"\n\
         orthologs = \"orthologs\"\n\n\
         [network]\n\
         preset = \"small\"\n\
         length = {}\n\n\
         [training]\n\
         epochs = {}\n\n\
         [tree]\n\
         file = \"tree.nwk\"\n\n\
         [trait]\n\
         file = \"traits.csv\"\n\
         column = \"brain_residual\"\n\
         kind = \"continuous\"\n\n\
         [permulations]\n\
         totals = [999, 9999]\n\
         thresholds = [0.05]\n",
        plan.seed,
        plan.length,
        training().epochs
    )
}
