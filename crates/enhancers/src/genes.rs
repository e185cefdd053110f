//! Genes from GTF (Ensembl, GENCODE, RefSeq) and GFF3, with their transcription start sites.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::InputError;
use crate::peaks::position;

/// A transcription start site; positions count from 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tss {
    /// Chromosome.
    pub chrom: String,
    /// First transcribed base: the last of the interval on the minus strand.
    pub position: u64,
    /// Gene, or transcript.
    pub name: String,
    /// `+` or `-`.
    pub strand: char,
}

/// Protein-coding genes of an annotation.
#[derive(Clone, Debug, Default)]
pub struct Annotation {
    /// Start sites of genes.
    pub genes: Vec<Tss>,
    /// Start sites of all transcripts of coding genes.
    pub transcripts: Vec<Tss>,
    /// Exons of coding genes: chromosome, start, end.
    pub exons: Vec<(String, u64, u64)>,
}

/// Reads an annotation.
///
/// # Errors
/// As [`parse`], with the file named.
pub fn read(path: &Path) -> Result<Annotation, InputError> {
    parse(&crate::text::read_to_string(path)?).map_err(|error| error.in_file(path))
}

struct Line {
    chrom: String,
    kind: String,
    start: u64,
    end: u64,
    strand: char,
    attributes: HashMap<String, String>,
}

/// Parses an annotation up to `##FASTA`. A gene is coding when `gene_biotype`, `gene_type` or `biotype` of its line
/// (or, without gene lines, of its transcripts) is `protein_coding`.
///
/// # Errors
/// Lines without nine columns, positions that are not whole numbers, no protein-coding gene.
pub fn parse(text: &str) -> Result<Annotation, InputError> {
    let mut lines = Vec::new();
    for (number, line) in crate::text::lines(text) {
        if line.starts_with("##FASTA") {
            break;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        lines.push(parse_line(line).map_err(|error| error.at_line(number))?);
    }
    let mut coding = HashSet::new();
    let mut has_genes = false;
    for line in &lines {
        let is_gene = line.kind == "gene";
        has_genes |= is_gene;
        let biotype = ["gene_biotype", "gene_type", "biotype"]
            .iter()
            .find_map(|key| line.attributes.get(*key));
        if biotype.is_some_and(|biotype| biotype == "protein_coding")
            && let Some(id) = line.gene_id()
            && (is_gene
                || line.attributes.contains_key("gene_biotype")
                || line.attributes.contains_key("gene_type"))
        {
            coding.insert(id);
        }
    }
    let mut found = Annotation::default();
    let mut parent_of: HashMap<String, String> = HashMap::new();
    for line in &lines {
        if let (Some(id), Some(gene)) = (line.attributes.get("ID"), line.gene_id()) {
            parent_of.insert(id.clone(), gene);
        }
    }
    for line in &lines {
        let Some(gene) = line.owner(&parent_of) else {
            continue;
        };
        if !coding.contains(&gene) {
            continue;
        }
        match line.kind.as_str() {
            "gene" => found
                .genes
                .push(line.tss(&["gene_name", "Name", "gene", "gene_id", "ID"])),
            "transcript" | "mRNA" => found.transcripts.push(line.tss(&["transcript_id", "Name", "ID"])),
            "exon" => found.exons.push((line.chrom.clone(), line.start, line.end)),
            _ => {}
        }
    }
    if !has_genes {
        found.genes.clone_from(&found.transcripts);
    }
    if found.genes.is_empty() {
        return Err(InputError::new("no protein-coding gene was found")
            .hint("expected gene lines with gene_biotype (Ensembl, RefSeq) or gene_type (GENCODE) \"protein_coding\""));
    }
    Ok(found)
}

fn parse_line(line: &str) -> Result<Line, InputError> {
    let fields: Vec<&str> = line.split('\t').collect();
    if fields.len() != 9 {
        return Err(InputError::new(format!(
            "{} columns, expected the 9 of GTF or GFF3",
            fields.len()
        )));
    }
    let (start, end) = (position(fields[3], "start")?, position(fields[4], "end")?);
    if start == 0 || start > end {
        return Err(InputError::new(format!(
            "the interval {start}-{end} is none; positions count from 1"
        ))
        .in_field("start"));
    }
    Ok(Line {
        chrom: fields[0].to_owned(),
        kind: fields[2].to_owned(),
        start: start - 1,
        end,
        strand: fields[6].chars().next().unwrap_or('.'),
        attributes: attributes(fields[8]),
    })
}

/// `key "value"; …` or `key=value;…`; semicolons inside quotes are part of the value, percent escapes are decoded.
fn attributes(text: &str) -> HashMap<String, String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in text.trim_end().chars() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => parts.push(String::new()),
            _ => parts.last_mut().expect("never empty").push(c),
        }
    }
    let mut found = HashMap::new();
    for part in &parts {
        let part = part.trim();
        let split = part.find(['=', ' ']).map(|at| (&part[..at], &part[at + 1..]));
        if let Some((key, value)) = split {
            let value = if part.as_bytes()[key.len()] == b'=' {
                decoded(value)
            } else {
                value.trim().to_owned()
            };
            found.entry(key.to_owned()).or_insert(value);
        }
    }
    found
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let code = (bytes[i] == b'%')
            .then(|| text.get(i + 1..i + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Line {
    fn gene_id(&self) -> Option<String> {
        let of = |key: &str| self.attributes.get(key).cloned();
        of("gene_id").or_else(|| {
            if self.kind == "gene" {
                of("ID")
            } else {
                of("Parent")
            }
        })
    }

    /// The gene at the end of the chain of parents.
    fn owner(&self, parent_of: &HashMap<String, String>) -> Option<String> {
        let mut id = self.gene_id()?;
        for _ in 0..4 {
            match parent_of.get(&id) {
                Some(up) if *up != id => id.clone_from(up),
                _ => break,
            }
        }
        Some(id)
    }

    fn tss(&self, names: &[&str]) -> Tss {
        Tss {
            chrom: self.chrom.clone(),
            position: if self.strand == '-' {
                self.end - 1
            } else {
                self.start
            },
            name: names
                .iter()
                .find_map(|key| self.attributes.get(*key))
                .cloned()
                .unwrap_or_default(),
            strand: self.strand,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_in_quotes_and_percent_escapes() {
        let found = attributes("gene_id \"G1\"; note \"a; b\"; level 2;");
        assert_eq!(
            (
                found["gene_id"].as_str(),
                found["note"].as_str(),
                found["level"].as_str()
            ),
            ("G1", "a; b", "2")
        );
        assert_eq!(
            attributes("ID=x;product=alpha%2C type 1%")["product"],
            "alpha, type 1%"
        );
    }

    #[test]
    fn gencode_genes_and_exons_of_gff3() {
        let gtf =
            "chr1\tH\tgene\t11\t20\t.\t-\t.\tgene_id \"G\"; gene_type \"protein_coding\"; gene_name \"N\";\n";
        assert_eq!(
            parse(gtf).expect("a gene").genes,
            [Tss {
                chrom: "chr1".into(),
                position: 19,
                name: "N".into(),
                strand: '-'
            }]
        );
        let gff = "c\tR\tgene\t1\t9\t.\t+\t.\tID=g;gene_biotype=protein_coding;Name=A\nc\tR\tmRNA\t1\t9\t.\t+\t.\tID=r;Parent=g\nc\tR\texon\t2\t5\t.\t+\t.\tID=e;Parent=r\n";
        let found = parse(gff).expect("a gene");
        assert_eq!(found.exons, [("c".to_owned(), 1, 5)]);
        assert_eq!(found.transcripts.len(), 1);
        assert!(
            parse("c\tR\tgene\t0\t9\t.\t+\t.\tID=g\n")
                .expect_err("zero")
                .to_string()
                .contains("line 1, `start`")
        );
        assert!(
            parse("c R gene\n")
                .expect_err("columns")
                .to_string()
                .contains("1 columns, expected the 9")
        );
    }
}
