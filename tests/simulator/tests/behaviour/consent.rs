//! The browser part: login, consent, code.

use base64::Engine as _;
use itsm_simulator::seed;
use reqwest::Url;
use serde_json::json;

use crate::support::{Reply, Rig, send};

const VERIFIER: &str = "abcdefghijklmnopqrstuvwxyz0123456789-._~ABCDEF";

/// A browser as far as this needs one: it keeps the session cookie and follows its own redirects only.
struct Browser<'a> {
    rig: &'a Rig,
    cookie: String,
}

impl Browser<'_> {
    fn keep(&mut self, reply: &Reply) {
        for line in reply.headers.get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            if pair.starts_with("JSESSIONID=") {
                pair.clone_into(&mut self.cookie);
            }
        }
    }

    async fn open(&mut self, url: &str) -> Reply {
        let reply = send(self.rig.http.get(url).header("cookie", &self.cookie)).await;
        self.keep(&reply);
        reply
    }

    async fn submit(&mut self, path: &str, form: &[(&str, &str)]) -> Reply {
        let reply =
            send(self.rig.http.post(format!("{}{path}", self.rig.dev1)).header("cookie", &self.cookie).form(form))
                .await;
        self.keep(&reply);
        reply
    }

    /// Fills in the login form that `page` shows and follows it back.
    async fn login(&mut self, page: &Reply, user: &str) -> Reply {
        let target = hidden(page, "sysparm_goto_url");
        let password = seed::find_user(user).unwrap().password;
        let form = [
            ("user_name", user),
            ("user_password", password),
            ("sys_action", "sysverb_login"),
            ("sysparm_goto_url", &target),
        ];
        let reply = self.submit("/login.do", &form).await;
        assert_eq!(reply.status, 302, "{}", reply.text);
        let location = reply.header("location").to_owned();
        self.open(&location).await
    }

    async fn decide(&mut self, page: &Reply, action: &str) -> Reply {
        let check = hidden(page, "sysparm_ck");
        let path = page.text.split("<form action=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
        self.submit(&path, &[("sysparm_ck", &check), ("oauth_auth_check_action", action)]).await
    }
}

/// Value of a hidden field.
fn hidden(page: &Reply, name: &str) -> String {
    let from = page
        .text
        .split(&format!("name=\"{name}\" value=\""))
        .nth(1)
        .unwrap_or_else(|| panic!("no {name} in {}", page.text));
    from.split('"').next().unwrap().replace("&amp;", "&")
}

fn request(rig: &Rig, changes: &[(&str, &str)]) -> String {
    let client = &seed::oauth_clients("dev1")[0];
    let mut url = Url::parse(&format!("{}/oauth_auth.do", rig.dev1)).unwrap();
    let base = [
        ("response_type", "code"),
        ("client_id", client.client_id.as_str()),
        ("redirect_uri", client.redirect_url.as_str()),
        ("state", "state-1_~"),
    ];
    for (name, value) in base.iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name)).chain(changes)
    {
        if !value.is_empty() {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    url.to_string()
}

/// Parameters of the address a decision leads to.
fn returned(reply: &Reply) -> (String, std::collections::HashMap<String, String>) {
    assert_eq!(reply.status, 302, "{}", reply.text);
    let url = Url::parse(reply.header("location")).unwrap();
    let params = url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
    (reply.header("location").split('?').next().unwrap().to_owned(), params)
}

async fn exchange(rig: &Rig, code: &str, more: &[(&str, &str)]) -> Reply {
    let client = &seed::oauth_clients("dev1")[0];
    let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("client_id", &client.client_id)];
    form.extend(more);
    if !more.iter().any(|(name, _)| *name == "redirect_uri") {
        form.push(("redirect_uri", &client.redirect_url));
    }
    send(rig.http.post(format!("{}/oauth_token.do", rig.dev1)).form(&form)).await
}

#[tokio::test]
async fn login_consent_and_code_end_in_tokens() {
    let rig = Rig::start().await;
    let client = &seed::oauth_clients("dev1")[0];
    let mut browser = Browser { rig: &rig, cookie: String::new() };
    let login = browser.open(&request(&rig, &[])).await;
    assert!(login.text.contains("id=\"user_name\"") && login.text.contains("id=\"sysverb_login\""));
    let consent = browser.login(&login, "svc.citrix").await;
    assert_eq!(consent.text.matches("name=\"oauth_auth_check_action\"").count(), 2);
    assert!(consent.text.find("Deny").unwrap() < consent.text.find("Allow").unwrap(), "the second button allows");
    let (address, params) = returned(&browser.decide(&consent, "authorize").await);
    assert_eq!((address.as_str(), params["state"].as_str()), (client.redirect_url.as_str(), "state-1_~"));
    let secret = [("client_secret", client.client_secret.as_str())];
    let tokens = exchange(&rig, &params["code"], &secret).await;
    assert_eq!(tokens.status, 200);
    assert!(tokens.json()["refresh_token"].is_string());
    assert_eq!(exchange(&rig, &params["code"], &secret).await.status, 401, "a code works once");
    let again = browser.open(&request(&rig, &[])).await;
    assert!(again.text.contains("svc.citrix"), "the session stays open");
    let check = hidden(&again, "sysparm_ck");
    let bare = [("sysparm_ck", check.as_str()), ("oauth_auth_check_action", "authorize")];
    let (_, params) = returned(&browser.submit("/oauth_auth.do", &bare).await);
    assert!(params.contains_key("code"), "the form alone is enough");
}

#[tokio::test]
async fn deny_comes_back_with_an_error_or_not_at_all() {
    let rig = Rig::start().await;
    let mut browser = Browser { rig: &rig, cookie: String::new() };
    let login = browser.open(&request(&rig, &[])).await;
    let consent = browser.login(&login, "svc.citrix").await;
    let (_, params) = returned(&browser.decide(&consent, "deny").await);
    assert_eq!((params["error"].as_str(), params["state"].as_str()), ("access_denied", "state-1_~"));
    rig.sim.patch_instance("dev1", &json!({"deny_shape": "page"})).unwrap();
    assert_eq!(browser.decide(&consent, "deny").await.status, 200);
}

#[tokio::test]
async fn a_request_that_is_not_in_order_gets_a_page_and_no_code() {
    let rig = Rig::start().await;
    let mut browser = Browser { rig: &rig, cookie: String::new() };
    for (changes, word) in [
        (&[("state", "")][..], "Missing State parameter in request"),
        (&[("client_id", "0")], "Invalid client_id"),
        (&[("response_type", "token")], "Invalid response_type"),
        (&[("code_challenge", "x"), ("code_challenge_method", "plain")], "Invalid code_challenge_method"),
    ] {
        assert!(browser.open(&request(&rig, changes)).await.text.contains(word), "{word}");
    }
    rig.sim.patch_instance("dev1", &json!({"state_required": false})).unwrap();
    assert!(browser.open(&request(&rig, &[("state", "")])).await.text.contains("user_name"));
    let forged = {
        let login = browser.open(&request(&rig, &[])).await;
        let consent = browser.login(&login, "svc.citrix").await;
        Reply { text: consent.text.replace(&hidden(&consent, "sysparm_ck"), "forged"), ..consent }
    };
    assert_eq!(browser.decide(&forged, "authorize").await.status, 200, "a forged form shows the page again");
}

#[tokio::test]
async fn a_redirect_that_is_not_registered_is_replaced_or_refused() {
    let rig = Rig::start().await;
    let client = seed::oauth_clients("dev1")[0].clone();
    let two = format!("{},https://adapter.example/second", client.redirect_url);
    rig.sim.patch_oauth_client("dev1", &client.client_id, &json!({"redirect_url": two})).unwrap();
    let mut browser = Browser { rig: &rig, cookie: String::new() };
    let login = browser.open(&request(&rig, &[("redirect_uri", "https://adapter.example/second")])).await;
    let consent = browser.login(&login, "svc.citrix").await;
    let (address, _) = returned(&browser.decide(&consent, "authorize").await);
    assert_eq!(address, "https://adapter.example/second");
    let consent = browser.open(&request(&rig, &[("redirect_uri", "https://other.example/x")])).await;
    let (address, params) = returned(&browser.decide(&consent, "authorize").await);
    assert_eq!(address, client.redirect_url, "the first registered one is used");
    let secret = ("client_secret", client.client_secret.as_str());
    assert_eq!(
        exchange(&rig, &params["code"], &[secret]).await.status,
        401,
        "the token call must repeat what was sent"
    );
    rig.sim.patch_instance("dev1", &json!({"redirect_mismatch": "refuse"})).unwrap();
    assert!(
        browser
            .open(&request(&rig, &[("redirect_uri", "https://other.example/x")]))
            .await
            .text
            .contains("Invalid redirect_uri")
    );
}

#[tokio::test]
async fn a_public_client_proves_itself_with_pkce() {
    let rig = Rig::start().await;
    let client = seed::oauth_clients("dev1")[0].clone();
    rig.sim.patch_oauth_client("dev1", &client.client_id, &json!({"public_client": true})).unwrap();
    let mut browser = Browser { rig: &rig, cookie: String::new() };
    assert!(browser.open(&request(&rig, &[])).await.text.contains("Missing code_challenge"));
    let digest = <sha2::Sha256 as sha2::Digest>::digest(VERIFIER.as_bytes());
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
    let url = request(&rig, &[("code_challenge", &challenge), ("code_challenge_method", "S256")]);
    let login = browser.open(&url).await;
    let mut consent = browser.login(&login, "svc.citrix").await;
    for (verifier, status) in [("wrong", 401), (VERIFIER, 200)] {
        let (_, params) = returned(&browser.decide(&consent, "authorize").await);
        let reply = exchange(&rig, &params["code"], &[("code_verifier", verifier)]).await;
        assert_eq!(reply.status, status);
        consent = browser.open(&url).await;
    }
    rig.sim.patch_instance("dev1", &json!({"code_lifetime_s": 1})).unwrap();
    let (_, params) = returned(&browser.decide(&consent, "authorize").await);
    rig.sim.advance(std::time::Duration::from_secs(2));
    assert_eq!(exchange(&rig, &params["code"], &[("code_verifier", VERIFIER)]).await.status, 401, "a code expires");
}

#[tokio::test]
async fn an_open_session_of_somebody_else_is_used_without_asking() {
    let rig = Rig::start().await;
    let client = &seed::oauth_clients("dev1")[0];
    let mut browser = Browser { rig: &rig, cookie: String::new() };
    let login = browser.open(&format!("{}/login.do", rig.dev1)).await;
    browser.login(&login, "svc.norole").await;
    let consent = browser.open(&request(&rig, &[])).await;
    let (_, params) = returned(&browser.decide(&consent, "authorize").await);
    let tokens = exchange(&rig, &params["code"], &[("client_secret", &client.client_secret)]).await.json();
    let me = send(rig.get("/api/now/ui/user/current_user", tokens["access_token"].as_str().unwrap())).await.json();
    assert_eq!(me["result"]["user_name"], "svc.norole");
    let out = browser.open(&format!("{}/logout.do", rig.dev1)).await;
    assert_eq!(out.status, 302);
    assert!(browser.open(&request(&rig, &[])).await.text.contains("user_password"));
}

#[tokio::test]
async fn service_accounts_and_wrong_passwords_do_not_get_in() {
    let rig = Rig::start().await;
    let mut browser = Browser { rig: &rig, cookie: String::new() };
    for (user, password) in
        [("svc.wso", seed::find_user("svc.wso").unwrap().password), ("svc.citrix", "wrong"), ("nobody", "wrong")]
    {
        let reply = browser
            .submit("/login.do", &[("user_name", user), ("user_password", password), ("sys_action", "sysverb_login")])
            .await;
        assert_eq!(reply.status, 200);
        assert!(reply.text.contains("User name or password invalid"));
    }
}
