//! A token for a secure client: OAuth 2.0 client credentials, or the older form where a cloud knows no other.
//! (Citrix Cloud API overview, "Get started"; RFC 6749, section 4.4.)

use std::time::Duration;

use ::http::{HeaderValue, Method, header};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use oauth2::{
    AsyncHttpClient, AuthType, Client, ClientId, ClientSecret, HttpRequest, HttpResponse, RefreshToken,
    RequestTokenError, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::{
    CitrixCloud, envelope,
    hosts::{TokenForm, cloud},
};
use crate::{
    clock::BoxFuture,
    error::{During, Error, ErrorKind, Result, Retry},
    id::CustomerId,
    model::Environment,
    secret::Secret,
    transport::{Headers, Repeat, Response, header_list, parse_json},
};

/// Life of a token whose answer does not say; the documented one.
const LIFE: u64 = 3600;
/// No life longer than this is believed.
const LONGEST_LIFE: u64 = 24 * 60 * 60;

/// A token of Citrix Cloud and when it ends. There is no refresh token: a new one is asked for.
#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub(crate) secret: Secret,
    pub(crate) expires_at: DateTime<Utc>,
}

impl CitrixCloud {
    /// Signs the secure client in.
    ///
    /// Never repeats by itself: a secret is in it, and a refused one must not be tried twice (T16).
    ///
    /// # Errors
    /// `unauthorized` when the secure client is refused; `not_found` for an unknown customer; `throttled`,
    /// `unavailable`, `timeout`, `protocol`.
    pub(crate) async fn token(
        &self,
        customer: &CustomerId,
        environment: Environment,
        client_id: &str,
        client_secret: &Secret,
    ) -> Result<AccessToken> {
        let asked_at = self.chance.now();
        let token = match cloud(environment).token_form {
            TokenForm::OAuth => self.oauth(customer, environment, client_id, client_secret).await,
            TokenForm::Legacy => self.legacy(customer, environment, client_id, client_secret).await,
        };
        // A token that nobody received does no harm, so an answer that never came leaves the way open.
        let token = token.map_err(|error| match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Timeout if !error.is_retryable() => error.retry(Retry::Now),
            _ => error,
        });
        token.and_then(|token| token.checked(asked_at)).during("citrix.token")
    }

    /// The `oauth2` crate writes the request and reads the answer; this crate carries both.
    async fn oauth(
        &self,
        customer: &CustomerId,
        environment: Environment,
        client_id: &str,
        client_secret: &Secret,
    ) -> Result<Issued> {
        let url = self.hosts.token(environment, customer)?;
        let client = Client::<
            BasicErrorResponse,
            Answer,
            BasicTokenIntrospectionResponse,
            StandardRevocableToken,
            BasicRevocationErrorResponse,
        >::new(ClientId::new(client_id.to_owned()))
        .set_client_secret(ClientSecret::new(client_secret.expose().to_owned()))
        // Basic authentication is not what Citrix reads.
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(url));
        let carrier = Carrier { cloud: self.clone(), customer: customer.clone() };
        match client.exchange_client_credentials().request_async(&carrier).await {
            Ok(answer) => Ok(Issued {
                secret: answer.access_token.into_secret().into(),
                life: Life::Seconds(answer.expires_in.unwrap_or(LIFE)),
            }),
            Err(RequestTokenError::Request(error)) => Err(error),
            // These hold the answer, and with it perhaps a token: nothing of them is kept (T6).
            Err(RequestTokenError::Parse(..) | RequestTokenError::ServerResponse(_) | RequestTokenError::Other(_)) => {
                Err(no_token())
            }
        }
    }

    async fn carry(&self, customer: &CustomerId, request: HttpRequest) -> Result<HttpResponse> {
        let (head, body) = request.into_parts();
        let url = Url::parse(&head.uri.to_string())
            .map_err(|_| Error::new(ErrorKind::Internal, "The token URL is not one."))?;
        let response = self.ask_for_token(customer, url, header_list(&head.headers), body.into()).await?;
        // The crate's parser is stricter than the endpoint, and its errors hold the answer; ours does not.
        parse_json::<Answer>(&response)?;
        let mut answer = HttpResponse::new(response.body.to_vec());
        *answer.status_mut() = response.status;
        Ok(answer)
    }

    async fn legacy(
        &self,
        customer: &CustomerId,
        environment: Environment,
        client_id: &str,
        client_secret: &Secret,
    ) -> Result<Issued> {
        let url = self.hosts.token(environment, customer)?;
        let body = serde_json::to_vec(&LegacyRequest { client_id, client_secret: client_secret.expose() })
            .map_err(|_| Error::new(ErrorKind::Internal, "The request for a token could not be written."))?;
        let json = HeaderValue::from_static("application/json");
        let headers = vec![(header::ACCEPT, json.clone()), (header::CONTENT_TYPE, json)];
        let response = self.ask_for_token(customer, url, headers, body.into()).await?;
        let answer: LegacyAnswer = parse_json(&response)?;
        let life = match (answer.expires_in, answer.expires_at) {
            (Some(Number(seconds)), _) => Life::Seconds(seconds),
            (None, Some(end)) => Life::Until(end.instant().ok_or_else(no_token)?),
            (None, None) => Life::Seconds(LIFE),
        };
        Ok(Issued { secret: answer.token.into(), life })
    }

    async fn ask_for_token(&self, customer: &CustomerId, url: Url, headers: Headers, body: Bytes) -> Result<Response> {
        let call = self.call(customer, Method::POST, url, headers, body, Repeat::Never)?;
        Ok(self.wire.call(call, envelope::judge_token).await?)
    }
}

/// Carries a request of the `oauth2` crate over our own transport. Owns what it needs, so that the crate's own
/// future is `Send` for every caller.
struct Carrier {
    cloud: CitrixCloud,
    customer: CustomerId,
}

impl<'c> AsyncHttpClient<'c> for Carrier {
    type Error = Error;
    type Future = BoxFuture<'c, Result<HttpResponse>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.cloud.carry(&self.customer, request))
    }
}

/// What an endpoint gave out, before it is believed.
struct Issued {
    secret: Secret,
    life: Life,
}

enum Life {
    Seconds(u64),
    Until(DateTime<Utc>),
}

impl Issued {
    /// Counts from the moment the question left, so the token never seems to live longer than it does.
    fn checked(self, asked_at: DateTime<Utc>) -> Result<AccessToken> {
        let Self { secret, life } = self;
        // T12: it becomes part of a header.
        if secret.is_empty() || !secret.expose().bytes().all(|b| b.is_ascii_graphic()) {
            return Err(no_token());
        }
        let longest = asked_at + TimeDelta::from_std(Duration::from_secs(LONGEST_LIFE)).unwrap_or_default();
        let expires_at = match life {
            Life::Seconds(seconds) => {
                asked_at + TimeDelta::from_std(Duration::from_secs(seconds.min(LONGEST_LIFE))).unwrap_or_default()
            }
            Life::Until(end) => end.min(longest),
        };
        Ok(AccessToken { secret, expires_at })
    }
}

fn no_token() -> Error {
    Error::new(ErrorKind::Protocol, "The token endpoint of Citrix Cloud answered without a usable token.")
}

/// The answer of the current form. `expires_in` is a number in a text.
#[derive(Debug, Deserialize, Serialize)]
struct Answer {
    access_token: oauth2::AccessToken,
    #[serde(default = "bearer", deserialize_with = "oauth2::helpers::deserialize_untagged_enum_case_insensitive")]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

impl TokenResponse for Answer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &oauth2::AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LegacyRequest<'a> {
    client_id: &'a str,
    client_secret: &'a str,
}

/// The answer of the older form, and that of the government cloud, which spells it with capitals.
#[derive(Deserialize)]
struct LegacyAnswer {
    #[serde(alias = "Token")]
    token: String,
    #[serde(default, rename = "expiresIn", alias = "ExpiresIn")]
    expires_in: Option<Number>,
    #[serde(default, rename = "expiresAt", alias = "ExpiresAt")]
    expires_at: Option<End>,
}

/// When a token ends: seconds since 1970, or RFC 3339.
#[derive(Deserialize)]
#[serde(untagged)]
enum End {
    Seconds(i64),
    Text(String),
}

impl End {
    fn instant(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Seconds(seconds) => DateTime::from_timestamp(*seconds, 0),
            Self::Text(text) => match text.parse() {
                Ok(seconds) => DateTime::from_timestamp(seconds, 0),
                Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|end| end.to_utc()),
            },
        }
    }
}

/// Seconds, as a number or as a text.
struct Number(u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
        }
        match Either::deserialize(from)? {
            Either::Number(seconds) => Ok(Self(seconds)),
            Either::Text(text) => text.trim().parse().map(Self).map_err(serde::de::Error::custom),
        }
    }
}

fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<Number>::deserialize(from)?.map(|Number(seconds)| seconds))
}
