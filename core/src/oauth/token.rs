use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{authorize::FlowSecrets, flight::Token};
use crate::{
    api::servicenow::Targets,
    clock::Chance,
    config::RENEWAL_MARGIN,
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    secret::{Secret, sealed_form},
    store::{Binding, KeyRing, Sealed},
    transport::secret_header,
};

/// Tokens of one registration, as sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TokenSet {
    #[serde(with = "sealed_form")]
    pub(crate) access: Secret,
    #[serde(with = "sealed_form::option")]
    pub(crate) refresh: Option<Secret>,
    /// When the access token ends.
    pub(crate) expires_at: DateTime<Utc>,
    /// When it is to be renewed.
    pub(crate) renew_at: DateTime<Utc>,
    /// The wall: when the refresh token ends, whatever is done with it.
    pub(crate) refresh_expires_at: Option<DateTime<Utc>>,
}

impl TokenSet {
    /// Every token of the set, for revocation. The refresh token first: it is the one that lives long.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Secret> {
        self.refresh.iter().chain([&self.access])
    }

    /// When what a person has allowed ends: at the wall, or with the access token when there is nothing to renew it by.
    pub(crate) fn consent_ends_at(&self) -> Option<DateTime<Utc>> {
        if self.refresh.is_some() { self.refresh_expires_at } else { Some(self.expires_at) }
    }

    /// When the last of the tokens ends by itself; none where the instance has not said so.
    pub(crate) fn ends_at(&self) -> Option<DateTime<Utc>> {
        if self.refresh.is_none() {
            return Some(self.expires_at);
        }
        self.refresh_expires_at.map(|wall| wall.max(self.expires_at))
    }

    pub(crate) fn holds(&self, token: &Secret) -> bool {
        self.all().any(|own| own.matches(token.expose()))
    }
}

/// The secrets of a connection, sealed as one: they change together or not at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConnectionSecrets {
    /// The endpoint's secret; none for a public client.
    #[serde(with = "sealed_form::option")]
    pub(crate) client_secret: Option<Secret>,
    /// The service account's password; none for a user account.
    #[serde(with = "sealed_form::option")]
    pub(crate) password: Option<Secret>,
    pub(crate) tokens: TokenSet,
    /// The `iss` that came with the consent; once seen, it is asked for every time (RFC 9207, T1).
    #[serde(default)]
    pub(crate) issuer: Option<String>,
}

/// The secrets of an account, sealed as one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccountSecrets {
    #[serde(with = "sealed_form")]
    pub(crate) client_secret: Secret,
    pub(crate) token: Option<CitrixToken>,
}

/// A token of Citrix Cloud: it cannot be refreshed, only asked for again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CitrixToken {
    #[serde(with = "sealed_form")]
    pub(crate) access: Secret,
    pub(crate) renew_at: DateTime<Utc>,
}

/// Tokens that wait to be revoked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RevocationSecrets {
    pub(crate) tokens: Vec<SealedToken>,
    /// The client they were issued to, for a revocation endpoint that asks for it (RFC 7009 section 2.1).
    #[serde(default)]
    pub(crate) client: Option<SealedClient>,
}

/// An OAuth client with its secret, as sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SealedClient {
    pub(crate) client_id: String,
    #[serde(with = "sealed_form::option")]
    pub(crate) client_secret: Option<Secret>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SealedToken(#[serde(with = "sealed_form")] pub(crate) Secret);

macro_rules! sealed {
    ($type:ty, $binding:ident, $($name:ident: $key:ty),+) => {
        impl $type {
            pub(crate) fn seal(&self, ring: &KeyRing, $($name: $key),+) -> Result<Sealed> {
                let plain = zeroize::Zeroizing::new(serde_json::to_vec(self).map_err(|_| unreadable())?);
                ring.seal(&plain, Binding::$binding($($name),+))
            }

            pub(crate) fn open(sealed: Option<&Sealed>, ring: &KeyRing, $($name: $key),+) -> Result<Self> {
                let sealed = sealed.ok_or_else(unreadable)?;
                let plain = ring.open(sealed, Binding::$binding($($name),+))?;
                serde_json::from_slice(&plain).map_err(|_| unreadable())
            }
        }
    };
}
sealed!(AccountSecrets, account, customer: &CustomerId);
sealed!(ConnectionSecrets, connection, customer: &CustomerId, instance: &InstanceId);
sealed!(FlowSecrets, flow, customer: &CustomerId, id: &str);
sealed!(RevocationSecrets, revocation, customer: &CustomerId, id: &str);

fn unreadable() -> Error {
    Error::new(ErrorKind::Sealed, "The sealed secrets of a record cannot be read.")
        .remedy("The record was written by another version or damaged; enter its credentials again.")
}

/// An access token in hand, tied to the one instance it may be sent to (T5, T8), with what every call needs.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) token: Secret,
    /// What shares limits with it.
    pub(crate) remote: Arc<str>,
    /// The instance's address, read once.
    pub(crate) base: Url,
    /// The header that carries the token; never printed.
    pub(crate) authorization: HeaderValue,
    /// The URLs that it has been used for.
    pub(crate) targets: Targets,
}

impl Access {
    pub(crate) fn new(instance_id: &InstanceId, token: &Secret) -> Result<Arc<Self>> {
        let base =
            Url::parse(instance_id.as_str()).map_err(|_| Error::invalid("The instance's address cannot be read."))?;
        let authorization = secret_header(&format!("Bearer {}", token.expose()))?;
        let remote = instance_id.as_str().into();
        let token = token.clone();
        Ok(Arc::new(Self { token, remote, base, authorization, targets: Targets::default() }))
    }
}

impl Token for Arc<Access> {
    fn secret(&self) -> &Secret {
        &self.token
    }
}

/// When a token that was asked for at `asked_at` ends, and when it is to be renewed: ahead of the end by
/// [`RENEWAL_MARGIN`] (by a tenth of its life when that is shorter) and by up to as much again at random, so
/// that many tokens made together are not renewed together.
pub(crate) fn life(chance: &Chance, asked_at: DateTime<Utc>, life: Duration) -> (DateTime<Utc>, DateTime<Utc>) {
    // A year bounds what an answer may claim; the arithmetic cannot overflow below that.
    let life = life.min(Duration::from_secs(366 * 86_400));
    let margin = RENEWAL_MARGIN.min(life / 10);
    let jitter = Duration::from_millis(chance.up_to(u64::try_from(margin.as_millis()).unwrap_or_default()));
    let expires_at = asked_at + life;
    (expires_at, expires_at - margin - jitter.min(life / 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_without_a_refresh_token_ends_with_its_access_token() {
        let (end, wall) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + Duration::from_secs(8_640_000));
        let with = |refresh: Option<Secret>, refresh_expires_at| TokenSet {
            access: Secret::from("a"),
            refresh,
            expires_at: end,
            renew_at: end,
            refresh_expires_at,
        };
        assert_eq!(with(None, None).consent_ends_at(), Some(end));
        assert_eq!(with(Some(Secret::from("r")), Some(wall)).consent_ends_at(), Some(wall));
        assert_eq!(with(Some(Secret::from("r")), None).consent_ends_at(), None, "nobody has said so");
    }
}
