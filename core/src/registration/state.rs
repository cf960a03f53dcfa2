use crate::model::ConnectionStatus;

/// Where a connection stands, with "none" for the one that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// There is no connection; nothing is listed.
    None,
    Unregistered,
    Registered,
    Unauthorized,
}

impl State {
    /// Every state, in the order of the table.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 4] = [Self::None, Self::Unregistered, Self::Registered, Self::Unauthorized];

    /// The status that is stored; none for no connection.
    pub(crate) fn status(self) -> Option<ConnectionStatus> {
        match self {
            Self::None => None,
            Self::Unregistered => Some(ConnectionStatus::Unregistered),
            Self::Registered => Some(ConnectionStatus::Registered),
            Self::Unauthorized => Some(ConnectionStatus::Unauthorized),
        }
    }

    /// The word of the table, the same that other languages see.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unregistered => "unregistered",
            Self::Registered => "registered",
            Self::Unauthorized => "unauthorized",
        }
    }
}

impl From<Option<ConnectionStatus>> for State {
    fn from(status: Option<ConnectionStatus>) -> Self {
        match status {
            None => Self::None,
            Some(ConnectionStatus::Unregistered) => Self::Unregistered,
            Some(ConnectionStatus::Registered) => Self::Registered,
            Some(ConnectionStatus::Unauthorized) => Self::Unauthorized,
        }
    }
}
