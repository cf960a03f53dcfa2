//! The token endpoint: grants and revocation. Parameters in the body only, no cookies, no redirects, and
//! never a second try by itself (T16).

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue, Method, header};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, RefreshToken, RequestTokenError,
    ResourceOwnerPassword, ResourceOwnerUsername, TokenResponse, TokenUrl, basic::BasicClient,
    basic::BasicTokenResponse,
};

use super::{
    ServiceNow,
    envelope::{judge, judge_page},
    url,
};
use crate::{
    clock::BoxFuture,
    error::{Error, ErrorKind, Result, Retry},
    id::InstanceId,
    oauth::{TokenSet, life as life_of},
    secret::Secret,
    transport::{Call, Failure, Repeat, Request, Response, Verdict, clean, parse_json, retry_after},
};

/// What the token endpoint knows the adapter by.
#[derive(Debug, Clone)]
pub(crate) struct EndpointCredentials<'a> {
    pub(crate) instance_id: &'a InstanceId,
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: &'a Secret,
}

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
        let client = Self::oauth_client(endpoint)?;
        let user = ResourceOwnerUsername::new(user_name.to_owned());
        let password = ResourceOwnerPassword::new(password.expose().to_owned());
        let asked_at = self.settings.chance.now();
        let carrier = Carrier { api: self.clone(), instance: endpoint.instance_id.clone() };
        let answer = client.exchange_password(&user, &password).request_async(&carrier).await.map_err(token_error)?;
        Ok(self.granted(&answer, asked_at, None))
    }

    /// Refresh (RFC 6749 section 6). The instance gives the same refresh token back and does not extend it.
    ///
    /// # Errors
    /// `unauthorized` when the endpoint refuses.
    pub(crate) async fn refresh_grant(&self, endpoint: &EndpointCredentials<'_>, tokens: &TokenSet) -> Result<Granted> {
        let Some(refresh) = &tokens.refresh else {
            return Err(Error::new(ErrorKind::Unauthorized, "There is no refresh token."));
        };
        let client = Self::oauth_client(endpoint)?;
        let refresh = RefreshToken::new(refresh.expose().to_owned());
        let asked_at = self.settings.chance.now();
        let carrier = Carrier { api: self.clone(), instance: endpoint.instance_id.clone() };
        let answer = client.exchange_refresh_token(&refresh).request_async(&carrier).await.map_err(token_error)?;
        Ok(self.granted(&answer, asked_at, Some(tokens)))
    }

    /// Marks a token as expired over there. Needs no authentication; the token goes to its own instance only.
    pub(crate) async fn revoke(&self, instance_id: &InstanceId, token: &Secret) -> Result<()> {
        let segments: Vec<&str> = self.settings.revocation_path.trim_matches('/').split('/').collect();
        let url = url(instance_id, &segments)?;
        let body: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("token", token.expose()).finish();
        let mut headers = form_headers();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let request =
            Request { method: Method::POST, url, headers, body: body.into(), timeout: self.settings.attempt_timeout };
        // Revoking twice is the same as once.
        let call =
            Call { request, remote: instance_id.as_str().to_owned(), repeat: Repeat::Freely, transaction_id: None };
        Ok(self.ask(call, judge_revocation).await?)
    }

    fn oauth_client(endpoint: &EndpointCredentials<'_>) -> Result<OauthClient> {
        let token_url = TokenUrl::from_url(url(endpoint.instance_id, &["oauth_token.do"])?);
        Ok(BasicClient::new(ClientId::new(endpoint.client_id.to_owned()))
            .set_client_secret(ClientSecret::new(endpoint.client_secret.expose().to_owned()))
            // In the body: instances refuse parameters elsewhere, and HTTP Basic is not documented for clients.
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(token_url))
    }

    fn granted(&self, answer: &BasicTokenResponse, asked_at: DateTime<Utc>, before: Option<&TokenSet>) -> Granted {
        // An answer without a life is trusted for a minute: long enough to use, short enough to be asked again.
        let life = answer.expires_in().unwrap_or(Duration::from_secs(60));
        let (expires_at, renew_at) = life_of(&self.settings.chance, asked_at, life);
        let refresh = answer.refresh_token().map(|token| Secret::from(token.secret().as_str()));
        let wall = || {
            asked_at.checked_add_signed(
                chrono::Duration::from_std(self.settings.refresh_token_lifespan).unwrap_or_default(),
            )
        };
        let (refresh, refresh_expires_at) = match (refresh, before) {
            // The same token again, or none: the wall of the first grant stays where it is.
            (Some(new), Some(before)) if before.refresh.as_ref().is_some_and(|old| old.matches(new.expose())) => {
                (Some(new), before.refresh_expires_at)
            }
            (None, Some(before)) => (before.refresh.clone(), before.refresh_expires_at),
            (Some(new), _) => (Some(new), wall()),
            (None, None) => (None, None),
        };
        TokenSet {
            access: Secret::from(answer.access_token().secret().as_str()),
            refresh,
            expires_at,
            renew_at,
            refresh_expires_at,
        }
    }
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
                request: Request {
                    method: parts.method,
                    url,
                    headers: parts.headers,
                    body: Bytes::from(body),
                    timeout: self.api.settings.attempt_timeout,
                },
                remote: self.instance.as_str().to_owned(),
                repeat: Repeat::Never,
                transaction_id: None,
            };
            self.api.ask(call, judge_token).await
        })
    }
}

type OauthClient = BasicClient<
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointSet,
>;

fn form_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers
}

/// The error of a token call: ours when the judge refused, else the `oauth2` crate's complaint about the shape.
fn token_error<E: oauth2::ErrorResponse + 'static>(error: RequestTokenError<Failure, E>) -> Error {
    match error {
        RequestTokenError::Request(failure) => failure.error,
        RequestTokenError::ServerResponse(_) | RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            Error::new(
                ErrorKind::Protocol,
                "The token endpoint's answer is not a token response (RFC 6749 section 5.1).",
            )
        }
    }
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

    if let Some(page) = judge_page(response) {
        return page;
    }
    let status = response.status.as_u16();
    let refusal = parse_json::<Refusal>(response);
    match (status, refusal) {
        (200, Ok(refusal)) if refusal.error.is_empty() => {
            let mut accepted = HttpResponse::new(response.body.to_vec());
            *accepted.headers_mut() = response.headers.clone();
            *answer = Some(accepted);
            Verdict::Done
        }
        (429, _) => {
            let wait = retry_after(&response.headers, Utc::now());
            let error = Error::new(ErrorKind::Throttled, "The instance limits the rate of requests.")
                .retry(wait.map_or(Retry::Now, Retry::After))
                .with("status", status);
            Verdict::NotDone(error, wait)
        }
        (500..=599, _) => Verdict::Unknown(
            Error::new(ErrorKind::Unavailable, format!("The token endpoint is not available ({status})."))
                .retry(Retry::Now)
                .with("status", status),
        ),
        (200 | 400 | 401 | 403, Ok(refusal)) => {
            Verdict::Refused(refused(status, &refusal.error, &refusal.error_description))
        }
        (401, Err(_)) => Verdict::Refused(refused(status, "", "")),
        (_, Err(error)) => Verdict::Unknown(error.with("status", status)),
        (_, Ok(_)) => Verdict::Unknown(
            Error::new(ErrorKind::Protocol, format!("The token endpoint answered with an unexpected status {status}."))
                .with("status", status),
        ),
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

fn judge_revocation(response: &Response, answer: &mut Option<()>) -> Verdict {
    *answer = Some(());
    match response.status.as_u16() {
        200 | 204 if !crate::transport::is_html(response) => Verdict::Done,
        // The token is not known any more: what was wanted is true.
        400 | 401 | 404 => Verdict::Done,
        _ => judge::<serde::de::IgnoredAny>(response, &mut None),
    }
}
