//! Tokens over promotions, restarts, and clocks that jump.

use super::*;
use proptest::prelude::*;

fn token(jwt: &str, expires_s: i64) -> Token {
    let (issued_at, expires_at) = (UnixMillis(0), UnixMillis(expires_s * 1000));
    Token { jwt: jwt.into(), issued_at, expires_at, received: None }
}

fn at(wall_s: i64, elapsed_s: u64) -> Moment {
    Moment { wall: UnixMillis(wall_s * 1000), elapsed: Duration::from_secs(elapsed_s) }
}

fn chosen(credentials: &Credentials, now_s: i64) -> Option<&str> {
    credentials.choose(at(now_s, 0)).map(|(_, token)| token.jwt.as_str())
}

#[test]
fn a_new_token_is_promoted_only_after_it_worked() {
    let mut credentials = Credentials::default();
    assert_eq!(chosen(&credentials, 0), None);
    credentials.renewed(token("first", 600));
    assert!(credentials.accepted(Slot::Candidate));
    credentials.renewed(token("second", 900));
    assert_eq!(chosen(&credentials, 0), Some("second"));
    credentials.refused(Slot::Candidate);
    assert_eq!(chosen(&credentials, 0), Some("first"), "the one that worked is still there");
    assert_eq!(chosen(&credentials, 590), None, "about to end");
    credentials.renewed(token("third", 2000));
    credentials.accepted(Slot::Candidate);
    assert!(!credentials.accepted(Slot::Current));
    assert_eq!(chosen(&credentials, 700), Some("third"));
    assert!(!format!("{credentials:?}").contains("third"), "tokens are never printed");
}

#[test]
fn renewal_comes_two_thirds_in() {
    let check = |received: Option<u64>, now: Moment, expected_s: u64| {
        let token = Token { received: received.map(Duration::from_secs), ..token("t", 900) };
        assert_eq!(token.renew_in(now), Duration::from_secs(expected_s), "{received:?} {now:?}");
    };
    check(Some(0), at(0, 0), 600);
    check(Some(50), at(0, 150), 500);
    check(Some(0), at(0, 600), 0);
    // Of an earlier run: by the wall clock, but never later than two thirds of a life from now.
    check(None, at(100, 0), 500);
    check(None, at(700, 0), 0);
    check(None, at(-86_400, 0), 600);
    // A server whose clock was set back gives tokens that have ended by ours; they are as good as any.
    check(Some(0), at(999_999, 0), 600);
}

#[test]
fn what_is_kept_over_a_restart_says_nothing_of_the_run_it_came_in() {
    let mut credentials = Credentials::default();
    credentials.renewed(Token { received: Some(Duration::from_secs(7)), ..token("t", 900) });
    let again: Credentials = serde_json::from_str(&serde_json::to_string(&credentials).unwrap()).unwrap();
    assert_eq!(again.candidate.unwrap().received, None);
}

proptest! {
    /// Whatever the wall clock does, a token got in this run lives as long as it was given for, and its renewal
    /// comes when a third of that is left, within the step it is looked at.
    #[test]
    fn a_jumping_clock_neither_skips_a_renewal_nor_ends_a_good_token(
        life_s in 300_u64..86_400,
        received_s in 0_u64..1_000_000,
        jumps in proptest::collection::vec(-2_000_000_000_000_i64..2_000_000_000_000, 1..40),
    ) {
        let mut credentials = Credentials::default();
        let (issued_at, expires_at) = (UnixMillis(0), UnixMillis(i64::try_from(life_s).unwrap() * 1000));
        let received = Some(Duration::from_secs(received_s));
        credentials.renewed(Token { jwt: "t".into(), issued_at, expires_at, received });
        let steps = u64::try_from(jumps.len()).unwrap();
        for (step, wall) in (0_u64..).zip(&jumps) {
            let age_s = life_s * step / steps;
            let now = Moment { wall: UnixMillis(*wall), elapsed: Duration::from_secs(received_s + age_s) };
            let usable = credentials.choose(now).map(|(_, token)| token.renew_in(now));
            prop_assert_eq!(usable.is_some(), life_s - age_s > LEAST_LEFT.as_secs());
            if let Some(wait) = usable {
                let due = Duration::from_secs(life_s) - Duration::from_secs(life_s) / 3;
                prop_assert_eq!(wait, due.saturating_sub(Duration::from_secs(age_s)));
            }
        }
    }
}
