//! The client of Citrix Cloud against a scripted transport.

mod sources;

use std::sync::Mutex;

use chrono::TimeDelta;

use super::*;
use crate::{
    error::Retry,
    model::{EntitlementGroup, Site},
    secret::Secret,
    transport::{
        SendFailure,
        fake::{Fake, start},
    },
};

const SECRET: &str = "hunter2+/=&secret";
const STATES: &str = r#"{"items":[
    {"serviceName":"xendesktop","state":"Production","type":"Production","quantity":250,"daysToExpiration":411,"futureEntitlementStartDate":null},
    {"serviceName":"itsm","state":"ProductionTrial","type":"ProductionTrial","quantity":null,"daysToExpiration":38}]}"#;
const SITES: &str = r#"{"Items":[{"Id":"22de-1","Name":"cloudxdsite"}],"ContinuationToken":null}"#;
const PREMIUM: &str =
    r#"{"Id":"22de-1","Name":"cloudxdsite","OrchestationApiVersion":"1.0","ProductEdition":"Premium"}"#;
const MOVED: &str = r#"{"type":"https://errors-api.cloud.com/common/Redirect","detail":"Regional customer must use their designated regional endpoint",
    "parameters":[{"name":"customerDataRegion","value":"eu"},{"name":"currentAPIMRegion","value":"us"}]}"#;

fn client(fake: &Fake) -> CitrixCloud {
    CitrixCloud::new(fake.wire(&Config::default()), &Config::default(), fake.chance()).unwrap()
}

fn customer() -> CustomerId {
    CustomerId::parse("a1b2c3d4e5f6").unwrap()
}

fn token() -> Secret {
    Secret::from("hunter2-token")
}

fn sign_in(fake: &Fake, environment: Environment) -> Result<token::AccessToken> {
    let secret = Secret::from(SECRET);
    fake.run(client(fake).token(&customer(), environment, "client id+1", &secret))
}

fn states(fake: &Fake) -> Result<Vec<crate::model::ServiceEntitlement>> {
    fake.run(client(fake).service_states(&token(), &customer(), Environment::Us))
}

fn sites(fake: &Fake, progress: &Mutex<Vec<String>>) -> Result<Vec<Site>> {
    let tell = |text: &str| progress.lock().unwrap().push(text.to_owned());
    fake.run(client(fake).sites(&token(), &customer(), Environment::Us, &tell))
}

fn urls(fake: &Fake) -> Vec<String> {
    fake.sent().iter().map(|(_, request)| format!("{} {}", request.method, request.url)).collect()
}

#[test]
fn the_token_is_asked_for_in_the_exact_form() {
    let fake = Fake::new();
    fake.json(200, "\r\n  {\"token_type\":\"bearer\",\r\n \"access_token\":\"eyJ.a-b_c\",\"expires_in\":\"3600\"}");
    let token = sign_in(&fake, Environment::Eu).unwrap();
    assert_eq!(token.secret.expose(), "eyJ.a-b_c");
    assert_eq!(token.expires_at, start() + TimeDelta::seconds(3600));
    let (_, request) = &fake.sent()[0];
    assert_eq!(urls(&fake), ["POST https://api-eu.cloud.com/cctrustoauth2/a1b2c3d4e5f6/tokens/clients"]);
    assert_eq!(request.headers[header::CONTENT_TYPE], "application/x-www-form-urlencoded");
    assert_eq!(request.headers[header::ACCEPT], "application/json");
    assert!(!request.headers.contains_key(header::AUTHORIZATION));
    assert_eq!(
        request.body,
        "grant_type=client_credentials&client_id=client+id%2B1&client_secret=hunter2%2B%2F%3D%26secret"
    );
}

#[test]
fn the_life_of_a_token_is_read_in_every_spelling() {
    for (body, seconds) in [
        (r#"{"access_token":"x","token_type":"bearer","expires_in":"3600"}"#, 3600),
        (r#"{"access_token":"x","token_type":"Bearer","expires_in":1800}"#, 1800),
        (r#"{"access_token":"x","token_type":"bearer"}"#, 3600),
        (r#"{"access_token":"x","expires_in":null}"#, 3600),
        (r#"{"access_token":"x","expires_in":"99999999999"}"#, 86_400),
        (r#"{"access_token":"x","expires_in":18446744073709551615}"#, 86_400),
        (r#"{"access_token":"x","expires_in":0}"#, 0),
    ] {
        let fake = Fake::new();
        fake.json(200, body);
        assert_eq!(
            sign_in(&fake, Environment::Us).unwrap().expires_at,
            start() + TimeDelta::seconds(seconds),
            "{body}"
        );
    }
}

#[test]
fn the_older_form_is_json_both_ways() {
    for (body, seconds) in [
        (r#"{"principal":"ops@example.org","subject":"1","token":"eyJ","openIdToken":"eyJ","expiresIn":3600}"#, 3600),
        (r#"{"Token":"eyJ","Principal":"p","UserId":"u","CustomerId":"c","ExpiresAt":1800001200}"#, 1200),
        (r#"{"Token":"eyJ","ExpiresAt":"1800001200"}"#, 1200),
        (r#"{"Token":"eyJ","ExpiresAt":"2027-01-15T08:20:00Z"}"#, 1200),
        (r#"{"token":"eyJ"}"#, 3600),
        (r#"{"Token":"eyJ","ExpiresAt":99999999999}"#, 86_400),
    ] {
        let fake = Fake::new();
        fake.json(200, body);
        let token = sign_in(&fake, Environment::UsGovernment).unwrap();
        assert_eq!(token.expires_at, start() + TimeDelta::seconds(seconds), "{body}");
        assert_eq!(token.secret.expose(), "eyJ");
        let (_, request) = &fake.sent()[0];
        assert_eq!(urls(&fake), ["POST https://trust.citrixworkspacesapi.us/a1b2c3d4e5f6/tokens/clients"]);
        assert_eq!(request.headers[header::CONTENT_TYPE], "application/json");
        let sent: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(sent, serde_json::json!({"clientId": "client id+1", "clientSecret": SECRET}));
    }
}

#[test]
fn a_refused_secure_client_is_asked_once_and_named() {
    for (status, body) in [
        (400, r#"{"error":"invalid_client","error_description":"Invalid client id or client secret."}"#),
        (401, r#"{"error":"invalid_client"}"#),
        (200, r#"{"error":"invalid_client","error_description":"x"}"#),
    ] {
        let fake = Fake::new();
        fake.json(status, body);
        let error = sign_in(&fake, Environment::Us).unwrap_err();
        assert_eq!((error.kind(), error.retry_advice()), (ErrorKind::Unauthorized, Retry::Never), "{error:?}");
        assert!(error.info().remedy.contains("secure client"));
        assert_eq!(error.info().operation, "citrix.token");
        assert!(error.transaction_id().is_some());
        assert_eq!(fake.sent().len(), 1);
    }
}

#[test]
fn the_token_call_is_never_repeated_by_itself_but_may_be_by_the_caller() {
    for failure in [SendFailure::NotConnected, SendFailure::Interrupted, SendFailure::TimedOut] {
        let fake = Fake::new();
        fake.fail(failure);
        let error = sign_in(&fake, Environment::Us).unwrap_err();
        assert_eq!(error.retry_advice(), Retry::Now, "{error:?}");
        assert_eq!(fake.sent().len(), 1);
    }
    let fake = Fake::new();
    fake.answer(429, &[("retry-after", "12")], "");
    assert_eq!(sign_in(&fake, Environment::Us).unwrap_err().retry_advice(), Retry::After(Duration::from_secs(12)));
}

#[test]
fn an_answer_without_a_usable_token_is_no_token_and_is_not_shown() {
    for body in [
        r#"{"access_token":"","token_type":"bearer"}"#,
        r#"{"access_token":"hunter2\r\nX-Evil: 1","token_type":"bearer"}"#,
        r#"{"access_token":"hunter2 b","token_type":"bearer"}"#,
        r#"{"access_token":"hunter2","token_type":"mac","expires_in":"soon"}"#,
        r#"{"access_token":["hunter2"]}"#,
        r#"{"hunter2"#,
        "{}",
        "[]",
    ] {
        let fake = Fake::new();
        fake.json(200, body);
        let error = sign_in(&fake, Environment::Us).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body} {error:?}");
        assert!(!format!("{error} {error:?} {:?}", error.info()).contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_redirect_of_the_token_call_is_not_followed_and_names_the_region() {
    let fake = Fake::new();
    fake.answer(307, &[("content-type", "application/json"), ("location", "https://api-eu.cloud.com/x")], MOVED);
    let error = sign_in(&fake, Environment::Us).unwrap_err();
    assert_eq!((error.kind(), error.context("region")), (ErrorKind::InvalidInput, Some("eu")));
    assert_eq!(fake.sent().len(), 1);
}

#[test]
fn a_call_with_a_token_carries_the_headers_of_citrix() {
    let fake = Fake::new();
    fake.json(200, STATES).json(200, STATES);
    let found = states(&fake).unwrap();
    assert_eq!(found[1].group, EntitlementGroup::Provisioned);
    assert_eq!((found[0].quantity, found[0].days_to_expiration, found[1].quantity), (Some(250), Some(411), None));
    states(&fake).unwrap();
    let sent = fake.sent();
    let headers = &sent[0].1.headers;
    assert_eq!(headers[header::AUTHORIZATION], "CwsAuth Bearer=hunter2-token");
    assert!(headers[header::AUTHORIZATION].is_sensitive());
    assert_eq!(headers[header::ACCEPT], "application/json");
    assert_eq!(headers[&CUSTOMER_ID], "a1b2c3d4e5f6");
    assert!(uuid::Uuid::parse_str(headers[&TRANSACTION_ID].to_str().unwrap()).is_ok());
    assert_ne!(headers[&TRANSACTION_ID], sent[1].1.headers[&TRANSACTION_ID]);
    assert!(!format!("{:?} {:?}", sent[0].1, token()).contains("hunter2"));
    assert_eq!(urls(&fake)[0], "GET https://core.citrixworkspacesapi.net/a1b2c3d4e5f6/serviceStates");
}

#[test]
fn a_rejected_token_is_told_apart_so_that_it_can_be_renewed() {
    let fake = Fake::new();
    fake.answer(
        401,
        &[("content-type", "application/json"), ("x-cws-transactionid", "theirs-1")],
        r#"{"Error":{"Message":"Expired.","Type":"CWSAuthException"}}"#,
    );
    let error = states(&fake).unwrap_err();
    assert_eq!((error.kind(), error.context("token")), (ErrorKind::Unauthorized, Some("rejected")));
    assert_eq!(error.transaction_id(), Some("theirs-1"));
    assert_eq!(fake.sent().len(), 1);
}

#[test]
fn a_redirect_to_another_region_changes_the_host_and_nothing_else() {
    let fake = Fake::new();
    fake.answer(307, &[("location", "https://api-eu.cloud.com/internal/r/x?y=1")], MOVED).json(200, STATES);
    assert_eq!(states(&fake).unwrap().len(), 2);
    assert_eq!(
        urls(&fake),
        [
            "GET https://core.citrixworkspacesapi.net/a1b2c3d4e5f6/serviceStates",
            "GET https://api-eu.cloud.com/a1b2c3d4e5f6/serviceStates",
        ]
    );
}

#[test]
fn a_redirect_to_a_foreign_host_gets_nothing_and_one_that_repeats_ends() {
    for (location, requests) in [("https://api-eu.cloud.com.evil.example/x", 1), ("https://api-eu.cloud.com/x", 2)] {
        let fake = Fake::new();
        for _ in 0..requests {
            fake.answer(307, &[("location", location)], MOVED);
        }
        let error = states(&fake).unwrap_err();
        assert_eq!((error.kind(), error.context("region")), (ErrorKind::Protocol, Some("eu")));
        assert_eq!(error.info().remedy, "Set the account's environment to eu.");
        assert_eq!(fake.sent().len(), requests);
    }
}

#[test]
fn a_throttled_read_waits_as_long_as_either_form_asks() {
    let e1 = r#"{"type":"https://errors-api.cloud.com/common/rateLimitExceeded","detail":"x","parameters":[{"name":"retryDelay","value":"9"}]}"#;
    let e5 = r#"{"statusCode":429,"message":"Rate limit is exceeded. Try again in 3 seconds."}"#;
    for (headers, body, least) in [(&[][..], e1, 9), (&[("retry-after", "5")][..], e5, 5), (&[], e5, 3)] {
        let fake = Fake::new();
        fake.answer(429, headers, body).json(200, STATES);
        states(&fake).unwrap();
        let waited = fake.sent()[1].0;
        assert!(waited >= Duration::from_secs(least) && waited < Duration::from_secs(least + 1), "{waited:?}");
    }
}

#[test]
fn a_page_deep_json_and_a_foreign_shape_are_no_answer() {
    for body in ["<html>hunter2</html>".to_owned(), "[".repeat(100_000), r#"{"error":"hunter2"}"#.to_owned()] {
        let fake = Fake::new();
        let attempts = if body.starts_with('<') { 4 } else { 1 };
        for _ in 0..attempts {
            fake.json(200, &body);
        }
        let error = states(&fake).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        assert_eq!(fake.sent().len(), attempts);
    }
}

#[test]
fn sites_are_read_page_by_page_with_their_editions() {
    let fake = Fake::new();
    fake.json(200, r#"{"Items":[{"Id":"1","Name":"cloudxdsite"}],"ContinuationToken":"a b&c"}"#);
    fake.json(200, r#"{"Items":[{"Id":"2/../3","Name":null}],"ContinuationToken":null}"#);
    fake.json(200, PREMIUM).json(200, r#"{"Id":"2","Name":"x","ProductEdition":null}"#);
    let progress = Mutex::default();
    let found = sites(&fake, &progress).unwrap();
    assert_eq!((found[0].name.as_str(), found[0].edition.as_deref()), ("cloudxdsite", Some("Premium")));
    assert_eq!((found[1].name.as_str(), found[1].edition.as_deref()), ("2/../3", None));
    assert_eq!(
        urls(&fake),
        [
            "GET https://api-us.cloud.com/cvad/manage/Sites",
            "GET https://api-us.cloud.com/cvad/manage/Sites?continuationToken=a+b%26c",
            "GET https://api-us.cloud.com/cvad/manage/Sites/1",
            "GET https://api-us.cloud.com/cvad/manage/Sites/2%2F..%2F3",
        ]
    );
    assert!(progress.into_inner().unwrap().is_empty());
}

#[test]
fn a_list_of_sites_that_never_ends_is_given_up() {
    let fake = Fake::new();
    for _ in 0..100 {
        fake.json(200, r#"{"Items":[],"ContinuationToken":"again"}"#);
    }
    assert_eq!(sites(&fake, &Mutex::default()).unwrap_err().kind(), ErrorKind::Protocol);
}

#[test]
fn a_sleeping_site_is_woken_with_progress() {
    let fake = Fake::new();
    fake.json(530, "{}").answer(202, &[], "").json(530, "{}").answer(503, &[("content-type", "text/html")], "<html>");
    fake.json(200, "{}").json(200, SITES).json(200, PREMIUM);
    let progress = Mutex::default();
    assert_eq!(sites(&fake, &progress).unwrap().len(), 1);
    let seconds: Vec<_> = fake.sent().iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(seconds, [0, 0, 30, 60, 90, 90, 90]);
    assert_eq!(
        urls(&fake)[1],
        "POST https://api-us.cloud.com/resourceprovider/a1b2c3d4e5f6/site/activation?customerId=a1b2c3d4e5f6"
    );
    assert_eq!(
        progress.into_inner().unwrap(),
        [
            "The site is asleep; waking it up.",
            "The site is still asleep after 30 s.",
            "The site is still asleep after 60 s.",
            "The site is awake after 90 s.",
        ]
    );
}

#[test]
fn a_site_that_does_not_wake_is_given_up_after_the_time_allowed() {
    let fake = Fake::new();
    fake.json(530, "{}").answer(200, &[], "");
    for _ in 0..40 {
        fake.json(530, "{}");
    }
    let error = sites(&fake, &Mutex::default()).unwrap_err();
    assert_eq!((error.kind(), error.context("site")), (ErrorKind::Unavailable, Some("frozen")));
    assert_eq!(error.retry_advice(), Retry::After(Duration::from_secs(30)));
    assert_eq!(fake.sent().last().unwrap().0.as_secs(), 20 * 60);
}

#[test]
fn waking_ends_at_once_when_the_token_is_rejected() {
    let fake = Fake::new();
    fake.json(530, "{}").answer(202, &[], "").json(401, "{}");
    let error = sites(&fake, &Mutex::default()).unwrap_err();
    assert_eq!((error.kind(), error.context("token")), (ErrorKind::Unauthorized, Some("rejected")));
}

#[test]
fn the_entitlement_joins_services_and_sites() {
    let fake = Fake::new();
    fake.json(200, STATES).json(200, SITES).json(200, PREMIUM);
    let (entitlement, found) =
        fake.run(client(&fake).entitlement(&token(), &customer(), Environment::Us, &|_| ())).unwrap();
    assert!(entitlement.can_manage, "{}", entitlement.reason);
    assert_eq!((entitlement.edition.as_deref(), found.len()), (Some("Premium"), 1));
    assert_eq!((entitlement.services.len(), entitlement.checked_at), (2, start()));
}

#[test]
fn an_account_without_daas_is_not_asked_for_sites() {
    let fake = Fake::new();
    fake.json(
        200,
        r#"{"items":[{"serviceName":"itsm","state":"Production"},{"serviceName":"xendesktop","state":"Expired"}]}"#,
    );
    let (entitlement, found) =
        fake.run(client(&fake).entitlement(&token(), &customer(), Environment::Us, &|_| ())).unwrap();
    assert!(!entitlement.can_manage && found.is_empty());
    assert_eq!(fake.sent().len(), 1);
}

#[test]
fn one_customer_has_one_limit_whatever_is_asked() {
    let fake = Fake::new();
    let citrix = client(&fake);
    fake.answer(429, &[("retry-after", "600")], "");
    fake.run(citrix.service_states(&token(), &customer(), Environment::Us)).unwrap_err();
    let error = fake.run(citrix.sites(&token(), &customer(), Environment::Us, &|_| ())).unwrap_err();
    assert_eq!((error.kind(), error.info().attempts), (ErrorKind::Throttled, 0));
    fake.json(200, STATES);
    let other = CustomerId::parse("other").unwrap();
    assert!(fake.run(citrix.service_states(&token(), &other, Environment::Us)).is_ok());
}
