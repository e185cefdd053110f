//! The page of a study.

use neuropil_draw::{Report, ReportTable, Section};

use crate::associate::{Association, COLUMNS, Study};
use crate::figures;
use crate::settings::{Outcome, StudyFile};

/// Rows of the table on the page.
const SHOWN: usize = 30;

/// Regions with q below `bound`.
pub fn below(results: &[Association], bound: f64) -> usize {
    results
        .iter()
        .filter(|result| result.q.is_some_and(|q| q < bound))
        .count()
}

/// The page.
pub fn page(file: &StudyFile, study: &Study, outcome: &Outcome) -> Report {
    let results = &outcome.results;
    let tested = results.iter().filter(|r| r.fit.is_some()).count();
    let permuted = results.iter().any(|r| r.permuted.is_some());
    let mut sections = Vec::new();
    let section = |title: &str, text: String, figure| Section {
        title: title.into(),
        text,
        figure,
        table: None,
    };
    if !outcome.history.is_empty() {
        let text = outcome.test.map_or_else(String::new, |m| {
            format!(
                "On the test chromosomes (chr1, chr2; {} open, {} closed): AUROC {:.3}, AUPRC of the open {:.3}, area under NPV and specificity {:.3}.",
                m.n_positive, m.n_negative, m.auroc, m.auprc_positive, m.aunpv_specificity
            )
        });
        sections.push(section(
            "The network",
            text,
            Some(figures::training(&outcome.history)),
        ));
    }
    if tested > 0 {
        sections.push(section(
            "P-values",
            words_of_permulations(results),
            Some(figures::p_values(results)),
        ));
        sections.push(section("Slopes", String::new(), Some(figures::volcano(results))));
        sections.push(section(
            "The first regions",
            String::new(),
            Some(figures::regions(study, results, 6)),
        ));
    }
    sections.push(Section {
        title: "Regions by q".into(),
        text: format!(
            "The first {} of {tested} tested regions; all are in associations.tsv.",
            SHOWN.min(tested)
        ),
        figure: None,
        table: Some(table(results)),
    });
    sections.push(Section {
        title: "What was left out".into(),
        text: left_out(study, results),
        figure: None,
        table: None,
    });
    Report {
        title: format!("Enhancers and {}", file.response.column),
        lead: format!(
            "{} of {tested} tested regions go with {} at a false discovery rate of 0.1 ({}).",
            below(results, 0.1),
            file.response.column,
            if permuted {
                "p-values of permulations"
            } else {
                "p-values of the regression: no region was below 0.05, so there were no permulations"
            }
        ),
        facts: vec![
            ("species in common".into(), study.n_common().to_string()),
            ("regions".into(), results.len().to_string()),
            ("tested".into(), tested.to_string()),
            ("q < 0.05".into(), below(results, 0.05).to_string()),
            ("q < 0.1".into(), below(results, 0.1).to_string()),
            ("seed".into(), file.seed.to_string()),
        ],
        sections,
        details: vec![
            (
                "Settings".into(),
                toml::to_string_pretty(file).unwrap_or_default(),
            ),
            ("Remarks".into(), outcome.notes.join("\n")),
        ],
    }
}

fn words_of_permulations(results: &[Association]) -> String {
    let permuted: Vec<_> = results.iter().filter_map(|r| r.permuted).collect();
    let Some(most) = permuted.iter().map(|p| p.n).max() else {
        return "There were no permulations.".into();
    };
    let floor = permuted.iter().filter(|p| p.at_floor).count();
    format!(
        "An empirical p-value is (k + 1)/(R + 1): k of R permulations were at least as extreme as the observed slope. With {most} permulations it cannot be \
         smaller than {:.2e}; {floor} regions are at their floor, for which only more permulations could tell how small p is.",
        1.0 / (most + 1) as f64
    )
}

fn table(results: &[Association]) -> ReportTable {
    let shown = [
        "region",
        "n_species",
        "n_foreground",
        "coef",
        "se",
        "p",
        "n_perm",
        "p_perm",
        "q",
    ];
    let columns: Vec<usize> = shown
        .iter()
        .filter_map(|name| COLUMNS.iter().position(|column| column == name))
        .collect();
    let mut order: Vec<&Association> = results.iter().filter(|r| r.fit.is_some()).collect();
    let key = |r: &Association| (r.q.unwrap_or(2.0), r.fit.map_or(2.0, |fit| fit.p));
    order.sort_by(|a, b| key(a).0.total_cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
    let short = |field: &String| {
        field.parse::<f64>().map_or_else(
            |_| field.clone(),
            |value| {
                if value.fract() == 0.0 && value.abs() < 1e9 {
                    field.clone()
                } else {
                    format!("{value:.4e}")
                }
            },
        )
    };
    ReportTable {
        headers: shown.iter().map(|name| (*name).to_owned()).collect(),
        rows: order
            .iter()
            .take(SHOWN)
            .map(|r| {
                let fields = r.fields();
                columns.iter().map(|&i| short(&fields[i])).collect()
            })
            .collect(),
        csv_name: Some("regions.csv".into()),
    }
}

fn left_out(study: &Study, results: &[Association]) -> String {
    let mut reasons: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for reason in results.iter().filter_map(|r| r.reason.as_ref()) {
        // Numbers apart, reasons are few.
        let words: String = reason
            .split_whitespace()
            .filter(|word| word.parse::<f64>().is_err())
            .collect::<Vec<_>>()
            .join(" ");
        *reasons.entry(words).or_default() += 1;
    }
    let mut lines: Vec<String> = reasons
        .iter()
        .map(|(reason, count)| format!("{count} regions: {reason}"))
        .collect();
    lines.push(format!(
        "{} names did not match between tree, predictions and traits; {} species have no value of the trait.",
        study.unmatched.len(),
        study.without_trait.len()
    ));
    lines.push("Every one with its reason: left_out.tsv.".into());
    lines.join("\n\n")
}
