//! Consents in the store: who may be known because of them, and what stays of them.

use std::collections::BTreeMap;
use std::time::Duration;

use ostiary_common::ids::{PackId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use ostiary_server::domain::audit::{AuditEntry, AuditNote, AuditResult, AuditTrace};
use ostiary_server::domain::consent::{
    Consent, ConsentId, ConsentMethod, ConsentWords, EndedHow, NewConsentText, Withdrawal, Withdrawn,
};
use ostiary_server::domain::erasure::ErasureReason;
use ostiary_server::domain::gallery::{TermsChange, Validity};
use ostiary_server::domain::recognition::Change;
use ostiary_server::ports::{ConsentStore, ErasureStore, GalleryStore, PersonStore, ScopeStore, StoreError};
use ostiary_server::store::sql::SqlStore;

use super::erasure::claimed;
use super::place::{Place, on_both};
use super::sample::{NOW, person, template};

on_both!(
    told:
    who_withdraws_is_known_nowhere_and_erased_in_time,
    the_clock_lets_nobody_in_who_has_withdrawn,
    consent_to_what_never_was_is_refused
);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub fn note() -> AuditNote {
    let entry = AuditEntry {
        at: NOW,
        actor: "user:1".into(),
        action: "test".into(),
        target: String::new(),
        source: String::new(),
        result: AuditResult::Ok,
        detail: String::new(),
    };
    AuditNote { entry, trace: AuditTrace::default() }
}

pub fn consent(person: PersonId, at: UnixMillis) -> Consent {
    Consent {
        id: ConsentId::generate(),
        person,
        text_version: Some(1),
        language: Some("en".into()),
        method: ConsentMethod::Written,
        given_at: at,
        recorded_at: at,
        recorded_by: "user:1".into(),
        words: ConsentWords { given_by: "her mother".into(), note: String::new() },
        end: None,
    }
}

fn withdrawal(at: UnixMillis) -> Withdrawal {
    Withdrawal { method: ConsentMethod::Verbal, note: "at the desk".into(), by: "user:2".into(), at }
}

async fn enrolled(store: &SqlStore) -> Consent {
    let ada = person("Ada");
    let given = consent(ada.id, NOW);
    store.add_consenting(&ada, &given, &note()).await.unwrap();
    store.add_template(&template(ada.id, 3)).await.unwrap();
    given
}

async fn is_known(store: &SqlStore, person: PersonId) -> bool {
    store.devices_of_person(person).await.unwrap().iter().any(|device| device.may_hold)
}

async fn withdrawn(store: &SqlStore, given: &Consent, at: UnixMillis) -> (Revision, UnixMillis) {
    let done = store.withdraw_consent(given.person, given.id, &withdrawal(at), &note()).await.unwrap();
    let Some(Withdrawn::Done { rev, erase_at }) = done else { panic!("{done:?}") };
    (rev, erase_at)
}

async fn who_withdraws_is_known_nowhere_and_erased_in_time(place: Place) {
    let store = place.open().await;
    claimed(&store, "cam").await;
    let given = enrolled(&store).await;
    let ada = given.person;
    assert!(is_known(&store, ada).await);
    let before = store.revision().await.unwrap();
    let (rev, erase_at) = withdrawn(&store, &given, NOW).await;
    assert!(rev > before, "devices are told");
    assert_eq!(erase_at, NOW.plus(7 * DAY));
    assert!(!is_known(&store, ada).await);
    assert_eq!(store.all_templates(&template(ada, 3).pack).await.unwrap().len(), 0, "nor found by the server");
    let (_, changes) = store.changes_since(&PackId::parse("test@1").unwrap(), before).await.unwrap();
    assert!(changes.iter().all(|change| change.person != ada || change.templates.is_empty()), "{changes:?}");
    assert_eq!(store.person(ada).await.unwrap().unwrap().consent_at, None);
    let again = store.withdraw_consent(ada, given.id, &withdrawal(NOW), &note()).await.unwrap();
    assert_eq!(again, Some(Withdrawn::EndedBefore(EndedHow::Withdrawn)));

    // Given again: known again, and not erased.
    let renewed = consent(ada, NOW.plus(DAY));
    assert!(store.add_consent(&renewed, &note()).await.unwrap().unwrap().is_some());
    assert!(is_known(&store, ada).await);
    assert_eq!(store.erased_at(ada).await.unwrap(), None);
    let newer = consent(ada, NOW.plus(2 * DAY));
    assert_eq!(store.add_consent(&newer, &note()).await.unwrap(), Some(None), "devices need not be told");
    let all = store.consents(ada).await.unwrap();
    let ends: Vec<_> = all.iter().map(|it| it.end.as_ref().map(|end| end.how)).collect();
    assert_eq!(ends, [None, Some(EndedHow::Superseded), Some(EndedHow::Withdrawn)]);
    assert_eq!(
        (all[0].words.given_by.as_str(), all[2].end.as_ref().unwrap().note.as_str()),
        ("her mother", "at the desk")
    );

    let (_, erase_at) = withdrawn(&store, &newer, NOW.plus(3 * DAY)).await;
    assert!(store.erase_withdrawn(NOW.plus(9 * DAY)).await.unwrap().is_empty());
    let erased = store.erase_withdrawn(erase_at).await.unwrap();
    assert_eq!(erased.iter().map(|(person, _)| *person).collect::<Vec<_>>(), [ada]);
    let erasure = store.erasure_of(ada).await.unwrap().unwrap();
    assert_eq!(erasure.reason, ErasureReason::Withdrawn);
    let kept = store.consents(ada).await.unwrap();
    assert_eq!(kept.len(), 3, "that she was asked stays to be shown");
    assert!(kept.iter().all(|it| it.words.is_empty() && it.end.as_ref().unwrap().note.is_empty()), "{kept:?}");
}

async fn the_clock_lets_nobody_in_who_has_withdrawn(place: Place) {
    let store = place.open().await;
    claimed(&store, "cam").await;
    let given = enrolled(&store).await;
    let until = |days: u32| {
        let validity = Validity::parse(Some(NOW.plus(DAY)), Some(NOW.plus(days * DAY))).unwrap();
        TermsChange { validity: Some(validity), groups: None }
    };
    let change = |now| Change { expected: None, now };
    store.put_terms(given.person, &until(5), change(NOW)).await.unwrap().unwrap();
    withdrawn(&store, &given, NOW).await;
    // The beginning of the validity comes, and the terms are changed within it.
    assert_eq!(store.settle_validity(NOW.plus(2 * DAY)).await.unwrap().flipped, 0);
    assert!(!is_known(&store, given.person).await);
    store.put_terms(given.person, &until(6), change(NOW.plus(2 * DAY))).await.unwrap().unwrap();
    assert!(!is_known(&store, given.person).await);
    // The clock is set back: everyone is judged again.
    store.settle_validity(NOW.plus(DAY)).await.unwrap();
    assert!(!is_known(&store, given.person).await);
    store.add_consent(&consent(given.person, NOW.plus(3 * DAY)), &note()).await.unwrap().unwrap();
    assert!(is_known(&store, given.person).await);
    assert_eq!(store.settle_validity(NOW.plus(7 * DAY)).await.unwrap().flipped, 1, "the validity ends as ever");
    assert!(!is_known(&store, given.person).await);
}

async fn consent_to_what_never_was_is_refused(place: Place) {
    let store = place.open().await;
    let given = enrolled(&store).await;
    let unknown = Consent { id: ConsentId::generate(), text_version: Some(2), ..given.clone() };
    assert!(matches!(
        store.add_consent(&unknown, &note()).await,
        Err(StoreError::NoSuch("version of the consent text"))
    ));
    assert!(store.consents(given.person).await.unwrap()[0].end.is_none(), "nothing was changed");
    assert_eq!(store.add_consent(&consent(PersonId::generate(), NOW), &note()).await.unwrap(), None);
    let text = NewConsentText {
        texts: BTreeMap::from([("en".into(), "Yes.".into())]),
        renews: true,
        erase_after_days: 0,
        set_by: "user:1".into(),
    };
    let change = |expected| Change { expected, now: NOW };
    assert!(matches!(store.put_consent_text(&text, change(Some(7)), &note()).await, Err(StoreError::Outdated { .. })));
    assert_eq!(store.put_consent_text(&text, change(Some(1)), &note()).await.unwrap(), 2);
    store.close().await;
    let store = place.open().await;
    let in_force = store.consent_text().await.unwrap();
    assert_eq!((in_force.text.version, in_force.least_version), (2, 2));
    assert_eq!(store.consent_text_of(1).await.unwrap().unwrap().set_at, None, "came with the program");
    store.add_consent(&unknown, &note()).await.unwrap().unwrap();
    let withdrawn = store.withdraw_consent(given.person, unknown.id, &withdrawal(NOW), &note()).await.unwrap();
    assert!(matches!(withdrawn, Some(Withdrawn::Done { erase_at: NOW, .. })), "{withdrawn:?}");
}
