//! The token endpoint: grants and revocation. Parameters in the body only, no cookies, no redirects, and
//! never a second try by itself (T16).

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderValue, Method, header};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, ExtraTokenFields, HttpRequest,
    HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, ResourceOwnerPassword,
    ResourceOwnerUsername, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    ServiceNow,
    envelope::{judge, judge_page, throttled},
};
use crate::{
    clock::BoxFuture,
    error::{Error, ErrorKind, Result, Retry},
    id::InstanceId,
    oauth::{FlowSecrets, SealedClient, TokenSet, life as life_of},
    secret::Secret,
    transport::{Call, Failure, Repeat, Response, Verdict, clean, header_list, is_html, parse_json, secret_header},
};

/// Longest token that is taken, in bytes: opaque ones have 86, and signed ones a few thousand.
const LONGEST_TOKEN: usize = 16 * 1024;

/// What the token endpoint knows the adapter by.
#[derive(Debug, Clone)]
pub(crate) struct EndpointCredentials<'a> {
    pub(crate) instance_id: &'a InstanceId,
    pub(crate) client_id: &'a str,
    /// None for a public client.
    pub(crate) client_secret: Option<&'a Secret>,
}

/// What some servers say besides RFC 6749: how long the refresh token lives, in seconds.
#[derive(Debug, Serialize, Deserialize)]
struct Lives {
    #[serde(default, alias = "refresh_token_expires_in")]
    refresh_expires_in: Option<u64>,
}

impl ExtraTokenFields for Lives {}

type Answer = StandardTokenResponse<Lives, BasicTokenType>;

/// Tokens as they were just issued.
pub(crate) type Granted = TokenSet;

impl ServiceNow {
    /// Resource owner password credentials (RFC 6749 section 4.3): the service account's grant.
    ///
    /// # Errors
    /// `unauthorized` when the endpoint refuses; the instance does not say which of the credentials is wrong.
    pub(crate) async fn password_grant(
        &self,
        endpoint: &EndpointCredentials<'_>,
        user_name: &str,
        password: &Secret,
    ) -> Result<Granted> {
        let client = oauth_client(endpoint, self.endpoints().token(endpoint.instance_id)?);
        let user = ResourceOwnerUsername::new(user_name.to_owned());
        let password = ResourceOwnerPassword::new(password.expose().to_owned());
        let asked_at = self.settings.chance.now();
        let carrier = Carrier { api: self.clone(), instance: endpoint.instance_id.clone() };
        let answer = client.exchange_password(&user, &password).request_async(&carrier).await.map_err(token_error)?;
        self.granted(endpoint.instance_id, &answer, asked_at, None)
    }

    /// Authorization code (RFC 6749 section 4.1.3) with the verifier (RFC 7636): the user account's grant. The code
    /// goes to the token URL that was fixed when the flow began, whatever is configured now (T1).
    ///
    /// # Errors
    /// `unauthorized` when the endpoint refuses; the instance does not say why.
    pub(crate) async fn code_grant(&self, flow: &FlowSecrets, code: &Secret) -> Result<Granted> {
        let endpoint = EndpointCredentials {
            instance_id: &flow.instance_id,
            client_id: &flow.client_id,
            client_secret: flow.client_secret.as_ref(),
        };
        let redirect = RedirectUrl::new(flow.redirect_url.clone())
            .map_err(|_| Error::invalid("The redirect URL cannot be read as a URL."))?;
        let client = oauth_client(&endpoint, flow.token_url.clone()).set_redirect_uri(redirect);
        let asked_at = self.settings.chance.now();
        let carrier = Carrier { api: self.clone(), instance: flow.instance_id.clone() };
        let answer = client
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.expose().to_owned()))
            .request_async(&carrier)
            .await
            .map_err(token_error)?;
        self.granted(&flow.instance_id, &answer, asked_at, None)
    }

    /// Refresh (RFC 6749 section 6). The instance gives the same refresh token back and does not extend it.
    ///
    /// # Errors
    /// `unauthorized` when the endpoint refuses.
    pub(crate) async fn refresh_grant(&self, endpoint: &EndpointCredentials<'_>, tokens: &TokenSet) -> Result<Granted> {
        let Some(refresh) = &tokens.refresh else {
            return Err(Error::new(
                ErrorKind::Unauthorized,
                "The access token has ended, and the instance gave no refresh token with it.",
            )
            .remedy("Re-authenticate; and let the OAuth endpoint in the instance issue refresh tokens."));
        };
        let client = oauth_client(endpoint, self.endpoints().token(endpoint.instance_id)?);
        let refresh = RefreshToken::new(refresh.expose().to_owned());
        let asked_at = self.settings.chance.now();
        let carrier = Carrier { api: self.clone(), instance: endpoint.instance_id.clone() };
        let answer = client.exchange_refresh_token(&refresh).request_async(&carrier).await.map_err(token_error)?;
        self.granted(endpoint.instance_id, &answer, asked_at, Some(tokens))
    }

    /// Marks a token as expired over there. ServiceNow needs no authentication for that; another server is told the
    /// client. The token goes to its own instance only.
    pub(crate) async fn revoke(
        &self,
        instance_id: &InstanceId,
        token: &Secret,
        client: Option<&SealedClient>,
    ) -> Result<()> {
        let url = self.endpoints().revocation(instance_id)?;
        let names_client = self.endpoints().revocation_names_client(instance_id);
        let client = client.filter(|_| names_client);
        let body = revocation_form(token, client);
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let json = HeaderValue::from_static("application/json");
        let call = Call {
            method: Method::POST,
            url,
            headers: vec![(header::CONTENT_TYPE, form), (header::ACCEPT, json)],
            body: body.into(),
            timeout: self.settings.attempt_timeout,
            remote: instance_id.as_str().into(),
            // Revoking twice is the same as once.
            repeat: Repeat::Freely,
            transaction_id: None,
        };
        let judge = if names_client { judge_standard_revocation } else { judge_revocation };
        Ok(self.ask(call, judge).await?)
    }

    fn granted(
        &self,
        instance: &InstanceId,
        answer: &Answer,
        asked_at: DateTime<Utc>,
        before: Option<&TokenSet>,
    ) -> Result<Granted> {
        // A token that no header can carry would otherwise be taken for a wrong argument later (T12, T13).
        let too_long = answer.access_token().secret().len() > LONGEST_TOKEN
            || answer.refresh_token().is_some_and(|token| token.secret().len() > LONGEST_TOKEN);
        if too_long || secret_header(answer.access_token().secret()).is_err() {
            return Err(no_token_response());
        }
        let life = answer.expires_in().unwrap_or_else(|| self.endpoints().access_token_lifespan(instance));
        let (expires_at, renew_at) = life_of(&self.settings.chance, asked_at, life);
        let refresh = answer.refresh_token().map(|token| Secret::from(token.secret().as_str()));
        // 0 is how some servers say that it does not end; how long it lives is not known then.
        let told = answer.extra_fields().refresh_expires_in.filter(|seconds| *seconds > 0).map(Duration::from_secs);
        let wall = || wall(asked_at, told.unwrap_or_else(|| self.endpoints().refresh_token_lifespan(instance)));
        let (refresh, refresh_expires_at) = match (refresh, before) {
            // What the answer says counts.
            (Some(new), _) if told.is_some() => (Some(new), wall()),
            // The same token again, or none: the wall of the first grant stays where it is.
            (Some(new), Some(before)) if before.refresh.as_ref().is_some_and(|old| old.matches(new.expose())) => {
                (Some(new), before.refresh_expires_at)
            }
            (None, Some(before)) => (before.refresh.clone(), before.refresh_expires_at),
            (Some(new), _) => (Some(new), wall()),
            (None, None) => (None, None),
        };
        let access = Secret::from(answer.access_token().secret().as_str());
        Ok(TokenSet { access, refresh, expires_at, renew_at, refresh_expires_at })
    }
}

/// When a refresh token ends that was asked for at this instant; none when that is beyond all instants.
fn wall(asked_at: DateTime<Utc>, life: Duration) -> Option<DateTime<Utc>> {
    TimeDelta::from_std(life).ok().and_then(|life| asked_at.checked_add_signed(life))
}

/// Carries a request of the `oauth2` crate over our own transport.
struct Carrier {
    api: ServiceNow,
    instance: InstanceId,
}

impl<'c> AsyncHttpClient<'c> for Carrier {
    type Error = Failure;
    type Future = BoxFuture<'c, Result<HttpResponse, Failure>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url =
                url::Url::parse(&parts.uri.to_string()).map_err(|_| Error::invalid("The token URL cannot be read."))?;
            let call = Call {
                method: parts.method,
                url,
                headers: header_list(&parts.headers),
                body: Bytes::from(body),
                timeout: self.api.settings.attempt_timeout,
                remote: self.instance.as_str().into(),
                repeat: Repeat::Never,
                transaction_id: None,
            };
            self.api.ask(call, judge_token).await
        })
    }
}

fn oauth_client(endpoint: &EndpointCredentials<'_>, token_url: Url) -> OauthClient {
    let client = Client::new(ClientId::new(endpoint.client_id.to_owned()))
        // In the body: instances refuse parameters elsewhere, and HTTP Basic is not documented for clients.
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(token_url));
    match endpoint.client_secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
        None => client,
    }
}

type OauthClient = Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointSet,
>;

fn revocation_form(token: &Secret, client: Option<&SealedClient>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("token", token.expose());
    if let Some(client) = client {
        form.append_pair("client_id", &client.client_id);
        if let Some(secret) = &client.client_secret {
            form.append_pair("client_secret", secret.expose());
        }
    }
    form.finish()
}

/// The error of a token call: ours when the judge refused, else the `oauth2` crate's complaint about the shape.
fn token_error<E: oauth2::ErrorResponse + 'static>(error: RequestTokenError<Failure, E>) -> Error {
    match error {
        RequestTokenError::Request(failure) => failure.error,
        RequestTokenError::ServerResponse(_) | RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            no_token_response()
        }
    }
}

fn no_token_response() -> Error {
    Error::new(ErrorKind::Protocol, "The token endpoint's answer is not a token response (RFC 6749 section 5.1).")
}

/// Reads an answer of the token endpoint. Nearly every refusal looks the same: 401 `access_denied`.
fn judge_token(response: &Response, answer: &mut Option<HttpResponse>) -> Verdict {
    #[derive(serde::Deserialize)]
    struct Refusal {
        #[serde(default)]
        error: String,
        #[serde(default)]
        error_description: String,
    }

    let status = response.status.as_u16();
    if status == 401 && response.body.is_empty() {
        // Without a word, and without a content type: credentials all the same.
        return Verdict::Refused(refused(status, "", ""));
    }
    if let Some(page) = judge_page(response) {
        return page;
    }
    let refusal = parse_json::<Refusal>(response);
    match (status, refusal) {
        (200, Ok(refusal)) if refusal.error.is_empty() => {
            let mut accepted = HttpResponse::new(response.body.to_vec());
            *accepted.headers_mut() = response.headers.clone();
            *answer = Some(accepted);
            Verdict::Done
        }
        (429, _) => throttled(),
        (500..=599, _) => Verdict::Unknown(
            Error::new(ErrorKind::Unavailable, format!("The token endpoint is not available ({status})."))
                .retry(Retry::Now)
                .with("status", status),
        ),
        (401, Ok(refusal)) => Verdict::Refused(refused(status, &refusal.error, &refusal.error_description)),
        (200 | 400 | 403, Ok(refusal)) => judge_refusal(status, &refusal.error, &refusal.error_description),
        (401, Err(_)) => Verdict::Refused(refused(status, "", "")),
        (_, Err(error)) => Verdict::Unknown(error.with("status", status)),
        (_, Ok(_)) => Verdict::Unknown(
            Error::new(ErrorKind::Protocol, format!("The token endpoint answered with an unexpected status {status}."))
                .with("status", status),
        ),
    }
}

/// What a refusal is about, by its word (RFC 6749 section 5.2). Only the grant and the client are credentials; a
/// server that cannot serve, or not this request, says nothing of them. Not for ServiceNow's own 401, which means
/// credentials and says `server_error`.
fn judge_refusal(status: u16, error: &str, description: &str) -> Verdict {
    let words = || clean(&format!("{error} {description}"), 120).trim().to_owned();
    match error {
        // A gateway's own words: no token endpoint refuses without one (RFC 6749 section 5.2).
        "" => Verdict::Unknown(
            Error::new(ErrorKind::Protocol, format!("The token endpoint refuses without saying what ({status})."))
                .remedy(
                    "Check the instance's address, and what stands between: a gateway may have answered in its place.",
                )
                .with("status", status),
        ),
        "server_error" | "temporarily_unavailable" | "slow_down" => Verdict::Unknown(
            Error::new(ErrorKind::Unavailable, format!("The token endpoint is not available ({}).", words()))
                .retry(Retry::Now)
                .with("status", status),
        ),
        "invalid_scope" => Verdict::Refused(
            Error::new(ErrorKind::Forbidden, format!("The token endpoint refuses the scope ({}).", words()))
                .remedy("Allow the scope in the instance's OAuth endpoint, or ask for another one.")
                .with("status", status),
        ),
        "invalid_request" | "unauthorized_client" | "unsupported_grant_type" => Verdict::Refused(
            Error::new(
                ErrorKind::PrerequisiteMissing,
                format!("The instance's OAuth endpoint does not allow this request ({}).", words()),
            )
            .remedy("Check in the instance which grants the OAuth client allows; the registration itself is as it was.")
            .with("status", status),
        ),
        _ => Verdict::Refused(refused(status, error, description)),
    }
}

fn refused(status: u16, error: &str, description: &str) -> Error {
    let words = clean(&format!("{error} {description}"), 120);
    Error::new(
        ErrorKind::Unauthorized,
        format!("The instance's token endpoint refused the credentials ({}).", words.trim()),
    )
    .remedy(
        "Check client id, client secret, user id and password, and in the instance that the OAuth client is active, \
         the user is active, not locked, needs no password reset, and the password grant is allowed; its system log names the cause.",
    )
    .with("status", status)
    .with("refused", "credentials")
}

/// An endpoint of the standard accepts a token it does not know (RFC 7009 section 2.2): whatever else it says, the
/// token may live on.
fn judge_standard_revocation(response: &Response, answer: &mut Option<()>) -> Verdict {
    match judge_revocation(response, answer) {
        Verdict::Done if !response.status.is_success() => {
            let status = response.status.as_u16();
            Verdict::Refused(
                Error::new(ErrorKind::Unavailable, format!("The revocation endpoint refused the token ({status})."))
                    .remedy("Check that the OAuth client may revoke tokens, and end the grant in the server by hand.")
                    .with("status", status),
            )
        }
        judged => judged,
    }
}

/// ServiceNow's own.
fn judge_revocation(response: &Response, answer: &mut Option<()>) -> Verdict {
    *answer = Some(());
    let status = response.status.as_u16();
    match status {
        // A page says nothing of the token, whatever its status.
        _ if is_html(response) => judge::<serde::de::IgnoredAny>(response, &mut None),
        // 400 and 401: the token is not known any more, and what was wanted is true.
        200 | 204 | 400 | 401 => Verdict::Done,
        404 => Verdict::Refused(
            Error::new(ErrorKind::NotFound, "The instance has no revocation endpoint at this address (404).")
                .remedy("Correct the setting revocation_path; until then tokens are not revoked.")
                .with("status", status),
        ),
        _ => judge::<serde::de::IgnoredAny>(response, &mut None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        let json = HeaderValue::from_static("application/json");
        Response {
            status: http::StatusCode::from_u16(status).unwrap(),
            headers: http::HeaderMap::from_iter([(header::CONTENT_TYPE, json)]),
            body: Bytes::from(body.to_owned()),
        }
    }

    #[test]
    fn only_the_grant_and_the_client_are_credentials() {
        for (status, word, kind, is_proof) in [
            (400, "invalid_grant", ErrorKind::Unauthorized, true),
            (401, "invalid_client", ErrorKind::Unauthorized, true),
            (400, "invalid_client", ErrorKind::Unauthorized, true),
            (200, "invalid_client", ErrorKind::Unauthorized, true),
            (401, "access_denied", ErrorKind::Unauthorized, true),
            (401, "server_error", ErrorKind::Unauthorized, true),
            (401, "invalid_request", ErrorKind::Unauthorized, true),
            (400, "invalid_request", ErrorKind::PrerequisiteMissing, false),
            (400, "unauthorized_client", ErrorKind::PrerequisiteMissing, false),
            (400, "unsupported_grant_type", ErrorKind::PrerequisiteMissing, false),
            (400, "invalid_scope", ErrorKind::Forbidden, false),
            (400, "server_error", ErrorKind::Unavailable, false),
            (400, "temporarily_unavailable", ErrorKind::Unavailable, false),
            (403, "slow_down", ErrorKind::Unavailable, false),
        ] {
            let body = format!("{{\"error\":\"{word}\",\"error_description\":\"why\"}}");
            let (Verdict::Refused(error) | Verdict::Unknown(error)) = judge_token(&answer(status, &body), &mut None)
            else {
                panic!("{status} {word} was accepted");
            };
            let proof = error.context("refused") == Some("credentials");
            assert_eq!((error.kind(), proof), (kind, is_proof), "{status} {word}");
        }
    }

    /// T16: it is never sent again then, whatever stands between.
    #[test]
    fn a_401_without_a_word_is_a_refusal_with_and_without_a_content_type() {
        let mut bare = answer(401, "");
        for _ in 0..2 {
            let Verdict::Refused(error) = judge_token(&bare, &mut None) else { panic!("it was accepted") };
            assert_eq!((error.context("refused"), error.context("token")), (Some("credentials"), None));
            bare.headers.clear();
        }
    }

    #[test]
    fn an_answer_that_is_not_a_token_endpoints_proves_nothing() {
        for (status, body) in [
            (400, "{}"),
            (403, "{}"),
            (403, r#"{"message":"Forbidden"}"#),
            (200, r#"{"error":"temporarily_unavailable"}"#),
            (200, r#"{"error":"server_error"}"#),
        ] {
            let Verdict::Unknown(error) = judge_token(&answer(status, body), &mut None) else {
                panic!("{status} {body} is taken for an answer");
            };
            assert_eq!(error.context("refused"), None, "{status} {body}");
        }
    }

    #[test]
    fn a_page_or_a_missing_endpoint_has_not_revoked() {
        let json = answer(404, r#"{"error":{"message":"No such path"}}"#);
        let Verdict::Refused(error) = judge_revocation(&json, &mut None) else { panic!("404 counts as done") };
        assert!(error.info().remedy.contains("revocation_path"), "{error:?}");
        for status in [200, 400, 401, 404] {
            let page = answer(status, "<html>Sign in</html>");
            assert!(!matches!(judge_revocation(&page, &mut None), Verdict::Done), "{status}");
        }
        assert!(matches!(judge_revocation(&answer(200, ""), &mut None), Verdict::Done));
    }

    #[test]
    fn a_wall_beyond_all_instants_is_none() {
        let day = Duration::from_secs(86_400);
        assert_eq!(wall(DateTime::UNIX_EPOCH, day), Some(DateTime::UNIX_EPOCH + day));
        assert_eq!(wall(DateTime::UNIX_EPOCH, Duration::MAX), None);
    }

    #[test]
    fn a_standard_endpoint_that_refuses_a_revocation_has_not_revoked() {
        for status in [400, 401, 403, 404, 405] {
            let refused = answer(status, r#"{"error":"invalid_client"}"#);
            assert!(!matches!(judge_standard_revocation(&refused, &mut None), Verdict::Done), "{status}");
        }
        assert!(matches!(judge_standard_revocation(&answer(200, ""), &mut None), Verdict::Done));
        assert!(
            matches!(judge_revocation(&answer(401, "{}"), &mut None), Verdict::Done),
            "ServiceNow knows it no more"
        );
    }
}
