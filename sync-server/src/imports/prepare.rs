//! From an uploaded file to the items of a job: rows first, then photos, each with the row it belongs to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;

use serde::{Deserialize, Serialize};

use super::ImportRefused;
use super::archive::{self, Listing, MOST_TABLE_BYTES};
use super::row::{self, Row, RowTask, Rules};
use super::table::{self, Columns};
use crate::domain::job::NewItem;
use crate::enroll::batch::json;
use crate::jobs::spool::{SealedFile, SpoolError};

/// Where photos lie that no column names: by the other system's id.
const PHOTOS: &str = "photos/";
/// Endings of photos.
const PICTURES: [&str; 4] = ["jpg", "jpeg", "png", "webp"];
/// The phase of photos; rows are of phase 0.
const PHOTO_PHASE: u32 = 1;

/// An item of an import.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportTask {
    /// A row of the table.
    Row(Box<RowTask>),
    /// A photo.
    Photo(PhotoTask),
}

/// A photo of an archive.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PhotoTask {
    /// Where it lies in the archive, or should.
    pub path: String,
    /// The row's line.
    pub line: Option<u64>,
    /// What the other system calls the person.
    pub external: Option<String>,
    /// Whether the row says that the person has consented.
    pub consent: bool,
    /// Why nothing can be made of it: a stable word, and words.
    pub problem: Option<(String, String)>,
}

/// A file made ready.
#[derive(Debug, Default)]
pub struct Prepared {
    /// The items, rows first.
    pub items: Vec<NewItem>,
    /// Rows.
    pub rows: u64,
    /// Photos.
    pub photos: u64,
    /// Items of which nothing can be made, known by now.
    pub problems: u64,
    /// Columns that nothing is known of.
    pub ignored: Vec<String>,
    /// Whether it was an archive.
    pub with_photos: bool,
}

/// Reads a file and makes items of it. Blocks.
///
/// # Errors
/// [`ImportRefused`].
pub fn prepare(mut file: SealedFile, columns: &Columns, rules: &Rules) -> Result<Prepared, ImportRefused> {
    let mut magic = [0; 2];
    let is_archive = file.length() >= 2 && {
        file.read_exact(&mut magic).map_err(SpoolError::from)?;
        &magic == b"PK"
    };
    std::io::Seek::rewind(&mut file).map_err(SpoolError::from)?;
    if !is_archive {
        let too_long = || ImportRefused::file("table-too-long", "The table is larger than is taken: split it.");
        if file.length() > MOST_TABLE_BYTES {
            return Err(too_long());
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(SpoolError::from)?;
        return Ok(items(&table::read(&bytes, columns)?, &Listing::default(), rules));
    }
    let (mut archive, mut listing) = archive::open(file)?;
    let path = table_of(&listing)?;
    let table = archive::unpack(&mut archive, &path, MOST_TABLE_BYTES)
        .map_err(|why| ImportRefused::file("archive-unreadable", format!("The table `{path}`: {why}.")))?;
    listing.files.remove(&path);
    let table = table::read(&table.unwrap_or_default(), columns)?;
    Ok(Prepared { with_photos: true, ..items(&table, &listing, rules) })
}

/// The one table of an archive.
fn table_of(listing: &Listing) -> Result<String, ImportRefused> {
    let is_table = |path: &&String| {
        let name = path.to_ascii_lowercase();
        !name.starts_with(PHOTOS) && [".csv", ".jsonl", ".ndjson", ".tsv"].iter().any(|ending| name.ends_with(ending))
    };
    let mut tables = listing.files.keys().filter(is_table);
    match (tables.next(), tables.next()) {
        (Some(one), None) => Ok(one.clone()),
        (None, _) => Err(ImportRefused::file(
            "archive-no-table",
            "There is no table in the archive: add `persons.csv` or `persons.jsonl`.",
        )),
        _ => Err(ImportRefused::file("archive-no-table", "There are several tables in the archive: leave one.")),
    }
}

fn items(table: &table::Table, listing: &Listing, rules: &Rules) -> Prepared {
    let by_external = by_external(listing);
    let mut prepared = Prepared { ignored: table.ignored.clone(), ..Prepared::default() };
    let (mut seen, mut taken, mut photos) = (HashMap::new(), HashSet::new(), Vec::new());
    for (n, line) in (0_u64..).zip(&table.lines) {
        let Row { mut task, photos: named } = row::read(line, rules);
        if let Some(first) = seen.get(&task.external).filter(|_| task.problem.is_none()) {
            let detail = format!("Line {}: `external_id` stands in line {first} as well.", task.line);
            task.problem = Some(("external-id-twice".to_owned(), detail));
        } else if !task.external.is_empty() {
            seen.insert(task.external.clone(), task.line);
        }
        let paths = if named.is_empty() && task.problem.is_none() {
            by_external.get(task.external.as_str()).cloned().unwrap_or_default()
        } else {
            named
        };
        for path in paths {
            photos.push((n, photo_of(&task, path, listing, &mut taken)));
        }
        prepared.rows += 1;
        prepared.problems += u64::from(task.problem.is_some());
        prepared.items.push(NewItem { phase: 0, parent: None, task: json(&ImportTask::Row(Box::new(task))) });
    }
    prepared.photos = photos.len() as u64;
    for (n, task) in photos {
        prepared.problems += u64::from(task.problem.is_some());
        prepared.items.push(NewItem { phase: PHOTO_PHASE, parent: Some(n), task: json(&ImportTask::Photo(task)) });
    }
    for path in listing.files.keys().filter(|path| is_picture(path) && !taken.contains(path.as_str())) {
        let problem = Some(("nobodys-photo".to_owned(), "No row of the table names this photo.".to_owned()));
        let task = PhotoTask { path: path.clone(), line: None, external: None, consent: false, problem };
        (prepared.photos, prepared.problems) = (prepared.photos + 1, prepared.problems + 1);
        let task = json(&ImportTask::Photo(task));
        prepared.items.push(NewItem { phase: PHOTO_PHASE, parent: None, task });
    }
    prepared
}

fn photo_of(row: &RowTask, path: String, listing: &Listing, taken: &mut HashSet<String>) -> PhotoTask {
    // A row may name photos as they lie below `photos/`.
    let path = [path.clone(), format!("{PHOTOS}{path}")]
        .into_iter()
        .find(|path| listing.files.contains_key(path))
        .unwrap_or(path);
    let wrong = |slug: &str, words: &str| Some((slug.to_owned(), format!("Line {}: {words}", row.line)));
    let problem = if !listing.files.contains_key(&path) {
        wrong("photo-missing", "there is no such photo in the archive.")
    } else if !taken.insert(path.clone()) {
        wrong("photo-twice", "another row names this photo as well.")
    } else {
        None
    };
    let consent = row.says_consent();
    PhotoTask { path, line: Some(row.line), external: Some(row.external.clone()), consent, problem }
}

/// Photos by the id they lie under: `photos/<id>/….jpg`, `photos/<id>.jpg`, `photos/<id>_2.jpg`.
fn by_external(listing: &Listing) -> BTreeMap<&str, Vec<String>> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for path in listing.files.keys().filter(|path| is_picture(path)) {
        let Some(rest) = path.strip_prefix(PHOTOS) else { continue };
        let id = match rest.split_once('/') {
            Some((folder, _)) => folder,
            None => {
                let stem = rest.rsplit_once('.').map_or(rest, |(stem, _)| stem);
                let counted = stem.rsplit_once('_').filter(|(_, count)| count.parse::<u32>().is_ok());
                counted.map_or(stem, |(id, _)| id)
            }
        };
        found.entry(id).or_default().push(path.clone());
    }
    found
}

fn is_picture(path: &str) -> bool {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    PICTURES.contains(&ending.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fields::FieldSchema;

    fn check(table: &str, files: &[&str], expected: &[&str]) {
        let rules = Rules { groups: HashMap::new(), schema: FieldSchema::default() };
        let listing = Listing { files: files.iter().map(|path| (String::from(*path), 1)).collect() };
        let table = table::read(table.as_bytes(), &Columns::default()).map_err(|e| e.to_string()).unwrap();
        let told = |item: &NewItem| match serde_json::from_slice(&item.task).unwrap() {
            ImportTask::Row(row) => row.problem.map_or_else(|| row.external.clone(), |(slug, _)| slug),
            ImportTask::Photo(photo) => {
                let parent = item.parent.map_or_else(|| "-".to_owned(), |n| n.to_string());
                format!("{parent}:{}", photo.problem.map_or(photo.path, |(slug, _)| slug))
            }
        };
        let prepared = items(&table, &listing, &rules);
        assert_eq!(prepared.items.iter().map(told).collect::<Vec<_>>(), expected);
        assert_eq!(prepared.rows + prepared.photos, prepared.items.len() as u64);
    }

    #[test]
    fn photos_find_their_rows() {
        let two = "external_id,name\nE1,Ada\nE2,Bob\n";
        check(two, &[], &["E1", "E2"]);
        let files = ["photos/E1.jpg", "photos/E1_2.png", "photos/E2/a.webp", "photos/E3.jpg", "notes.txt"];
        let expected = ["E1", "E2", "0:photos/E1.jpg", "0:photos/E1_2.png", "1:photos/E2/a.webp", "-:nobodys-photo"];
        check(two, &files, &expected);
        let named = "external_id,name,photos\nE1,Ada,a.jpg|c.jpg\nE2,Bob,a.jpg\nE1,Eve,\n";
        let expected = ["E1", "E2", "external-id-twice", "0:photos/a.jpg", "0:photo-missing", "1:photo-twice"];
        check(named, &["photos/a.jpg"], &expected);
    }
}
