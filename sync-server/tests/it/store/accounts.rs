//! Accounts in the store: grants, sessions, what serves once, what is slowed.

use std::time::Duration;

use ostiary_common::ids::{DoorId, UserId};
use ostiary_common::time::UnixMillis;
use ostiary_server::domain::access::{Grant, Permission, Role, Scope};
use ostiary_server::domain::account::lockout::Place as LoginPlace;
use ostiary_server::domain::account::service_key::NewApiKey;
use ostiary_server::domain::account::session::{Ended, Lasting, NewSession, Refreshed, SessionKind};
use ostiary_server::domain::account::{ApiKeyId, Email, Kind, LAST_RESORT, Login, NewAccount, SessionId, State};
use ostiary_server::domain::recognition::Change;
use ostiary_server::ports::StoreError;
use ostiary_server::ports::accounts::{AccountBook, Attempt, OneTime, Purpose};

use super::place::{Place, on_both};
use super::sample::{NOW, device};

on_both!(
    accounts_have_names_of_their_own_and_grants,
    there_is_always_an_owner,
    a_refresh_token_serves_once_and_ends_its_session_when_it_comes_again,
    of_many_refreshes_at_once_one_wins_and_the_session_ends,
    what_changes_an_account_takes_effect_at_once,
    a_cookie_lives_while_it_is_used_but_not_for_ever,
    what_serves_once_serves_for_one_purpose,
    a_second_factor_is_kept_sealed_and_its_codes_serve_once,
    a_key_may_what_its_service_may_and_is_left_to,
    a_flood_of_guesses_does_not_lock_the_owner_out,
    many_guesses_at_once_are_counted_one_by_one,
);

const LASTING: Lasting = Lasting { idle: Duration::from_secs(3600), at_most: Duration::from_secs(7200) };
const FREELY: Change = Change { expected: None, now: NOW };

fn later(seconds: u64) -> UnixMillis {
    NOW.plus(Duration::from_secs(seconds))
}

fn login(text: &str) -> Login {
    Login::parse(text).unwrap()
}

async fn person(book: &dyn AccountBook, name: &str, grants: Vec<Grant>) -> UserId {
    let account = NewAccount::person(login(name), "$argon2id$…".into(), grants, NOW);
    book.add_account(&account).await.unwrap();
    account.id
}

async fn session(book: &dyn AccountBook, account: UserId, kind: SessionKind, secret: u8) -> SessionId {
    let id = SessionId::generate();
    let new = NewSession {
        id,
        account,
        kind,
        secret_hash: [secret; 32],
        user_agent: "curl".into(),
        address: "10.0.0.1:5".into(),
        at: NOW,
        expires_at: LASTING.expiry(NOW, NOW),
    };
    assert!(book.begin_session(&new).await.unwrap());
    id
}

async fn accounts_have_names_of_their_own_and_grants(place: Place) {
    let store = place.open().await;
    let camera = device(&store, "cam").await;
    let at_door = Grant { role: Role::Operator, scope: Scope::Door(camera.door) };
    let at_site = Grant { role: Role::Viewer, scope: Scope::Site(camera.site) };
    let ada = person(&store, "Ada", vec![LAST_RESORT]).await;
    let guard = person(&store, "guard", vec![at_door, at_site]).await;
    let book: &dyn AccountBook = &store;
    let again = NewAccount::person(login(" ADA "), String::new(), Vec::new(), NOW);
    assert!(matches!(book.add_account(&again).await, Err(StoreError::Conflict("login"))));
    let nowhere = Grant { role: Role::Viewer, scope: Scope::Door(DoorId::generate()) };
    let lost = NewAccount::person(login("lost"), String::new(), vec![nowhere], NOW);
    assert!(matches!(book.add_account(&lost).await, Err(StoreError::NoSuch("door"))));
    assert_eq!(book.count_people().await.unwrap(), 2);
    let found = book.account(guard).await.unwrap().unwrap();
    assert_eq!((found.login.as_str(), found.version, found.second_factor), ("guard", 1, false));
    assert_eq!(found.access.grants().len(), 2);
    assert_eq!(book.credentials(&login("ada")).await.unwrap().unwrap().account, ada);
    assert!(book.credentials(&login("nobody")).await.unwrap().is_none());
    let page = book.accounts(Kind::Person, None, 1).await.unwrap();
    assert_eq!(page[0].access.grants(), [LAST_RESORT]);
    let rest = book.accounts(Kind::Person, Some(page[0].id), 9).await.unwrap();
    assert_eq!(rest.iter().map(|account| account.id).collect::<Vec<_>>(), [guard]);
    assert!(book.accounts(Kind::Service, None, 9).await.unwrap().is_empty());

    let email = Email::parse("ada@example.org").unwrap();
    assert_eq!(book.put_profile(ada, "Ada L.", Some(&email), FREELY).await.unwrap(), Some(2));
    let stale = Change { expected: Some(1), now: NOW };
    assert!(matches!(book.put_profile(ada, "x", None, stale).await, Err(StoreError::Outdated { .. })));
    assert_eq!(book.people_by_email(&email).await.unwrap(), [ada]);
    assert_eq!(book.account(ada).await.unwrap().unwrap().email, Some(email));
}

async fn there_is_always_an_owner(place: Place) {
    let store = place.open().await;
    let book: &dyn AccountBook = &store;
    assert!(!book.has_owner().await.unwrap());
    let ada = person(book, "ada", vec![LAST_RESORT]).await;
    let viewer = [Grant { role: Role::Viewer, scope: Scope::Everything }];
    assert!(matches!(book.put_grants(ada, &viewer, FREELY).await, Err(StoreError::LastOwner)));
    assert!(matches!(book.put_state(ada, State::ShutOut, FREELY).await, Err(StoreError::LastOwner)));
    assert!(matches!(book.remove_account(ada).await, Err(StoreError::LastOwner)));
    assert_eq!(book.account(ada).await.unwrap().unwrap().version, 1, "nothing was changed");
    let bob = person(book, "bob", vec![LAST_RESORT]).await;
    assert_eq!(book.put_grants(ada, &viewer, FREELY).await.unwrap(), Some(2));
    assert!(matches!(book.remove_account(bob).await, Err(StoreError::LastOwner)));
    assert!(book.remove_account(ada).await.unwrap());
    assert!(!book.remove_account(ada).await.unwrap());
}

async fn a_refresh_token_serves_once_and_ends_its_session_when_it_comes_again(place: Place) {
    let store = place.open().await;
    let book: &dyn AccountBook = &store;
    let ada = person(book, "ada", vec![LAST_RESORT]).await;
    let of_ada = session(book, ada, SessionKind::Bearer, 1).await;
    let other = session(book, ada, SessionKind::Bearer, 50).await;
    let refresh =
        async |token: u8, next: u8, at| book.refresh(&[token; 32], &[next; 32], LASTING, "10.0.0.2:1", at).await;
    let renewed = Refreshed::Renewed { session: of_ada, account: ada };
    assert_eq!(refresh(1, 2, later(10)).await.unwrap(), renewed);
    assert_eq!(refresh(2, 3, later(20)).await.unwrap(), renewed);
    assert_eq!(refresh(99, 4, later(20)).await.unwrap(), Refreshed::Refused);
    assert!(book.session_standing(of_ada, later(20)).await.unwrap().is_some());
    // The first one again: either its owner or a thief has a copy, and nobody can tell which.
    assert_eq!(refresh(1, 5, later(30)).await.unwrap(), Refreshed::Reused { session: of_ada, account: ada });
    assert_eq!(refresh(3, 6, later(31)).await.unwrap(), Refreshed::Refused, "the family is dead");
    assert!(book.session_standing(of_ada, later(31)).await.unwrap().is_none());
    assert!(book.session_standing(other, later(31)).await.unwrap().is_some(), "other sessions go on");
    let ended = book.sessions(ada).await.unwrap().into_iter().find(|s| s.id == of_ada).unwrap();
    assert_eq!(ended.ended, Some((later(30), Ended::Reuse)));
    assert_eq!(refresh(50, 51, later(3600)).await.unwrap(), Refreshed::Refused, "too old");
}

async fn of_many_refreshes_at_once_one_wins_and_the_session_ends(place: Place) {
    let store = place.open().await;
    let ada = person(&store, "ada", vec![LAST_RESORT]).await;
    let id = session(&store, ada, SessionKind::Bearer, 1).await;
    let book: &dyn AccountBook = &store;
    let tries = (10_u8..18).map(|next| async move { book.refresh(&[1; 32], &[next; 32], LASTING, "x", NOW).await });
    let came = futures_util::future::join_all(tries).await;
    let renewed = came.iter().filter(|one| matches!(one, Ok(Refreshed::Renewed { .. }))).count();
    assert_eq!(renewed, 1, "{came:?}");
    assert!(book.session_standing(id, NOW).await.unwrap().is_none());
}

async fn what_changes_an_account_takes_effect_at_once(place: Place) {
    let store = place.open().await;
    let book: &dyn AccountBook = &store;
    let owner = person(book, "owner", vec![LAST_RESORT]).await;
    let guard = person(book, "guard", vec![Grant { role: Role::Operator, scope: Scope::Everything }]).await;
    let standing = async |id| book.session_standing(id, later(1)).await.unwrap();
    let (here, there) =
        (session(book, guard, SessionKind::Bearer, 1).await, session(book, guard, SessionKind::Cookie, 2).await);
    assert!(!standing(here).await.unwrap().access.reach(Permission::EventsJudge).is_nothing());
    book.put_grants(guard, &[], FREELY).await.unwrap();
    assert!(standing(here).await.unwrap().access.reach(Permission::EventsJudge).is_nothing());
    assert!(book.put_password(guard, "new", Some(here), later(1)).await.unwrap());
    assert!(standing(here).await.is_some() && standing(there).await.is_none());
    book.put_state(guard, State::ShutOut, FREELY).await.unwrap();
    assert!(standing(here).await.is_none());
    let mut late = NewSession {
        id: SessionId::generate(),
        account: guard,
        kind: SessionKind::Bearer,
        secret_hash: [9; 32],
        user_agent: String::new(),
        address: String::new(),
        at: NOW,
        expires_at: later(60),
    };
    assert!(!book.begin_session(&late).await.unwrap(), "shut out while logging in");
    late.account = owner;
    assert!(book.begin_session(&late).await.unwrap());
    assert_eq!(book.end_sessions(owner, None, Ended::ByOwner, later(2)).await.unwrap(), 1);
}

async fn a_cookie_lives_while_it_is_used_but_not_for_ever(place: Place) {
    let store = place.open().await;
    let book: &dyn AccountBook = &store;
    let ada = person(book, "ada", vec![LAST_RESORT]).await;
    let id = session(book, ada, SessionKind::Cookie, 7).await;
    let seen = async |at| book.cookie_standing(&[7; 32], at, LASTING).await.unwrap().map(|(session, _)| session);
    assert_eq!(seen(later(3000)).await, Some(id));
    assert_eq!(seen(later(6500)).await, Some(id), "kept by use");
    assert_eq!(seen(later(7200)).await, None, "at most two hours");
    assert_eq!(book.cookie_standing(&[8; 32], NOW, LASTING).await.unwrap(), None);
}

async fn what_serves_once_serves_for_one_purpose(place: Place) {
    let store = place.open().await;
    let book: &dyn AccountBook = &store;
    let ada = person(book, "ada", vec![LAST_RESORT]).await;
    let of = OneTime { account: ada, session: None, api_key: None };
    book.put_one_time(Purpose::PasswordReset, &[1; 32], of, later(60)).await.unwrap();
    book.put_one_time(Purpose::PasswordReset, &[2; 32], of, later(60)).await.unwrap();
    let take = async |purpose, token: u8, at| book.take_one_time(purpose, &[token; 32], at).await.unwrap();
    assert_eq!(take(Purpose::PasswordReset, 1, NOW).await, None, "a newer link voids it");
    assert_eq!(take(Purpose::Ticket, 2, NOW).await, None);
    assert_eq!(take(Purpose::PasswordReset, 2, later(60)).await, None, "too late");
    assert_eq!(take(Purpose::PasswordReset, 2, later(59)).await, Some(of));
    assert_eq!(take(Purpose::PasswordReset, 2, later(59)).await, None, "once");
}

async fn a_second_factor_is_kept_sealed_and_its_codes_serve_once(place: Place) {
    let store = place.open().await;
    let book: &dyn AccountBook = &store;
    let ada = person(book, "ada", vec![LAST_RESORT]).await;
    assert!(book.put_second_factor(ada, b"first", NOW).await.unwrap());
    assert!(book.put_second_factor(ada, b"second", NOW).await.unwrap(), "while it is not confirmed");
    assert!(!book.credentials_of(ada).await.unwrap().unwrap().second_factor);
    let codes = ["a".to_owned(), "b".to_owned()];
    assert!(book.confirm_second_factor(ada, 100, &codes, NOW).await.unwrap());
    assert!(!book.put_second_factor(ada, b"third", NOW).await.unwrap());
    let factor = book.second_factor(ada).await.unwrap().unwrap();
    assert_eq!((factor.secret.as_slice(), factor.confirmed, factor.last_step), (b"second".as_slice(), true, 100));
    assert!(!book.use_step(ada, 100).await.unwrap(), "the code it was confirmed by");
    assert!(book.use_step(ada, 101).await.unwrap());
    assert!(!book.use_step(ada, 101).await.unwrap(), "a replay");
    assert!(book.use_recovery_code(ada, "a").await.unwrap());
    assert!(!book.use_recovery_code(ada, "a").await.unwrap());
    assert_eq!(book.recovery_codes_left(ada).await.unwrap(), 1);
    assert!(book.remove_second_factor(ada).await.unwrap());
    assert_eq!(book.recovery_codes_left(ada).await.unwrap(), 0);
}

async fn a_key_may_what_its_service_may_and_is_left_to(place: Place) {
    let store = place.open().await;
    let book: &dyn AccountBook = &store;
    let service =
        NewAccount::service("Home Assistant".into(), vec![Grant { role: Role::Viewer, scope: Scope::Everything }], NOW);
    book.add_account(&service).await.unwrap();
    assert!(book.credentials(&service.login).await.unwrap().is_none(), "nobody logs in as a service");
    let key = NewApiKey {
        id: ApiKeyId::generate(),
        account: service.id,
        key_hash: [3; 32],
        hint: "abcd".into(),
        name: "kitchen".into(),
        permissions: Some(vec![Permission::EventsRead, Permission::SettingsManage]),
        created_at: NOW,
        expires_at: later(60),
    };
    book.add_api_key(&key).await.unwrap();
    let standing = async |at| book.key_standing(&[3; 32], "10.0.0.9:1", at).await.unwrap();
    let (id, found) = standing(NOW).await.unwrap();
    assert_eq!((id, found.kind), (key.id, Kind::Service));
    let reach = |permission| !found.access.reach(permission).is_nothing();
    assert!(reach(Permission::EventsRead) && !reach(Permission::DoorsRead) && !reach(Permission::SettingsManage));
    assert_eq!(book.api_keys(service.id).await.unwrap()[0].last_used, Some((NOW, "10.0.0.9:1".into())));
    assert!(standing(later(60)).await.is_none(), "ended");
    assert!(book.revoke_api_key(service.id, key.id, NOW).await.unwrap());
    assert!(standing(NOW).await.is_none());
    assert!(!book.revoke_api_key(service.id, key.id, NOW).await.unwrap());
}

async fn a_flood_of_guesses_does_not_lock_the_owner_out(place: Place) {
    let store = place.open().await;
    let book: &dyn AccountBook = &store;
    let ada = login("ada");
    let attempt = async |network: &str, at| book.count_login(&ada, network, at).await.unwrap();
    assert_eq!(attempt("home", NOW).await, Attempt::Counted);
    book.forgive_login(&ada, "home", NOW).await.unwrap();
    let mut let_in = 0;
    for guesser in 0..100_u8 {
        let_in += u32::from(attempt(&format!("10.0.{guesser}.1"), later(1)).await == Attempt::Counted);
    }
    assert_eq!(let_in, 20, "from wherever they come");
    assert!(matches!(attempt("on the way", later(1)).await, Attempt::Blocked(_)), "new places wait with the guessers");
    assert_eq!(attempt("home", later(1)).await, Attempt::Counted, "where somebody has logged in before, they do not");
    assert_eq!(attempt("on the way", later(3)).await, Attempt::Counted, "after a pause");
    for _ in 0..4 {
        attempt("home", later(2)).await;
    }
    assert!(matches!(attempt("home", later(2)).await, Attempt::Blocked(_)), "his own failures do block him");
}

async fn many_guesses_at_once_are_counted_one_by_one(place: Place) {
    let store = place.open().await;
    let book: &dyn AccountBook = &store;
    let ada = login("ada");
    let tries = (0..40).map(|_| book.count_login(&ada, "10.0.0.1", NOW));
    let counted = futures_util::future::join_all(tries).await;
    let counted = counted.into_iter().filter(|one| matches!(one, Ok(Attempt::Counted))).count();
    assert_eq!(counted, 5, "no more than one after the other");
    let steps = (0..40).map(|_| book.count_second_step(UserId(uuid::Uuid::nil()), LoginPlace::New, NOW));
    let counted = futures_util::future::join_all(steps).await;
    assert_eq!(counted.into_iter().filter(|one| matches!(one, Ok(Attempt::Counted))).count(), 5);
}
