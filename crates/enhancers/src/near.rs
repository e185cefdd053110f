//! Genes near regions, and whether regions near listed genes have smaller p-values.

use neuropil_math::stats::rank::rank;
use std::collections::HashSet;

use crate::genes::Tss;
use crate::windows::Window;

/// Genes whose transcription starts within `distance` bases of every region, with the distance.
pub fn near<'a>(regions: &[Window], genes: &'a [Tss], distance: u64) -> Vec<Vec<(&'a Tss, u64)>> {
    regions
        .iter()
        .map(|region| {
            let gap = |tss: &Tss| {
                if tss.position < region.start {
                    region.start - tss.position
                } else {
                    (tss.position + 1).saturating_sub(region.end)
                }
            };
            let mut found: Vec<(&Tss, u64)> = genes
                .iter()
                .filter(|tss| tss.chrom == region.chrom)
                .map(|tss| (tss, gap(tss)))
                .filter(|(_, gap)| *gap <= distance)
                .collect();
            found.sort_by_key(|(tss, gap)| (*gap, tss.name.clone()));
            found
        })
        .collect()
}

/// Comparison of two samples by ranks (Wilcoxon, Mann & Whitney).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct RankSum {
    /// Values in either sample.
    pub n: (usize, usize),
    /// Pairs in which the first sample's value is larger, ties counted half.
    pub u: f64,
    /// Two-sided p-value of the normal approximation with correction for ties and continuity.
    pub p: f64,
}

/// Compares two samples; `None` when one is empty or all values are the same.
pub fn rank_sum(a: &[f64], b: &[f64]) -> Option<RankSum> {
    let ranks = rank(&[a, b].concat());
    let (na, nb) = (a.len() as f64, b.len() as f64);
    let n = na + nb;
    let u = ranks.of[..a.len()].iter().sum::<f64>() - na * (na + 1.0) / 2.0;
    let variance = na * nb / 12.0 * (n + 1.0 - ranks.ties / (n * (n - 1.0)));
    if !(variance > 0.0) {
        return None;
    }
    let off = u - na * nb / 2.0;
    let z = (off.abs() - 0.5).max(0.0) / variance.sqrt();
    Some(RankSum {
        n: (a.len(), b.len()),
        u,
        p: crate::phylo::logistic::p_of_z(z),
    })
}

/// Whether p-values of regions near a listed gene are smaller than those of regions near other genes only; regions near
/// no gene, and those without a p-value, are not compared.
pub fn gene_list(p: &[f64], near: &[Vec<(&Tss, u64)>], listed: &HashSet<String>) -> Option<RankSum> {
    let is_listed = |genes: &[(&Tss, u64)]| genes.iter().any(|(tss, _)| listed.contains(&tss.name));
    let sample = |wanted: bool| -> Vec<f64> {
        p.iter()
            .zip(near)
            .filter(|(p, genes)| !p.is_nan() && !genes.is_empty() && is_listed(genes) == wanted)
            .map(|(&p, _)| p)
            .collect()
    };
    rank_sum(&sample(true), &sample(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_from_the_nearer_end() {
        let tss = |position, name: &str| Tss {
            chrom: "chr1".into(),
            position,
            name: name.into(),
            strand: '+',
        };
        let genes = [
            tss(99, "before"),
            tss(250, "inside"),
            tss(700, "after"),
            tss(2000, "far"),
        ];
        let region = Window {
            name: "r".into(),
            chrom: "chr1".into(),
            start: 200,
            end: 700,
        };
        let found = near(&[region], &genes, 101);
        let told: Vec<(&str, u64)> = found[0]
            .iter()
            .map(|(tss, gap)| (tss.name.as_str(), *gap))
            .collect();
        assert_eq!(told, [("inside", 0), ("after", 1), ("before", 101)]);
        let listed = HashSet::from(["inside".to_owned()]);
        assert!(
            gene_list(&[0.1], &found, &listed).is_none(),
            "nothing to compare with"
        );
    }

    #[test]
    fn ranks_as_in_the_textbook() {
        let found = rank_sum(&[1.1, 2.2, 3.3, 4.4], &[2.5, 3.5, 4.5, 5.5, 6.5]).expect("both samples");
        // 3.3 and 4.4 are larger than 2.5, 4.4 than 3.5; z = (|3 − 10| − ½)/√(20·10/12) = 1.5922.
        assert_eq!(found.u, 3.0);
        assert!((found.p - 0.111_346_87).abs() < 1e-7, "{}", found.p);
    }
}
