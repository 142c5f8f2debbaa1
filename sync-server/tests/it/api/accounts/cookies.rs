//! The panel's way in: cookies, and what another site cannot do with them.

use reqwest::header::SET_COOKIE;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::api::world::{PASSWORD, World, answer, slug};

struct Browser<'a> {
    world: &'a World,
    cookie: String,
    csrf: String,
}

impl<'a> Browser<'a> {
    async fn log_in(world: &'a World) -> Self {
        let body = json!({"login": "admin", "password": PASSWORD, "session": "cookie"});
        let response = world.request(Method::POST, "/api/v1/auth/login").json(&body).send().await.unwrap();
        let set = cookies(&response);
        assert_eq!(set.len(), 2, "{set:?}");
        for cookie in &set {
            for part in ["__Host-ostiary-", "; Path=/", "; Secure", "; SameSite=Strict"] {
                assert!(cookie.contains(part), "{cookie} without {part}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
        assert!(set[0].contains("HttpOnly") && !set[1].contains("HttpOnly"));
        let pair = |cookie: &String| cookie.split(';').next().unwrap().to_owned();
        let body: Value = response.json().await.unwrap();
        assert!(body.get("access_token").is_none() && body.get("refresh_token").is_none(), "{body}");
        let csrf = body["csrf_token"].as_str().unwrap().to_owned();
        assert_eq!(pair(&set[1]).split_once('=').unwrap().1, csrf, "the page finds it in its cookie");
        Self { world, cookie: format!("theme=dark; {}", pair(&set[0])), csrf }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.world.request(method, path).header("cookie", &self.cookie)
    }
}

fn cookies(response: &Response) -> Vec<String> {
    response.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_cookie_alone_changes_nothing() {
    let world = World::start().await;
    let browser = Browser::log_in(&world).await;
    let origin = world.base.clone();
    assert_eq!(answer(browser.request(Method::GET, "/api/v1/me")).await.0, 200);
    let check = async |what: &str, request: RequestBuilder, expected: u16| {
        let (status, body) = answer(request).await;
        assert_eq!(status, expected, "{what}: {body}");
        assert!(expected != 403 || slug(&body) == "not-allowed", "{what}: {body}");
    };
    let post = || browser.request(Method::POST, "/api/v1/live/tickets");
    check("without the token", post(), 403).await;
    check("with a made-up token", post().header("x-csrf-token", "0".repeat(64)), 403).await;
    let other = Browser::log_in(&world).await;
    check("with another session's token", post().header("x-csrf-token", &other.csrf), 403).await;
    let with_token = || post().header("x-csrf-token", &browser.csrf);
    check("with its token", with_token(), 201).await;
    check("from our page", with_token().header("origin", &origin).header("sec-fetch-site", "same-origin"), 201).await;
    check("from another page", with_token().header("origin", "https://evil.example"), 403).await;
    check("from a sandboxed page", with_token().header("origin", "null"), 403).await;
    check("across sites", with_token().header("sec-fetch-site", "cross-site"), 403).await;
    let read = || browser.request(Method::GET, "/api/v1/me");
    check("read by another page", read().header("sec-fetch-site", "cross-site"), 403).await;
    check("read by ours", read().header("sec-fetch-site", "same-origin"), 200).await;

    let out = browser.request(Method::POST, "/api/v1/auth/logout").header("x-csrf-token", &browser.csrf);
    let response = out.send().await.unwrap();
    assert_eq!(response.status(), 204);
    assert!(cookies(&response).iter().all(|cookie| cookie.contains("Max-Age=0")));
    check("after logging out", browser.request(Method::GET, "/api/v1/me"), 401).await;
    check("elsewhere", other.request(Method::GET, "/api/v1/me"), 200).await;
    world.stop().await;
}
