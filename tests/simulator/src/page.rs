//! The few HTML pages that stand where JSON was expected.

/// What a load balancer says when nobody answers behind it.
pub(crate) const BAD_GATEWAY: &str =
    "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>";

/// A login page where an API answer was expected.
pub(crate) const LOGIN_SHAPED: &str = "<!DOCTYPE html><html><head><title>Log in</title></head><body>\
<form action=\"login.do\" method=\"post\"><input id=\"user_name\" name=\"user_name\"><input id=\"user_password\" \
name=\"user_password\" type=\"password\"><button id=\"sysverb_login\">Log in</button></form></body></html>";

/// A developer instance that sleeps.
pub(crate) const HIBERNATING: &str = "<!DOCTYPE html><html><head><title>Instance Hibernating page</title></head><body>\
<h1>Your instance is hibernating</h1><p>Sign in to the developer site to wake it up.</p></body></html>";

/// An OAuth error that arrives with status 200.
pub(crate) const OAUTH_ERROR: &str =
    r#"{"error":"invalid_client","error_description":"Invalid client id or client secret."}"#;

/// Makes text safe inside HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
