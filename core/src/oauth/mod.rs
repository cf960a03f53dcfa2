#![doc = include_str!("README.md")]

mod authorize;
mod callback;
mod doubt;
mod flight;
mod lease;
mod refresh;
mod token;

pub(crate) use self::{
    authorize::{FLOW_LIFE, FlowSecrets, Opening, redirect_url},
    callback::{Answered, Callback, expired},
    refresh::{Tokens, just_replaced, same_credentials},
    token::{
        Access, AccountSecrets, CitrixToken, ConnectionSecrets, RevocationSecrets, SealedClient, SealedToken, TokenSet,
        life,
    },
};
