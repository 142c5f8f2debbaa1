//! The list of pairs: `a,b,same`, with every doubt named by its line.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

/// Pairs to be compared.
#[derive(Debug, Default)]
pub struct Pairs {
    /// Every photo named, once, in alphabetical order.
    pub photos: Vec<String>,
    /// Who is on each photo, as far as the pairs say: photos linked by `same` have one number.
    pub subjects: Vec<usize>,
    /// The pairs.
    pub pairs: Vec<Pair>,
}

/// Two photos, as places in [`Pairs::photos`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// One.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// Whether they show one person.
    pub same: bool,
    /// The similarity, if the list has it.
    pub score: Option<f64>,
}

#[derive(Deserialize)]
struct Row {
    a: String,
    b: String,
    same: String,
    #[serde(default)]
    score: Option<String>,
}

/// A line that says what it should.
struct Line {
    number: u64,
    row: Row,
    same: bool,
    score: Option<f64>,
}

impl Pairs {
    /// Reads a list; with `scored` it must have a column `score`, empty where a face was not found.
    pub fn read(path: &Path, scored: bool) -> anyhow::Result<Self> {
        let reading = || format!("reading {}", path.display());
        let file = std::fs::File::open(path).with_context(reading)?;
        Self::parse(file, scored).with_context(reading)
    }

    fn parse(source: impl std::io::Read, scored: bool) -> anyhow::Result<Self> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source);
        let headers = reader.headers()?.clone();
        for column in ["a", "b", "same"].into_iter().chain(scored.then_some("score")) {
            let there: Vec<&str> = headers.iter().collect();
            ensure!(there.contains(&column), "line 1: there is no column `{column}`, only {}", there.join(","));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            let row: Row = record.deserialize(Some(&headers)).with_context(|| format!("line {line}"))?;
            let (same, score) = checked(&row).with_context(|| format!("line {line}"))?;
            rows.push(Line { number: line, row, same, score });
        }
        ensure!(!rows.is_empty(), "it holds no pair");
        collected(&rows)
    }
}

/// Whether the pair is of one person, and its score.
fn checked(row: &Row) -> anyhow::Result<(bool, Option<f64>)> {
    ensure!(!row.a.is_empty() && !row.b.is_empty(), "`a` and `b` must name photos");
    ensure!(row.a != row.b, "`a` and `b` are both {}: a photo is not compared with itself", row.a);
    let same = match row.same.as_str() {
        "1" | "true" => true,
        "0" | "false" => false,
        other => bail!("`same` is {other:?}; it must be 1 or 0"),
    };
    let number = |text: &str| -> anyhow::Result<f64> {
        let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite()).context("not a number")?;
        Ok(value)
    };
    let given = row.score.as_deref().filter(|text| !text.is_empty());
    let score = given.map(|text| number(text).with_context(|| format!("`score` is {text:?}"))).transpose()?;
    Ok((same, score))
}

fn collected(lines: &[Line]) -> anyhow::Result<Pairs> {
    let mut places: BTreeMap<&str, usize> =
        lines.iter().flat_map(|Line { row, .. }| [row.a.as_str(), row.b.as_str()]).map(|name| (name, 0)).collect();
    places.values_mut().enumerate().for_each(|(place, value)| *value = place);
    let photos: Vec<String> = places.keys().map(|name| (*name).to_owned()).collect();
    let (mut seen, mut pairs) = (BTreeMap::new(), Vec::new());
    for Line { number: line, row, same, score } in lines {
        let (a, b) = (places[row.a.as_str()], places[row.b.as_str()]);
        match seen.entry((a.min(b), a.max(b))) {
            Entry::Occupied(first) => bail!("line {line}: {} and {} stand in line {} too", row.a, row.b, first.get()),
            Entry::Vacant(free) => free.insert(*line),
        };
        pairs.push(Pair { a, b, same: *same, score: *score });
    }
    let subjects = subjects(photos.len(), &pairs);
    for (pair, Line { number: line, .. }) in pairs.iter().zip(lines) {
        let one = subjects[pair.a] == subjects[pair.b];
        let (a, b) = (&photos[pair.a], &photos[pair.b]);
        ensure!(pair.same || !one, "line {line}: {a} and {b} are said to differ, but other lines make them one person");
    }
    Ok(Pairs { photos, subjects, pairs })
}

/// Numbers for people: photos linked by pairs of one person have the same.
fn subjects(photos: usize, pairs: &[Pair]) -> Vec<usize> {
    let mut leader: Vec<usize> = (0..photos).collect();
    fn find(leader: &mut [usize], mut at: usize) -> usize {
        while leader[at] != at {
            leader[at] = leader[leader[at]];
            at = leader[at];
        }
        at
    }
    for pair in pairs.iter().filter(|pair| pair.same) {
        let (a, b) = (find(&mut leader, pair.a), find(&mut leader, pair.b));
        leader[a.max(b)] = a.min(b);
    }
    let mut numbers = BTreeMap::new();
    (0..photos)
        .map(|photo| {
            let (leader, next) = (find(&mut leader, photo), numbers.len());
            *numbers.entry(leader).or_insert(next)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_who_the_pairs_link() {
        let read = Pairs::parse(&b"a,b,same\nx1,x2,1\n x2 ,x3,1\nx1,y1,0\ny1,y2,true\nx3,z1,0\n"[..], false).unwrap();
        assert_eq!(read.photos, ["x1", "x2", "x3", "y1", "y2", "z1"]);
        assert_eq!(read.subjects, [0, 0, 0, 1, 1, 2]);
        assert_eq!(read.pairs[2], Pair { a: 0, b: 3, same: false, score: None });
    }

    #[test]
    fn scores_may_be_missing_where_a_face_was() {
        let read = Pairs::parse(&b"a,b,same,score\nx,y,1,0.9\nx,z,0,\n"[..], true).unwrap();
        assert_eq!(read.pairs.iter().map(|pair| pair.score).collect::<Vec<_>>(), [Some(0.9), None]);
    }

    #[test]
    fn every_doubt_names_its_line() {
        let check = |text: &str, scored: bool, expected: &str| {
            let error = format!("{:#}", Pairs::parse(text.as_bytes(), scored).unwrap_err());
            assert!(error.contains(expected), "{text:?}: {error}");
        };
        check("", false, "no column `a`");
        check("a,b,same\n", false, "no pair");
        check("a,c,same\nx,y,1\n", false, "no column `b`, only a,c,same");
        check("a,b,same\nx,y,1\n", true, "no column `score`");
        check("a,b,same\nx,y,1\nx,z,maybe\n", false, "line 3: `same` is \"maybe\"");
        check("a,b,same\nx,y,1\nx,x,1\n", false, "line 3: `a` and `b` are both x");
        check("a,b,same\nx,y,1\ny,x,1\n", false, "line 3: y and x stand in line 2 too");
        check("a,b,same\nx,y,1\ny,z,1\nx,z,0\n", false, "line 4: x and z are said to differ");
        check("a,b,same\nx,y\n", false, "line: 2");
        check("a,b,same,score\nx,y,1,high\n", true, "line 2: `score` is \"high\"");
        check("a,b,same\nx,,1\n", false, "line 2: `a` and `b` must name photos");
    }
}
