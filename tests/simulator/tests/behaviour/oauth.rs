//! `oauth_token.do` and what comes after it.

use std::time::Duration;

use itsm_simulator::{TokenKind, seed};
use serde_json::json;

use crate::support::{Rig, send};

const REFUSED: &str = r#"{"error_description":"access_denied","error":"server_error"}"#;

/// The last true cause in the system log.
fn cause(rig: &Rig) -> String {
    let mut entries = rig.sim.syslog("dev1");
    entries.sort_by(|one, other| one["sys_created_on"].cmp(&other["sys_created_on"]));
    entries.iter().map(|entry| entry["message"].clone()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_password_grant_gives_both_tokens() {
    let rig = Rig::start().await;
    let body = rig.grant("svc.citrix").await;
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["scope"], "useraccount");
    assert_eq!(body["expires_in"], 1799, "the remaining seconds, as a number");
    assert_eq!(body["access_token"].as_str().unwrap().len(), 86);
    assert_eq!(body["refresh_token"].as_str().unwrap().len(), 86);
    let me = send(rig.get("/api/now/ui/user/current_user", body["access_token"].as_str().unwrap())).await.json();
    assert_eq!(me["result"]["user_name"], "svc.citrix");
}

#[tokio::test]
async fn every_refusal_reads_the_same_and_the_log_knows_why() {
    let rig = Rig::start().await;
    let password = |user: &str| seed::find_user(user).unwrap().password;
    let client = &seed::oauth_clients("dev1")[0];
    let url = format!("{}/oauth_token.do", rig.dev1);
    let form = |id: &str, secret: &str, grant: &str| {
        vec![
            ("grant_type".to_owned(), grant.to_owned()),
            ("client_id".to_owned(), id.to_owned()),
            ("client_secret".to_owned(), secret.to_owned()),
            ("username".to_owned(), "svc.citrix".to_owned()),
            ("password".to_owned(), password("svc.citrix").to_owned()),
        ]
    };
    let good = form(&client.client_id, &client.client_secret, "password");
    let query = good
        .iter()
        .map(|(key, value)| format!("{key}={}", value.replace(['&', '%', '+'], "x")))
        .collect::<Vec<_>>()
        .join("&");
    for (request, expected) in [
        (rig.password_call("svc.citrix", "wrong"), "user_password"),
        (rig.password_call("nobody", "wrong"), "user unknown"),
        (rig.password_call("svc.locked", password("svc.locked")), "user locked out"),
        (rig.password_call("svc.inactive", password("svc.inactive")), "user inactive"),
        (rig.password_call("svc.reset", password("svc.reset")), "password needs reset"),
        (rig.password_call("svc.wso", password("svc.wso")), "web service access only"),
        (rig.http.post(&url).form(&form(&client.client_id, "wrong", "password")), "client_secret"),
        (rig.http.post(&url).form(&form("0123", "wrong", "password")), "unknown client_id"),
        (
            rig.http.post(&url).form(&form(&client.client_id, &client.client_secret, "client_credentials")),
            "not enabled",
        ),
        (rig.http.post(&url).form(&form(&client.client_id, &client.client_secret, "magic")), "unsupported grant type"),
        (rig.refresh_call("unknown"), "refresh token unknown"),
        (rig.http.post(format!("{url}?{query}")).form(&[("a", "b")]), "parameters in the URL"),
    ] {
        let reply = send(request).await;
        assert_eq!((reply.status, reply.text.as_str()), (401, REFUSED), "{expected}");
        assert!(cause(&rig).contains(expected), "{expected} not in {}", cause(&rig));
    }
    rig.sim.patch_instance("dev1", &json!({"ropc_disabled": true})).unwrap();
    assert_eq!(send(rig.http.post(&url).form(&good)).await.text, REFUSED);
    assert!(cause(&rig).contains("disabled"));
    let as_json = send(rig.http.post(&url).json(&json!({"grant_type": "password"}))).await;
    assert!(as_json.text.contains("unspecified error"));
}

#[tokio::test]
async fn five_wrong_passwords_lock_the_user() {
    let rig = Rig::start().await;
    for _ in 0..5 {
        assert_eq!(send(rig.password_call("svc.second", "wrong")).await.status, 401);
    }
    let right = seed::find_user("svc.second").unwrap().password;
    assert_eq!(send(rig.password_call("svc.second", right)).await.status, 401);
    let row = rig.sim.records("dev1", "sys_user").into_iter().find(|row| row["user_name"] == "svc.second").unwrap();
    assert_eq!((row["locked_out"].as_str(), row["failed_attempts"].as_str()), ("true", "5"));
    rig.sim.patch_user("dev1", "svc.second", &json!({"locked_out": false, "failed_attempts": 0})).unwrap();
    assert_eq!(send(rig.password_call("svc.second", right)).await.status, 200);
}

#[tokio::test]
async fn a_repeated_grant_gives_the_same_token_and_a_refresh_the_same_refresh_token() {
    let rig = Rig::start().await;
    let first = rig.grant("svc.citrix").await;
    rig.sim.advance(Duration::from_secs(600));
    let second = rig.grant("svc.citrix").await;
    assert_eq!(first["access_token"], second["access_token"]);
    assert_eq!(second["expires_in"], 1799);
    rig.sim.patch_instance("dev1", &json!({"regrant_resets_expiry": false})).unwrap();
    rig.sim.advance(Duration::from_secs(600));
    let third = rig.grant("svc.citrix").await["expires_in"].as_i64().unwrap();
    assert!((1195..1200).contains(&third), "{third} is what remains");
    rig.sim.advance(Duration::from_secs(1300));
    let refreshed = send(rig.refresh_call(first["refresh_token"].as_str().unwrap())).await.json();
    assert_ne!(refreshed["access_token"], first["access_token"]);
    assert_eq!(refreshed["refresh_token"], first["refresh_token"]);
}

#[tokio::test]
async fn refreshing_does_not_move_the_wall() {
    let rig = Rig::start().await;
    let grant = rig.grant("svc.citrix").await;
    let refresh = grant["refresh_token"].as_str().unwrap();
    for _ in 0..9 {
        rig.sim.advance(Duration::from_secs(10 * 86_400));
        assert_eq!(send(rig.refresh_call(refresh)).await.status, 200);
    }
    rig.sim.advance(Duration::from_secs(10 * 86_400 + 60));
    assert_eq!(send(rig.refresh_call(refresh)).await.status, 401);
    assert!(cause(&rig).contains("refresh token expired"));
}

#[tokio::test]
async fn with_rotation_an_old_refresh_token_ends_the_grant() {
    let rig = Rig::start().await;
    rig.sim.patch_instance("dev1", &json!({"rotate_refresh_tokens": true})).unwrap();
    let grant = rig.grant("svc.citrix").await;
    let old = grant["refresh_token"].as_str().unwrap();
    let new = send(rig.refresh_call(old)).await.json();
    assert_ne!(new["refresh_token"], grant["refresh_token"]);
    assert_eq!(send(rig.refresh_call(old)).await.status, 401);
    assert_eq!(send(rig.refresh_call(new["refresh_token"].as_str().unwrap())).await.status, 401);
    assert_eq!(send(rig.get("/api/now/table/incident", new["access_token"].as_str().unwrap())).await.status, 401);
}

#[tokio::test]
async fn anybody_who_holds_a_token_can_revoke_it() {
    let rig = Rig::start().await;
    let grant = rig.grant("svc.citrix").await;
    let (access, refresh) = (grant["access_token"].as_str().unwrap(), grant["refresh_token"].as_str().unwrap());
    assert_eq!(send(rig.http.get(format!("{}/oauth_revoke_token.do?token={access}", rig.dev1))).await.status, 200);
    assert_eq!(send(rig.get("/api/now/table/incident", access)).await.status, 401);
    assert_eq!(
        send(rig.http.post(format!("{}/oauth_revoke_token.do", rig.dev1)).form(&[("token", refresh)])).await.status,
        200
    );
    assert_eq!(send(rig.refresh_call(refresh)).await.status, 401);
    assert_eq!(send(rig.http.get(format!("{}/oauth_revoke.do?token={access}", rig.dev1))).await.status, 404);
    assert!(!rig.sim.requests().iter().any(|entry| entry.query.contains(access)), "the log holds no token");
}

#[tokio::test]
async fn an_administrator_revokes_by_deleting_the_credential() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let admin = rig.token("admin").await;
    let query = "/api/now/table/oauth_credential?sysparm_query=type=access_token^user.user_name=svc.citrix";
    assert_eq!(send(rig.get(query, &token)).await.json()["result"], json!([]), "hidden from the user");
    let listed = send(rig.get(query, &admin)).await;
    assert!(!listed.text.contains(&token));
    let id = listed.json()["result"][0]["sys_id"].as_str().unwrap().to_owned();
    let url = format!("{}/api/now/table/oauth_credential/{id}", rig.dev1);
    assert_eq!(send(rig.http.delete(url).bearer_auth(&admin)).await.status, 204);
    assert_eq!(send(rig.get("/api/now/table/incident", &token)).await.status, 401);
}

#[tokio::test]
async fn what_happens_to_the_user_happens_to_the_token() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let call = || rig.get("/api/now/table/incident?sysparm_limit=1", &token);
    for change in [json!({"active": false}), json!({"locked_out": true}), json!({"password_needs_reset": true})] {
        rig.sim.patch_user("dev1", "svc.citrix", &change).unwrap();
        assert_eq!(send(call()).await.status, 401, "{change}");
        rig.sim
            .patch_user(
                "dev1",
                "svc.citrix",
                &json!({"active": true, "locked_out": false, "password_needs_reset": false}),
            )
            .unwrap();
        assert_eq!(send(call()).await.status, 200);
    }
    let client = seed::oauth_clients("dev1")[0].client_id.clone();
    rig.sim.patch_oauth_client("dev1", &client, &json!({"active": false})).unwrap();
    assert_eq!(send(call()).await.status, 401);
    rig.sim.patch_oauth_client("dev1", &client, &json!({"active": true})).unwrap();
    assert_eq!(rig.sim.expire_tokens("dev1", TokenKind::Access, Some("svc.citrix")), 1);
    let refused = send(call()).await;
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").starts_with("BASIC"));
    assert_eq!(refused.json()["error"]["detail"], "Required to provide Auth information");
}

#[tokio::test]
async fn a_securely_scoped_client_meets_403() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let client = seed::oauth_clients("dev1")[0].client_id.clone();
    rig.sim.patch_oauth_client("dev1", &client, &json!({"scope_restriction_status": "securely_scoped"})).unwrap();
    let reply = send(rig.get("/api/now/table/incident", &token)).await;
    assert_eq!((reply.status, reply.header("x-is-logged-in")), (403, "true"));
    assert_eq!(reply.json()["error"]["detail"], "Access to unscoped api is not allowed");
    rig.sim.patch_oauth_client("dev1", &client, &json!({"scope_restriction_status": "useraccount"})).unwrap();
    assert_eq!(send(rig.get("/api/now/table/incident", &token)).await.status, 200);
}

#[tokio::test]
async fn client_credentials_need_the_property_and_the_user() {
    let rig = Rig::start().await;
    let client = &seed::oauth_clients("dev1")[1];
    let call = || {
        rig.http.post(format!("{}/oauth_token.do", rig.dev1)).form(&[
            ("grant_type", "client_credentials"),
            ("client_id", &client.client_id),
            ("client_secret", &client.client_secret),
        ])
    };
    assert_eq!(send(call()).await.status, 401);
    rig.sim.patch_instance("dev1", &json!({"client_credentials_enabled": true})).unwrap();
    assert_eq!(send(call()).await.status, 401);
    let user = seed::find_user("svc.citrix").unwrap().sys_id("dev1");
    rig.sim.patch_oauth_client("dev1", &client.client_id, &json!({"user": user})).unwrap();
    let reply = send(call()).await;
    assert_eq!(reply.status, 200);
    assert!(reply.json().get("refresh_token").is_none());
}

#[tokio::test]
async fn the_mfa_profile_refuses_token_calls_with_api_cookies() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let reply = send(rig.get("/api/now/table/incident?sysparm_limit=1", &token)).await;
    let cookie = reply
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned())
        .collect::<Vec<_>>()
        .join("; ");
    assert!(
        cookie.contains("JSESSIONID=")
            && cookie.contains("glide_user_route=glide.")
            && cookie.contains("BIGipServerpool_dev1")
    );
    let password = seed::find_user("svc.citrix").unwrap().password;
    assert_eq!(send(rig.password_call("svc.citrix", password).header("cookie", &cookie)).await.status, 200);
    rig.sim.patch_instance("dev1", &json!({"token_refuses_session_cookies": true})).unwrap();
    assert_eq!(send(rig.password_call("svc.citrix", password).header("cookie", &cookie)).await.status, 401);
}

#[tokio::test]
async fn basic_is_for_services_only_on_a_new_instance() {
    let rig = Rig::start().await;
    let call = |user: &str| {
        rig.http
            .get(format!("{}/api/now/ui/user/current_user", rig.dev1))
            .basic_auth(user, Some(seed::find_user(user).unwrap().password))
    };
    for (user, status) in [("svc.citrix", 401), ("admin", 401), ("svc.wso", 200)] {
        assert_eq!(send(call(user)).await.status, status, "{user}");
    }
    rig.sim.patch_instance("dev1", &json!({"basic_auth_restricted": false})).unwrap();
    assert_eq!(send(call("svc.citrix")).await.status, 200);
}
