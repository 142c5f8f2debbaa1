//! The sending side against a model of the server, over links that lose what they like.

use proptest::prelude::*;

use ostiary_common::ids::EventId;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const LIMITS: OutboxLimits = OutboxLimits {
    batch_events: 2,
    window_events: 4,
    window_bytes: 1000,
    linger: Duration::from_millis(100),
    ack_timeout: SECOND,
};

fn flow(last: u64) -> OutboxFlow {
    let mut flow = OutboxFlow::new(StreamId(uuid::Uuid::nil()), 1, last, LIMITS);
    flow.connected();
    flow
}

fn ack(upto_seq: u64) -> EventAck {
    EventAck { stream: StreamId(uuid::Uuid::nil()), upto_seq, resend_from: None, rejected: Vec::new(), batch: None }
}

/// The batch of our own events with these numbers.
const fn batch(first: u64, last: u64) -> AckedBatch {
    AckedBatch { first, last, id: EventId(uuid::Uuid::from_u128(last as u128)) }
}

fn answer(upto_seq: u64, batch: AckedBatch) -> EventAck {
    EventAck { batch: Some(batch), ..ack(upto_seq) }
}

const fn send(from: u64, max_events: u64) -> OutboxStep {
    OutboxStep::Send { from, max_events }
}

#[test]
fn sends_within_the_window_and_again_after_the_wait() {
    let mut flow = flow(8);
    let zero = Duration::ZERO;
    assert_eq!(flow.next(zero, 0.0), send(1, 2));
    flow.sent(batch(1, 2), 10, zero, 0.0);
    assert_eq!(flow.next(zero, 0.0), OutboxStep::WaitUntil(SECOND), "one batch until the server's mark is known");
    assert_eq!(flow.next(SECOND, 0.0), send(1, 2), "again");
    flow.sent(batch(1, 2), 10, SECOND, 0.0);
    assert_eq!(flow.next(SECOND, 0.0), OutboxStep::WaitUntil(3 * SECOND), "the wait doubles");
    assert_eq!(flow.acknowledged(&ack(1)), AckNews::Delete(1));
    assert_eq!(flow.next(SECOND, 0.0), send(3, 2));
    flow.sent(batch(3, 4), 10, SECOND, 0.0);
    assert_eq!(flow.next(SECOND, 0.0), send(5, 1), "four may be under way");
    flow.sent(batch(5, 5), 2000, SECOND, 0.0);
    assert_eq!(flow.acknowledged(&ack(4)), AckNews::Delete(4));
    assert_eq!(flow.next(SECOND, 1.0), OutboxStep::WaitUntil(3 * SECOND), "too many bytes are under way");
    assert_eq!(flow.acknowledged(&ack(4)), AckNews::Nothing, "a repeated acknowledgement is no news");
    assert_eq!(flow.acknowledged(&ack(5)), AckNews::Delete(5));
    assert_eq!(flow.next(SECOND, 0.0), send(6, 2));
}

#[test]
fn an_event_goes_at_once_on_an_idle_link_and_waits_for_company_on_a_busy_one() {
    let mut flow = flow(0);
    let at = Duration::from_millis;
    flow.appended(1, at(0));
    assert_eq!(flow.next(at(0), 0.0), send(1, 2));
    flow.sent(batch(1, 1), 10, at(0), 0.0);
    assert_eq!(flow.acknowledged(&ack(1)), AckNews::Delete(1));
    flow.appended(2, at(5));
    assert_eq!(flow.next(at(5), 0.0), send(2, 2), "nothing is under way");
    flow.sent(batch(2, 2), 10, at(5), 0.0);
    flow.appended(3, at(10));
    assert_eq!(flow.next(at(10), 0.0), OutboxStep::WaitUntil(at(110)));
    assert_eq!(flow.next(at(110), 0.0), send(3, 2), "nobody came");
    flow.appended(4, at(20));
    assert_eq!(flow.next(at(20), 0.0), send(3, 2), "the batch is full");
}

#[test]
fn another_streams_word_deletes_nothing_and_numbers_never_given_tell_a_restored_card() {
    let mut flow = flow(2);
    let foreign = EventAck { stream: StreamId::generate(), ..ack(2) };
    assert_eq!(flow.acknowledged(&foreign), AckNews::Nothing);
    assert_eq!(flow.acknowledged(&ack(2)), AckNews::Ahead { is_set_back: false });
    assert_eq!(flow.acknowledged(&ack(3)), AckNews::Ahead { is_set_back: true });
}

#[test]
fn numbers_given_twice_by_a_restored_card_are_not_deleted_before_they_were_told() {
    // The server has 1..=5 of a life this card does not remember; the card gives numbers anew.
    let mut flow = flow(1);
    flow.sent(batch(1, 1), 10, Duration::ZERO, 0.0);
    flow.appended(6, SECOND);
    assert_eq!(flow.next(SECOND, 0.0), send(1, 1), "the same batch again, though there is more");
    flow.sent(batch(1, 1), 10, SECOND, 0.0);
    assert_eq!(flow.acknowledged(&ack(5)), AckNews::Ahead { is_set_back: false });
}

#[test]
fn a_batch_of_another_life_deletes_nothing_though_its_numbers_were_told() {
    let mut flow = flow(2);
    flow.sent(batch(1, 2), 10, Duration::ZERO, 0.0);
    let other = AckedBatch { id: EventId(uuid::Uuid::max()), ..batch(1, 2) };
    assert_eq!(flow.acknowledged(&answer(2, other)), AckNews::Ahead { is_set_back: true });
    assert_eq!(flow.waiting(), 2);
    assert_eq!(flow.acknowledged(&answer(2, batch(1, 2))), AckNews::Delete(2));
}

#[test]
fn only_batches_that_were_answered_are_deleted() {
    let mut flow = flow(8);
    flow.sent(batch(1, 2), 10, Duration::ZERO, 0.0);
    assert_eq!(flow.acknowledged(&answer(2, batch(1, 2))), AckNews::Delete(2));
    flow.sent(batch(3, 4), 10, Duration::ZERO, 0.0);
    flow.sent(batch(5, 6), 10, Duration::ZERO, 0.0);
    // The server has a 3 and a 4, but whose they are nobody has said.
    assert_eq!(flow.acknowledged(&answer(6, batch(5, 6))), AckNews::Nothing);
    assert_eq!(flow.acknowledged(&answer(6, batch(4, 4))), AckNews::Nothing, "cut otherwise");
    assert_eq!(flow.acknowledged(&answer(6, batch(3, 4))), AckNews::Delete(6));
    assert_eq!(flow.acknowledged(&answer(6, batch(3, 4))), AckNews::Nothing, "a repeated answer is no news");
}

#[test]
fn a_hole_is_sent_again_at_once() {
    let mut flow = flow(4);
    flow.sent(batch(1, 2), 10, Duration::ZERO, 1.0);
    flow.acknowledged(&ack(0));
    flow.sent(batch(3, 4), 10, Duration::ZERO, 1.0);
    assert_eq!(flow.acknowledged(&EventAck { resend_from: Some(2), ..ack(1) }), AckNews::Delete(1));
    assert_eq!(flow.next(Duration::ZERO, 1.0), send(2, 2));
}

#[test]
fn a_new_connection_starts_at_the_lowest_unacknowledged() {
    let mut flow = flow(4);
    flow.sent(batch(1, 4), 10, Duration::ZERO, 1.0);
    flow.acknowledged(&ack(2));
    flow.disconnected();
    assert_eq!(flow.next(9 * SECOND, 1.0), OutboxStep::Idle);
    flow.connected();
    assert_eq!(flow.next(9 * SECOND, 1.0), send(3, 2));
}

/// What may happen to the flow.
#[derive(Clone, Copy, Debug)]
enum Luck {
    Append(u64),
    Drop(u64),
    Cut,
    Lost,
    Unacked,
    Foreign,
    Hole(u64),
    Fine,
}

fn luck() -> impl Strategy<Value = Luck> {
    prop_oneof![
        (1..5_u64).prop_map(Luck::Append),
        (1..3_u64).prop_map(Luck::Drop),
        Just(Luck::Cut),
        Just(Luck::Lost),
        Just(Luck::Unacked),
        Just(Luck::Foreign),
        (0..50_u64).prop_map(Luck::Hole),
        Just(Luck::Fine),
        Just(Luck::Fine),
    ]
}

proptest! {
    /// A server that stores what comes in order and a link that loses messages and connections at will: nothing is
    /// deleted that is not stored, never more is under way than the window allows, and in the end all has arrived.
    #[test]
    fn all_arrives_over_a_lossy_link(
        total in 1..40_u64,
        is_named in any::<bool>(),
        luck in proptest::collection::vec(luck(), 0..300),
    ) {
        let mut flow = flow(total);
        let (mut total, mut stored, mut deleted, mut now) = (total, 0_u64, 0_u64, Duration::ZERO);
        let calm = std::iter::repeat_n(Luck::Fine, 400);
        for luck in luck.into_iter().chain(calm) {
            now += SECOND * 7;
            match luck {
                Luck::Append(more) => {
                    total += more;
                    flow.appended(total, now);
                }
                Luck::Drop(some) => {
                    // The disk was full: what is gone leaves a hole that the server accepts.
                    let upto = (deleted + some).min(total);
                    flow.dropped(upto);
                    (deleted, stored) = (deleted.max(upto), stored.max(upto));
                }
                Luck::Cut => {
                    flow.disconnected();
                    flow.connected();
                }
                Luck::Foreign => {
                    let news = flow.acknowledged(&EventAck { stream: StreamId::generate(), ..ack(total) });
                    prop_assert_eq!(news, AckNews::Nothing);
                }
                Luck::Hole(from) => {
                    flow.acknowledged(&EventAck { resend_from: Some(from), ..ack(deleted) });
                }
                Luck::Lost | Luck::Unacked | Luck::Fine => {}
            }
            if let OutboxStep::Send { from, max_events } = flow.next(now, 0.5) {
                let upto = (from + max_events - 1).min(total);
                prop_assert!(from > deleted && upto - deleted <= LIMITS.window_events && max_events <= 2);
                flow.sent(batch(from, upto), 10, now, 0.5);
                let is_taken = !matches!(luck, Luck::Lost) && from <= stored + 1;
                if is_taken {
                    stored = stored.max(upto);
                }
                let answer = if is_named { answer(stored, batch(from, upto)) } else { ack(stored) };
                let is_told = !matches!(luck, Luck::Lost | Luck::Unacked) && (is_taken || !is_named);
                if is_told && let AckNews::Delete(upto) = flow.acknowledged(&answer) {
                    prop_assert!(upto <= stored && upto > deleted);
                    deleted = upto;
                }
            }
        }
        prop_assert_eq!(stored, total);
        prop_assert_eq!(flow.waiting(), 0);
    }
}
