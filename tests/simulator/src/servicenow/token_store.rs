//! Access and refresh tokens that were handed out.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::client::Client;
use super::record::SysId;
use crate::chance::Chance;
use crate::system::Spoil;

/// One token, access or refresh.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) client_id: String,
    pub(crate) user_id: SysId,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) is_revoked: bool,
    /// Replaced by a newer refresh token.
    pub(crate) is_replaced: bool,
}

impl Token {
    fn is_valid(&self, now: DateTime<Utc>) -> bool {
        !self.is_revoked && !self.is_replaced && self.expires_at > now
    }

    fn belongs(&self, client_id: &str, user_id: SysId) -> bool {
        self.client_id == client_id && self.user_id == user_id
    }
}

/// What a grant gives.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) expires_in_s: i64,
}

/// Whether and how a refresh token comes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithRefresh {
    Yes,
    No,
}

/// All tokens of an instance.
#[derive(Debug, Default)]
pub(crate) struct TokenStore {
    access: HashMap<String, Token>,
    refresh: HashMap<String, Token>,
}

impl TokenStore {
    pub(crate) fn valid_access(&self, value: &str, now: DateTime<Utc>) -> Option<&Token> {
        self.access.get(value).filter(|token| token.is_valid(now))
    }

    pub(crate) fn refresh(&self, value: &str) -> Option<&Token> {
        self.refresh.get(value)
    }

    /// Why a refresh token is no good, if it is not.
    pub(crate) fn refresh_fault(&self, value: &str, client_id: &str, now: DateTime<Utc>) -> Option<&'static str> {
        match self.refresh.get(value) {
            None => Some("refresh token unknown"),
            Some(token) if token.client_id != client_id => Some("refresh token of another client"),
            Some(token) if token.is_replaced => Some("refresh token used twice"),
            Some(token) if token.is_revoked => Some("refresh token revoked"),
            Some(token) if token.expires_at <= now => Some("refresh token expired"),
            Some(_) => None,
        }
    }

    /// A grant that proves the user: the tokens that are still good, or new ones.
    pub(crate) fn grant(
        &mut self,
        client: &Client,
        user_id: SysId,
        with: WithRefresh,
        resets: bool,
        now: DateTime<Utc>,
        chance: &Chance,
    ) -> Granted {
        let (access, expires_in_s) = self.access_for(client, user_id, resets, now, chance);
        if with == WithRefresh::No {
            return Granted { access, refresh: None, expires_in_s };
        }
        let wall = now + TimeDelta::seconds(client.refresh_lifespan_s);
        let known =
            self.refresh.iter_mut().find(|(_, token)| token.belongs(&client.id, user_id) && token.is_valid(now));
        let refresh = match known {
            Some((value, token)) => {
                if resets {
                    token.expires_at = wall;
                }
                value.clone()
            }
            None => self.new_refresh(client, user_id, wall, chance),
        };
        Granted { access, refresh: Some(refresh), expires_in_s }
    }

    /// A refresh with a good token. The wall does not move, with or without rotation.
    pub(crate) fn renew(
        &mut self,
        value: &str,
        client: &Client,
        resets: bool,
        rotates: bool,
        now: DateTime<Utc>,
        chance: &Chance,
    ) -> Option<Granted> {
        let old = self.refresh.get(value)?.clone();
        let (access, expires_in_s) = self.access_for(client, old.user_id, resets, now, chance);
        let refresh = if rotates {
            if let Some(token) = self.refresh.get_mut(value) {
                token.is_replaced = true;
            }
            self.new_refresh(client, old.user_id, old.expires_at, chance)
        } else {
            value.to_owned()
        };
        Some(Granted { access, refresh: Some(refresh), expires_in_s })
    }

    fn access_for(
        &mut self,
        client: &Client,
        user_id: SysId,
        resets: bool,
        now: DateTime<Utc>,
        chance: &Chance,
    ) -> (String, i64) {
        let full = now + TimeDelta::seconds(client.access_lifespan_s);
        let known = self.access.iter_mut().find(|(_, token)| token.belongs(&client.id, user_id) && token.is_valid(now));
        if let Some((value, token)) = known {
            if resets {
                token.expires_at = full;
            }
            return (value.clone(), remaining(token.expires_at, now));
        }
        // What has been dead for a day is purged, as the instance's own job does.
        self.access.retain(|_, token| token.expires_at + TimeDelta::days(1) > now);
        let value = chance.opaque();
        self.access.insert(
            value.clone(),
            Token { client_id: client.id.clone(), user_id, expires_at: full, is_revoked: false, is_replaced: false },
        );
        (value, remaining(full, now))
    }

    fn new_refresh(&mut self, client: &Client, user_id: SysId, expires_at: DateTime<Utc>, chance: &Chance) -> String {
        let value = chance.opaque();
        self.refresh.insert(
            value.clone(),
            Token { client_id: client.id.clone(), user_id, expires_at, is_revoked: false, is_replaced: false },
        );
        value
    }

    /// A token of either kind, good or not.
    pub(crate) fn any(&self, value: &str) -> Option<&Token> {
        self.access.get(value).or_else(|| self.refresh.get(value))
    }

    /// Revokes the tokens whose value fits.
    pub(crate) fn revoke_where(&mut self, fits: impl Fn(&str) -> bool) {
        for (_, token) in self.access.iter_mut().chain(self.refresh.iter_mut()).filter(|(value, _)| fits(value)) {
            token.is_revoked = true;
        }
    }

    /// Expires or revokes one token, whichever kind it is.
    pub(crate) fn spoil(&mut self, value: &str, how: Spoil, now: DateTime<Utc>) -> bool {
        match self.access.get_mut(value).or_else(|| self.refresh.get_mut(value)) {
            Some(token) => {
                apply(token, how, now);
                true
            }
            None => false,
        }
    }

    /// Expires or revokes all tokens of some kinds, of one user or of all; returns how many.
    pub(crate) fn spoil_all(
        &mut self,
        user: Option<SysId>,
        access: bool,
        refresh: bool,
        how: Spoil,
        now: DateTime<Utc>,
    ) -> usize {
        let mut count = 0;
        let wanted = |token: &&mut Token| user.is_none_or(|user| token.user_id == user);
        let from_access = self.access.values_mut().filter(|_| access);
        let from_refresh = self.refresh.values_mut().filter(|_| refresh);
        for token in from_access.chain(from_refresh).filter(wanted) {
            count += usize::from(token.is_valid(now));
            apply(token, how, now);
        }
        count
    }

    /// Ends a grant altogether.
    pub(crate) fn revoke_grant(&mut self, client_id: &str, user_id: SysId) {
        for token in
            self.access.values_mut().chain(self.refresh.values_mut()).filter(|token| token.belongs(client_id, user_id))
        {
            token.is_revoked = true;
        }
    }
}

fn apply(token: &mut Token, how: Spoil, now: DateTime<Utc>) {
    match how {
        Spoil::Expire => token.expires_at = now - TimeDelta::seconds(1),
        Spoil::Revoke => token.is_revoked = true,
    }
}

/// Whole seconds left; a fresh token of 1800 s says 1799, as the real one does.
fn remaining(until: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    ((until - now).num_milliseconds() - 1).max(0) / 1000
}
