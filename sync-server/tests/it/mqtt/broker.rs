//! Who gets in, and who may do what.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use ostiary_common::ids::DeviceId;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_server::broker::MONITOR_USER;
use ostiary_server::broker::embedded::BrokerLimits;
use ostiary_server::domain::audit::AuditEntry;
use ostiary_server::domain::device::DeviceState;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, PubAckReason, SubscribeReasonCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::client::{Client, PATIENCE, options, will};
use super::world::World;

const REFUSED: SubscribeReasonCode = SubscribeReasonCode::NotAuthorized;
const GRANTED: SubscribeReasonCode = SubscribeReasonCode::Success(QoS::AtLeastOnce);

async fn audited(world: &World, action: &str) -> AuditEntry {
    let started = Instant::now();
    loop {
        if let Some(entry) = world.store.audited(action).pop() {
            return entry;
        }
        assert!(started.elapsed() < PATIENCE, "{action} is audited");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_good_tokens_get_in() {
    let world = World::start().await;
    let (root, other) = (world.store.add_active(), world.store.add_active());
    let id = root.device.to_string();
    let check = async |client_id: &str, user: &str, password: &str, expected: Result<(), ConnectReturnCode>| {
        let found = Client::connect(options(&world, client_id, user, password)).await.map(drop);
        assert_eq!(found, expected, "{client_id} {user} {password}");
    };
    use ConnectReturnCode::{BadUserNamePassword, NotAuthorized};
    check(&id, &id, &world.token(root), Ok(())).await;
    check(&id, &id, "forged", Err(BadUserNamePassword)).await;
    check(&id, &id, &world.token_for(root, -5), Err(BadUserNamePassword)).await;
    check(&id, &id, &world.token(other), Err(NotAuthorized)).await;
    check(&id, "somebody", &world.token(root), Err(NotAuthorized)).await;
    check("desk", MONITOR_USER, "guess", Err(BadUserNamePassword)).await;
    check(&id, MONITOR_USER, &world.monitor_password, Err(NotAuthorized)).await;
    world.store.change(root.device, |device| device.state = DeviceState::Revoked);
    check(&id, &id, &world.token(root), Err(NotAuthorized)).await;
    assert!(audited(&world, "mqtt.connect").await.source.starts_with("127.0.0.1:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_clients_are_refused() {
    let world = World::start().await;
    let mut anonymous = rumqttc::v5::MqttOptions::new("x", "127.0.0.1", world.broker.local_addr.port());
    anonymous.set_transport(options(&world, "x", "x", "x").transport());
    assert_eq!(Client::connect(anonymous).await.map(drop), Err(ConnectReturnCode::BadUserNamePassword));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_kept_to_its_own_topics_and_slips_are_audited() {
    let world = World::start().await;
    let (own, other) = (world.store.add_active(), world.store.add_active());
    let mut victim = Client::device(&world, other).await;
    assert_eq!(victim.subscribe(&other.topic(&Channel::EventsAck)).await, GRANTED);
    let mut device = Client::device(&world, own).await;

    let events = own.topic(&Channel::Events);
    assert!(matches!(
        device.publish(&events, false, "x").await,
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers
    ));
    for foreign in [other.topic(&Channel::Events), other.topic(&Channel::EventsAck), own.topic(&Channel::EventsAck)] {
        assert_eq!(device.publish(&foreign, false, "x").await, PubAckReason::NotAuthorized, "{foreign}");
    }
    assert_eq!(device.publish(&events, true, "x").await, PubAckReason::NotAuthorized, "events are not retained");
    let entry = audited(&world, "mqtt.publish").await;
    assert_eq!(entry.actor, format!("device:{}", own.device));
    assert!(entry.target.starts_with("ostiary/v1/"));

    for filter in ["#", "ostiary/v1/+/+/events/ack", "$share/g/ostiary/v1/#", &other.topic(&Channel::GalleryChunk)] {
        assert_ne!(device.subscribe(filter).await, GRANTED, "{filter}");
    }
    assert_eq!(device.subscribe(&other.topic(&Channel::EventsAck)).await, REFUSED);
    assert_eq!(device.subscribe(&own.topic(&Channel::EventsAck)).await, GRANTED);
    assert_eq!(audited(&world, "mqtt.subscribe").await.actor, format!("device:{}", own.device));
    victim.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wills_go_only_where_the_device_may_publish() {
    let world = World::start().await;
    let (own, other) = (world.store.add_active(), world.store.add_active());
    let id = own.device.to_string();
    let with_will = |root: DeviceRoot| {
        let mut options = options(&world, &id, &id, &world.token(own));
        options.set_last_will(will(&root.topic(&Channel::Status), b"gone"));
        options
    };
    assert_eq!(Client::connect(with_will(other)).await.map(drop), Err(ConnectReturnCode::NotAuthorized));
    let mut monitor = Client::monitor(&world).await;
    assert_eq!(monitor.subscribe("ostiary/v1/+/+/status").await, GRANTED);
    Client::connect(with_will(own)).await.unwrap().vanish();
    let gone = monitor.message().await;
    assert_eq!((&gone.topic[..], &gone.payload[..]), (own.topic(&Channel::Status).as_bytes(), &b"gone"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_messages_reach_late_subscribers() {
    let world = World::start().await;
    let root = world.store.add_active();
    let mut device = Client::device(&world, root).await;
    let status = root.topic(&Channel::Status);
    device.publish(&status, true, "here").await;
    device.publish(&root.topic(&Channel::Info), true, "a board").await;
    let mut monitor = Client::monitor(&world).await;
    assert_eq!(monitor.subscribe(&status).await, GRANTED);
    let kept = monitor.message().await;
    assert!(kept.retain && &kept.payload[..] == b"here");
    device.publish(&status, true, "").await;
    let mut later = Client::connect(options(&world, "later", MONITOR_USER, &world.monitor_password)).await.unwrap();
    assert_eq!(later.subscribe("ostiary/v1/+/+/status").await, GRANTED);
    later.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monitor_sees_what_was_seen_and_nothing_else() {
    let world = World::start().await;
    let root = world.store.add_active();
    let mut monitor = Client::monitor(&world).await;
    assert_eq!(monitor.subscribe("ostiary/v1/+/+/seen").await, GRANTED);
    for filter in ["ostiary/v1/+/+/events", "ostiary/v1/+/+/gallery/chunk", "ostiary/v1/#", "#"] {
        assert_eq!(monitor.subscribe(filter).await, REFUSED, "{filter}");
    }
    assert_eq!(monitor.publish(&root.topic(&Channel::Seen), false, "x").await, PubAckReason::NotAuthorized);
    assert_eq!(monitor.publish(&root.topic(&Channel::Events), false, "x").await, PubAckReason::NotAuthorized);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kick_ends_a_session_within_a_second() {
    let world = World::start().await;
    let (root, other) = (world.store.add_active(), world.store.add_active());
    let device = Client::device(&world, root).await;
    let mut bystander = Client::device(&world, other).await;
    world.store.change(root.device, |device| device.state = DeviceState::Revoked);
    let started = Instant::now();
    world.broker.kick(root.device);
    device.ended().await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(bystander.subscribe(&other.topic(&Channel::EventsAck)).await, GRANTED);
    world.broker.kick(DeviceId::generate());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_token() {
    let world = World::start().await;
    let root = world.store.add_active();
    let id = root.device.to_string();
    let device = Client::connect(options(&world, &id, &id, &world.token_for(root, 2))).await.unwrap();
    let started = Instant::now();
    device.ended().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_over_the_limit_ends_the_connection_and_nobody_elses() {
    let world = World::start().await;
    let (root, other) = (world.store.add_active(), world.store.add_active());
    let device = Client::device(&world, root).await;
    let mut bystander = Client::device(&world, other).await;
    let huge = vec![0; 1024 * 1024 + 10];
    device.mqtt.publish(root.topic(&Channel::Events), QoS::AtLeastOnce, false, huge).await.unwrap();
    device.ended().await;
    assert_eq!(bystander.subscribe(&other.topic(&Channel::EventsAck)).await, GRANTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_connection_of_a_device_replaces_the_first() {
    let world = World::start().await;
    let root = world.store.add_active();
    let first = Client::device(&world, root).await;
    let mut second = Client::device(&world, root).await;
    first.ended().await;
    assert_eq!(second.subscribe(&root.topic(&Channel::EventsAck)).await, GRANTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_sends_too_fast_is_slowed_down_and_loses_nothing() {
    let mut limits = BrokerLimits::default();
    limits.publish.messages_per_s = NonZeroU32::new(100).unwrap();
    limits.publish.messages_burst = NonZeroU32::new(10).unwrap();
    let world = World::with_limits(limits).await;
    let root = world.store.add_active();
    let mut device = Client::device(&world, root).await;
    let started = Instant::now();
    for _ in 0..60 {
        let answer = device.publish(&root.topic(&Channel::Events), false, "x").await;
        assert!(matches!(answer, PubAckReason::Success | PubAckReason::NoMatchingSubscribers), "{answer:?}");
    }
    assert!(started.elapsed() >= Duration::from_millis(450), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_every_connection() {
    let world = World::start().await;
    let root = world.store.add_active();
    let device = Client::device(&world, root).await;
    // The broker counts a connection just after it answered the client.
    let started = Instant::now();
    while world.broker.connected() != 1 {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(world.broker.devices_connected(), 1);
    world.broker.stop().await;
    device.ended().await;
    assert!(!world.broker.is_listening());
    world.broker.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_must_say_connect_in_time_and_nothing_else() {
    let limits = BrokerLimits { connect_within: Duration::from_millis(400), ..BrokerLimits::default() };
    let world = World::with_limits(limits).await;
    let check = async |says: &[u8], within: Duration| {
        let started = Instant::now();
        let socket = TcpStream::connect(world.broker.local_addr).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let mut stream = TlsConnector::from(world.trust.clone()).connect(name, socket).await.unwrap();
        stream.write_all(says).await.unwrap();
        let ended = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 16])).await.expect("it is closed");
        assert!(ended.is_err() || ended.unwrap() == 0, "nothing is answered to {says:?}");
        assert!(started.elapsed() < within, "{says:?} after {:?}", started.elapsed());
    };
    check(b"GET / HTTP/1.1\r\n\r\n", Duration::from_millis(390)).await;
    check(&[0x10, 0xff, 0xff, 0x7f], Duration::from_millis(390)).await;
    check(&[], PATIENCE).await;
    check(&[0x10, 0x7f, 0], PATIENCE).await;
    let silent = TcpStream::connect(world.broker.local_addr).await.unwrap();
    let closed = tokio::time::timeout(PATIENCE, silent.readable());
    closed.await.expect("no TLS is no excuse").unwrap();
    let root = world.store.add_active();
    Client::device(&world, root).await;
}
