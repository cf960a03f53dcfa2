//! `oauth_credential`: the tokens as an administrator sees and revokes them.

use super::Moment;
use super::glide::Glide;
use super::record::SysId;
use super::token_store::{Granted, Token};
use crate::chance::stable_hex32;
use crate::clock::glide as glide_time;

/// Writes or renews the rows of what was just granted. The value of a token is not in them.
pub(super) fn show(glide: &mut Glide, granted: &Granted, moment: &Moment<'_>) {
    let values = [("access_token", Some(&granted.access)), ("refresh_token", granted.refresh.as_ref())];
    for (kind, value) in values {
        let Some(value) = value else { continue };
        let Some(Token { client_id, user_id, expires_at, .. }) = glide.tokens.any(value).cloned() else { continue };
        let client = glide.table("oauth_entity").and_then(|table| table.find("client_id", &client_id));
        let peer = client.map(|row| row.id.as_str().to_owned()).unwrap_or_default();
        glide.put(
            "oauth_credential",
            &stable_hex32(value),
            &[
                ("name", kind),
                ("type", kind),
                ("expires", &glide_time(expires_at)),
                ("token_received", &moment.stamp()),
                ("user", user_id.as_str()),
                ("peer", &peer),
                ("sys_created_on", &moment.stamp()),
            ],
        );
    }
}

/// Deleting a row revokes its token.
pub(super) fn deleted(glide: &mut Glide, row: SysId) {
    glide.tokens.revoke_where(|value| stable_hex32(value) == row.as_str());
}
