/// What can happen to a connection. Named after what is known to be true, not after what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// The secure client got a token and the account is entitled.
    ConnectOk,
    /// New credentials for the instance passed the connection test.
    SaveOk,
    /// New credentials for the instance did not pass the connection test.
    SaveFailed,
    /// The token endpoint itself refused the stored credentials, and they are still the stored ones.
    CredentialsRejected,
    /// New credentials for an existing registration passed the connection test.
    Reauthenticated,
    /// Somebody wants the registration to end.
    Unregister,
    /// Somebody wants the connection, and all that belongs to it, to be gone.
    Decommission,
}

impl Event {
    /// Every event, in the order of the table.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 7] = [
        Self::ConnectOk,
        Self::SaveOk,
        Self::SaveFailed,
        Self::CredentialsRejected,
        Self::Reauthenticated,
        Self::Unregister,
        Self::Decommission,
    ];

    /// The words of the table's head.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::ConnectOk => "connect ok",
            Self::SaveOk => "save: test ok",
            Self::SaveFailed => "save: test failed",
            Self::CredentialsRejected => "credentials rejected",
            Self::Reauthenticated => "reauthenticated",
            Self::Unregister => "unregister",
            Self::Decommission => "decommission",
        }
    }
}
