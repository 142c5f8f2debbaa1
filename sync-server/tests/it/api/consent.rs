//! Nobody is enrolled who has not consented, and nobody is recognised who has withdrawn it.

use reqwest::Method;
use serde_json::{Value, json};

use super::reader::picture;
use super::world::{Session, World, answer, slug};

const RED: [u8; 3] = [200, 10, 10];
const GREEN: [u8; 3] = [10, 200, 10];

async fn put(session: &Session<'_>, path: &str, version: &str, body: &Value) -> (u16, Value) {
    answer(session.request(Method::PUT, path).header("If-Match", version).json(body)).await
}

#[tokio::test]
async fn a_consent_is_recorded_used_withdrawn_and_given_again() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (_, person) = admin.post("/api/v1/persons", json!({"name": "Bob"})).await;
    let bob = person["id"].as_str().unwrap();
    let path = format!("/api/v1/persons/{bob}/consents");
    let (_, none) = admin.get(&path).await;
    assert_eq!((&none["may_enroll"], &none["items"]), (&json!(false), &json!([])), "{none}");
    let (status, refused) = admin.photo(bob, picture(RED)).await;
    assert_eq!((status, slug(&refused)), (422, "consent-missing"));
    assert!(refused["detail"].as_str().unwrap().contains("/consents"), "it says what to do: {refused}");

    let said = json!({"method": "written", "language": "en", "given_by": "a guardian", "note": "folder 7"});
    let (status, given) = admin.post(&path, said).await;
    assert_eq!((status, &given["method"], &given["text_version"]), (201, &json!("written"), &json!(1)), "{given}");
    assert_eq!((&given["given_by"], &given["end"]), (&json!("a guardian"), &Value::Null));
    assert_eq!(admin.photo(bob, picture(RED)).await.0, 200);
    let templates = format!("/api/v1/persons/{bob}/templates");
    assert_eq!(admin.get(&templates).await.1["items"].as_array().unwrap().len(), 1);

    let withdraw = format!("{path}/{}/withdraw", given["id"].as_str().unwrap());
    let (_, before) = admin.get("/api/v1/gallery").await;
    let (status, withdrawn) = admin.post(&withdraw, json!({"method": "verbal", "note": "at the desk"})).await;
    assert_eq!(status, 200, "{withdrawn}");
    assert!(withdrawn["revision"].as_u64() > before["revision"].as_u64(), "devices are told: {withdrawn}");
    assert_eq!(admin.post(&withdraw, json!({})).await.0, 409, "once");
    let (_, list) = admin.get(&path).await;
    assert_eq!(list["erased_at"], withdrawn["erased_at"], "after the days that the text says");
    assert_eq!(
        (&list["items"][0]["end"]["how"], &list["items"][0]["end"]["method"]),
        (&json!("withdrawn"), &json!("verbal"))
    );
    let (status, refused) = admin.photo(bob, picture(GREEN)).await;
    assert_eq!((status, slug(&refused)), (422, "consent-missing"));
    let (_, found) = answer(admin.request(Method::POST, "/api/v1/recognize").body(picture(RED))).await;
    assert!(!found.to_string().contains(bob), "not found by a picture either: {found}");

    let (status, again) = admin.post(&path, json!({})).await;
    assert_eq!((status, &again["method"]), (201, &json!("unspecified")));
    let (_, list) = admin.get(&path).await;
    assert_eq!((&list["erased_at"], &list["may_enroll"]), (&Value::Null, &json!(true)), "{list}");
    assert_eq!(admin.photo_insisting(bob, picture(GREEN)).await.0, 200);
    let (_, audit) = admin.get("/api/v1/audit").await;
    let told = audit.to_string();
    assert!(told.contains("person.consent_withdraw") && !told.contains("guardian") && !told.contains("folder 7"));
    world.stop().await;
}

#[tokio::test]
async fn what_may_not_be_said_of_a_consent() {
    let world = World::start().await;
    let admin = world.admin().await;
    let bob = admin.person("Bob").await;
    let path = format!("/api/v1/persons/{bob}/consents");
    let check = async |body: Value, pointer: &str| {
        let (status, refused) = admin.post(&path, body.clone()).await;
        assert_eq!((status, slug(&refused)), (422, "invalid-value"), "{body}: {refused}");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    };
    check(json!({"method": "before_records"}), "/method").await;
    check(json!({"given_at": "2999-01-01T00:00:00Z"}), "/given_at").await;
    check(json!({"text_version": 9}), "/text_version").await;
    check(json!({"language": "tlh"}), "/language").await;
    check(json!({"note": "x".repeat(1001)}), "/note").await;
    let (status, refused) = admin.post("/api/v1/persons", json!({"name": "Ada", "consent": {"text_version": 9}})).await;
    assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/consent/text_version")), "{refused}");
    let (status, ada) =
        admin.post("/api/v1/persons", json!({"name": "Ada", "consent": {"method": "electronic"}})).await;
    assert_eq!(status, 201, "{ada}");
    assert_eq!(admin.photo(ada["id"].as_str().unwrap(), picture(RED)).await.0, 200);
    let nobody = "0197f2a0-1c3b-7d2e-9f00-1234567890ab";
    assert_eq!(admin.post(&format!("{path}/{nobody}/withdraw"), json!({})).await.0, 404);
    world.stop().await;
}

#[tokio::test]
async fn a_text_that_is_to_be_renewed_asks_for_new_consents() {
    let world = World::start().await;
    let admin = world.admin().await;
    let bob = admin.person("Bob").await;
    let path = "/api/v1/settings/consent-text";
    let (_, first) = admin.get(path).await;
    assert_eq!((&first["version"], &first["erase_after_days"]), (&json!(1), &json!(7)), "{first}");
    let body = json!({"texts": {"en": "Yes.", "de-AT": "Ja."}, "erase_after_days": 0});
    assert_eq!(put(&admin, path, "\"7\"", &body).await.0, 412);
    assert_eq!(put(&admin, path, "\"1\"", &json!({"texts": {}, "erase_after_days": 0})).await.0, 422);
    assert_eq!(put(&admin, path, "\"1\"", &json!({"texts": {"en": "x"}, "erase_after_days": 31})).await.0, 422);
    let (status, second) = put(&admin, path, "\"1\"", &body).await;
    assert_eq!((status, &second["version"], &second["least_version"]), (200, &json!(2), &json!(1)), "{second}");
    assert_eq!(admin.photo(&bob, picture(RED)).await.0, 200, "the consent to the first version still holds");

    let renewed = json!({"texts": {"en": "Yes, to more."}, "renews": true, "erase_after_days": 0});
    assert_eq!(put(&admin, path, "*", &renewed).await.1["least_version"], 3);
    let (status, refused) = admin.photo(&bob, picture(GREEN)).await;
    assert_eq!((status, slug(&refused)), (422, "consent-missing"), "{refused}");
    assert_eq!(admin.get(&format!("{path}?version=1")).await.1["texts"], first["texts"], "can be read for good");
    assert_eq!(admin.get(&format!("{path}?version=4")).await.0, 404);
    let consents = format!("/api/v1/persons/{bob}/consents");
    let (_, given) = admin.post(&consents, json!({"language": "en"})).await;
    assert_eq!(admin.photo_insisting(&bob, picture(GREEN)).await.0, 200);

    // Nothing is waited for here: erased at once.
    let withdraw = format!("{consents}/{}/withdraw", given["id"].as_str().unwrap());
    assert_eq!(admin.post(&withdraw, json!({})).await.0, 200);
    let gone = async || admin.get(&format!("/api/v1/persons/{bob}")).await.0 == 404;
    for _ in 0..100 {
        if gone().await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let (_, erasures) = admin.get("/api/v1/erasures").await;
    assert_eq!((&erasures["items"][0]["person"], &erasures["items"][0]["reason"]), (&json!(bob), &json!("withdrawn")));
    world.stop().await;
}
