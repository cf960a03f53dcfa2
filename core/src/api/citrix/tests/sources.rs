//! Where alerts come from: the exact form of each call, and what its answers may look like.

use chrono::{DateTime, Utc};

use super::*;
use crate::transport::Outcome;

const PAGE: &str = r#"{"@odata.context":"x","value":[{"Id":"1","ModifiedDate":"2026-02-11T08:14:03Z"}],
    "@odata.nextLink":"https://api.cloud.com/monitorodata/Notifications?$skip=100"}"#;

fn since() -> DateTime<Utc> {
    "2026-02-11T08:00:00.0668796Z".parse().unwrap()
}

#[test]
fn monitor_is_asked_for_what_changed_and_its_link_is_followed_on_the_same_host() {
    let fake = Fake::new();
    fake.json(200, PAGE);
    let citrix = client(&fake);
    let page = fake.run(citrix.monitor_alerts(&token(), &customer(), Environment::Eu, since())).unwrap();
    assert_eq!(page.value.len(), 1);
    fake.json(200, r#"{"value":[]}"#);
    let next = page.next.unwrap();
    let last = fake.run(citrix.monitor_next(&token(), &customer(), Environment::Eu, next)).unwrap();
    assert!(last.value.is_empty() && last.next.is_none());
    assert_eq!(
        urls(&fake),
        [
            "GET https://api-eu.cloud.com/monitorodata/Notifications?%24filter=ModifiedDate+ge+2026-02-11T08%3A00%3A00.066879600Z\
             &%24orderby=ModifiedDate&%24expand=NotificationRule%2CNotificationTarget",
            "GET https://api-eu.cloud.com/monitorodata/Notifications?$skip=100",
        ]
    );
    for (_, request) in fake.sent() {
        assert_eq!(request.headers[header::ACCEPT], "application/json");
        assert_eq!(request.headers["citrix-customerid"], "a1b2c3d4e5f6");
        assert_eq!(request.headers[header::AUTHORIZATION], "CwsAuth Bearer=hunter2-token");
    }
}

#[test]
fn a_link_out_of_the_list_and_a_frozen_site_are_errors() {
    for (status, body, kind) in [
        (200, r#"{"value":[],"@odata.nextLink":"https://api.cloud.com/other?$skip=1"}"#, ErrorKind::Protocol),
        (200, r#"{"value":{}}"#, ErrorKind::Protocol),
        (530, "{}", ErrorKind::Unavailable),
    ] {
        let fake = Fake::new();
        fake.json(status, body);
        let asked = fake.run(client(&fake).monitor_alerts(&token(), &customer(), Environment::Us, since()));
        assert_eq!(asked.unwrap_err().kind(), kind, "{status} {body}");
        assert_eq!(fake.sent().len(), 1);
    }
}

#[test]
fn a_list_of_policies_that_never_ends_is_given_up() {
    let fake = Fake::new();
    for page in 0..MAX_PAGES {
        fake.json(
            200,
            &format!(
                r#"{{"value":[{{"Id":{page},"Name":"p"}}],"@odata.nextLink":"NotificationRuleGroups?$skip={page}"}}"#
            ),
        );
    }
    let asked = fake.run(client(&fake).monitor_policies(&token(), &customer(), Environment::Us));
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::Protocol);
    assert_eq!(fake.sent().len(), MAX_PAGES);
}

#[test]
fn notifications_are_listed_with_the_token_of_the_page_before() {
    let fake = Fake::new();
    fake.json(200, r#"{"items":[{"title":"x"}],"continuationToken":"a b&c"}"#).json(200, r#"{"items":[]}"#);
    let citrix = client(&fake);
    let page = fake.run(citrix.notifications(&token(), &customer(), Environment::Us, None)).unwrap();
    let after = page.continuation_token;
    let last = fake.run(citrix.notifications(&token(), &customer(), Environment::Us, after.as_deref())).unwrap();
    assert!(last.items.is_empty() && last.continuation_token.is_none());
    assert_eq!(
        urls(&fake),
        [
            "GET https://notifications.citrixworkspacesapi.net/a1b2c3d4e5f6/notifications",
            "GET https://notifications.citrixworkspacesapi.net/a1b2c3d4e5f6/notifications?continuationToken=a+b%26c",
        ]
    );
}

fn subscribe(fake: &Fake) -> Result<Subscription, (Error, Outcome)> {
    let subscription = NewSubscription {
        customer_id: "a1b2c3d4e5f6",
        description: "bridge",
        url: "https://bridge.example.org/citrix",
        auth_headers: Some("Basic hunter2"),
        change_type: "*",
        event_type: "Notifications",
    };
    fake.run(client(fake).subscribe(&token(), &customer(), Environment::Us, &subscription))
}

#[test]
fn a_subscription_is_made_in_the_published_form_and_its_secret_is_not_read_back() {
    let fake = Fake::new();
    fake.json(200, r#"{"id":"1","url":"https://bridge.example.org/citrix","authHeaders":"Basic hunter2","eTag":"W/"}"#);
    let made = subscribe(&fake).unwrap();
    assert!(made.id == "1" && !format!("{made:?}").contains("hunter2"));
    let (_, request) = &fake.sent()[0];
    assert_eq!(urls(&fake), ["POST https://webhooks.citrixworkspacesapi.net/a1b2c3d4e5f6/subscriptions"]);
    assert_eq!(request.headers[header::CONTENT_TYPE], "application/json");
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let published = serde_json::json!({
        "customerId": "a1b2c3d4e5f6", "description": "bridge", "url": "https://bridge.example.org/citrix",
        "authHeaders": "Basic hunter2", "changeType": "*", "eventType": "Notifications"
    });
    assert_eq!(body, published);
}

#[test]
fn a_subscription_that_may_have_been_made_is_not_made_again() {
    for (status, body, outcome, sent) in [
        (502, "<html>", Outcome::Unknown, 1),
        (200, "{}", Outcome::Unknown, 1),
        (403, r#"{"type":"x/authorization","detail":"no"}"#, Outcome::NotDone, 1),
    ] {
        let fake = Fake::new();
        fake.json(status, body);
        assert_eq!(subscribe(&fake).unwrap_err().1, outcome, "{status} {body}");
        assert_eq!(fake.sent().len(), sent);
    }
    let fake = Fake::new();
    fake.fail(SendFailure::Interrupted);
    assert_eq!(subscribe(&fake).unwrap_err().1, Outcome::Unknown);
    let fake = Fake::new();
    fake.fail(SendFailure::NotConnected).json(200, r#"{"id":"1","url":"x"}"#);
    assert!(subscribe(&fake).is_ok(), "what was certainly not made is made");
}

#[test]
fn subscriptions_are_listed_in_either_form_and_removed_by_any_success() {
    for body in [r#"{"items":[{"id":"1","url":"x"}]}"#, r#"[{"id":"1","url":"x"}]"#] {
        let fake = Fake::new();
        fake.json(200, body);
        let all = fake.run(client(&fake).subscriptions(&token(), &customer(), Environment::Us)).unwrap();
        assert_eq!(all.len(), 1, "{body}");
    }
    for (status, is_done) in [(200, true), (202, true), (204, true), (404, true), (403, false)] {
        let fake = Fake::new();
        fake.answer(status, &[], "");
        let removed = fake.run(client(&fake).unsubscribe(&token(), &customer(), Environment::Us, "a/b"));
        assert_eq!(removed.is_ok(), is_done, "{status}");
        assert_eq!(urls(&fake), ["DELETE https://webhooks.citrixworkspacesapi.net/a1b2c3d4e5f6/subscriptions/a%2Fb"]);
    }
}
