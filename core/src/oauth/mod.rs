//! Tokens: what is kept sealed, how long it lives, and how exactly one exchange serves everybody who waits.

mod flight;
mod refresh;
mod token;

pub(crate) use self::{
    refresh::{Tokens, same_credentials},
    token::{Access, AccountSecrets, CitrixToken, ConnectionSecrets, RevocationSecrets, SealedToken, TokenSet, life},
};
