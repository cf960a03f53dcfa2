//! Token, entitlement and `DaaS`.

use itsm_simulator::{Fault, FaultKind, seed};
use serde_json::json;

use crate::support::{Rig, send};

#[tokio::test]
async fn a_token_call_answers_as_documented() {
    let rig = Rig::start().await;
    let reply =
        send(rig.citrix_token_call(seed::ACME.customer_id, &seed::ACME.client_id(), seed::ACME.client_secret)).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text.starts_with("\r\n"), "the documented raw body is indented");
    let body = reply.json();
    assert_eq!(body["expires_in"], "3600");
    assert_eq!(body["token_type"], "bearer");
    assert!(body["access_token"].as_str().unwrap().len() > 1000);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert!(!reply.header("x-cws-transactionid").is_empty());
    assert_eq!(reply.header("x-cc-localgeo"), "us");
    let by_root = send(rig.citrix_token_call("root", &seed::ACME.client_id(), seed::ACME.client_secret)).await;
    assert_eq!(by_root.status, 200);
}

#[tokio::test]
async fn a_token_call_refuses_what_the_real_one_refuses() {
    let rig = Rig::start().await;
    let url = format!("{}/cctrustoauth2/{}/tokens/clients", rig.citrix, seed::ACME.customer_id);
    let wrong = send(rig.citrix_token_call(seed::ACME.customer_id, &seed::ACME.client_id(), "wrong")).await;
    assert_eq!((wrong.status, wrong.json()["error"].clone()), (400, json!("invalid_client")));
    let form = "grant_type=client_credentials&client_id=a&client_secret=b";
    for media_type in ["application/x-www-form-urlencoded; charset=UTF-8", "application/json", "text/plain"] {
        let reply = send(
            rig.http.post(&url).header("accept", "application/json").header("content-type", media_type).body(form),
        )
        .await;
        assert_eq!(reply.status, 415, "{media_type}");
        assert!(reply.text.contains("application/x-www-form-urlencoded"));
    }
    let other =
        send(rig.citrix_token_call(seed::GLOBEX.customer_id, &seed::ACME.client_id(), seed::ACME.client_secret)).await;
    assert_eq!(other.status, 400);
    let gov = send(rig.citrix_token_call(seed::GOV.customer_id, &seed::GOV.client_id(), seed::GOV.client_secret)).await;
    assert_eq!(gov.status, 400, "gov has the legacy form only");
}

#[tokio::test]
async fn the_legacy_form_is_json_both_ways() {
    let rig = Rig::start().await;
    for (account, key, lifetime) in [(&seed::ACME, "token", "expiresIn"), (&seed::GOV, "Token", "ExpiresAt")] {
        let body = json!({"clientId": account.client_id(), "clientSecret": account.client_secret});
        let reply =
            send(rig.http.post(format!("{}/{}/tokens/clients", rig.citrix, account.customer_id)).json(&body)).await;
        assert_eq!(reply.status, 200);
        assert!(reply.json()[key].is_string() && reply.json()[lifetime].is_i64(), "{}", reply.text);
    }
}

#[tokio::test]
async fn only_the_cws_form_of_authorization_counts_and_only_for_its_customer() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::ACME).await;
    let url = format!("{}/{}/serviceStates", rig.citrix, seed::ACME.customer_id);
    for (header, status, word) in [
        (format!("CwsAuth Bearer={token}"), 200, "itsm"),
        (format!("CWSAuth bearer={token}"), 200, "itsm"),
        (format!("Bearer {token}"), 401, "CWSAuthException"),
        ("CwsAuth Bearer=nonsense".to_owned(), 401, "errors-api.cloud.com/common/authentication"),
    ] {
        let reply = send(rig.http.get(&url).header("authorization", header)).await;
        assert_eq!(reply.status, status);
        assert!(reply.text.contains(word), "{}", reply.text);
    }
    let missing = send(rig.http.get(&url)).await;
    assert_eq!((missing.status, missing.json()["Error"]["Type"].clone()), (401, json!("CWSAuthException")));
    let foreign = send(
        rig.http
            .get(format!("{}/globexcorp02/serviceStates", rig.citrix))
            .header("authorization", format!("CwsAuth Bearer={token}")),
    )
    .await;
    assert_eq!(foreign.status, 403);
    assert!(foreign.json()["type"].as_str().unwrap().ends_with("/authorization"));
}

#[tokio::test]
async fn a_token_ends_with_its_hour_and_with_its_client() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::ACME).await;
    let call = || rig.daas("/acmecorp0001/serviceStates", "acmecorp0001", &token);
    assert_eq!(send(call()).await.status, 200);
    rig.sim.advance(std::time::Duration::from_secs(3601));
    let expired = send(call()).await;
    assert_eq!(
        (expired.status, expired.json()["parameters"][0].clone()),
        (401, json!({"name": "reason", "value": "invalid"}))
    );
    let token = rig.citrix_token(&seed::ACME).await;
    rig.sim.patch_account("acmecorp0001", &json!({"client_active": false})).unwrap();
    assert_eq!(send(rig.daas("/acmecorp0001/serviceStates", "acmecorp0001", &token)).await.status, 401);
}

#[tokio::test]
async fn all_thirteen_states_can_be_shown() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::INITECH).await;
    for state in [
        "NotOnboarded",
        "Expired",
        "Default",
        "ProductionTrialDenied",
        "ProductionTrialPending",
        "ProductionTrialDeleted",
        "ProductionTrialApproved",
        "ProductionPending",
        "PartnerProductionPending",
        "NotOnboardedTrialPending",
        "ProductionTrial",
        "Production",
        "PartnerProduction",
    ] {
        rig.sim.patch_account("initechcorp3", &json!({"service_states": {"itsm": state}})).unwrap();
        let reply = send(rig.daas("/initechcorp3/serviceStates", "", &token)).await;
        let items = reply.json()["items"].clone();
        let item = items.as_array().unwrap().iter().find(|item| item["serviceName"] == "itsm").unwrap().clone();
        assert_eq!(item["state"], state);
        assert!(item.get("daysToExpiration").is_some() && item.get("type").is_some());
    }
}

#[tokio::test]
async fn daas_insists_on_its_headers() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::HOOLI).await;
    for path in ["/cvad/manage/me", "/cvadapis/me", "/cvad/manage/Me"] {
        let me = send(
            rig.daas(path, "hoolicorp005", &token)
                .header("citrix-transactionid", "0b2c7a1e-6f0d-4d0c-9f59-0f1f0c7a9f11"),
        )
        .await;
        assert_eq!(me.status, 200, "{path}");
        assert_eq!(me.json()["Customers"][0]["Sites"].as_array().unwrap().len(), 2);
        assert_eq!(me.header("citrix-transactionid"), "0b2c7a1e-6f0d-4d0c-9f59-0f1f0c7a9f11");
    }
    let url = format!("{}/cvad/manage/me", rig.citrix);
    let auth = format!("CwsAuth Bearer={token}");
    let no_customer =
        send(rig.http.get(&url).header("accept", "application/json").header("authorization", &auth)).await;
    assert_eq!((no_customer.status, no_customer.json()["statusCode"].clone()), (500, json!(500)));
    for accept in ["*/*", "application/json; charset=utf-8", "text/html"] {
        let loose = send(
            rig.http
                .get(&url)
                .header("accept", accept)
                .header("authorization", &auth)
                .header("citrix-customerid", "hoolicorp005"),
        )
        .await;
        assert_eq!(loose.status, 406, "{accept}");
    }
}

#[tokio::test]
async fn sites_show_their_edition_and_can_be_tested() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::UMBRELLA).await;
    let sites = send(rig.daas("/cvad/manage/Sites", "umbrellacorp", &token)).await.json();
    assert_eq!(sites["Items"].as_array().unwrap().len(), 1);
    assert!(sites["ContinuationToken"].is_null());
    let id = sites["Items"][0]["Id"].as_str().unwrap().to_owned();
    for name in [id.as_str(), "cloudxdsite"] {
        let site = send(rig.daas(&format!("/cvad/manage/Sites/{name}"), "umbrellacorp", &token)).await.json();
        assert_eq!(site["ProductEdition"], "Advanced");
        assert!(site.get("OrchestationApiVersion").is_some());
    }
    let missing = send(rig.daas("/cvad/manage/Sites/none", "umbrellacorp", &token)).await;
    assert_eq!(missing.status, 404);
    assert!(missing.json().get("SdkErrorId").is_some());
    let test = rig.http.post(format!("{}/cvad/manage/Sites/{id}/$test?async=true", rig.citrix));
    let test = test
        .header("accept", "application/json")
        .header("authorization", format!("CwsAuth Bearer={token}"))
        .header("citrix-customerid", "umbrellacorp");
    let started = send(test).await;
    assert_eq!(started.status, 202);
    let path = started.header("location").strip_prefix(&rig.citrix).unwrap().to_owned();
    let poll = || rig.daas(&path, "umbrellacorp", &token).header("citrix-instanceid", &id);
    assert_eq!(send(rig.daas(&path, "umbrellacorp", &token)).await.status, 400, "the instance header is needed here");
    assert_ne!(send(poll()).await.json()["Status"], "Complete");
    assert_eq!(send(poll()).await.json()["Status"], "Complete");
    let results =
        send(rig.daas(&format!("{path}/Results"), "umbrellacorp", &token).header("citrix-instanceid", &id)).await;
    assert_eq!(results.json()["NumFailures"], 0);
}

#[tokio::test]
async fn a_frozen_site_thaws_two_polls_after_activation() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::STARK).await;
    let me = || rig.daas("/cvad/manage/me", "starkcorp006", &token);
    for _ in 0..3 {
        assert_eq!(send(me()).await.status, 530);
    }
    let wake =
        rig.http.post(format!("{}/resourceprovider/starkcorp006/site/activation?customerId=starkcorp006", rig.citrix));
    assert_eq!(send(wake.header("authorization", format!("CwsAuth Bearer={token}"))).await.status, 202);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(send(me()).await.status);
    }
    assert_eq!(seen, [530, 530, 200]);
}

#[tokio::test]
async fn the_wrong_region_answers_307_with_an_internal_path() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::GLOBEX).await;
    let here = send(rig.daas("/cvad/manage/me", "globexcorp02", &token).header("host", "api-us.cloud.com")).await;
    assert_eq!(here.status, 307);
    assert!(here.header("location").starts_with("https://api-eu.cloud.com/internal/"));
    assert_eq!(here.json()["parameters"][1], json!({"name": "customerDataRegion", "value": "eu"}));
    assert_eq!(
        send(rig.daas("/cvad/manage/me", "globexcorp02", &token).header("host", "api-eu.cloud.com")).await.status,
        200
    );
    assert_eq!(
        send(rig.daas("/cvad/manage/me", "globexcorp02", &token).header("host", "api.cloud.com")).await.status,
        200
    );
}

#[tokio::test]
async fn an_on_premises_controller_gives_its_own_token() {
    let rig = Rig::start().await;
    let url = format!("{}/cvad/manage/Tokens", rig.citrix);
    let wrong = send(rig.http.post(&url).basic_auth(seed::ON_PREMISES_USER, Some("wrong"))).await;
    assert_eq!(wrong.status, 401);
    let right =
        send(rig.http.post(&url).basic_auth(seed::ON_PREMISES_USER, Some(seed::ON_PREMISES_PASSWORD))).await.json();
    let token = right["Token"].as_str().unwrap();
    let me = send(
        rig.http
            .get(format!("{}/cvad/manage/me", rig.citrix))
            .header("accept", "application/json")
            .header("authorization", format!("CwsAuth Bearer={token}")),
    )
    .await;
    assert_eq!(me.json()["Customers"][0]["Id"], "CitrixOnPremises");
}

#[tokio::test]
async fn every_envelope_can_be_asked_for() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::ACME).await;
    for (kind, status, probe) in [
        ("E1", 503, "/parameters/0/value"),
        ("E2", 401, "/parameters/reason"),
        ("E3", 401, "/Error/Type"),
        ("E4", 500, "/activityId"),
        ("E5", 429, "/statusCode"),
        ("E6", 400, "/error_description"),
        ("E7", 400, "/SdkErrorId"),
        ("E8", 400, "/title"),
        ("E9", 400, "/error/code"),
    ] {
        rig.sim.fault(Fault::new("citrix", FaultKind::Envelope).route("service_states").with("kind", kind));
        let reply = send(rig.daas("/acmecorp0001/serviceStates", "", &token)).await;
        assert_eq!(reply.status, status, "{kind}");
        assert!(reply.json().pointer(probe).is_some(), "{kind}: {}", reply.text);
    }
    rig.sim.fault(Fault::new("citrix", FaultKind::Envelope).with("kind", "E10").with("status", 502));
    let reply = send(rig.daas("/acmecorp0001/serviceStates", "", &token)).await;
    assert_eq!((reply.status, reply.header("content-type")), (502, "text/html;charset=UTF-8"));
}
