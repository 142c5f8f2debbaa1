//! The queue of jobs: each item ends once, together with what it changes, whoever works on it and whatever becomes of
//! them.

use std::time::Duration;

use ostiary_common::ids::TemplateId;
use ostiary_common::time::UnixMillis;
use ostiary_server::domain::audit::chain::{ChainPoint, Walker};
use ostiary_server::domain::audit::{AuditEntry, AuditNote, AuditResult, AuditTrace};
use ostiary_server::domain::import::ImportedPerson;
use ostiary_server::domain::job::retry::MOST_LEASES;
use ostiary_server::domain::job::{
    ClaimedItem, Effect, ItemEnd, ItemState, JobId, JobKind, JobState, Lease, NewItem, NewJob, Settlement,
};
use ostiary_server::ports::job_files::JobFileStore;
use ostiary_server::ports::jobs::{Claim, JobFilter, JobStore, SettledOrNot};
use ostiary_server::ports::{LedgerStore, PersonStore, ProfileStore, StoreError};
use ostiary_server::store::sql::SqlStore;

use super::consent::consent as agreed;
use super::place::{Place, on_both};
use super::sample::{NOW, person, template};

on_both!(
    told:
    items_are_leased_in_order_and_end_once,
    a_lease_that_ran_out_commits_nothing,
    what_an_item_changes_is_there_with_its_end_or_not_at_all,
    items_that_end_together_have_their_own_answers,
    ends_of_several_jobs_are_counted_and_noted,
    small_items_are_leased_together,
    photos_begin_once_their_row_has_ended,
    uploads_are_shared_until_their_items_end,
    jobs_are_paused_cancelled_and_put_back,
    imported_persons_are_found_again,
    old_jobs_are_forgotten,
);

const KEEP: Duration = Duration::from_secs(3_600);
const LEASE: Duration = Duration::from_secs(30);

async fn queued(store: &SqlStore, kind: JobKind, node: &str, phases: &[u32]) -> JobId {
    let item = |(n, phase): (usize, &u32)| NewItem { phase: *phase, parent: None, task: format!("task {n}").into() };
    queued_items(store, kind, node, &phases.iter().enumerate().map(item).collect::<Vec<_>>()).await
}

async fn queued_items(store: &SqlStore, kind: JobKind, node: &str, items: &[NewItem]) -> JobId {
    let id = JobId::generate();
    let job = NewJob {
        id,
        kind,
        account: None,
        person: None,
        node: node.to_owned(),
        plan: b"plan".to_vec(),
        created_at: NOW,
    };
    store.begin_job(&job).await.unwrap();
    store.add_items(id, 0, items).await.unwrap();
    store.release_job(id, KEEP, NOW).await.unwrap();
    id
}

async fn claim(store: &SqlStore, node: &str, at_most: u32, now: UnixMillis) -> Vec<ClaimedItem> {
    let claim = Claim { node, kinds: &JobKind::ALL, at_most, small_at_most: at_most, lease: LEASE, now };
    store.claim_items(&claim).await.unwrap()
}

fn end(end: ItemEnd, reason: &str) -> Settlement {
    Settlement { end, reason: reason.into(), outcome: b"{}".to_vec(), person: None, effects: Vec::new() }
}

async fn settle_one(store: &SqlStore, item: &ClaimedItem, settlement: Settlement) -> SettledOrNot {
    store.settle_items(&[(item.lease, settlement)], KEEP, NOW).await.pop().unwrap()
}

async fn settle(store: &SqlStore, item: &ClaimedItem, how: ItemEnd) -> bool {
    settle_one(store, item, end(how, "said")).await.unwrap().is_some()
}

async fn items_are_leased_in_order_and_end_once(place: Place) {
    let store = place.open().await;
    let slow = queued(&store, JobKind::Import, "", &[0, 1, 0]).await;
    let urgent = queued(&store, JobKind::Photos, "here", &[0]).await;
    assert!(claim(&store, "there", 1, NOW).await[0].lease.job == slow, "what lies elsewhere cannot be worked on");
    let items = claim(&store, "here", 9, NOW).await;
    let order: Vec<_> = items.iter().map(|item| (item.lease.job, item.lease.n)).collect();
    assert_eq!(order, [(urgent, 0), (slow, 2)], "the urgent one first, and no item of a later phase");
    assert_eq!((items[0].plan.as_slice(), items[0].task.as_slice()), (b"plan".as_slice(), b"task 0".as_slice()));
    assert!(claim(&store, "here", 9, NOW).await.is_empty(), "phase 1 waits for what is worked on in phase 0");
    assert!(settle(&store, &items[1], ItemEnd::Done).await);
    assert!(!settle(&store, &items[1], ItemEnd::Done).await, "only once");
    let job = store.job(slow).await.unwrap().unwrap();
    assert_eq!((job.counts.done, job.counts.items, job.phase, job.state), (1, 3, Some(0), JobState::Ready));

    // The server `there` begins anew, and another takes what it had.
    assert_eq!(store.free_leases("there").await.unwrap(), 1);
    let again = claim(&store, "elsewhere", 9, NOW).await;
    assert_eq!((again.len(), again[0].lease.n, again[0].lease.fence), (1, 0, 2));
    assert!(settle(&store, &again[0], ItemEnd::Refused).await);
    let last = claim(&store, "elsewhere", 9, NOW).await;
    assert_eq!((last.len(), last[0].lease.n), (1, 1), "now phase 1");
    let settled = settle_one(&store, &last[0], end(ItemEnd::Done, "")).await.unwrap().unwrap();
    assert!(settled.is_last);
    let job = store.job(slow).await.unwrap().unwrap();
    assert_eq!((job.state, job.counts.done, job.counts.refused, job.phase), (JobState::Done, 2, 1, None));
    assert_eq!((job.ended_at, job.keep_until), (Some(NOW), Some(NOW.plus(KEEP))));
    let refused = store.items(slow, &[ItemState::Refused], None, 10).await.unwrap();
    assert_eq!((refused.len(), refused[0].reason.as_str()), (1, "said"));
    store.close().await;
}

async fn a_lease_that_ran_out_commits_nothing(place: Place) {
    let store = place.open().await;
    let job = queued(&store, JobKind::Photos, "", &[0]).await;
    let first = claim(&store, "one", 1, NOW).await.remove(0);
    let later = NOW.plus(LEASE + Duration::from_millis(1));
    assert!(claim(&store, "other", 1, NOW.plus(LEASE)).await.is_empty(), "not yet");
    let second = claim(&store, "other", 1, later).await.remove(0);
    assert_eq!(store.valid_leases(&[first.lease, second.lease]).await.unwrap(), [second.lease]);
    store.renew_leases(&[first.lease], later.plus(KEEP)).await.unwrap();
    assert!(!settle(&store, &first, ItemEnd::Done).await, "the server that came back too late");
    assert!(
        claim(&store, "third", 1, later.plus(LEASE + LEASE)).await.len() == 1,
        "nor did it prolong another's lease"
    );
    store.free_leases("third").await.unwrap();

    // What never comes back is given up in the end.
    let mut times = 0;
    while !claim(&store, "fourth", 1, later).await.is_empty() {
        store.free_leases("fourth").await.unwrap();
        times += 1;
    }
    assert_eq!(times + 3, MOST_LEASES);
    let dead = store.items(job, &[ItemState::Dead], None, 1).await.unwrap();
    assert_eq!((dead.len(), dead[0].reason.as_str()), (1, "never-came-back"));
    assert_eq!(store.job(job).await.unwrap().unwrap().state, JobState::Done);
    assert_eq!(store.retry_items(job, None, later).await.unwrap(), 1);
    let back = claim(&store, "fifth", 1, later).await.remove(0);
    assert_eq!(back.task, b"task 0", "a dead letter can be tried again");
    store.give_back(&back.lease).await.unwrap();
    assert_eq!(claim(&store, "fifth", 1, later).await.len(), 1);
    store.close().await;
}

async fn what_an_item_changes_is_there_with_its_end_or_not_at_all(place: Place) {
    let store = place.open().await;
    let ada = person("Ada");
    store.add_person(&ada).await.unwrap();
    let old = template(ada.id, 1);
    store.add_template(&old).await.unwrap();
    let job = queued(&store, JobKind::Photos, "", &[0, 0, 0]).await;
    let items = claim(&store, "one", 3, NOW).await;
    let with = |template, instead_of: &[TemplateId]| Settlement {
        effects: vec![Effect::Template { add: Box::new(template), crop: None, instead_of: instead_of.to_vec() }],
        ..end(ItemEnd::Done, "added")
    };
    let settled = settle_one(&store, &items[0], with(template(ada.id, 2), &[old.id])).await.unwrap();
    assert_eq!(settled.unwrap().rev.unwrap().0, 2);
    let kept = store.templates(ada.id).await.unwrap();
    assert_eq!((kept.len(), kept[0].source_sha256), (1, [2; 32]), "it took the other's place, in one revision");
    let item = &store.items(job, &[ItemState::Done], None, 9).await.unwrap()[0];
    assert_eq!((item.person, item.outcome.as_slice()), (Some(ada.id), b"{}".as_slice()));

    let again = settle_one(&store, &items[1], with(template(ada.id, 2), &[])).await;
    assert!(matches!(again, Err(StoreError::Conflict("photo"))), "{again:?}");
    let nobody = settle_one(&store, &items[1], with(template(person("x").id, 3), &[])).await;
    assert!(matches!(nobody, Err(StoreError::NoSuch("person"))), "{nobody:?}");
    assert!(store.valid_leases(&[items[1].lease]).await.unwrap().len() == 1, "nothing of it was committed");

    // A job that is cancelled meanwhile takes what was worked on with it.
    assert!(store.cancel_job(job, KEEP, NOW).await.unwrap());
    let late = settle_one(&store, &items[2], with(template(ada.id, 4), &[])).await.unwrap();
    assert!(late.is_none() && store.templates(ada.id).await.unwrap().len() == 1);

    // Nothing of a removed person stays with jobs.
    store.remove_person(ada.id, NOW).await.unwrap();
    let item = &store.items(job, &[ItemState::Done], None, 9).await.unwrap()[0];
    assert_eq!((item.person, item.outcome.len()), (None, 0));
    store.close().await;
}

async fn items_that_end_together_have_their_own_answers(place: Place) {
    let store = place.open().await;
    let ada = person("Ada");
    store.add_person(&ada).await.unwrap();
    let job = queued(&store, JobKind::Photos, "", &[0, 0, 0, 0]).await;
    let items = claim(&store, "one", 4, NOW).await;
    let of = |photo| Settlement {
        effects: vec![Effect::Template { add: Box::new(template(ada.id, photo)), crop: None, instead_of: Vec::new() }],
        ..end(ItemEnd::Done, "added")
    };
    // The second is the first's photo again, and the lease of the third is another's by now.
    let stale = Lease { fence: items[2].lease.fence + 1, ..items[2].lease };
    let ends = [
        (items[0].lease, of(1)),
        (items[1].lease, of(1)),
        (stale, of(3)),
        (items[3].lease, end(ItemEnd::Refused, "no-face")),
    ];
    let settled = store.settle_items(&ends, KEEP, NOW).await;
    assert_eq!(settled[0].as_ref().unwrap().unwrap().rev.unwrap().0, 1);
    assert!(matches!(settled[1], Err(StoreError::Conflict("photo"))), "{settled:?}");
    assert!(matches!((&settled[2], &settled[3]), (Ok(None), Ok(Some(_)))), "{settled:?}");
    assert_eq!(store.templates(ada.id).await.unwrap().len(), 1, "each once, whatever the others came to");
    let counts = store.job(job).await.unwrap().unwrap().counts;
    assert_eq!((counts.done, counts.refused, counts.left()), (1, 1, 2));

    // Where all can be, they are one commit; the last of a job is told.
    let rest = [(items[1].lease, of(2)), (items[2].lease, of(3))];
    let settled: Vec<_> = store.settle_items(&rest, KEEP, NOW).await.into_iter().map(|s| s.unwrap().unwrap()).collect();
    assert_eq!(settled.iter().map(|s| (s.rev.unwrap().0, s.is_last)).collect::<Vec<_>>(), [(2, false), (3, true)]);
    let none = store.settle_items(&rest, KEEP, NOW).await;
    assert!(none.iter().all(|settled| matches!(settled, Ok(None))), "{none:?}");
    store.close().await;
}

async fn ends_of_several_jobs_are_counted_and_noted(place: Place) {
    let store = place.open().await;
    // More lines than one statement writes.
    let (many, few) = (70_usize, 2);
    let long = queued(&store, JobKind::Import, "", &vec![0; many]).await;
    let short = queued(&store, JobKind::Import, "", &[0, 0]).await;
    let entry = |n: usize| AuditEntry {
        at: NOW,
        actor: "server".into(),
        action: "person.create".into(),
        target: format!("person:{n}"),
        source: String::new(),
        result: AuditResult::Ok,
        detail: "with a \0 in it".into(),
    };
    let noted = |(n, item): (usize, &ClaimedItem)| {
        let note = AuditNote { entry: entry(n), trace: AuditTrace::default() };
        let effects = vec![Effect::Note(Box::new(note))];
        (item.lease, Settlement { effects, ..end(ItemEnd::Done, "") })
    };
    let mut items = claim(&store, "one", 100, NOW).await;
    items.extend(claim(&store, "one", 100, NOW).await);
    assert_eq!(items.len(), many + few);
    // One of them twice: it ends once.
    items.push(items[0].clone());
    let ends: Vec<_> = items.iter().enumerate().map(noted).collect();
    let settled: Vec<_> = store.settle_items(&ends, KEEP, NOW).await.into_iter().map(Result::unwrap).collect();
    assert!(settled.last().unwrap().is_none());
    let last: Vec<JobId> =
        items.iter().zip(&settled).filter(|(_, s)| s.is_some_and(|s| s.is_last)).map(|(i, _)| i.lease.job).collect();
    assert_eq!((last.len(), last.contains(&long), last.contains(&short)), (2, true, true), "each job's last is told");
    for (job, items) in [(long, many), (short, few)] {
        let job = store.job(job).await.unwrap().unwrap();
        assert_eq!((job.state, job.counts.done), (JobState::Done, items as u64));
    }
    // A line for each item and for the end of each job, in one chain.
    let lines = store.audit_walk(0, 1_000).await.unwrap();
    assert_eq!(lines.len(), many + few + 2);
    let mut walker = Walker::after(ChainPoint::START);
    lines.iter().for_each(|line| walker.take(line).unwrap());
    assert_eq!(store.audit_head().await.unwrap(), walker.at());
    let targets: Vec<_> = lines.iter().take(many + few).map(|line| line.entry.target.clone()).collect();
    assert_eq!(targets, (0..many + few).map(|n| format!("person:{n}")).collect::<Vec<_>>(), "in their order");
    store.close().await;
}

async fn small_items_are_leased_together(place: Place) {
    let store = place.open().await;
    let job = queued(&store, JobKind::Import, "", &[0, 0, 0, 0, 0, 1, 1]).await;
    let claim = async |at_most, small_at_most| {
        let claim = Claim { node: "one", kinds: &JobKind::ALL, at_most, small_at_most, lease: LEASE, now: NOW };
        store.claim_items(&claim).await.unwrap()
    };
    let rows = [claim(1, 3).await, claim(1, 3).await].concat();
    assert_eq!(rows.iter().map(|item| (item.lease.n, item.phase)).collect::<Vec<_>>(), [0, 1, 2, 3, 4].map(|n| (n, 0)));
    for row in &rows {
        assert!(settle(&store, row, ItemEnd::Done).await);
    }
    let photos = claim(1, 3).await;
    assert_eq!(photos.iter().map(|item| (item.lease.job, item.lease.n)).collect::<Vec<_>>(), [(job, 5)]);
    store.close().await;
}

async fn photos_begin_once_their_row_has_ended(place: Place) {
    let store = place.open().await;
    let item = |phase, parent| NewItem { phase, parent, task: b"task".to_vec() };
    let rows = std::iter::repeat_n(item(0, None), 3);
    let items: Vec<NewItem> = rows.chain([Some(2), Some(0), Some(1), None].map(|parent| item(1, parent))).collect();
    queued_items(&store, JobKind::Import, "", &items).await;
    let claim = async |at_most| {
        let claim = Claim { node: "one", kinds: &JobKind::ALL, at_most, small_at_most: 1, lease: LEASE, now: NOW };
        store.claim_items(&claim).await.unwrap()
    };
    let numbers = |items: &[ClaimedItem]| items.iter().map(|item| (item.lease.n, item.phase)).collect::<Vec<_>>();
    let first = claim(9).await;
    assert_eq!(numbers(&first), [(0, 0)], "no row has ended");
    assert!(settle(&store, &first[0], ItemEnd::Done).await);
    let second = claim(9).await;
    assert_eq!(numbers(&second), [(1, 0), (4, 1)], "the photo of the row that has");
    assert_eq!(second[1].parent, Some(ItemState::Done));
    assert!(settle(&store, &second[0], ItemEnd::Refused).await);
    let third = claim(1).await;
    assert_eq!(numbers(&third), [(2, 0)], "small ones take a place");
    assert!(settle(&store, &third[0], ItemEnd::Again(NOW.plus(KEEP))).await);
    let rest = claim(9).await;
    assert_eq!(numbers(&rest), [(5, 1)], "that of the row that is tried again waits, and whose is nobody's");
    store.close().await;
}

async fn uploads_are_shared_until_their_items_end(place: Place) {
    let store = place.open().await;
    let id = JobId::generate();
    let job = NewJob {
        id,
        kind: JobKind::Photos,
        account: None,
        person: None,
        node: "here".to_owned(),
        plan: b"plan".to_vec(),
        created_at: NOW,
    };
    store.begin_job(&job).await.unwrap();
    let item = |task: &str| NewItem { phase: 0, parent: None, task: task.into() };
    store.add_items(id, 0, &[item("one"), item("two"), item("three")]).await.unwrap();
    for (n, piece, bytes) in [(0, 0, b"first"), (0, 1, b"again"), (1, 0, b"other"), (2, 0, b"third")] {
        store.put_file_piece(id, n, piece, bytes).await.unwrap();
    }
    // A piece that is sent once more takes its own place.
    store.put_file_piece(id, 0, 1, b"last").await.unwrap();
    store.share_job(id).await.unwrap();
    store.release_job(id, KEEP, NOW).await.unwrap();
    assert!(matches!(store.share_job(id).await, Err(StoreError::NoSuch(_))), "only while it is filled");
    let piece = async |n, piece| store.file_piece(id, n, piece).await.unwrap();
    assert_eq!((piece(0, 0).await, piece(0, 1).await), (Some(b"first".to_vec()), Some(b"last".to_vec())));
    assert_eq!((piece(0, 2).await, piece(7, 0).await), (None, None));

    let items = claim(&store, "there", 3, NOW).await;
    assert_eq!(items.len(), 3, "another server may work on it");
    assert!(settle(&store, &items[0], ItemEnd::Done).await);
    assert!(settle(&store, &items[1], ItemEnd::Dead).await);
    assert_eq!((piece(0, 0).await, piece(0, 1).await), (None, None), "gone with the outcome");
    assert!(piece(1, 0).await.is_some(), "what was given up may be tried again");
    assert!(settle(&store, &items[2], ItemEnd::Refused).await);
    assert!(piece(1, 0).await.is_some() && piece(2, 0).await.is_none());
    assert_eq!(store.retry_items(id, None, NOW).await.unwrap(), 1);
    assert!(store.cancel_job(id, KEEP, NOW).await.unwrap());
    assert!(piece(1, 0).await.is_none(), "a job that is cancelled needs nothing any more");
    let nobody = store.put_file_piece(JobId::generate(), 0, 0, b"x").await;
    assert!(matches!(nobody, Err(StoreError::NoSuch(_))), "{nobody:?}");
    store.close().await;
}

async fn jobs_are_paused_cancelled_and_put_back(place: Place) {
    let store = place.open().await;
    let job = queued(&store, JobKind::Import, "", &[0, 0]).await;
    let item = claim(&store, "one", 1, NOW).await.remove(0);
    assert!(store.pause_job(job).await.unwrap() && !store.pause_job(job).await.unwrap());
    assert!(!settle(&store, &item, ItemEnd::Done).await, "a paused job commits nothing");
    assert!(claim(&store, "one", 9, NOW).await.is_empty());
    assert!(store.resume_job(job, NOW).await.unwrap() && !store.resume_job(job, NOW).await.unwrap());
    let items = claim(&store, "one", 9, NOW).await;
    assert_eq!(items.len(), 2);
    let soon = NOW.plus(Duration::from_secs(9));
    assert!(settle(&store, &items[0], ItemEnd::Again(soon)).await);
    assert!(settle(&store, &items[1], ItemEnd::Dead).await);
    assert!(claim(&store, "one", 9, NOW).await.is_empty(), "not before its time");
    let again = claim(&store, "one", 9, soon).await.remove(0);
    assert_eq!(again.failures, 1);
    assert!(settle(&store, &again, ItemEnd::Dead).await);
    assert_eq!(store.jobs_in_need(&[job]).await.unwrap(), [job], "dead letters still need what was uploaded");
    let with_dead = JobFilter { with_dead: true, ..JobFilter::default() };
    assert_eq!(store.jobs(&with_dead, None, 9).await.unwrap()[0].counts.dead, 2);
    assert_eq!(store.retry_items(job, Some(&[]), NOW).await.unwrap(), 0);
    assert_eq!(store.retry_items(job, Some(&[items[1].lease.n]), NOW).await.unwrap(), 1);
    let open = store.job(job).await.unwrap().unwrap();
    assert_eq!((open.state, open.counts.dead, open.ended_at), (JobState::Ready, 1, None));
    assert!(store.cancel_job(job, KEEP, NOW).await.unwrap() && !store.cancel_job(job, KEEP, NOW).await.unwrap());
    assert!(claim(&store, "one", 9, soon).await.is_empty());
    assert_eq!(store.retry_items(job, None, NOW).await.unwrap(), 0, "what is over stays over");
    assert!(store.jobs_in_need(&[job]).await.unwrap().is_empty());
    store.close().await;
}

fn imported(external: &str, name: &str) -> ImportedPerson {
    ImportedPerson {
        id: person(name).id,
        external: external.into(),
        name: name.into(),
        consent: None,
        validity: None,
        groups: None,
        notes: Some("from the archive".into()),
        fields: None,
        at: NOW,
    }
}

async fn imported_persons_are_found_again(place: Place) {
    let store = place.open().await;
    queued(&store, JobKind::Import, "", &[0, 0]).await;
    let items = claim(&store, "one", 2, NOW).await;
    let with = |person| Settlement { effects: vec![Effect::Person(Box::new(person))], ..end(ItemEnd::Done, "added") };
    let first = imported("E-1", "Ada");
    let (id, mut second) = (first.id, imported("E-1", "Ada Lovelace"));
    second.consent = Some(agreed(id, NOW));
    settle_one(&store, &items[0], with(first)).await.unwrap().unwrap();
    assert_eq!(store.person(id).await.unwrap().unwrap().consent_at, None);
    settle_one(&store, &items[1], with(second)).await.unwrap().unwrap();
    assert_eq!(store.person_by_external("E-1").await.unwrap(), Some(id));
    assert_eq!(store.person_by_external("E-2").await.unwrap(), None);
    let ada = store.person(id).await.unwrap().unwrap();
    assert_eq!((ada.name.as_str(), ada.consent_at), ("Ada Lovelace", Some(NOW)));
    assert_eq!(store.persons(None, 9).await.unwrap().len(), 1);
    assert_eq!(store.profile(id).await.unwrap().unwrap().0.notes, "from the archive");
    assert_eq!(store.externals(&[id]).await.unwrap(), [(id, "E-1".to_owned())]);
    store.remove_person(id, NOW).await.unwrap();
    assert_eq!(store.person_by_external("E-1").await.unwrap(), None);
    store.close().await;
}

async fn old_jobs_are_forgotten(place: Place) {
    let store = place.open().await;
    let kept = queued(&store, JobKind::Photos, "", &[0]).await;
    let over = queued(&store, JobKind::Photos, "", &[]).await;
    let never = JobId::generate();
    let filling = NewJob {
        id: never,
        kind: JobKind::Photos,
        account: None,
        person: None,
        node: "one".into(),
        plan: Vec::new(),
        created_at: NOW,
    };
    store.begin_job(&filling).await.unwrap();
    assert!(store.forget_jobs(NOW).await.unwrap().is_empty());
    assert_eq!(store.forget_jobs(NOW.plus(KEEP)).await.unwrap(), [over], "an empty job is over at once");
    store.free_leases("one").await.unwrap();
    assert!(store.job(never).await.unwrap().is_none(), "a job that its server never filled");
    assert!(store.job_key(over).await.unwrap().is_none() && store.job_key(kept).await.unwrap().is_some());
    store.close().await;
}
