//! The queue of jobs: each item ends once, together with what it changes, whoever works on it and whatever becomes of
//! them.

use std::time::Duration;

use ostiary_common::ids::TemplateId;
use ostiary_common::time::UnixMillis;
use ostiary_server::domain::import::ImportedPerson;
use ostiary_server::domain::job::retry::MOST_LEASES;
use ostiary_server::domain::job::{
    ClaimedItem, Effect, ItemEnd, ItemState, JobId, JobKind, JobState, NewItem, NewJob, Settlement,
};
use ostiary_server::ports::jobs::{Claim, JobFilter, JobStore};
use ostiary_server::ports::{PersonStore, ProfileStore, StoreError};
use ostiary_server::store::sql::SqlStore;

use super::consent::consent as agreed;
use super::place::{Place, on_both};
use super::sample::{NOW, person, template};

on_both!(
    items_are_leased_in_order_and_end_once,
    a_lease_that_ran_out_commits_nothing,
    what_an_item_changes_is_there_with_its_end_or_not_at_all,
    jobs_are_paused_cancelled_and_put_back,
    imported_persons_are_found_again,
    old_jobs_are_forgotten,
);

const KEEP: Duration = Duration::from_secs(3_600);
const LEASE: Duration = Duration::from_secs(30);

async fn queued(store: &SqlStore, kind: JobKind, node: &str, phases: &[u32]) -> JobId {
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
    let item = |(n, phase): (usize, &u32)| NewItem { phase: *phase, parent: None, task: format!("task {n}").into() };
    store.add_items(id, 0, &phases.iter().enumerate().map(item).collect::<Vec<_>>()).await.unwrap();
    store.release_job(id, KEEP, NOW).await.unwrap();
    id
}

async fn claim(store: &SqlStore, node: &str, at_most: u32, now: UnixMillis) -> Vec<ClaimedItem> {
    let claim = Claim { node, kinds: &JobKind::ALL, at_most, lease: LEASE, now };
    store.claim_items(&claim).await.unwrap()
}

fn end(end: ItemEnd, reason: &str) -> Settlement {
    Settlement { end, reason: reason.into(), outcome: b"{}".to_vec(), person: None, effects: Vec::new() }
}

async fn settle(store: &SqlStore, item: &ClaimedItem, how: ItemEnd) -> bool {
    store.settle_item(&item.lease, &end(how, "said"), KEEP, NOW).await.unwrap().is_some()
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
    let settled = store.settle_item(&last[0].lease, &end(ItemEnd::Done, ""), KEEP, NOW).await.unwrap().unwrap();
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
    let settled = store.settle_item(&items[0].lease, &with(template(ada.id, 2), &[old.id]), KEEP, NOW).await.unwrap();
    assert_eq!(settled.unwrap().rev.unwrap().0, 2);
    let kept = store.templates(ada.id).await.unwrap();
    assert_eq!((kept.len(), kept[0].source_sha256), (1, [2; 32]), "it took the other's place, in one revision");
    let item = &store.items(job, &[ItemState::Done], None, 9).await.unwrap()[0];
    assert_eq!((item.person, item.outcome.as_slice()), (Some(ada.id), b"{}".as_slice()));

    let again = store.settle_item(&items[1].lease, &with(template(ada.id, 2), &[]), KEEP, NOW).await;
    assert!(matches!(again, Err(StoreError::Conflict("photo"))), "{again:?}");
    let nobody = store.settle_item(&items[1].lease, &with(template(person("x").id, 3), &[]), KEEP, NOW).await;
    assert!(matches!(nobody, Err(StoreError::NoSuch("person"))), "{nobody:?}");
    assert!(store.valid_leases(&[items[1].lease]).await.unwrap().len() == 1, "nothing of it was committed");

    // A job that is cancelled meanwhile takes what was worked on with it.
    assert!(store.cancel_job(job, KEEP, NOW).await.unwrap());
    let late = store.settle_item(&items[2].lease, &with(template(ada.id, 4), &[]), KEEP, NOW).await.unwrap();
    assert!(late.is_none() && store.templates(ada.id).await.unwrap().len() == 1);

    // Nothing of a removed person stays with jobs.
    store.remove_person(ada.id, NOW).await.unwrap();
    let item = &store.items(job, &[ItemState::Done], None, 9).await.unwrap()[0];
    assert_eq!((item.person, item.outcome.len()), (None, 0));
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
    store.settle_item(&items[0].lease, &with(first), KEEP, NOW).await.unwrap().unwrap();
    assert_eq!(store.person(id).await.unwrap().unwrap().consent_at, None);
    store.settle_item(&items[1].lease, &with(second), KEEP, NOW).await.unwrap().unwrap();
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
