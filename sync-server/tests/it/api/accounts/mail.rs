//! Messages over a real mail server.

use reqwest::Method;
use serde_json::{Value, json};

use super::smtp::MailServer;
use crate::api::world::{PASSWORD, World, answer};

/// The secret in the link of a message; quoted-printable breaks long lines.
fn secret(mail: &str, page: &str) -> String {
    let text = mail.replace("=\r\n", "").replace("=3D", "=");
    let link = text.lines().find(|line| line.contains(page)).unwrap_or_else(|| panic!("no link in {text}"));
    link.trim().split_once('#').unwrap().1.to_owned()
}

#[tokio::test]
async fn links_come_by_mail_and_nobody_learns_who_has_an_account() {
    let Some(mail) = MailServer::start() else { return };
    let config = mail.config();
    let world = World::start_with(move |all| {
        all.mail = config;
        all.limits.logins_per_minute = 1000;
    })
    .await;
    let admin = world.admin().await;
    let body = json!({"grants": [{"role": "viewer"}], "email": "Vera@Example.org"});
    let (status, made) = admin.post("/api/v1/invitations", body).await;
    assert_eq!((status, &made["mailed"]), (201, &json!(true)), "{made}");
    let message = mail.next().await;
    assert!(
        message.contains("To: vera@example.org") && message.contains("From: Ostiary <ostiary@example.org>"),
        "{message}"
    );
    let token = secret(&message, "/accept#");
    let accept = json!({"token": token, "account": {"login": "vera", "password": PASSWORD}});
    let (status, account) = answer(world.request(Method::POST, "/api/v1/auth/accept-invitation").json(&accept)).await;
    assert_eq!(status, 201, "{account}");

    let ask = async |login: &str| {
        let request = world.request(Method::POST, "/api/v1/auth/password-reset").json(&json!({ "login": login }));
        let (status, answered) = answer(request).await;
        assert_eq!(status, 202);
        answered
    };
    let of_nobody: Value = ask("nobody@example.org").await;
    assert_eq!(ask("vera").await, of_nobody, "the answer is the same");
    let first = secret(&mail.next().await, "/new-password#");
    assert_eq!(ask("vera@example.org").await, of_nobody);
    let second = secret(&mail.next().await, "/new-password#");
    assert!(mail.is_empty(), "nobody has an account, and guard no address");
    let complete = async |token: &str| {
        let body = json!({"token": token, "password": "a swan crosses the river"});
        answer(world.request(Method::POST, "/api/v1/auth/password-reset/complete").json(&body)).await.0
    };
    assert_eq!(complete(&first).await, 422, "a newer link voids it");
    assert_eq!(complete(&second).await, 204);
    assert!(mail.next().await.contains("was changed"), "the owner is told");
    assert_eq!(world.login("vera", "a swan crosses the river").await.status(), 200);
    world.stop().await;
}
