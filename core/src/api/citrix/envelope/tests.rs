use ::http::{HeaderMap, HeaderValue, header};

use super::*;

fn answer(status: u16, kind: &'static str, body: &str) -> Response {
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
    Response { status: StatusCode::from_u16(status).unwrap(), headers, body: body.to_owned().into() }
}

fn json(status: u16, body: &str) -> Response {
    answer(status, "application/json", body)
}

/// The verdict in a word, its error and the wait it names.
fn told(verdict: Verdict) -> (&'static str, Option<Error>, Option<Duration>) {
    match verdict {
        Verdict::Done => ("done", None, None),
        Verdict::Refused(error) => ("refused", Some(error), None),
        Verdict::NotDone(error, wait) => ("not done", Some(error), wait),
        Verdict::Unknown(error) => ("unknown", Some(error), None),
    }
}

#[test]
fn every_envelope_is_read() {
    let e1 = |kind: &str, parameter: &str, value: &str| {
        format!(
            r#"{{"type":"https://errors-api.cloud.com/common/{kind}","detail":"Words of {kind}.",
               "parameters":[{{"name":"{parameter}","value":"{value}"}}]}}"#
        )
    };
    for (name, status, body, verdict, kind, text, wait) in [
        ("E1", 400, e1("outOfRange", "a", "b"), "refused", ErrorKind::InvalidInput, "Words of outOfRange", None),
        ("E1", 401, e1("authentication", "reason", "invalid"), "refused", ErrorKind::Unauthorized, "Words", None),
        ("E1", 403, e1("authorization", "id", "x"), "refused", ErrorKind::Forbidden, "Words", None),
        ("E1", 404, e1("notFound", "id", "x"), "refused", ErrorKind::NotFound, "Words", None),
        ("E1", 406, e1("notAcceptable", "contentType", "x"), "refused", ErrorKind::Protocol, "Words", None),
        ("E1", 409, e1("optimisticConcurrency", "a", "x"), "refused", ErrorKind::IllegalState, "Words", None),
        ("E1", 415, e1("unsupportedMediaType", "a", "x"), "refused", ErrorKind::Protocol, "Words", None),
        ("E1", 429, e1("rateLimitExceeded", "retryDelay", "30"), "not done", ErrorKind::Throttled, "Words", Some(30)),
        ("E1", 501, e1("notImplemented", "a", "x"), "refused", ErrorKind::Protocol, "Words", None),
        ("E1", 503, e1("serviceUnavailable", "retryDelay", "5"), "not done", ErrorKind::Unavailable, "Words", Some(5)),
        ("E1", 503, e1("serviceUnavailable", "a", "5"), "unknown", ErrorKind::Unavailable, "Words", None),
        (
            "E2",
            401,
            r#"{"type":"https://errors-api.cloud.com/common/authentication","detail":"Bad.","parameters":{"reason":"invalid"}}"#
                .to_owned(),
            "refused",
            ErrorKind::Unauthorized,
            "Bad",
            None,
        ),
        (
            "E3",
            401,
            r#"{"Error":{"Message":"Missing CWSAuth header.","Type":"CWSAuthException"}}"#.to_owned(),
            "refused",
            ErrorKind::Unauthorized,
            "Missing CWSAuth header",
            None,
        ),
        (
            "E4",
            500,
            r#"{"statusCode":500,"message":"Internal server error","activityId":"act-1"}"#.to_owned(),
            "unknown",
            ErrorKind::Unavailable,
            "Internal server error",
            None,
        ),
        (
            "E5",
            429,
            r#"{"statusCode":429,"message":"Rate limit is exceeded. Try again in 17 seconds."}"#.to_owned(),
            "not done",
            ErrorKind::Throttled,
            "Rate limit is exceeded",
            Some(17),
        ),
        (
            "E7",
            400,
            r#"{"ErrorMessage":"No such zone.","SdkErrorId":"Citrix.Zone","ErrorReport":{"ErrorData":{}}}"#.to_owned(),
            "refused",
            ErrorKind::InvalidInput,
            "No such zone",
            None,
        ),
        (
            "E8",
            403,
            r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"Not yours.","instance":"/x"}"#.to_owned(),
            "refused",
            ErrorKind::Forbidden,
            "Not yours",
            None,
        ),
        (
            "E9",
            400,
            r#"{"error":{"code":"BadFilter","message":"The filter is wrong."}}"#.to_owned(),
            "refused",
            ErrorKind::InvalidInput,
            "The filter is wrong",
            None,
        ),
    ] {
        let (seen, error, delay) = told(judge(&json(status, &body)));
        let error = error.unwrap();
        assert_eq!((seen, error.kind(), delay.map(|delay| delay.as_secs())), (verdict, kind, wait), "{name} {error:?}");
        assert!(error.message().contains(text) && error.message().contains(&status.to_string()), "{name} {error}");
    }
    let e10 = answer(502, "text/html", "<html>Bad Gateway</html>");
    let (seen, error, _) = told(judge(&e10));
    assert_eq!((seen, error.unwrap().kind()), ("unknown", ErrorKind::Unavailable));
}

#[test]
fn a_rejected_token_says_so_and_why() {
    let body =
        r#"{"type":"x/common/authentication","detail":"Bad.","parameters":[{"name":"reason","value":"invalid"}]}"#;
    let error = told(judge(&json(401, body))).1.unwrap();
    assert_eq!((error.context("token"), error.context("reason")), (Some("rejected"), Some("invalid")));
    assert_eq!(error.context("code"), Some("authentication"));
}

#[test]
fn content_decides_before_status() {
    for (status, kind, body, verdict) in [
        (200, "application/json; charset=utf-8", "{}", "done"),
        (200, "text/html", "<html>login</html>", "unknown"),
        (200, "application/json", "  <html>login</html>", "unknown"),
        (200, "text/plain", "{}", "unknown"),
        (204, "application/json", "", "refused"),
        (202, "application/json", "{}", "refused"),
        (301, "application/json", "{}", "refused"),
        (307, "application/json", "{}", "done"),
        (530, "application/json", "{}", "done"),
        (500, "application/json", "{\"detail\":\"Object does not exist.\"}", "refused"),
        (400, "application/json", "{\"errorMessage\":\"The administrator cannot be found.\"}", "refused"),
        (418, "application/json", "[[[", "refused"),
    ] {
        assert_eq!(told(judge(&answer(status, kind, body))).0, verdict, "{status} {kind} {body}");
    }
}

#[test]
fn objects_that_are_missing_are_not_found_whatever_the_status() {
    for (status, body) in [
        (500, "{\"detail\":\"Object does not exist.\"}"),
        (400, "{\"errorMessage\":\"It cannot be found.\"}"),
        (404, ""),
    ] {
        assert_eq!(told(judge(&json(status, body))).1.unwrap().kind(), ErrorKind::NotFound);
    }
}

#[test]
fn the_words_of_the_remote_are_cleaned_and_bounded() {
    let token = "e".repeat(60);
    let text = format!("Line one\\r\\n\\u0000line {token} two \\u202etxt.exe {}", "many words ".repeat(100));
    let error = told(judge(&json(404, &format!("{{\"detail\":\"{text}\"}}")))).1.unwrap();
    let message = error.message();
    assert!(message.starts_with("Citrix Cloud answered 404: Line one line … two txt.exe many"), "{message}");
    assert!(message.chars().count() < TEXT + 60 && !message.contains(&token), "{message}");
}

#[test]
fn waits_are_read_leniently_and_bounded() {
    for (text, wait) in
        [("30", Some(30)), (" 30 ", Some(30)), ("1e9", Some(86_400)), ("-1", None), ("NaN", None), ("x", None)]
    {
        assert_eq!(seconds(text).map(|wait| wait.as_secs()), wait, "{text}");
    }
}

#[test]
fn the_token_endpoint_is_judged_by_its_own_words() {
    for (status, kind, body, verdict, expected) in [
        (200, "application/json", r#"{"access_token":"x"}"#, "done", None),
        (
            400,
            "application/json",
            r#"{"error":"invalid_client","error_description":"x"}"#,
            "refused",
            Some(ErrorKind::Unauthorized),
        ),
        (401, "application/json", r#"{"error":"invalid_client"}"#, "refused", Some(ErrorKind::Unauthorized)),
        (401, "application/json", "", "refused", Some(ErrorKind::Unauthorized)),
        (403, "application/json", r#"{"error":"access_denied"}"#, "refused", Some(ErrorKind::Unauthorized)),
        (
            401,
            "application/json",
            r#"{"type":"https://x/common/authentication"}"#,
            "refused",
            Some(ErrorKind::Unauthorized),
        ),
        (200, "application/json", r#"{"error":"invalid_client"}"#, "refused", Some(ErrorKind::Unauthorized)),
        (200, "application/json", r#"{"error":"server_error"}"#, "refused", Some(ErrorKind::Protocol)),
        (400, "application/json", r#"{"error":"invalid_request"}"#, "refused", Some(ErrorKind::Protocol)),
        (403, "text/html", "<html>", "refused", Some(ErrorKind::Protocol)),
        (404, "application/json", "{}", "refused", Some(ErrorKind::NotFound)),
        (415, "application/json", "{}", "refused", Some(ErrorKind::Protocol)),
        (429, "application/json", "{}", "not done", Some(ErrorKind::Throttled)),
        (503, "text/html", "<html>", "unknown", Some(ErrorKind::Unavailable)),
        (200, "text/html", "<html>", "unknown", Some(ErrorKind::Protocol)),
        (307, "application/json", "{}", "refused", Some(ErrorKind::InvalidInput)),
    ] {
        let (seen, error, _) = told(judge_token(&answer(status, kind, body)));
        assert_eq!((seen, error.map(|error| error.kind())), (verdict, expected), "{status} {body}");
    }
}

#[test]
fn what_the_token_endpoint_says_about_a_secret_is_not_repeated() {
    let body = r#"{"error":"invalid_client","error_description":"Secret hunter2 is wrong."}"#;
    let error = told(judge_token(&json(400, body))).1.unwrap();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    assert_eq!(error.context("code"), Some("invalid_client"));
}

#[test]
fn large_and_deep_failures_are_judged_by_their_status_alone() {
    for body in ["[".repeat(100_000), format!("{{\"detail\":\"{}\"}}", "x".repeat(ENVELOPE)), "[".repeat(1000)] {
        assert_eq!(read(&json(500, &body)), Said::default());
        assert_eq!(told(judge(&json(500, &body))).1.unwrap().kind(), ErrorKind::Unavailable);
    }
}
