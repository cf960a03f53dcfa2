//! Table API.

use itsm_simulator::{Options, Record, seed};
use serde_json::{Value, json};

use crate::support::{Rig, send};

fn rows(reply: &crate::support::Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["result"].as_array().unwrap().clone()
}

async fn numbered(rig: &Rig, token: &str, count: usize) {
    for n in 0..count {
        rig.incident(token, &json!({"correlation_id": format!("key-{n}"), "short_description": format!("Alert {n}"), "urgency": (n % 3 + 1).to_string()})).await;
    }
}

#[tokio::test]
async fn a_record_is_made_read_changed_and_deleted() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let reply =
        send(rig.post("/api/now/table/incident", &token, &json!({"short_description": "x", "no_such_field": "y"})))
            .await;
    assert_eq!(reply.status, 201);
    let record = reply.json()["result"].clone();
    let id = record["sys_id"].as_str().unwrap();
    assert_eq!(reply.header("location"), format!("{}/api/now/table/incident/{id}", rig.dev1));
    assert!(record.get("no_such_field").is_none(), "unknown fields are ignored");
    assert_eq!(record["sys_created_by"], "svc.citrix");
    assert_eq!(record["opened_by"]["value"], seed::find_user("svc.citrix").unwrap().sys_id("dev1"));
    assert!(record["opened_by"]["link"].as_str().unwrap().starts_with(&rig.dev1));
    assert!(
        record.as_object().unwrap().values().all(|value| value.is_string() || value.is_object()),
        "all values are strings or references"
    );
    let path = format!("/api/now/table/incident/{id}");
    let changed = send(rig.patch(&path, &token, &json!({"short_description": "z", "category": ""}))).await.json();
    assert_eq!(
        (changed["result"]["short_description"].clone(), changed["result"]["category"].clone()),
        (json!("z"), json!(""))
    );
    assert_eq!(changed["result"]["sys_mod_count"], "1");
    let http = |token: &str| rig.http.delete(format!("{}{path}", rig.dev1)).bearer_auth(token);
    assert_eq!(send(http(&token)).await.status, 403, "only administrators delete incidents");
    let admin = rig.token("admin").await;
    assert_eq!(send(http(&admin)).await.status, 204);
    let gone = send(rig.get(&path, &token)).await;
    assert_eq!((gone.status, gone.json()["error"]["message"].clone()), (404, json!("No Record found")));
}

#[tokio::test]
async fn every_answer_has_the_headers_of_a_real_one() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let reply = send(rig.get("/api/now/table/incident", &token)).await;
    assert_eq!(reply.header("content-type"), "application/json;charset=UTF-8");
    assert_eq!((reply.header("server"), reply.header("x-is-logged-in")), ("ServiceNow", "true"));
    assert!(!reply.header("x-transaction-id").is_empty());
    assert!(reply.header("server-timing").contains("sesh_wait"));
    assert!(reply.header("strict-transport-security").contains("63072000"));
    assert_eq!(rig.sim.requests().last().unwrap().transaction_id.as_deref(), Some(reply.header("x-transaction-id")));
}

#[tokio::test]
async fn operators_find_what_they_should() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    numbered(&rig, &token, 6).await;
    for (query, count) in [
        ("correlation_id=key-3", 1),
        ("correlation_id!=key-3", 5),
        ("correlation_idINkey-1,key-2,none", 2),
        ("short_descriptionLIKEalert", 6),
        ("short_descriptionSTARTSWITHAlert 1", 1),
        ("short_descriptionENDSWITH2", 1),
        ("urgency>=2", 4),
        ("urgency<2", 2),
        ("assigned_toISEMPTY", 6),
        ("correlation_idISNOTEMPTY^urgency=1", 2),
        ("urgency=1^ORurgency=2", 4),
        ("correlation_id=key-0^NQcorrelation_id=key-5", 2),
        ("opened_by.user_name=svc.citrix", 6),
        ("opened_by=javascript:gs.getUserID()", 6),
        ("correlation_id=key^^-3", 0),
        ("active=true", 6),
    ] {
        let reply = send(rig.get("/api/now/table/incident", &token).query(&[("sysparm_query", query)])).await;
        assert_eq!(rows(&reply).len(), count, "{query}");
        assert_eq!(reply.header("x-total-count"), count.to_string());
    }
    let by_name = send(
        rig.get("/api/now/table/incident?correlation_id=key-4&sysparm_fields=number,opened_by.user_name,none", &token),
    )
    .await;
    assert_eq!(rows(&by_name)[0]["opened_by.user_name"], "svc.citrix");
    assert_eq!(rows(&by_name)[0].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn an_unknown_field_matches_the_whole_table_unless_the_property_is_set() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    numbered(&rig, &token, 3).await;
    let call = || rig.get("/api/now/table/incident?sysparm_query=corelation_id=key-1", &token);
    assert_eq!(rows(&send(call()).await).len(), 3);
    rig.sim.patch_instance("dev1", &json!({"invalid_query_returns_no_rows": true})).unwrap();
    assert_eq!(rows(&send(call()).await).len(), 0);
}

#[tokio::test]
async fn pages_have_links_and_only_an_order_makes_them_stable() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    numbered(&rig, &token, 7).await;
    let page = send(rig.get("/api/now/table/incident?sysparm_query=ORDERBYcorrelation_id&sysparm_limit=3&sysparm_offset=3&sysparm_fields=correlation_id", &token)).await;
    assert_eq!(
        rows(&page).iter().map(|row| row["correlation_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>(),
        ["key-3", "key-4", "key-5"]
    );
    for rel in ["first", "prev", "next", "last"] {
        assert!(page.header("link").contains(&format!("rel=\"{rel}\"")), "{rel}");
    }
    assert!(page.header("link").contains(&format!("<{}/api/now/table/incident?", rig.dev1)));
    let mut orders = std::collections::HashSet::new();
    for _ in 0..6 {
        orders.insert(send(rig.get("/api/now/table/incident?sysparm_fields=correlation_id", &token)).await.text);
    }
    assert!(orders.len() > 1, "without ORDERBY the order changes");
    let mut seen = Vec::new();
    let mut last = String::new();
    loop {
        let query = format!("sys_id>{last}^ORDERBYsys_id");
        let page = send(
            rig.get("/api/now/table/incident?sysparm_limit=2&sysparm_no_count=true", &token)
                .query(&[("sysparm_query", query)]),
        )
        .await;
        assert!(page.header("x-total-count").is_empty());
        let Some(row) = rows(&page).last().cloned() else { break };
        seen.extend(rows(&page).iter().map(|row| row["sys_id"].as_str().unwrap().to_owned()));
        last = row["sys_id"].as_str().unwrap().to_owned();
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted());
    assert_eq!(send(rig.get("/api/now/table/incident?sysparm_offset=-1", &token)).await.status, 400);
}

#[tokio::test]
async fn display_values_come_in_three_forms() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    rig.sim.patch_instance("dev1", &json!({"time_zone_minutes": 60})).unwrap();
    let id = rig.incident(&token, &json!({"work_notes": "first note", "caller_id": "svc.second"})).await["sys_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let get =
        |mode: &'static str| rig.get(&format!("/api/now/table/incident/{id}?sysparm_display_value={mode}"), &token);
    let plain = send(get("false")).await.json()["result"].clone();
    assert_eq!((plain["state"].clone(), plain["work_notes"].clone()), (json!("1"), json!("")));
    assert_eq!(
        plain["caller_id"]["value"],
        seed::find_user("svc.second").unwrap().sys_id("dev1"),
        "a name is resolved"
    );
    let shown = send(get("true")).await.json()["result"].clone();
    assert_eq!(shown["state"], "New");
    assert_eq!(shown["caller_id"]["display_value"], "svc.second");
    assert!(shown["work_notes"].as_str().unwrap().contains("first note"));
    assert_ne!(shown["opened_at"], plain["opened_at"], "in the zone of the user");
    let both = send(get("all")).await.json()["result"].clone();
    assert_eq!(both["state"], json!({"display_value": "New", "value": "1"}));
    assert!(both["caller_id"]["link"].is_string() && both["caller_id"]["value"].is_string());
    let bare = send(rig.get(&format!("/api/now/table/incident/{id}?sysparm_exclude_reference_link=true"), &token))
        .await
        .json();
    assert!(bare["result"]["caller_id"].is_string());
    let journal = rig.sim.records("dev1", "sys_journal_field");
    assert_eq!((journal[0]["element"].as_str(), journal[0]["value"].as_str()), ("work_notes", "first note"));
}

#[tokio::test]
async fn no_right_means_no_rows_and_a_limit_counts_hidden_rows() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let limited = rig.token("svc.limited").await;
    numbered(&rig, &token, 4).await;
    let hidden = send(rig.get("/api/now/table/incident?sysparm_limit=3", &limited)).await;
    assert_eq!((rows(&hidden).len(), hidden.header("x-total-count")), (0, "4"));
    for table in ["sys_user_has_role", "sys_properties", "v_plugin", "sys_store_app", "oauth_entity"] {
        assert_eq!(rows(&send(rig.get(&format!("/api/now/table/{table}"), &token)).await).len(), 0, "{table}");
        assert!(
            !rows(&send(rig.get(&format!("/api/now/table/{table}"), &rig.token("admin").await)).await).is_empty(),
            "{table}"
        );
    }
    let refused = send(rig.post("/api/now/table/incident", &limited, &json!({}))).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["error"]["detail"], "ACL Exception Insert Failed due to security constraints");
    rig.sim.patch_instance("dev1", &json!({"hide_role_tables": false})).unwrap();
    let roles = send(rig.get("/api/now/table/sys_user_has_role?sysparm_query=user=javascript:gs.getUserID()&sysparm_fields=role.name,inherited,state", &token)).await;
    let names: Vec<String> = rows(&roles).iter().map(|row| row["role.name"].as_str().unwrap().to_owned()).collect();
    assert!(names.contains(&seed::CONNECTOR_ADMIN.to_owned()) && names.contains(&"itil".to_owned()));
}

#[tokio::test]
async fn v1_calls_an_empty_list_not_found() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    assert_eq!(send(rig.get("/api/now/v1/table/incident", &token)).await.status, 404);
    assert_eq!(send(rig.get("/api/now/v2/table/incident", &token)).await.json(), json!({"result": []}));
}

#[tokio::test]
async fn headers_and_bodies_are_checked() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let url = format!("{}/api/now/table/incident", rig.dev1);
    let post = || rig.http.post(&url).bearer_auth(&token);
    for (request, status) in [
        (post().body("{}"), 400),
        (post().header("content-type", "text/plain").body("{}"), 415),
        (post().header("content-type", "application/json").body("{\"a\":"), 400),
        (rig.get("/api/now/table/incident", &token).header("accept", "text/html"), 200),
        (rig.http.get(&url).bearer_auth(&token).header("accept", "text/html"), 406),
        (rig.get("/api/now/table/no_such_table", &token), 400),
        (rig.get("/api/now/nothing", &token), 400),
        (rig.http.put(&url).bearer_auth(&token).json(&json!({})), 405),
        (rig.http.get(&url), 401),
    ] {
        assert_eq!(send(request).await.status, status);
    }
    let first = send(post().json(&json!([{"short_description": "one"}, {"short_description": "two"}]))).await;
    assert_eq!((first.status, first.json()["result"]["short_description"].clone()), (201, json!("one")));
    assert_eq!(rig.sim.records("dev1", "incident").len(), 1);
    let large = send(post().json(&json!({"description": "x".repeat(10_485_760)}))).await;
    assert_eq!(large.status, 400);
    assert!(large.text.contains("Max allowed: 10485760 bytes"));
    let long = send(rig.get(&format!("/api/now/table/incident?sysparm_query={}", "x".repeat(9000)), &token)).await;
    assert_eq!((long.status, long.header("content-type")), (414, "text/html;charset=UTF-8"));
    let silent = send(rig.get("/api/now/table/incident", &token).header("x-no-response-body", "true")).await;
    assert_eq!((silent.status, silent.text.as_str()), (200, ""));
}

#[tokio::test]
async fn a_client_chosen_id_is_honoured_ignored_or_refused() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let id = "A0B1C2D3E4F5A6B7C8D9E0F1A2B3C4D5";
    assert_eq!(rig.incident(&token, &json!({"sys_id": id, "sys_created_by": "somebody"})).await["sys_id"], id);
    assert_eq!(
        rig.sim.records("dev1", "incident")[0]["sys_created_by"],
        "somebody",
        "system fields can be forged by default"
    );
    let twice = send(rig.post("/api/now/table/incident", &token, &json!({"sys_id": id}))).await;
    assert_eq!(twice.status, 403);
    assert_eq!(rig.sim.records("dev1", "incident").len(), 1);
    rig.sim.patch_instance("dev1", &json!({"admin_only_sys_fields": true})).unwrap();
    let other = rig
        .incident(&token, &json!({"sys_id": "B0B1C2D3E4F5A6B7C8D9E0F1A2B3C4D5", "sys_created_by": "somebody"}))
        .await;
    assert_ne!(other["sys_id"], "B0B1C2D3E4F5A6B7C8D9E0F1A2B3C4D5");
    assert_eq!(other["sys_created_by"], "svc.citrix");
    rig.sim.patch_instance("dev1", &json!({"client_sys_id": "refused"})).unwrap();
    for refused in [id, "fresh", "0123456789abcdef0123456789abcdef"] {
        assert_eq!(send(rig.post("/api/now/table/incident", &token, &json!({"sys_id": refused}))).await.status, 403);
    }
    rig.incident(&token, &json!({"sys_id": ""})).await;
    rig.sim.patch_instance("dev1", &json!({"client_sys_id": "ignored", "admin_only_sys_fields": false})).unwrap();
    for _ in 0..2 {
        let made = rig.incident(&token, &json!({"sys_id": "0123456789abcdef0123456789abcdef"})).await;
        assert_ne!(made["sys_id"], "0123456789abcdef0123456789abcdef");
    }
}

#[tokio::test]
async fn query_rules_forbid_ranges_and_sorting_but_not_equality() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    rig.sim.patch_instance("dev1", &json!({"range_denied": ["sys_user.email"]})).unwrap();
    for (query, status) in [("email=svc.citrix@example.org", 200), ("emailSTARTSWITHsvc", 403), ("ORDERBYemail", 403)] {
        assert_eq!(
            send(rig.get(&format!("/api/now/table/sys_user?sysparm_query={query}"), &token)).await.status,
            status,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_condition_that_is_dropped_leaves_the_other_rows_in() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let users = async || {
        let query = "/api/now/table/sys_user?sysparm_query=email=svc.citrix@example.org";
        send(rig.get(query, &token)).await.json()["result"].as_array().unwrap().len()
    };
    assert_eq!(users().await, 1);
    rig.sim.patch_instance("dev1", &json!({"conditions_dropped": ["sys_user.email"]})).unwrap();
    assert!(users().await > 1);
    rig.sim.patch_instance("dev1", &json!({"invalid_query_returns_no_rows": true})).unwrap();
    assert_eq!(users().await, 0);
}

#[tokio::test]
async fn an_hourly_rule_announces_itself_and_then_refuses() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    rig.sim.patch_instance("dev1", &json!({"rate_limit_per_hour": 2})).unwrap();
    let call = || rig.get("/api/now/table/incident", &token);
    for _ in 0..2 {
        assert_eq!(send(call()).await.header("x-ratelimit-limit"), "2");
    }
    let refused = send(call()).await;
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 3500);
    assert!(refused.header("x-ratelimit-remaining").is_empty());
    rig.sim.advance(std::time::Duration::from_secs(3601));
    let token = rig.token("svc.citrix").await;
    assert_eq!(send(rig.get("/api/now/table/incident", &token)).await.status, 200);
}

#[tokio::test]
async fn oauth_clients_can_be_made_but_their_secret_cannot_be_read() {
    let rig = Rig::start().await;
    let admin = rig.token("admin").await;
    let body = json!({"name": "ITSM Adapter example", "type": "client", "redirect_url": "https://adapter.example/callback", "client_secret": "chosen-secret-1234567890"});
    let reply = send(rig.post("/api/now/table/oauth_entity", &admin, &body)).await;
    assert_eq!(reply.status, 201);
    let record = reply.json()["result"].clone();
    assert_eq!(record["client_id"].as_str().unwrap().len(), 32);
    assert!(!reply.text.contains("chosen-secret"));
    assert_eq!(record["scope_restriction_status"], "securely_scoped", "from Zurich on");
    assert_eq!(send(rig.post("/api/now/table/oauth_entity", &admin, &body)).await.status, 403, "the name is unique");
    let by_service = send(rig.post("/api/now/table/oauth_entity", &rig.token("svc.citrix").await, &body)).await;
    assert_eq!(by_service.status, 403);
    let form = [
        ("grant_type", "password"),
        ("client_id", record["client_id"].as_str().unwrap()),
        ("client_secret", "chosen-secret-1234567890"),
        ("username", "svc.citrix"),
        ("password", seed::find_user("svc.citrix").unwrap().password),
    ];
    let granted = send(rig.http.post(format!("{}/oauth_token.do", rig.dev1)).form(&form)).await.json();
    assert_eq!(send(rig.get("/api/now/table/incident", granted["access_token"].as_str().unwrap())).await.status, 403);
}

#[tokio::test]
async fn requests_of_one_session_wait_for_each_other_and_the_twelfth_gets_202() {
    let rig = Rig::with(Options::default()).await;
    let token = rig.token("svc.citrix").await;
    let first = send(rig.get("/api/now/table/incident?sysparm_limit=1", &token)).await;
    let cookie = first.headers.get("set-cookie").unwrap().to_str().unwrap().split(';').next().unwrap().to_owned();
    rig.sim.fault(itsm_simulator::Fault::new("dev1", itsm_simulator::FaultKind::Hang).route("current_user"));
    let call = |path: &'static str| tokio::spawn(rig.get(path, &token).header("cookie", &cookie).send());
    let running = call("/api/now/ui/user/current_user");
    let arrived = async |count: usize| {
        while rig.sim.requests().len() < count {
            tokio::task::yield_now().await;
        }
    };
    arrived(3).await;
    let waiting: Vec<_> = (0..10).map(|_| call("/api/now/table/incident?sysparm_limit=1")).collect();
    arrived(13).await;
    let dropped = send(rig.get("/api/now/table/incident", &token).header("cookie", &cookie)).await;
    assert_eq!((dropped.status, dropped.text.as_str()), (202, ""));
    running.abort();
    for one in waiting {
        assert_eq!(one.await.unwrap().unwrap().status(), 200, "the others go on when the first is gone");
    }
}

#[tokio::test]
async fn rows_can_be_put_without_asking_any_rule() {
    let rig = Rig::start().await;
    let row = Record::from([("name".to_owned(), "one".to_owned()), ("colour".to_owned(), "red".to_owned())]);
    let id = rig.sim.put_record("dev1", "u_things", &row).unwrap();
    let read = send(rig.get(&format!("/api/now/table/u_things/{id}"), &rig.token("admin").await)).await.json();
    assert_eq!(read["result"]["colour"], "red");
}
